"""AdamW: Adam whose weight decay does not pass through the running means."""

from __future__ import annotations

from typing import Any

from .adam import Adam
from .optimizer import settings


class AdamW(Adam):
    """`Adam`, but weight decay shrinks the weights directly: p *= 1 - lr weight_decay.

    State, shapes and errors are those of `Adam`.
    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.AdamW([p], lr=0.5, weight_decay=0.5)
    >>> p.grad = mt.tensor([0.0])
    >>> optimizer.step()
    >>> p.item()  # no gradient, so only 1 - 0.5 * 0.5
    0.75
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, **settings(locals()), decoupled_weight_decay=True)
