"""Adamax: Adam by the largest gradient so far in place of the mean of squares."""

from __future__ import annotations

from typing import Any

from ..backend import array_module
from ..kernels.array.optim import blocks
from ..tensor import Tensor
from .optimizer import Optimizer, next_step, no_steps, settings, zeros_like


class Adamax(Optimizer):
    """p -= lr m / a, m the running mean of the gradient, a = max(beta2 a, |g| + eps).

    State of each parameter: step, a 0-d tensor; exp_avg, m, and exp_inf, a, of the parameter's
    shape. Errors as `Adam`. Kingma and Ba, "Adam: a method for stochastic optimization", 2015,
    algorithm 2.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.Adamax([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> round(p.item(), 6)
    0.75
    """

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, settings(locals()))

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": no_steps(),
            "exp_avg": zeros_like(parameter),
            "exp_inf": zeros_like(parameter),
        }

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        xp, (beta1, beta2) = array_module(parameter.array), map(float, group["betas"])
        step_size = float(group["lr"]) / (1 - beta1 ** next_step(state))
        mean, largest = state["exp_avg"].array, state["exp_inf"].array
        for p, g, m, a in blocks(parameter.array, gradient, mean, largest):
            if group["weight_decay"]:
                g = g + group["weight_decay"] * p
            m += (1 - beta1) * (g - m)
            a *= beta2
            xp.maximum(a, xp.abs(g) + group["eps"], out=a)
            p -= step_size * (m / a)
