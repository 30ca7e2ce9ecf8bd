"""RAdam: Adam that does not trust the mean of squares before it is one of many."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.array import optim as kernels
from ..tensor import Tensor, wrap
from .adam import check_betas
from .optimizer import Optimizer, check_settings, next_step, refuse, zeros_like


class RAdam(Optimizer):
    """`Adam`, whose first steps are those of the mean alone and then grow into Adam's.

    weight_decay: added to the gradient, or, with decoupled_weight_decay, as `AdamW` does.
    Liu et al., "On the variance of the adaptive learning rate and beyond", 2020, algorithm 2.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.RAdam([p], lr=0.125)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> round(p.item(), 6)  # the first step is lr times the gradient
    0.75
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            decoupled_weight_decay=decoupled_weight_decay,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = wrap(np.zeros((), np.float32))
            state["exp_avg"] = zeros_like(parameter)
            state["exp_avg_sq"] = zeros_like(parameter)
        step = next_step(state)
        beta1, beta2 = group["betas"]
        kernels.radam(
            parameter.array,
            gradient,
            state["exp_avg"].array,
            state["exp_avg_sq"].array,
            step=step,
            rectifier=_rectifier(step, beta2),
            lr=float(group["lr"]),
            beta1=float(beta1),
            beta2=float(beta2),
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled=group["decoupled_weight_decay"],
        )


def _rectifier(step: int, beta2: float) -> float | None:
    """The paper's r: how well the mean of `step` squares tells the variance; None for too few.

    rho is the length of a plain mean of as much certainty as the running one.
    """
    longest = 2 / (1 - beta2) - 1
    rho = longest - 2 * step * beta2**step / (1 - beta2**step)
    if rho <= 5:
        return None
    share = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)
    return share**0.5
