"""Torch's "Loss functions" that compare numbers: mse_loss, binary cross entropies, kl_div, ...

Each is a formula for one element, and then the mean (or the sum, or neither) over all of them.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from ... import kernels
from ...autograd.function import Function
from ...autograd.modes import no_grad
from ...autograd.names import called
from ...tensor import Tensor, shape_text, wrap
from ..activation import Softplus
from ..arithmetic import where
from ..common import sum_to
from ..elementwise import exp, log, log1p, sigmoid
from ..loss import check_reduction, reduce_losses
from ..precision import full_precision
from .pointwise_binary import xlogy

__all__ = [
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss", "gaussian_nll_loss",
]  # fmt: skip


def _weighted(losses: Tensor, weight: Tensor) -> Tensor:
    if weight.shape != losses.shape:
        raise ValueError(
            f"Weights and input must have the same size: {shape_text(weight.shape)} and "
            f"{shape_text(losses.shape)}"
        )
    return losses * weight


def _reduce_weighted(losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """As `reduce_losses`, with a weight of the losses' shape: "mean" is then the weighted mean."""
    if weight is None:
        return reduce_losses(losses, reduction)
    losses = _weighted(losses, weight)
    return losses.sum() / weight.sum() if reduction == "mean" else reduce_losses(losses, reduction)


def _difference(input: Tensor, target: Tensor) -> Tensor:
    input, target = full_precision(input, target)
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=3,
        )
    return input - target


class SmoothL1(Function):
    """y = d^2 / 2 / beta where |d| < beta, |d| - beta / 2 elsewhere; the slope is never above 1"""

    @staticmethod
    def forward(ctx: Any, d: Tensor, beta: float) -> Tensor:
        ctx.beta = beta
        ctx.save_for_backward(d)
        far = d.abs()
        return where(far < beta, 0.5 * d * d / beta, far - 0.5 * beta)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor, None]:
        (d,) = ctx.saved_tensors
        return gy * (d / ctx.beta).clamp(-1.0, 1.0), None


class Huber(Function):
    """y = d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) elsewhere"""

    @staticmethod
    def forward(ctx: Any, d: Tensor, delta: float) -> Tensor:
        ctx.delta = delta
        ctx.save_for_backward(d)
        far = d.abs()
        return where(far <= delta, 0.5 * d * d, delta * (far - 0.5 * delta))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor, None]:
        (d,) = ctx.saved_tensors
        return gy * d.clamp(-ctx.delta, ctx.delta), None


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input - target)^2, on average. weight: of the input's shape, for a weighted mean.

    Any shape, the same for both; if not, they broadcast with a warning. reduction: "mean", "sum" or
    "none" (that shape). Raises RuntimeError if they do not broadcast, ValueError for another
    reduction or a weight of another shape.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.mse_loss(mt.tensor([1.0, 2.0]), mt.tensor([1.0, 4.0]))
    tensor(2.)
    """
    reduction = check_reduction("mse_loss", size_average, reduce, reduction)
    difference = _difference(input, target)
    loss = _reduce_weighted(difference * difference, weight, reduction)
    return loss if weight is not None else called(loss, "MseLossBackward0")


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input - target|, on average. weight: of the input's shape, for a weighted mean.

    Shapes, reduction and errors are those of `mse_loss`. The slope is 1 or -1 however far they are
    apart, 0 where they are equal.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.l1_loss(mt.tensor([1.0, 2.0]), mt.tensor([1.0, 4.0]))
    tensor(1.)
    """
    reduction = check_reduction("l1_loss", size_average, reduce, reduction)
    return _reduce_weighted(_difference(input, target).abs(), weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere, d = input - target.

    A parabola near 0 and straight lines outside, so that outliers pull no harder. Shapes, reduction
    and errors are those of `mse_loss`, and RuntimeError for a negative beta. Girshick, "Fast
    R-CNN", 2015.

    >>> import minitorch_cnn as mt
    >>> far = mt.tensor([0.5, 3.0])
    >>> mt.nn.functional.smooth_l1_loss(far, mt.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    reduction = check_reduction("smooth_l1_loss", size_average, reduce, reduction)
    if not beta >= 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    d = _difference(input, target)
    return reduce_losses(d.abs() if beta == 0 else SmoothL1.apply(d, beta), reduction)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) elsewhere, d = input - target.

    `smooth_l1_loss` times delta. Shapes, reduction and errors are those of `mse_loss`, and
    RuntimeError for delta <= 0. weight: of the input's shape, a factor for each element. Huber,
    "Robust estimation of a location parameter", 1964.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.huber_loss(mt.tensor([0.5, 3.0]), mt.zeros(2), "none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    reduction = check_reduction("huber_loss", None, None, reduction)
    if not delta > 0:
        raise RuntimeError(
            f"huber_loss does not support non-positive values for delta, got {delta}"
        )
    d = _difference(input, target)
    losses = Huber.apply(d, delta)
    # torch's mean is over the number of elements here, not over the sum of the weights
    return reduce_losses(losses if weight is None else _weighted(losses, weight), reduction)


class BinaryCrossEntropy(Function):
    """l = -(t log x + (1 - t) log(1 - x)), with logarithms of at least -100 (torch's cut)"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(x, target)
        return wrap(kernels.binary_cross_entropy(x.array, target.array))

    @staticmethod
    def backward(ctx: Any, gl: Tensor) -> tuple[Tensor | None, ...]:
        x, target = ctx.saved_tensors
        gx = gt = None
        if ctx.needs_input_grad[0]:
            gx = gl * (x - target) / ((1 - x) * x).clamp(min=1e-12)
        if ctx.needs_input_grad[1]:
            gt = gl * (log1p(-x) - log(x))
        return gx, gt


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-(target log(input) + (1 - target) log(1 - input)), on average.

    input: probabilities; target: the same shape, 0 to 1. weight: a factor that broadcasts.
    reduction: "mean", "sum" or "none". Logarithms are cut off at -100, so that 0 and 1 cost 100 at
    most. Raises ValueError if the shapes differ or for another reduction, RuntimeError for dtypes
    that differ and numbers outside [0, 1] (not on a GPU). `binary_cross_entropy_with_logits` is
    exact where this one rounds.

    >>> import minitorch_cnn as mt
    >>> p = mt.tensor([0.5, 0.0])
    >>> mt.nn.functional.binary_cross_entropy(p, mt.ones(2), reduction="none")
    tensor([  0.6931, 100.0000])
    """
    reduction = check_reduction("binary_cross_entropy", size_average, reduce, reduction)
    if input.shape != target.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}) is deprecated. Please ensure they have the same size."
        )
    if input.dtype is not target.dtype:
        raise RuntimeError(
            f"Found a target of {target.dtype}, but expected {input.dtype} as the input's: use "
            "target.to(input.dtype)"
        )
    for name, x in (("input", input), ("target", target)):
        if not x.is_cuda and not bool(((x.array >= 0) & (x.array <= 1)).all()):
            raise RuntimeError(
                f"all elements of {name} should be between 0 and 1, but they go from "
                f"{x.array.min()} to {x.array.max()}: apply sigmoid() first, or use "
                "binary_cross_entropy_with_logits"
            )
    losses = BinaryCrossEntropy.apply(input, target)
    return reduce_losses(losses if weight is None else losses * weight, reduction)


class BCEWithLogits(Function):
    """l = -w t log s(x) - (1 - t) log(1 - s(x)), s the sigmoid and w the weight of positives"""

    # -log s(x) = softplus(-x), and -log(1 - s(x)) = x + softplus(-x)

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, w: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, target, w)
        minus_log = Softplus.apply(-x, 1.0, math.inf)
        if w is not None:
            minus_log = ((w - 1) * target + 1) * minus_log
        return (1 - target) * x + minus_log

    @staticmethod
    def backward(ctx: Any, gl: Tensor) -> tuple[Tensor | None, ...]:
        x, target, w = ctx.saved_tensors
        if w is None:
            return gl * (sigmoid(x) - target), gl * -x, None
        positive, minus_log = w * target, Softplus.apply(-x, 1.0, math.inf)
        gx = gl * ((positive + 1 - target) * sigmoid(x) - positive)
        return gx, gl * ((w - 1) * minus_log - x), sum_to(gl * target * minus_log, w.shape)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross entropy of sigmoid(input), without rounding small probabilities to 0.

    input, target: the same shape, any; target 0 to 1. weight: a factor that broadcasts. pos_weight:
    a factor for the term of the positive targets, one for each class (broadcasts). reduction:
    "mean", "sum" or "none". Raises ValueError if the shapes differ or for another reduction,
    RuntimeError for a target of integers.

    >>> import minitorch_cnn as mt
    >>> bce = mt.nn.functional.binary_cross_entropy_with_logits
    >>> bce(mt.tensor([0.0, -1000.0]), mt.tensor([1.0, 0.0]), reduction="none")
    tensor([0.6931, 0.0000])
    """
    reduction = check_reduction("binary_cross_entropy_with_logits", size_average, reduce, reduction)
    input, target = full_precision(input, target)
    if input.shape != target.shape:
        raise ValueError(
            f"Target size ({target.shape}) must be the same as input size ({input.shape})"
        )
    if not target.dtype.is_floating_point:
        raise RuntimeError(
            f"result type {input.dtype} can't be cast to the target's {target.dtype}: use "
            "target.to(input.dtype)"
        )
    losses = BCEWithLogits.apply(input, target, pos_weight)
    return reduce_losses(losses if weight is None else losses * weight, reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """target (log target - input), on average: how far input, log-probabilities, is from target.

    Both (N, ...), of probabilities. reduction: "batchmean" is the mathematical divergence: the sum
    divided by N; "mean" divides by the number of elements, and warns; or "sum", "none". log_target:
    target holds log-probabilities too. Raises RuntimeError if the shapes do not broadcast,
    ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> half, sure = mt.tensor([[0.5, 0.5]]), mt.tensor([[1.0, 0.0]])
    >>> mt.nn.functional.kl_div(half.log(), sure, reduction="batchmean")  # log(1 / 0.5)
    tensor(0.6931)
    """
    by_batch = reduction == "batchmean"  # torch divides by N even if the older arguments are given
    if not by_batch or size_average is not None or reduce is not None:
        reduction = check_reduction("kl_div", size_average, reduce, reduction)
    input, target = full_precision(input, target)
    if log_target:
        losses = exp(target) * (target - input)
    else:
        losses = xlogy(target, target) - target * input
    if reduction == "batchmean":
        return losses.sum() / input.shape[0]
    if reduction == "mean" and size_average is None and reduce is None:
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support "
            "size. 'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition.",
            stacklevel=2,
        )
    loss = reduce_losses(losses, reduction)
    return loss / input.shape[0] if by_batch else loss


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """How improbable counts `target` are if they are Poisson-distributed with mean exp(input).

    exp(input) - target input, without the terms in which there is no input. Any shape. log_input
    False: input is the mean itself, and eps keeps its logarithm finite. full: adds Stirling's
    approximation of log(target!) where target is above 1. reduction: "mean", "sum" or "none".
    Raises RuntimeError if the shapes do not broadcast, ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.poisson_nll_loss(mt.tensor([0.0]), mt.tensor([3.0]))  # e^0 - 3 * 0
    tensor(1.)
    """
    reduction = check_reduction("poisson_nll_loss", size_average, reduce, reduction)
    if log_input:
        losses = exp(input) - target * input
    else:
        losses = input - target * log(input + eps)
    if full:
        stirling = target * log(target) - target + 0.5 * log(2 * math.pi * target)
        losses = losses + where(target <= 1, 0.0, stirling)
    return reduce_losses(losses, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: Any = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log(var) + (input - target)^2 / var) / 2: normally distributed around input.

    input, target: any shape. var: the variance, a number or a tensor of the input's shape, or with
    one number for each row of the last dimension (with or without that dimension); at least eps is
    used. full: adds log(2 pi) / 2. reduction: "mean", "sum" or "none". Raises ValueError for a
    negative variance, one of another shape, or another reduction, TypeError for a var of ints.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.gaussian_nll_loss(mt.tensor([1.0]), mt.tensor([3.0]), 1.0)  # (0 + 4) / 2
    tensor(2.)
    """
    reduction = check_reduction("gaussian_nll_loss", None, None, reduction)
    if not isinstance(var, Tensor | float):
        raise TypeError(f"var must be a Tensor or a float, got {type(var).__name__}: {var!r:.60}")
    variance = var if isinstance(var, Tensor) else input.new_full(input.shape, var)
    if variance.shape == input.shape[:-1]:
        variance = variance.unsqueeze(-1)
    elif variance.shape not in (input.shape, (*input.shape[:-1], 1)):
        raise ValueError(
            f"var is of incorrect size: {shape_text(variance.shape)} beside an input of "
            f"{shape_text(input.shape)}"
        )
    if not variance.is_cuda and bool((variance.array < 0).any()):
        lowest = variance.array.min()
        raise ValueError(f"var has negative entry/entries, the lowest is {lowest}")
    variance = variance.clone()
    with no_grad():  # as in torch, the gradient goes past the limit
        variance.clamp_(min=eps)
    losses = 0.5 * (log(variance) + (input - target) ** 2 / variance)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduce_losses(losses, reduction)
