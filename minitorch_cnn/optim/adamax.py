"""Adamax: Adam by the largest gradient so far in place of the mean of squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.array import optim as kernels
from ..tensor import Tensor, wrap
from .adam import check_betas
from .optimizer import Optimizer, check_settings, next_step, refuse, zeros_like


class Adamax(Optimizer):
    """p -= lr m / a, m the running mean of the gradient, a = max(beta2 a, |g| + eps).

    Kingma and Ba, "Adam", 2015, algorithm 2.

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
        check_settings(lr=lr, eps=eps)
        check_betas(betas)
        check_settings(weight_decay=weight_decay)
        refuse(foreach=foreach, capturable=capturable, differentiable=differentiable)
        defaults = dict(
            lr=lr,
            betas=tuple(betas),
            eps=eps,
            weight_decay=weight_decay,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
            capturable=capturable,
        )
        super().__init__(params, defaults)

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = wrap(np.zeros((), np.float32))
            state["exp_avg"] = zeros_like(parameter)
            state["exp_inf"] = zeros_like(parameter)
        beta1, beta2 = group["betas"]
        kernels.adamax(
            parameter.array,
            gradient,
            state["exp_avg"].array,
            state["exp_inf"].array,
            step=next_step(state),
            lr=float(group["lr"]),
            beta1=float(beta1),
            beta2=float(beta2),
            eps=group["eps"],
            weight_decay=group["weight_decay"],
        )
