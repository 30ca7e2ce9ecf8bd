"""Torch's "Other Operations" that count: bincount, histc, searchsorted, ...; and cov, corrcoef."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..common import NO_GRADIENT, WithoutGradient
from ..elementwise import sqrt
from ..indexing import diagonal
from ..positions import gather
from ..products import matmul
from ..reduce import mean, sum
from ..shape import mT, reshape

__all__ = ["bincount", "histc", "searchsorted", "bucketize", "cov", "corrcoef"]


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs in a vector of integers, or the sum of its weights.

    (N,) -> (max + 1,), or minlength if that is more: int64, or with weights (N,) their floating
    dtype. Raises RuntimeError for anything but a vector of integers from 0 on, a negative minlength
    or weights of another shape.

    >>> import minitorch_cnn as mt
    >>> mt.bincount(mt.tensor([0, 2, 2]), minlength=4)
    tensor([1, 0, 2, 0])
    """
    if input.dtype.category != 1:
        raise NotImplementedError(f'"bincount_cpu" not implemented for {input.dtype}: use integers')
    if input.ndim != 1:
        raise RuntimeError(
            "bincount only supports 1-d non-negative integral inputs, got "
            f"{input.ndim}-d {input.dtype}"
        )
    if input.numel() and int(input.array.min()) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs")
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, got {minlength}")
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError(
            f"weights should have the same shape as input: {list(weights.shape)} and "
            f"{list(input.shape)}"
        )
    xp = array_module(input.array)
    if weights is None:
        return wrap(xp.bincount(input.array, minlength=minlength).astype(np.int64))
    total = xp.bincount(input.array, weights.array, minlength)
    kept = weights.array.dtype if weights.dtype.is_floating_point else np.float64
    return WithoutGradient.apply(weights, total.astype(kept), NO_GRADIENT.format("bincount"))


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` equal pieces of [min, max].

    Any shape, floating -> (bins,) of the same dtype. Elements outside are not counted. min = max =
    0 means from the smallest to the largest one. Raises RuntimeError for bins below 1 or a range
    that is not finite or falls, NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.histc(mt.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    if bins <= 0:
        raise RuntimeError(f"torch.histc(): bins must be > 0, but got {bins}")
    if max < min:
        raise RuntimeError(f"torch.histc: max must be larger than min, but got {min} and {max}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"histc" not implemented for {input.dtype}')
    low, high = float(min), float(max)
    if low == high == 0 and input.numel():
        low, high = float(input.array.min()), float(input.array.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{low}, {high}] is not finite")
    xp = array_module(input.array)
    numbers = input.array[input.array == input.array]  # CuPy would count NaN as small
    counts, _ = xp.histogram(numbers, bins, (low, high))
    return wrap(counts.astype(input.array.dtype))


def searchsorted(
    sorted_sequence: Tensor,
    values: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where each value would be inserted into a sorted sequence to keep it sorted.

    sorted_sequence: a vector; or (..., n) for values of shape (..., m), a sequence for each row.
    right (or side="right"): behind equal elements instead of before them. sorter: the positions
    that sort the sequence, if it is not sorted. out_int32: int32 instead of int64. The result has
    the shape of values. Raises RuntimeError for shapes that do not fit, and for a side that
    contradicts.

    >>> import minitorch_cnn as mt
    >>> mt.searchsorted(mt.tensor([1, 3, 5]), mt.tensor([3, 6]))
    tensor([1, 3])
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"side can only be 'left' or 'right' but got {side!r}")
    if side == "left" and right:
        raise RuntimeError("side and right can't be set to opposites, got side of left and right")
    side = side or ("right" if right else "left")
    xp = array_module(sorted_sequence.array)
    wanted = values.array if isinstance(values, Tensor) else xp.asarray(values)
    if sorted_sequence.ndim == 0:
        raise RuntimeError("boundaries tensor should have positive dimension, but got a 0-d tensor")
    sequence = sorted_sequence
    if sorter is not None:
        if sorter.shape != sequence.shape or sorter.dtype.category != 1:
            raise RuntimeError(
                "torch.searchsorted(): boundary and sorter must have the same size and sorter "
                f"must be integer, but got {sequence.shape} and {sorter.shape}, {sorter.dtype}"
            )
        length = sequence.size(-1)
        if sorter.numel() and bool(((sorter < 0) | (sorter >= length)).any()):
            raise RuntimeError(f"torch.searchsorted(): sorter index out of range [0, {length})")
        sequence = gather(sequence, -1, sorter)
    kind = np.int32 if out_int32 else np.int64
    rows = sequence.array
    if rows.ndim == 1:
        return wrap(xp.asarray(_places(xp, rows, wanted, side), kind))
    if wanted.shape[:-1] != rows.shape[:-1] or wanted.ndim == 0:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
            f"dimensions of boundaries and input must match, but got {list(rows.shape)} and "
            f"{list(wanted.shape)}"
        )
    found = xp.empty(wanted.shape, kind)
    for row in np.ndindex(*rows.shape[:-1]):
        found[row] = _places(xp, rows[row], wanted[row], side)
    return wrap(found)


def _places(xp: Any, row: Any, wanted: Any, side: str) -> Any:
    """xp.searchsorted, but NaN comes behind all, also behind other NaNs."""
    return xp.where(wanted != wanted, len(row), xp.searchsorted(row, wanted, side=side))


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The number of the bucket, between sorted boundaries, into which each element falls.

    input: any shape, or a number; the result (int64, or int32 with out_int32) has that shape.
    Bucket 0 lies before the first boundary. right: elements equal to a boundary belong to the
    bucket above it instead of the one below. Raises RuntimeError for boundaries that are no vector
    or of another dtype.

    >>> import minitorch_cnn as mt
    >>> mt.bucketize(mt.tensor([0.5, 1.0, 9.0]), mt.tensor([1.0, 2.0]))
    tensor([0, 0, 2])
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


# --------------------------------------------------------------------------------------- covariance


def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariance matrix of variables in rows, of which each column is an observation.

    (V, N) -> (V, V); (N,) -> a number. correction: the sum is divided by N - correction. fweights:
    how often each observation occurs (integers); aweights: its relative weight (floats). Raises
    RuntimeError for more than two dimensions, bools, or weights of another shape, dtype or sign.

    >>> import minitorch_cnn as mt
    >>> mt.cov(mt.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions, got {input.ndim}"
        )
    if input.dtype.category == 0:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = reshape(input, (1, -1)) if input.ndim < 2 else input
    x = x if x.dtype.is_floating_point else x.float()
    weights = _weights(x, fweights, aweights)
    if weights is None:
        norm: Any = x.new_full((), x.size(1) - correction)
        centred = weighted = x - mean(x, 1, True)
    else:
        total = sum(weights)
        centred = x - sum(x * weights, 1, True) / total
        weighted, norm = centred * weights, total - correction
        if aweights is not None and correction:
            norm = total - correction * sum(weights * aweights) / total
    return (matmul(centred, mT(weighted)) / norm.clamp(min=0)).squeeze()


def _weights(x: Tensor, fweights: Any, aweights: Any) -> Tensor | None:
    weights = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        if given.ndim > 1 or given.numel() != x.size(1):
            raise RuntimeError(
                f"cov(): expected {name} to have one element for each of the {x.size(1)} "
                f"observations, got shape {shape_text(given.shape)}"
            )
        if given.dtype.is_floating_point == (name == "fweights"):
            raise RuntimeError(f"cov(): wrong dtype of {name}: {given.dtype}")
        if bool((given < 0).any()):
            raise RuntimeError(f"cov(): {name} cannot be negative")
        weights = given if weights is None else weights * given
    return weights


def corrcoef(input: Tensor) -> Tensor:
    """The correlation matrix of variables in rows: `cov` over both standard deviations.

    (V, N) -> (V, V), from -1 (one falls as the other rises) to 1; (N,) -> 1. NaN for a variable
    that does not vary. Raises RuntimeError for more than two dimensions or bools.

    >>> import minitorch_cnn as mt
    >>> mt.corrcoef(mt.tensor([[0.0, 1.0, 2.0], [9.0, 5.0, 1.0]])).round(decimals=4)
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    c = cov(input)
    if c.ndim == 0:
        return c / c
    deviation = sqrt(diagonal(c))
    y = c / deviation.unsqueeze(1) / deviation.unsqueeze(0)
    return y.clamp(-1, 1)
