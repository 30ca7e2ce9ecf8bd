"""AdamW: Adam whose weight decay does not pass through the running means."""

from __future__ import annotations

from typing import Any

from .adam import Adam
from .optimizer import settings


class AdamW(Adam):
    """`Adam`, but weight decay shrinks the weights directly: p *= 1 - lr weight_decay.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.

    >>> import minitorch_cnn as mt
    >>> mt.optim.AdamW([mt.nn.Parameter(mt.ones(2))]).param_groups[0]["weight_decay"]
    0.01
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
