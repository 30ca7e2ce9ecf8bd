"""NAdam: Adam with Nesterov's look ahead."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import array_module
from ..kernels.array.optim import blocks
from ..tensor import Tensor, wrap
from .optimizer import Optimizer, next_step, no_steps, settings, zeros_like


class NAdam(Optimizer):
    """`Adam`, whose step is that of the mean after the next gradient, were it like this one.

    momentum_decay: how quickly beta1, at first halved, comes up to its value. weight_decay: added
    to the gradient, or, with decoupled_weight_decay, as `AdamW` does. State as Adam's, of the
    parameter's shape, and mu_product, a 0-d tensor, the product of all beta1 so far. Errors as
    `Adam`. Dozat, "Incorporating Nesterov momentum into Adam", 2016, algorithm 2.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.NAdam([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> round(p.item(), 4)
    0.7359
    """

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, settings(locals()))

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": no_steps(),
            "mu_product": wrap(np.ones((), np.float32)),  # of the momenta of all steps
            "exp_avg": zeros_like(parameter),
            "exp_avg_sq": zeros_like(parameter),
        }

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        step, lr, decay = next_step(state), float(group["lr"]), group["weight_decay"]
        xp, (beta1, beta2) = array_module(parameter.array), map(float, group["betas"])
        momentum, next_momentum = (
            beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1)
        )
        state["mu_product"].array *= momentum
        product = float(state["mu_product"].array)
        gradient_rate = lr * (1 - momentum) / (1 - product)
        mean_rate = lr * next_momentum / (1 - product * next_momentum)
        mean, square = state["exp_avg"].array, state["exp_avg_sq"].array
        for p, g, m, s in blocks(parameter.array, gradient, mean, square):
            if decay and group["decoupled_weight_decay"]:
                p *= 1 - lr * decay
            elif decay:
                g = g + decay * p
            m += (1 - beta1) * (g - m)
            s *= beta2
            s += (1 - beta2) * g * g
            root = xp.sqrt(s / (1 - beta2**step)) + group["eps"]
            p -= gradient_rate * (g / root)
            p -= mean_rate * (m / root)
