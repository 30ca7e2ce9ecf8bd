"""RMSprop: gradients divided by their running root mean square."""

from __future__ import annotations

from typing import Any

from ..backend import array_module
from ..kernels.array.optim import blocks
from ..tensor import Tensor
from .optimizer import Optimizer, next_step, no_steps, settings, zeros_like


class RMSprop(Optimizer):
    """p -= lr g / (sqrt(s) + eps), with s = alpha s + (1 - alpha) g^2.

    centered: s less the square of the running mean of g, an estimate of g's variance.
    momentum: p -= lr v, with v = momentum v + g / (sqrt(s) + eps). State of each parameter: step, a
    0-d tensor; square_avg, s, and where they are used momentum_buffer, v, and grad_avg, all of the
    parameter's shape. Raises ValueError for a negative setting, and as `Optimizer` does.
    Hinton's lecture 6e of "Neural networks for machine learning", 2012.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.RMSprop([p], lr=0.05)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> round(p.item(), 6)  # s = 0.01 g^2, so the first step is lr / 0.1
    0.5
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, settings(locals()))

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = {
            "step": no_steps(),
            "square_avg": zeros_like(parameter),
        }
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_like(parameter)
        if group["centered"]:
            state["grad_avg"] = zeros_like(parameter)
        return state

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        next_step(state)
        xp, lr, alpha = array_module(parameter.array), float(group["lr"]), group["alpha"]
        square = state["square_avg"].array
        mean = state["grad_avg"].array if group["centered"] else None
        velocity = state["momentum_buffer"].array if group["momentum"] > 0 else None
        for p, g, s, m, v in blocks(parameter.array, gradient, square, mean, velocity):
            if group["weight_decay"]:
                g = g + group["weight_decay"] * p
            s *= alpha
            s += (1 - alpha) * g * g
            if m is None:
                root = xp.sqrt(s)
            else:
                m += (1 - alpha) * (g - m)
                root = xp.sqrt(s - m * m)
            root += group["eps"]
            if v is None:
                p -= lr * (g / root)
            else:
                v *= group["momentum"]
                v += g / root
                p -= lr * v
