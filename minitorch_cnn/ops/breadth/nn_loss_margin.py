"""Torch's "Loss functions" with a margin: what is right by more than the margin costs nothing.

Nearly all are a relu of (margin - how right it is), then the mean over all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..activation import Softplus, relu
from ..arithmetic import minimum, where
from ..common import same_device
from ..loss import check_reduction, reduce_losses
from ..positions import gather
from .nn_distance import pairwise_distance

__all__ = [
    "margin_ranking_loss", "hinge_embedding_loss", "cosine_embedding_loss", "soft_margin_loss",
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "triplet_margin_loss", "triplet_margin_with_distance_loss",
]  # fmt: skip


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - target (input1 - input2)): target 1 wants input1 larger, -1 input2.

    Three tensors of as many dimensions, of shapes that broadcast. reduction: "mean", "sum" or
    "none" (a loss for each element). Raises RuntimeError if the numbers of dimensions differ,
    ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> a, b = mt.tensor([3.0, 1.0]), mt.tensor([1.0, 2.0])
    >>> mt.nn.functional.margin_ranking_loss(a, b, mt.tensor([1, 1]), reduction="none")
    tensor([0., 1.])
    """
    reduction = check_reduction("margin_ranking_loss", size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {shape_text(input1.shape)}, input2: {shape_text(input2.shape)}, target: "
            f"{shape_text(target.shape)} "
        )
    return reduce_losses((-target * (input1 - input2) + float(margin)).clamp(min=0), reduction)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """input (a distance) where target is 1, max(0, margin - input) where it is -1.

    Any shape, the same for both. reduction: "mean", "sum" or "none". Raises RuntimeError if the
    shapes do not broadcast, ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> distances = mt.tensor([0.25, 0.25])
    >>> mt.nn.functional.hinge_embedding_loss(distances, mt.tensor([1, -1]), reduction="none")
    tensor([0.2500, 0.7500])
    """
    reduction = check_reduction("hinge_embedding_loss", size_average, reduce, reduction)
    far = where(target != 1, (float(margin) - input).clamp(min=0), 0.0)
    near = where(target != -1, input, 0.0)
    return reduce_losses(far + near, reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos where target is 1, max(0, cos - margin) where it is -1; cos of the angle between.

    input1, input2: (N, D) with target (N,), or (D,) with a target of no dimensions. reduction:
    "mean", "sum" or "none". Raises RuntimeError for other numbers of dimensions, ValueError for
    another reduction.

    >>> import minitorch_cnn as mt
    >>> a, b = mt.tensor([[1.0, 0.0]]), mt.tensor([[0.0, 1.0]])
    >>> mt.nn.functional.cosine_embedding_loss(a, b, mt.tensor([1]))
    tensor(1.)
    """
    reduction = check_reduction("cosine_embedding_loss", size_average, reduce, reduction)
    if target.ndim > 1:
        raise RuntimeError(
            f"0D or 1D target tensor expected, multi-target not supported, got "
            f"{shape_text(target.shape)}"
        )
    if not input1.ndim == input2.ndim == target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found "
            f"inputs with sizes {shape_text(input1.shape)} and {shape_text(input2.shape)}."
        )
    same_device(input1, input2, target)
    # The small number, torch's, keeps the angle of a vector of zeros defined.
    squares = [(each * each).sum(dim=-1) + 1e-12 for each in (input1, input2)]
    cosine = (input1 * input2).sum(dim=-1) / (squares[0] * squares[1]).sqrt()
    alike = where(target == 1, 1 - cosine, 0.0)
    unlike = where(target == -1, (cosine - float(margin)).clamp(min=0), 0.0)
    return reduce_losses(alike + unlike, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-target input)), target 1 or -1: a smooth form of a margin.

    Any shape, the same for both; stays finite where exp overflows. reduction: "mean", "sum" or
    "none". Raises RuntimeError if the shapes do not broadcast, ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> scores = mt.tensor([0.0, -100.0])  # undecided, wrong
    >>> mt.nn.functional.soft_margin_loss(scores, mt.ones(2), reduction="none")
    tensor([  0.6931, 100.0000])
    """
    reduction = check_reduction("soft_margin_loss", size_average, reduce, reduction)
    return reduce_losses(Softplus.apply(-target * input, 1.0, float("inf")), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: float = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over wrong classes i of max(0, margin - input[target] + input[i])^p / C.

    input: (N, C) or (C,) scores; target: (N,) or () class numbers; p: 1 or 2; weight: (C,), a
    factor for each target class. reduction: "mean", "sum" or "none" (one loss for each row). Raises
    ValueError for another p or reduction, RuntimeError for shapes or dtypes that do not fit or (on
    the CPU) a class out of range. Crammer and Singer's multi-class hinge loss, 2001.

    >>> import minitorch_cnn as mt
    >>> scores = mt.tensor([[0.5, 1.0, 0.0]])
    >>> mt.nn.functional.multi_margin_loss(scores, mt.tensor([1]))  # (0.5 + 0) / 3
    tensor(0.1667)
    """
    reduction = check_reduction("multi_margin_loss", size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, got p={p}")
    _check_scores("multi_margin_loss", input)
    rows = input if input.ndim == 2 else input.reshape(1, -1)
    classes = target if target.ndim == 1 else target.reshape(-1)
    if target.ndim > 1 or len(classes) != len(rows) or target.dtype.category != 1:
        raise RuntimeError(
            f"inconsistent target size, expected {len(rows)} integer class numbers, but got "
            f"{target.dtype} of shape {shape_text(target.shape)}"
        )
    _check_range("multi_margin_loss", classes.array, 0, rows.shape[1])
    if weight is not None and weight.shape != (rows.shape[1],):
        raise RuntimeError(
            f"inconsistent weight size, expected {rows.shape[1]} but got {shape_text(weight.shape)}"
        )
    places = classes.unsqueeze(1)  # (N, 1)
    terms = relu(float(margin) - gather(rows, 1, places) + rows)  # (N, C)
    terms = terms * terms if p == 2 else terms
    if weight is not None:
        terms = terms * weight[places]
    terms = terms.scatter(1, places, 0.0)  # the right class does not compete with itself
    losses = terms.sum(dim=1) / rows.shape[1]
    return reduce_losses(losses if target.ndim == 1 else losses.squeeze(0), reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over right classes y and wrong ones i of max(0, 1 - input[y] + input[i]) / C.

    input: (N, C) or (C,) scores; target: of the same shape: the numbers of the right classes, then
    a -1, and what follows counts for nothing. reduction: "mean", "sum" or "none" (one loss for each
    row). Raises RuntimeError for other shapes or dtypes or (on the CPU) a class out of range,
    ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> scores, right = mt.tensor([0.1, 0.2, 0.4, 0.8]), mt.tensor([3, 0, -1, 1])
    >>> mt.nn.functional.multilabel_margin_loss(scores, right)
    tensor(0.8500)
    """
    reduction = check_reduction("multilabel_margin_loss", size_average, reduce, reduction)
    _check_scores("multilabel_margin_loss", input)
    if target.shape != input.shape or target.dtype.category != 1:
        raise RuntimeError(
            f"inconsistent target size: expected integers of shape {shape_text(input.shape)}, got "
            f"{target.dtype} of shape {shape_text(target.shape)}"
        )
    rows = input if input.ndim == 2 else input.reshape(1, -1)
    labels = target.array.reshape(rows.shape)
    xp = array_module(labels)
    N, C = rows.shape
    listed = xp.cumsum(labels < 0, axis=1) == 0  # (N, C): before the first -1
    labels = xp.where(listed, labels, 0)
    _check_range("multilabel_margin_loss", target.array, -1, C)
    right = xp.zeros((N, C), bool)
    numbers = xp.broadcast_to(xp.arange(N)[:, None], (N, C))
    right[numbers[listed], labels[listed]] = True
    pairs = wrap(listed[:, :, None] & ~right[:, None, :])  # (N, right y, wrong i)
    scores = gather(rows, 1, wrap(labels))  # (N, C): of the listed classes
    terms = relu(1 - scores.unsqueeze(2) + rows.unsqueeze(1))
    losses = where(pairs, terms, 0.0).sum(dim=(1, 2)) / max(C, 1)
    return reduce_losses(losses if input.ndim == 2 else losses.squeeze(0), reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross entropy of sigmoid(input) for each class, averaged over the classes.

    input, target: (..., C), target 0 or 1; weight: a factor for each class. reduction: "mean",
    "sum" or "none" (the shape (...)). Raises RuntimeError if the shapes do not broadcast,
    ValueError for another reduction.

    >>> import minitorch_cnn as mt
    >>> scores, target = mt.tensor([[0.0, 100.0]]), mt.tensor([[1.0, 1.0]])
    >>> mt.nn.functional.multilabel_soft_margin_loss(scores, target)  # (ln 2 + 0) / 2
    tensor(0.3466)
    """
    reduction = check_reduction("multilabel_soft_margin_loss", size_average, reduce, reduction)
    # -log sigmoid(x) = softplus(-x), and -log(1 - sigmoid(x)) = softplus(x)
    positive = Softplus.apply(-input, 1.0, float("inf"))
    negative = Softplus.apply(input, 1.0, float("inf"))
    losses = target * positive + (1 - target) * negative
    if weight is not None:
        losses = losses * weight
    return reduce_losses(losses.mean(dim=-1), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + |anchor - positive| - |anchor - negative|), distances of vectors (..., D).

    p, eps: of `pairwise_distance`. swap: takes |positive - negative| where that is smaller.
    reduction: "mean", "sum" or "none" (the shape (...)). Raises ValueError for a margin that is not
    positive or another reduction, RuntimeError if the numbers of dimensions differ. Balntas et al.,
    "Learning local feature descriptors with triplets and shallow convolutional neural networks",
    2016.

    >>> import minitorch_cnn as mt
    >>> a, near, far = mt.tensor([[0.0]]), mt.tensor([[1.0]]), mt.tensor([[1.5]])
    >>> mt.nn.functional.triplet_margin_loss(a, near, far, eps=0.0)  # 1 + 1 - 1.5
    tensor(0.5000)
    """
    reduction = check_reduction("triplet_margin_loss", size_average, reduce, reduction)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs"
        )

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float | Tensor = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own; the default is `pairwise_distance`.

    distance_function: (x, y) -> a tensor of distances. Other arguments, shapes and errors are those
    of `triplet_margin_loss`.

    >>> import minitorch_cnn as mt
    >>> def largest(x, y):
    ...     return (x - y).abs().amax(-1)
    >>> a, near, far = mt.zeros(1, 2), mt.tensor([[0.25, 0.5]]), mt.tensor([[0.75, 0.0]])
    >>> loss = mt.nn.functional.triplet_margin_with_distance_loss
    >>> loss(a, near, far, distance_function=largest)  # 1 + 0.5 - 0.75
    tensor(0.7500)
    """
    reduction = check_reduction("triplet_margin_with_distance_loss", None, None, reduction)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def _triplet(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float | Tensor,
    swap: bool,
    reduction: str,
) -> Tensor:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduce_losses((margin + near - far).clamp(min=0), reduction)


def _check_scores(name: str, input: Tensor) -> None:
    if input.ndim > 2 or 0 in input.shape[-1:]:
        raise RuntimeError(
            f"{name}: Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{shape_text(input.shape)}"
        )


def _check_range(name: str, labels: Any, low: int, high: int) -> None:
    """Raises RuntimeError for a class number outside low..high-1 (on the CPU)."""
    if wrap(labels).is_cuda or labels.size == 0:
        return
    for extreme in (int(labels.min()), int(labels.max())):
        if not low <= extreme < high:
            raise RuntimeError(f"{name}: target {extreme} is out of range: {low} to {high - 1}")
