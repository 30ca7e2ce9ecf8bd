"""Adagrad: gradients divided by the root of the sum of all their squares."""

from __future__ import annotations

from typing import Any

from ..backend import array_module
from ..kernels.array.optim import blocks
from ..tensor import Tensor
from .optimizer import Optimizer, next_step, no_steps, settings, zeros_like


class Adagrad(Optimizer):
    """p -= lr' g / (sqrt(t) + eps), t the sum of g^2, lr' = lr / (1 + (steps - 1) lr_decay).

    State of each parameter, there from the start: step, a 0-d tensor, and sum, t, of the
    parameter's shape, at first initial_accumulator_value. Raises ValueError for a negative setting,
    and as `Optimizer` does. Duchi et al., "Adaptive subgradient methods for online learning", 2011.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.Adagrad([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> round(p.item(), 6)  # the first step is lr times the sign of g
    0.75
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, settings(locals()))
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter] = self.begin(parameter, group)

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        total = zeros_like(parameter)
        total.array.fill(group["initial_accumulator_value"])
        return {"step": no_steps(), "sum": total}

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        xp, step = array_module(parameter.array), next_step(state)
        lr = float(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        for p, g, t in blocks(parameter.array, gradient, state["sum"].array):
            if group["weight_decay"]:
                g = g + group["weight_decay"] * p
            t += g * g
            root = xp.sqrt(t)
            root += group["eps"]
            p -= lr * (g / root)
