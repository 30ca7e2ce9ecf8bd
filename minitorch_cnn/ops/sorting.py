"""Order: sort, argsort, topk, unique, bincount, searchsorted.

Values are differentiable: they are gathered from the input at the positions found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import array_module
from ..tensor import Tensor, wrap
from .positions import gather
from .reduce import ValuesAndIndices


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


def searchsorted(
    sorted_sequence: Tensor, values: Any, *, right: bool = False, side: str | None = None
) -> Tensor:
    """Where each value would be inserted into a sorted vector to keep it sorted (int64).

    right: behind equal elements instead of before them.
    """
    if sorted_sequence.ndim != 1:
        raise NotImplementedError("searchsorted: only a 1-d sorted_sequence is supported")
    if side not in (None, "left", "right"):
        raise RuntimeError(f"side can only be 'left' or 'right' but got {side!r}")
    xp = array_module(sorted_sequence.array)
    wanted = values.array if isinstance(values, Tensor) else xp.asarray(values)
    where_to = xp.searchsorted(
        sorted_sequence.array, wanted, side=side or ("right" if right else "left")
    )
    return wrap(xp.asarray(where_to, np.int64))
