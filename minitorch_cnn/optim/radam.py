"""RAdam: Adam that does not trust the mean of squares before it is one of many."""

from __future__ import annotations

from typing import Any

from ..backend import array_module
from ..kernels.array.optim import blocks
from ..tensor import Tensor
from .optimizer import Optimizer, next_step, no_steps, settings, zeros_like


class RAdam(Optimizer):
    """`Adam`, whose first steps are those of the mean alone and then grow into Adam's.

    weight_decay: added to the gradient, or, with decoupled_weight_decay, as `AdamW` does.
    State, shapes and errors are those of `Adam`.
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
        super().__init__(params, settings(locals()))

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": no_steps(),
            "exp_avg": zeros_like(parameter),
            "exp_avg_sq": zeros_like(parameter),
        }

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        step, lr, decay = next_step(state), float(group["lr"]), group["weight_decay"]
        xp, (beta1, beta2) = array_module(parameter.array), map(float, group["betas"])
        share = rectifier(step, beta2)
        mean, square = state["exp_avg"].array, state["exp_avg_sq"].array
        for p, g, m, s in blocks(parameter.array, gradient, mean, square):
            if decay and group["decoupled_weight_decay"]:
                p *= 1 - lr * decay
            elif decay:
                g = g + decay * p
            m += (1 - beta1) * (g - m)
            s *= beta2
            s += (1 - beta2) * g * g
            update = m / (1 - beta1**step) * lr
            if share is not None:
                update *= (1 - beta2**step) ** 0.5 / (xp.sqrt(s) + group["eps"]) * share
            p -= update


def rectifier(step: int, beta2: float) -> float | None:
    """The paper's r: how well the mean of `step` squares tells the variance; None for too few.

    rho is the length of a plain mean of as much certainty as the running one.
    """
    longest = 2 / (1 - beta2) - 1
    rho = longest - 2 * step * beta2**step / (1 - beta2**step)
    if rho <= 5:
        return None
    share = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)
    return share**0.5
