"""Losses of a classification: cross_entropy and nll_loss. Others: breadth/nn_loss_*.py.

Both work on rows: an input (N, C, H, W) of C scores at every pixel is N*H*W rows of C scores, with
a target class for each. A loss for each row first, then weights and the mean over rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..autograd.function import Function
from ..autograd.names import called
from ..tensor import Tensor, shape_text, wrap
from .arguments import legacy_reduction
from .arithmetic import where
from .common import same_device
from .exponentials import log_softmax
from .positions import gather
from .precision import full_precision
from .reduce import mean

__all__ = ["cross_entropy", "nll_loss"]


class CrossEntropy(Function):
    """l_r = log(sum_c exp(x_rc)) - x_rt, t the target of row r; and p = softmax(x)

    p is an output of its own so that backward, gx = gl (p - onehot(t)), can be differentiated
    again without computing p anew.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        losses, p = (wrap(array) for array in kernels.cross_entropy(x.array, target.array))
        ctx.save_for_backward(p, target)
        ctx.set_materialize_grads(False)
        return losses, p

    @staticmethod
    def backward(ctx: Any, gl: Tensor | None, gp: Tensor | None) -> tuple:
        p, target = ctx.saved_tensors
        gx = None if gl is None else CrossEntropyBackward.apply(gl, p, target)
        if gp is not None:  # dp_i / dx_j = p_i (delta_ij - p_j)
            weighted = gp * p
            through_p = weighted - p * weighted.sum(dim=1, keepdim=True)
            gx = through_p if gx is None else gx + through_p
        return gx, None


class CrossEntropyBackward(Function):
    """gx = gl (p - onehot(t)), for each row"""

    @staticmethod
    def forward(ctx: Any, gl: Tensor, p: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(gl, p, target)
        return wrap(kernels.cross_entropy_backward(gl.array, p.array, target.array))

    @staticmethod
    def backward(ctx: Any, ggx: Tensor) -> tuple:
        gl, p, target = ctx.saved_tensors
        picked = gather(ggx, 1, target.unsqueeze(1)).squeeze(1)
        return (ggx * p).sum(dim=1) - picked, ggx * gl.unsqueeze(1), None


# ------------------------------------------------------------------------ public functions


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """How improbable the right classes are: -log softmax(input)[target], on average.

    input: scores (not probabilities), (C,), (N, C) or (N, C, d1, ...).
    target: class numbers without the dimension C, integers; or probabilities of all classes, of
    the input's shape and floating.
    weight: (C,), a factor for each class; the mean is then a weighted one.
    ignore_index: targets with this number count for nothing.
    reduction: "mean", "sum" or "none". label_smoothing: the fraction of each target, in [0, 1],
    that is spread evenly over all classes (Szegedy et al., "Rethinking Inception", 2016).

    Raises ValueError or RuntimeError for shapes or dtypes that do not fit, and IndexError for a
    class that is out of range (not on a GPU, where looking at the values would wait for it).

    >>> import minitorch_cnn as mt
    >>> scores = mt.tensor([[0.0, 0.0], [0.0, 0.0]])
    >>> mt.nn.functional.cross_entropy(scores, mt.tensor([0, 1]))  # log 2
    tensor(0.6931)
    """
    reduction = check_reduction("cross_entropy", size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    input, weight = full_precision(input, weight)
    _check_scores(input, weight)
    if target.shape == input.shape:
        return _with_probabilities(input, target, weight, reduction, label_smoothing)
    rows, classes, all_count = _as_rows(input, target, ignore_index)
    if weight is None and label_smoothing == 0.0 and all_count:
        losses, _ = CrossEntropy.apply(rows, classes)
        return reduce_losses(losses if target.ndim == 1 else losses.view_as(target), reduction)
    counts = classes != ignore_index
    safe = where(counts, classes, 0)
    if label_smoothing == 0.0:
        losses, _ = CrossEntropy.apply(rows, safe)
        return _reduce_rows(losses, safe, counts, weight, reduction, target)
    log_p = log_softmax(rows, 1)
    losses = -gather(log_p, 1, safe.unsqueeze(1)).squeeze(1)
    spread = -(log_p if weight is None else log_p * weight).sum(dim=1)
    losses = losses if weight is None else losses * weight[safe]
    share = label_smoothing / rows.shape[1]
    losses = losses * (1 - label_smoothing) + spread * share
    return _reduce_rows(losses, safe, counts, weight, reduction, target, weighted=True)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[target], on average: `cross_entropy` of an input that went through log_softmax.

    input: (C,), (N, C) or (N, C, d1, ...); target: integers, without the dimension C. weight,
    ignore_index and reduction are those of `cross_entropy`. Raises as `cross_entropy` does, and
    ValueError for a 0-d input.

    >>> import minitorch_cnn as mt
    >>> log_p = mt.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
    >>> mt.nn.functional.nll_loss(log_p, mt.tensor([1, 0]), reduction="none")
    tensor([0.2877, 0.6931])
    """
    reduction = check_reduction("nll_loss", size_average, reduce, reduction)
    if input.ndim == 0:
        raise ValueError("nll_loss: Expected 1 or more dimensions (got 0)")
    input, weight = full_precision(input, weight)
    _check_scores(input, weight)
    rows, classes, _ = _as_rows(input, target, ignore_index)
    counts = classes != ignore_index
    safe = where(counts, classes, 0)
    losses = -gather(rows, 1, safe.unsqueeze(1)).squeeze(1)
    loss = _reduce_rows(losses, safe, counts, weight, reduction, target)
    return called(loss, "NllLossBackward0" if input.ndim < 3 else "NllLoss2DBackward0")


def check_reduction(name: str, size_average: Any, reduce: Any, reduction: str) -> str:
    """The reduction. Raises for one that does not exist; torch's two old ways to say it warn."""
    if size_average is not None or reduce is not None:
        return legacy_reduction(size_average, reduce)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"{reduction} is not a valid value for reduction: use 'mean', 'sum' or 'none'"
        )
    return reduction


def reduce_losses(losses: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of losses, or themselves for "none"."""
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else mean(losses)


def _check_scores(input: Tensor, weight: Tensor | None) -> None:
    if input.ndim == 0:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"input must hold floating-point scores, got {input.dtype}")
    classes = input.shape[1] if input.ndim > 1 else input.shape[0]
    if weight is not None and (weight.shape != (classes,) or weight.dtype is not input.dtype):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes, of "
            f"{input.dtype} as the scores; got {weight.dtype} of shape {shape_text(weight.shape)}"
        )


def _as_rows(input: Tensor, target: Tensor, ignore_index: int) -> tuple[Tensor, Tensor, bool]:
    """Scores as (R, C), classes as (R,), checked; whether it is known that no row is ignored."""
    if target.dtype.category != 1:
        raise RuntimeError(
            f"target must be integer class numbers (mt.int64), or probabilities of the input's "
            f"shape {shape_text(input.shape)}; got {target.dtype} of shape "
            f"{shape_text(target.shape)}"
        )
    same_device(input, target)
    if input.ndim == 1:
        input, target = input.unsqueeze(0), target.unsqueeze(0)
    if target.ndim and input.shape[0] != target.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size "
            f"({target.shape[0]})."
        )
    if target.shape != (input.shape[0], *input.shape[2:]):
        raise RuntimeError(
            f"size mismatch (got input: {shape_text(input.shape)}, target: "
            f"{shape_text(target.shape)}): 0D or 1D target tensor expected, or input's less dim 1"
        )
    channels = input.shape[1]
    all_count = _all_count(target.array, channels, ignore_index)
    if input.ndim > 2:
        input = input.movedim(1, -1).reshape(target.numel(), channels)
        target = target.reshape(target.numel())
    return input, target.long(), all_count


def _all_count(target: Any, classes: int, ignore_index: int) -> bool:
    """Whether no class is to be ignored. Raises IndexError that quotes the first class number that
    is out of range. On a GPU nobody looks: every step would wait for it."""
    if not isinstance(target, np.ndarray):
        return False
    if target.size and target.min() >= 0 and target.max() < classes:  # the usual case
        return not 0 <= ignore_index < classes or not (target == ignore_index).any()
    wrong = ((target < 0) | (target >= classes)) & (target != ignore_index)
    if wrong.any():
        position = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise IndexError(
            f"Target {target[position]} is out of bounds: it is at position {list(position)} of "
            f"the target, and there are {classes} classes, numbered from 0 to {classes - 1} "
            f"(ignore_index is {ignore_index})."
        )
    return not (target == ignore_index).any()


def _reduce_rows(
    losses: Tensor,
    classes: Tensor,
    counts: Tensor,
    weight: Tensor | None,
    reduction: str,
    target: Tensor,
    weighted: bool = False,
) -> Tensor:
    """Losses of rows -> the loss: 0 where `counts` is False, times the weight of the class.

    weighted: the losses have their weights already.
    """
    factors = None if weight is None else weight[classes]
    if factors is not None and not weighted:
        losses = losses * factors
    losses = where(counts, losses, 0.0)
    if reduction == "none":
        return losses.reshape(target.shape)
    if reduction == "sum":
        return losses.sum()
    factors = counts.to(losses.dtype) if factors is None else where(counts, factors, 0.0)
    return losses.sum() / factors.sum()  # NaN, as in torch, if no row counts


def _with_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    """Cross entropy with a whole distribution for each row: -sum_c target_c log p_c."""
    if not target.dtype.is_floating_point:
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {target.dtype}"
        )
    same_device(input, target)
    dim = 1 if input.ndim > 1 else 0
    classes = input.shape[dim]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    terms = target * log_softmax(input, dim)
    if weight is not None:
        terms = terms * weight.reshape(classes, *[1] * (input.ndim - dim - 1))
    return reduce_losses(-terms.sum(dim=dim), reduction)
