"""Adadelta: steps as long as the steps so far, by the running means of squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.array import optim as kernels
from ..tensor import Tensor, wrap
from .optimizer import Optimizer, check_settings, next_step, refuse, zeros_like


class Adadelta(Optimizer):
    """p -= lr u, u = g sqrt(c + eps) / sqrt(s + eps), s and c the running means of g^2 and u^2.

    So u has the unit of the weights, whatever the unit of the loss. rho: how much of the old means
    is kept. Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

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
        check_settings(lr=lr, eps=eps, weight_decay=weight_decay)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        refuse(foreach=foreach, capturable=capturable, differentiable=differentiable)
        defaults = dict(
            lr=lr,
            rho=rho,
            eps=eps,
            weight_decay=weight_decay,
            maximize=maximize,
            capturable=capturable,
            foreach=foreach,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = wrap(np.zeros((), np.float32))
            state["square_avg"] = zeros_like(parameter)
            state["acc_delta"] = zeros_like(parameter)
        next_step(state)
        kernels.adadelta(
            parameter.array,
            gradient,
            state["square_avg"].array,
            state["acc_delta"].array,
            lr=float(group["lr"]),
            rho=group["rho"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
        )
