"""ASGD: gradient descent that also averages the way it took."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.array.optim import blocks
from ..tensor import Tensor, wrap
from .optimizer import Optimizer, next_step, no_steps, settings, zeros_like


class ASGD(Optimizer):
    """p = (1 - lambd eta) p - eta g, eta = lr / (1 + lambd lr t)^alpha; and the mean of p since t0.

    State of each parameter: step, eta and mu (the share of p in the mean), 0-d tensors; ax, the
    mean, of the parameter's shape, which a program may copy into the parameter in the end. Raises
    ValueError for a negative lr or weight_decay, and as `Optimizer` does. Polyak and Juditsky,
    "Acceleration of stochastic approximation by averaging", 1992.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.ASGD([p], lr=0.25, lambd=0)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.item(), optimizer.state[p]["ax"].item()
    (0.5, 0.5)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        # alpha may be negative here: it is no mean's share, as RMSprop's is.
        super().__init__(params, {**settings({**locals(), "alpha": 0}), "alpha": alpha})

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": no_steps(),
            # single precision whatever the parameter's dtype, as in torch
            "eta": wrap(np.asarray(float(group["lr"]), np.float32)),
            "mu": wrap(np.ones((), np.float32)),
            "ax": zeros_like(parameter),
        }

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        lr, lambd = float(group["lr"]), group["lambd"]
        step, eta, mu = next_step(state), state["eta"].array.item(), state["mu"].array.item()
        for p, g, mean in blocks(parameter.array, gradient, state["ax"].array):
            if group["weight_decay"]:
                g = g + group["weight_decay"] * p
            p *= 1 - lambd * eta
            p -= eta * g
            mean += (p - mean) * mu if mu != 1 else p - mean
        state["eta"].array[...] = np.float32(lr / (1 + lambd * lr * step) ** group["alpha"])
        state["mu"].array[...] = np.float32(1 / max(1, step - group["t0"]))
