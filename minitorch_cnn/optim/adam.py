"""Adam: a step size for every single weight, from running means of gradients and squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..tensor import Tensor, wrap
from .optimizer import Batches, Optimizer, check_settings, next_step, refuse, zeros_like


def check_betas(betas: tuple[float, float]) -> None:
    """Raises ValueError unless both decay rates are in [0, 1)."""
    for index, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")


class Adam(Optimizer):
    """p -= lr m / (sqrt(s) + eps), m and s the running means of the gradient and its square.

    betas: how much of the old means is kept at each step.
    weight_decay: added to the gradient, or, with decoupled_weight_decay, as `AdamW` does.
    amsgrad: divide by the largest s so far. Kingma and Ba, "Adam", 2015, algorithm 1.

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
        check_settings(lr=lr, eps=eps)
        check_betas(betas)
        check_settings(weight_decay=weight_decay)
        refuse(foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused)
        defaults = dict(
            lr=lr,
            betas=tuple(betas),
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=decoupled_weight_decay,
        )
        super().__init__(params, defaults)

    def update_group(
        self, parameters: list[Tensor], gradients: list[Any], group: dict[str, Any]
    ) -> None:
        batches = Batches()
        for parameter, gradient in zip(parameters, gradients, strict=True):
            state = self.state[parameter]
            if not state:
                state["step"] = wrap(np.zeros((), np.float32))
                state["exp_avg"] = zeros_like(parameter)
                state["exp_avg_sq"] = zeros_like(parameter)
                if group["amsgrad"]:
                    state["max_exp_avg_sq"] = zeros_like(parameter)
            mean, square = state["exp_avg"].array, state["exp_avg_sq"].array
            largest = state["max_exp_avg_sq"].array if group["amsgrad"] else None
            batches.add(next_step(state), parameter, gradient, mean, square, largest)
        beta1, beta2 = group["betas"]
        for step, arrays in batches.items():
            kernels.adam_many(
                *arrays,
                step=step,
                lr=float(group["lr"]),
                beta1=float(beta1),
                beta2=float(beta2),
                eps=group["eps"],
                weight_decay=group["weight_decay"],
                decoupled=group["decoupled_weight_decay"],
            )
