"""Rprop: a step size for every single weight, from the signs of its gradients alone."""

from __future__ import annotations

from typing import Any

from ..backend import array_module
from ..kernels.array.optim import blocks
from ..tensor import Tensor, wrap
from .optimizer import Optimizer, next_step, no_steps, settings, zeros_like


class Rprop(Optimizer):
    """p -= step sign(g); step grows while the sign stays and shrinks when it changes.

    etas: the two factors, below and above 1. step_sizes: the smallest and the largest step; lr is
    the first one. After a change of sign there is one pause. It wants the gradient of the same
    data each time, so no batches. State of each parameter: step, a 0-d tensor; prev, the last
    gradient, and step_size, of the parameter's shape. Raises ValueError for a negative lr or other
    etas, and as `Optimizer` does. Riedmiller and Braun, "A direct adaptive method for faster
    backpropagation learning", 1993.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.Rprop([p], lr=0.25)
    >>> for _ in range(2):
    ...     p.grad = mt.tensor([3.0])
    ...     optimizer.step()
    >>> round(p.item(), 6)  # 1 - 0.25 - 0.25 * 1.2
    0.45
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        chosen = settings(locals())
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, chosen)

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        first = array_module(parameter.array).full_like(parameter.array, float(group["lr"]))
        return {"step": no_steps(), "prev": zeros_like(parameter), "step_size": wrap(first)}

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        xp = array_module(parameter.array)
        next_step(state)
        (shrink, grow), (least, most) = group["etas"], group["step_sizes"]
        previous, sizes = state["prev"].array, state["step_size"].array
        for p, g, before, size in blocks(parameter.array, gradient, previous, sizes):
            agreement = xp.sign(g * before)
            size *= xp.where(agreement > 0, grow, xp.where(agreement < 0, shrink, 1)).astype(
                size.dtype
            )
            xp.clip(size, least, most, out=size)
            g = xp.where(agreement < 0, 0, g).astype(size.dtype)
            p -= xp.sign(g) * size
            before[...] = g
