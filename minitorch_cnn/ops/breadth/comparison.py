"""Order: sort, argsort, topk, unique, unique_consecutive, bincount, searchsorted.

Values are differentiable: they are gathered from the input at the positions found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import array_module
from ...tensor import Tensor, wrap
from ..positions import gather
from ..reduce import ValuesAndIndices


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The positions (int64) of the elements along a dimension in rising (or falling) order.

    Always stable: equal elements keep their order. NaN counts as the largest.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([30, 10, 20, 10]).argsort()
    tensor([1, 3, 2, 0])
    """
    axis = input._dim(dim)
    if input.ndim == 0:
        return wrap(array_module(input.array).zeros((), np.int64))
    xp, array = array_module(input.array), input.array
    if not descending:
        return wrap(xp.argsort(array, axis=axis, kind="stable"))
    # Sorted backwards and read backwards, so that equal elements keep their order here too.
    order = xp.argsort(xp.flip(array, axis), axis=axis, kind="stable")
    return wrap(xp.flip(array.shape[axis] - 1 - order, axis))


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """(values, indices) in rising (or falling) order along a dimension.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([3.0, 1.0, 2.0]).sort(descending=True).values
    tensor([3., 2., 1.])
    """
    indices = argsort(input, dim, descending)
    return ValuesAndIndices(gather(input, dim, indices), indices)


def msort(input: Tensor) -> Tensor:
    """Sorted along dimension 0."""
    return sort(input, 0).values


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(values, indices) of the k largest (or smallest) elements along a dimension, in order.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([3.0, 1.0, 2.0]).topk(2).indices
    tensor([0, 2])
    """
    axis = input._dim(dim)
    length = input.size(axis) if input.ndim else 1
    if not 0 <= k <= length:
        raise RuntimeError(f"selected index k out of range: k={k}, dimension of size {length}")
    order = argsort(input, dim, descending=largest)
    indices = order.narrow(axis, 0, k).contiguous() if input.ndim else order
    return ValuesAndIndices(gather(input, dim, indices), indices)


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in rising order (or slices along dim); and where each came from.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([3, 1, 3]).unique(return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    xp = array_module(input.array)
    axis = None if dim is None else input._dim(dim)
    values, inverse, counts = xp.unique(
        input.array, return_inverse=True, return_counts=True, axis=axis
    )
    results = [wrap(values)]
    if return_inverse:
        results.append(wrap(inverse.reshape(input.array.shape if axis is None else -1)))
    if return_counts:
        results.append(wrap(counts))
    return results[0] if len(results) == 1 else tuple(results)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs in a vector of integers, or the sum of its weights.

    >>> import minitorch_cnn as mt
    >>> mt.bincount(mt.tensor([0, 2, 2]), minlength=4)
    tensor([1, 0, 2, 0])
    """
    if input.ndim != 1 or input.dtype.category != 1:
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
    return wrap(total.astype(kept))


def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements (or slices along dim) without those that equal the one before them.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1, 1, 2, 1]).unique_consecutive(return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
    xp = array_module(input.array)
    axis = 0 if dim is None else input._dim(dim)
    array = input.array.reshape(-1) if dim is None else xp.moveaxis(input.array, axis, 0)
    n = array.shape[0]
    rows = array.reshape(n, -1) if array.size else xp.zeros((n, 0))
    starts = xp.ones(n, bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(1)
    first = xp.nonzero(starts)[0]
    results = [wrap(xp.moveaxis(array[first], 0, axis))]
    if return_inverse:
        run = xp.cumsum(starts.astype(np.int64)) - 1
        results.append(wrap(run.reshape(input.array.shape if dim is None else -1)))
    if return_counts:
        results.append(wrap(xp.diff(xp.append(first, n))))
    return results[0] if len(results) == 1 else tuple(results)


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
    that sort the sequence, if it is not sorted. out_int32: int32 instead of int64.

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
    if isinstance(values, Tensor) and values.dtype is not sorted_sequence.dtype:
        raise RuntimeError(
            "torch.searchsorted(): boundary tensor and input value tensor should have same dtype, "
            f"but got {sorted_sequence.dtype} and {values.dtype}"
        )
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
        return wrap(xp.asarray(xp.searchsorted(rows, wanted, side=side), kind))
    if wanted.shape[:-1] != rows.shape[:-1] or wanted.ndim == 0:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
            f"dimensions of boundaries and input must match, but got {list(rows.shape)} and "
            f"{list(wanted.shape)}"
        )
    found = xp.empty(wanted.shape, kind)
    for row in np.ndindex(*rows.shape[:-1]):
        found[row] = xp.searchsorted(rows[row], wanted[row], side=side)
    return wrap(found)
