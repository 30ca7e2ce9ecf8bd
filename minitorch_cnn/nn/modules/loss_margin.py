"""Losses with a margin, as layers: what is right by more than the margin costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...tensor import Tensor
from .. import functional as margin
from ..functional import pairwise_distance
from .reduction import _Loss, _WeightedLoss

__all__ = [
    "MarginRankingLoss", "HingeEmbeddingLoss", "CosineEmbeddingLoss", "SoftMarginLoss",
    "MultiMarginLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]  # fmt: skip


class MarginRankingLoss(_Loss):
    """max(0, margin - target (input1 - input2)): target 1 wants input1 larger, -1 input2.

    All three of the same shape. Raises RuntimeError for different numbers of dimensions.

    >>> import minitorch_cnn as mt
    >>> loss = mt.nn.MarginRankingLoss()
    >>> loss(mt.tensor([1.0]), mt.tensor([3.0]), mt.tensor([1]))
    tensor(2.)
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return margin.margin_ranking_loss(
            input1, input2, target, self.margin, reduction=self.reduction
        )


class HingeEmbeddingLoss(_Loss):
    """input (a distance) where target is 1, max(0, margin - input) where it is -1.

    input, target: any shape, the same. Pulls what belongs together, pushes the rest margin away.
    Raises when called RuntimeError for shapes that do not broadcast, ValueError for another
    reduction.

    >>> import minitorch_cnn as mt
    >>> distances = mt.tensor([0.25, 0.25])
    >>> mt.nn.HingeEmbeddingLoss(reduction="none")(distances, mt.tensor([1, -1]))
    tensor([0.2500, 0.7500])
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return margin.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """1 - cos where target is 1, max(0, cos - margin) where it is -1; cos of the angle between.

    input1, input2: (N, D) with target (N,), or (D,) with a target of no dimensions; else raises
    RuntimeError.

    >>> import minitorch_cnn as mt
    >>> a, b = mt.tensor([[1.0, 0.0]]), mt.tensor([[0.0, 1.0]])
    >>> mt.nn.CosineEmbeddingLoss()(a, b, mt.tensor([1]))
    tensor(1.)
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return margin.cosine_embedding_loss(
            input1, input2, target, self.margin, reduction=self.reduction
        )


class SoftMarginLoss(_Loss):
    """log(1 + exp(-target input)), target 1 or -1, of the input's shape: a smooth form of a margin.

    Stays finite where exp overflows. Raises when called RuntimeError for shapes that do not
    broadcast, ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> mt.nn.SoftMarginLoss(reduction="none")(mt.tensor([0.0, -200.0]), mt.tensor([1, 1]))
    tensor([  0.6931, 200.0000])
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return margin.soft_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """sum over wrong classes i of max(0, margin - input[target] + input[i])^p / C.

    input: (N, C) or (C,) scores; target: (N,) or () class numbers, integers. p: 1 or 2.
    weight: (C,), a factor for each target class. Raises ValueError for another p, RuntimeError for
    a class out of range (not on a GPU) and shapes that do not fit. Crammer and Singer, "On the
    algorithmic implementation of multiclass kernel-based vector machines", 2001.

    >>> import minitorch_cnn as mt
    >>> scores = mt.tensor([[0.5, 1.0, 0.0]])
    >>> mt.nn.MultiMarginLoss()(scores, mt.tensor([1]))  # (0.5 + 0) / 3
    tensor(0.1667)
    """

    def __init__(
        self,
        p: float = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"only p == 1 and p == 2 supported, got p={p}")
        if weight is not None and weight.ndim != 1:
            raise ValueError(f"weight must be 1-dimensional, got {weight.ndim} dimensions")
        self.p, self.margin = p, margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return margin.multi_margin_loss(
            input, target, self.p, self.margin, self.weight, reduction=self.reduction
        )


class MultiLabelMarginLoss(_Loss):
    """sum over right classes y and wrong ones i of max(0, 1 - input[y] + input[i]) / C.

    input: (N, C) or (C,) scores; target: of the same shape, integers: the numbers of the right
    classes, then a -1, and what follows counts for nothing.
    Raises RuntimeError for another shape or dtype, or a class out of range (not on a GPU).

    >>> import minitorch_cnn as mt
    >>> scores = mt.tensor([0.0, 0.5, 1.0])
    >>> mt.nn.MultiLabelMarginLoss()(scores, mt.tensor([2, -1, 0]))  # (0 + 0.5) / 3
    tensor(0.1667)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return margin.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Binary cross entropy of sigmoid(input) for each class, averaged over the classes.

    input: (..., C) scores; target: of the same shape, 0 or 1; weight: (C,), a factor for each
    class. reduction "none" gives (...), one loss for each sample. Raises when called RuntimeError
    for shapes that do not broadcast, ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> scores, right = mt.tensor([[0.0, 0.0]]), mt.tensor([[1.0, 0.0]])
    >>> mt.nn.MultiLabelSoftMarginLoss()(scores, right)  # log 2
    tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return margin.multilabel_soft_margin_loss(
            input, target, self.weight, reduction=self.reduction
        )


class TripletMarginLoss(_Loss):
    """max(0, margin + |anchor - positive| - |anchor - negative|), distances of vectors (..., D).

    p, eps: of `PairwiseDistance`. swap: takes |positive - negative| where that is smaller.
    Raises ValueError for a margin that is not positive, RuntimeError for different numbers of
    dimensions. Balntas et al., "Learning local feature descriptors with triplets and shallow
    convolutional neural networks", 2016.

    >>> import minitorch_cnn as mt
    >>> a, near, far = mt.tensor([[0.0]]), mt.tensor([[1.0]]), mt.tensor([[1.5]])
    >>> mt.nn.TripletMarginLoss(eps=0.0)(a, near, far)  # 1 + 1 - 1.5
    tensor(0.5000)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(f"margin must be greater than 0, got {margin}")
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return margin.triplet_margin_loss(
            anchor,
            positive,
            negative,
            self.margin,
            self.p,
            self.eps,
            self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """`TripletMarginLoss` with a distance of one's own.

    distance_function: of two tensors of vectors (..., D), gives (...); None: `pairwise_distance`.
    Raises ValueError for a margin that is not positive, RuntimeError for different numbers of
    dimensions.

    >>> import minitorch_cnn as mt
    >>> loss = mt.nn.TripletMarginWithDistanceLoss(
    ...     distance_function=lambda x, y: (x - y).abs().amax(-1)
    ... )
    >>> loss(mt.zeros(2), mt.tensor([1.0, 0.0]), mt.tensor([0.5, 1.5]))  # 1 + 1 - 1.5
    tensor(0.5000)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(f"margin must be greater than 0, got {margin}")
        self.distance_function = (
            pairwise_distance if distance_function is None else distance_function
        )
        self.margin, self.swap = margin, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return margin.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
