"""Adadelta: steps as long as the steps so far, by the running means of squares."""

from __future__ import annotations

from typing import Any

from ..backend import array_module
from ..kernels.array.optim import blocks
from ..tensor import Tensor
from .optimizer import Optimizer, next_step, no_steps, settings, zeros_like


class Adadelta(Optimizer):
    """p -= lr u, u = g sqrt(c + eps) / sqrt(s + eps), s and c the running means of g^2 and u^2.

    So u has the unit of the weights, whatever the unit of the loss. rho: how much of the old means
    is kept. State of each parameter: step, a 0-d tensor; square_avg, s, and acc_delta, c, of the
    parameter's shape. Raises ValueError for a negative setting or rho outside [0, 1], and as
    `Optimizer` does. Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.Adadelta([p], rho=0.75, eps=1e-2)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> round(p.item(), 4)  # sqrt(0.01) / sqrt(1.01) * 2
    0.801
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, settings(locals()))
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": no_steps(),
            "square_avg": zeros_like(parameter),
            "acc_delta": zeros_like(parameter),
        }

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        next_step(state)
        xp, lr = array_module(parameter.array), float(group["lr"])
        rho, eps = group["rho"], group["eps"]
        square, change = state["square_avg"].array, state["acc_delta"].array
        for p, g, s, c in blocks(parameter.array, gradient, square, change):
            if group["weight_decay"]:
                g = g + group["weight_decay"] * p
            s *= rho
            s += (1 - rho) * g * g
            u = xp.sqrt(c + eps) / xp.sqrt(s + eps) * g
            c *= rho
            c += (1 - rho) * u * u
            p -= lr * u
