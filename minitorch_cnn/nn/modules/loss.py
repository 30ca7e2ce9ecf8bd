"""Losses as layers: each holds its settings and calls the function of ops/ with them.

All take a reduction: "mean" over all losses (the default), "sum", or "none", which gives the losses
themselves. A reduction of another name raises ValueError when the loss is called; size_average and
reduce, torch's older way to say it, are taken for it, with a warning. Those with a margin are in
loss_margin.py.
"""

from __future__ import annotations

import warnings
from typing import Any

from ...tensor import Tensor
from .. import functional as classification, functional as regression
from .loss_margin import (  # noqa: F401  torch has them here
    CosineEmbeddingLoss,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    SoftMarginLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
from .reduction import _Loss, _WeightedLoss

__all__ = [
    "CrossEntropyLoss", "NLLLoss", "NLLLoss2d", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss",
    "BCELoss", "BCEWithLogitsLoss", "KLDivLoss", "PoissonNLLLoss", "GaussianNLLLoss",
    "CTCLoss",
]  # fmt: skip


class CrossEntropyLoss(_WeightedLoss):
    """-log softmax(input)[target]: how improbable the scores make the right classes.

    input: scores (C,), (N, C) or (N, C, d1, ...). target: class numbers, integers of the input's
    shape without C; or probabilities of all classes, floating and of the input's shape.
    weight: (C,), a factor for each class, and the mean is a weighted one. ignore_index: this class
    number counts for nothing (all ignored: the mean is NaN). label_smoothing: the part of each
    target, 0 to 1, that is spread over all classes (Szegedy et al., "Rethinking Inception", 2016).
    Raises IndexError for a class out of range (not on a GPU), ValueError for other numbers of
    samples, RuntimeError for other shapes and dtypes that do not fit.

    >>> import minitorch_cnn as mt
    >>> criterion = mt.nn.CrossEntropyLoss()
    >>> criterion(mt.zeros(3, 10), mt.tensor([1, 5, 9]))  # log 10
    tensor(2.3026)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        settings = self.weight, None, self.ignore_index, None, self.reduction, self.label_smoothing
        return classification.cross_entropy(input, target, *settings)


class NLLLoss(_WeightedLoss):
    """-input[target]: `CrossEntropyLoss` of an input that went through log_softmax.

    input: log-probabilities (C,), (N, C) or (N, C, d1, ...); target: class numbers, integers.
    weight, ignore_index and errors as in `CrossEntropyLoss`.

    >>> import minitorch_cnn as mt
    >>> log_p = mt.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
    >>> mt.nn.NLLLoss(reduction="none")(log_p, mt.tensor([1, 0]))  # -log 0.75, -log 0.5
    tensor([0.2877, 0.6931])
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return classification.nll_loss(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class NLLLoss2d(NLLLoss):
    """The old name of `NLLLoss`, with a warning. Shapes and errors as in `NLLLoss`.

    >>> import minitorch_cnn as mt, warnings
    >>> with warnings.catch_warnings(record=True):
    ...     mt.nn.NLLLoss2d()
    NLLLoss2d()
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        warnings.warn(
            "`NLLLoss2d` has been deprecated: use `NLLLoss` instead", FutureWarning, stacklevel=2
        )
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


class MSELoss(_Loss):
    """(input - target)^2, on average over all elements; input and target of the same shape.

    Shapes that only broadcast give a UserWarning, since that is mostly a mistake; others raise
    RuntimeError, as integers do.

    >>> import minitorch_cnn as mt
    >>> mt.nn.MSELoss()(mt.tensor([1.0, 2.0]), mt.tensor([1.0, 4.0]))  # (0 + 4) / 2
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return regression.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """|input - target|, on average over all elements; shapes and errors as in `MSELoss`.

    The gradient's size does not grow with the error, so outliers pull less; at 0 it is 0.

    >>> import minitorch_cnn as mt
    >>> mt.nn.L1Loss()(mt.tensor([1.0, 2.0]), mt.tensor([1.0, 4.0]))  # (0 + 2) / 2
    tensor(1.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return regression.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere, with d = input - target.

    A parabola near the target, `L1Loss` far away; beta 0 is L1Loss. Shapes as in `MSELoss`.
    Raises RuntimeError when called for a negative beta. Girshick, "Fast R-CNN", 2015.

    >>> import minitorch_cnn as mt
    >>> mt.nn.SmoothL1Loss(reduction="none")(mt.tensor([0.5, 3.0]), mt.zeros(2))
    tensor([0.1250, 2.5000])
    """

    def __init__(
        self,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return regression.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) elsewhere, with d = input - target.

    `SmoothL1Loss` times delta. Shapes as in `MSELoss`. Raises RuntimeError when called for a delta
    that is not positive. Huber, "Robust estimation of a location parameter", 1964.

    >>> import minitorch_cnn as mt
    >>> mt.nn.HuberLoss("none", delta=2.0)(mt.tensor([1.0, 3.0]), mt.zeros(2))  # 1 / 2, 2 (3 - 1)
    tensor([0.5000, 4.0000])
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return regression.huber_loss(input, target, self.reduction, self.delta)


class BCELoss(_WeightedLoss):
    """-(target log(input) + (1 - target) log(1 - input)): binary cross entropy of probabilities.

    input, target: of the same shape, 0 to 1. weight: a factor that broadcasts with them. Logarithms
    are cut at -100, so that an input of 0 or 1 costs 100 at most; `BCEWithLogitsLoss` is exact.
    Raises ValueError for different shapes, RuntimeError for an input outside [0, 1] (not on a GPU).

    >>> import minitorch_cnn as mt
    >>> mt.nn.BCELoss(reduction="none")(mt.tensor([0.5, 0.0]), mt.tensor([1.0, 1.0]))
    tensor([  0.6931, 100.0000])
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return regression.binary_cross_entropy(
            input, target, weight=self.weight, reduction=self.reduction
        )


class BCEWithLogitsLoss(_Loss):
    """`BCELoss` of sigmoid(input), without rounding small probabilities to 0.

    input, target: of the same shape, target 0 to 1. weight: a factor for every loss; pos_weight: a
    factor for the term of positive targets only, to balance rare classes; both broadcast.
    Raises ValueError for different shapes.

    >>> import minitorch_cnn as mt
    >>> scores, target = mt.tensor([0.0, -200.0]), mt.tensor([1.0, 1.0])
    >>> mt.nn.BCEWithLogitsLoss(reduction="none")(scores, target)  # -log 0.5, -log of e^-200
    tensor([  0.6931, 200.0000])
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return regression.binary_cross_entropy_with_logits(
            input,
            target,
            weight=self.weight,
            reduction=self.reduction,
            pos_weight=self.pos_weight,
        )


class KLDivLoss(_Loss):
    """target (log(target) - input): how far the log-probabilities input are from target.

    input, target: of the same shape. log_target: target holds log-probabilities too. A target of 0
    costs 0. reduction "batchmean", the sum over the length of dimension 0, is the
    Kullback-Leibler divergence; "mean" divides by all elements, with a UserWarning. Raises when
    called RuntimeError for shapes that do not broadcast, ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> log_p = mt.tensor([[0.5, 0.5]]).log()
    >>> mt.nn.KLDivLoss(reduction="batchmean")(log_p, mt.tensor([[1.0, 0.0]]))  # log(1 / 0.5)
    tensor(0.6931)
    """

    def __init__(
        self,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return regression.kl_div(
            input, target, reduction=self.reduction, log_target=self.log_target
        )


class PoissonNLLLoss(_Loss):
    """exp(input) - target * input: how improbable Poisson counts are, if exp(input) is their mean.

    log_input False: input is the mean itself: input - target * log(input + eps). full: adds
    Stirling's approximation of log(target!) where target > 1. Shapes that broadcast. Raises when
    called RuntimeError for others, ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> mt.nn.PoissonNLLLoss()(mt.tensor([0.0]), mt.tensor([3.0]))  # exp(0) - 3 * 0
    tensor(1.)
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: Any = None,
        eps: float = 1e-8,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return regression.poisson_nll_loss(
            log_input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
        )


class GaussianNLLLoss(_Loss):
    """(log(var) + (input - target)^2 / var) / 2: normally distributed around input.

    var: the variance, a number, of the input's shape, or one for each row of the last dimension; at
    least eps is used. full: adds log(2 pi) / 2. A network that gives input and var says how sure it
    is. Raises ValueError for a negative variance (not on a GPU), or one of another shape. Nix and
    Weigend, "Estimating the mean and variance of the target probability distribution", 1994.

    >>> import minitorch_cnn as mt
    >>> mt.nn.GaussianNLLLoss()(mt.tensor([1.0]), mt.tensor([3.0]), mt.tensor([1.0]))  # 2^2 / 2
    tensor(2.)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Tensor, var: Any) -> Tensor:
        return regression.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )


class CTCLoss(_Loss):
    """-log of the probability that time steps give a target, over all alignments.

    `nn.functional.ctc_loss` says more: called with log_probs (T, N, C), targets (N, S) or one after
    the other, input_lengths and target_lengths (N,). blank: the class that says nothing.
    zero_infinity: a target that is too long costs 0 instead of inf. Raises RuntimeError for shapes,
    lengths or classes that do not fit.

    >>> import minitorch_cnn as mt
    >>> log_p = mt.full((3, 1, 2), 0.5).log()
    >>> mt.nn.CTCLoss()(log_p, mt.tensor([[1]]), mt.tensor([3]), mt.tensor([1]))  # -log 6/8
    tensor(0.2877)
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        return classification.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )
