"""Adam: a step size for every single weight, from running means of gradients and squares."""

from __future__ import annotations

from typing import Any

from .. import kernels
from ..tensor import Tensor
from .optimizer import Optimizer, batches, next_step, no_steps, settings, zeros_like


class Adam(Optimizer):
    """p -= lr m / (sqrt(s) + eps), m and s the running means of the gradient and its square.

    betas: how much of the old means is kept at each step. weight_decay: added to the gradient, or,
    with decoupled_weight_decay, as `AdamW` does. amsgrad: divide by the largest s so far. State of
    each parameter: step, a 0-d tensor; exp_avg, m, exp_avg_sq, s, and with amsgrad max_exp_avg_sq,
    all of the parameter's shape. Raises ValueError for a negative setting or a beta outside [0, 1),
    and as `Optimizer` does. Kingma and Ba, "Adam: a method for stochastic optimization", 2015,
    algorithm 1.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.Adam([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> round(p.item(), 6)
    0.75
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, settings(locals()))

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = {
            "step": no_steps(),
            "exp_avg": zeros_like(parameter),
            "exp_avg_sq": zeros_like(parameter),
        }
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(parameter)
        return state

    def update_group(
        self, parameters: list[Tensor], gradients: list[Any], group: dict[str, Any]
    ) -> None:
        rows = []
        for parameter, gradient in zip(parameters, gradients, strict=True):
            state = self.remembered(parameter, group)
            mean, square = state["exp_avg"].array, state["exp_avg_sq"].array
            largest = state["max_exp_avg_sq"].array if group["amsgrad"] else None
            rows.append((next_step(state), parameter.array, gradient, mean, square, largest))
        beta1, beta2 = map(float, group["betas"])
        for step, arrays in batches(rows):
            kernels.adam(
                *arrays,
                step=step,
                lr=float(group["lr"]),
                beta1=beta1,
                beta2=beta2,
                eps=group["eps"],
                weight_decay=group["weight_decay"],
                decoupled=group["decoupled_weight_decay"],
            )
