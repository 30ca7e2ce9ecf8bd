"""What all losses share: how they are reduced to one number, and perhaps a weight."""

from __future__ import annotations

from typing import Any

from ...ops.arguments import legacy_reduction
from ...tensor import Tensor
from .module import Module


class _Loss(Module):
    """A loss with a reduction: "mean", "sum" or "none".

    size_average and reduce, torch's older arguments, are taken for it, with a warning.
    """

    def __init__(
        self, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = legacy_reduction(size_average, reduce)
        self.reduction = reduction


class _WeightedLoss(_Loss):
    """A loss with a weight, which moves with the module as a buffer."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
