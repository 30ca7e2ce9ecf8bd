"""RMSprop: gradients divided by their running root mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.array import optim as kernels
from ..tensor import Tensor, wrap
from .optimizer import Optimizer, check_settings, next_step, refuse, zeros_like


class RMSprop(Optimizer):
    """p -= lr g / (sqrt(s) + eps), with s = alpha s + (1 - alpha) g^2.

    centered: s less the square of the running mean of g, an estimate of g's variance.
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
        check_settings(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        refuse(foreach=foreach, capturable=capturable, differentiable=differentiable)
        defaults = dict(
            lr=lr,
            momentum=momentum,
            alpha=alpha,
            eps=eps,
            centered=centered,
            weight_decay=weight_decay,
            capturable=capturable,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = wrap(np.zeros((), np.float32))
            state["square_avg"] = zeros_like(parameter)
            if group["momentum"] > 0:
                state["momentum_buffer"] = zeros_like(parameter)
            if group["centered"]:
                state["grad_avg"] = zeros_like(parameter)
        next_step(state)
        kernels.rmsprop(
            parameter.array,
            gradient,
            state["square_avg"].array,
            state["grad_avg"].array if group["centered"] else None,
            state["momentum_buffer"].array if group["momentum"] > 0 else None,
            lr=float(group["lr"]),
            alpha=group["alpha"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
        )
