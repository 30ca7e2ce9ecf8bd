"""How arrays lie in memory. Kernels get bare pointers, so here is where strides are looked at."""

from __future__ import annotations

import math

from ...backend import Array, array_module


def channels_last(x: Array) -> Array:
    """(N, C, ...) -> (N, ..., C), contiguous; a view if it is so in memory."""
    return array_module(x).ascontiguousarray(x.transpose(0, *range(2, x.ndim), 1))


def channels_first(y: Array) -> Array:
    """(N, ..., C) -> (N, C, ...): a view, the memory stays as it is."""
    return y.transpose(0, y.ndim - 1, *range(1, y.ndim - 1))


def is_dense(x: Array) -> bool:
    """True if the elements fill one stretch of memory, whatever the order of the axes."""
    axes = [axis for axis in range(x.ndim) if x.shape[axis] != 1]
    axes.sort(key=lambda axis: -x.strides[axis])
    expected = [math.prod(x.shape[b] for b in axes[i + 1 :]) for i in range(len(axes))]
    return x.size == 0 or [x.strides[axis] for axis in axes] == [
        count * x.itemsize for count in expected
    ]


def dense(x: Array) -> Array:
    """x itself if it is dense, a C-contiguous copy otherwise."""
    return x if is_dense(x) else array_module(x).ascontiguousarray(x)


def same_order(x: Array, like: Array) -> bool:
    """True if the elements of both lie in memory in the same order."""
    return x.shape == like.shape and all(
        length == 1 or ours == theirs
        for length, ours, theirs in zip(x.shape, x.strides, like.strides, strict=True)
    )


def in_order_of(x: Array, like: Array) -> Array:
    """x with its elements in the same order in memory as the dense `like` of the same shape."""
    if same_order(x, like):
        return x
    ordered = array_module(x).empty_like(like)
    ordered[...] = x
    return ordered
