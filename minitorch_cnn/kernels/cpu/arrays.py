"""What the compiled kernels ask of arrays: float32, not empty, and a known order in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import Array, ahead, axes_as_in_memory, inverse_order
from ...backend.arrays import empty
from .jit.threads import address, counter, get_num_threads, kernel, parts_for, run, share, take
from .jit.vector import LANES, copy, load, load_some, scatter, stream

FLOAT32 = np.dtype(np.float32)
BLOCK = 1 << 14  # numbers that a thread takes at a time


def takes(*arrays: Array | None) -> bool:
    """Whether all arrays are float32 and not empty."""
    for array in arrays:
        if array is not None and (array.dtype != FLOAT32 or array.size == 0):
            return False
    return True


def bias_or_zeros(b: Array | None, K: int) -> Array:
    return np.zeros(K, np.float32) if b is None else contiguous(b)


def equal_share(count: int, most: int) -> int:
    """How many of `count` things to take at a time so that all threads take equally often."""
    threads = get_num_threads()
    return -(-count // (threads * -(-count // (threads * most))))


@kernel
def to_channels_last(part: int, parts: int, x: Array, y: Array) -> None:
    """y (N, P, C) from x (N, C, P), LANES pixels of a channel at a time."""
    N, C, P = x.shape
    start, stop = share(N, part, parts)
    for n in range(start, stop):
        for p in range(0, P, LANES):
            count = min(P - p, LANES)
            for c in range(C):
                pixels = load_some(address(x) + 4 * ((n * C + c) * P + p), count)
                scatter(address(y) + 4 * ((n * P + p) * C + c), 4 * C, pixels, count)


def contiguous(x: Array) -> Array:
    """x itself if it lies in memory row by row, otherwise a copy.

    Images between the two usual orders, (N, C, ...) and (N, ..., C), are copied by a kernel.
    """
    if x.flags.c_contiguous:
        return x
    if x.ndim > 2 and takes(x):
        last = x.transpose(0, *range(2, x.ndim), 1)
        first = x.transpose(0, -1, *range(1, x.ndim - 1))
        rows = None
        if last.flags.c_contiguous:  # x is (N, C, ...), whose channels lie last in memory
            rows = last.reshape(len(x), -1, x.shape[1])
        elif first.flags.c_contiguous:
            rows = first.reshape(len(x), x.shape[-1], -1)
        if rows is not None:
            y = empty(x.shape)
            turned = y.reshape(len(x), rows.shape[2], rows.shape[1])
            run(to_channels_last, rows, turned, parts=parts_for(y.size))
            return y
    ahead.wait()
    return np.ascontiguousarray(x)


@kernel
def copy_rows(
    part: int, parts: int, work: Array, x: Array, x_step: int, y: Array, y_step: int, width: int,
    streaming: bool,
) -> None:  # fmt: skip
    """Rows of `width` numbers from x to y, in which one begins so many numbers after the other."""
    rows, block = (x.size - width) // x_step + 1, max(BLOCK // width, 1)
    first = take(work, block)
    while first < rows:
        for r in range(first, min(first + block, rows)):
            source, target = address(x) + 4 * r * x_step, address(y) + 4 * r * y_step
            if streaming:
                for c in range(0, width, LANES):
                    stream(target + 4 * c, load(source + 4 * c))
            else:
                copy(source, target, width)
        first = take(work, block)


def pixel_rows(x: Array) -> tuple[Array, int] | None:
    """The numbers from the first pixel of x (N, C, H, W) to its last, as they lie in memory, and
    how many there are from a pixel to the next: more than C in a part of the channels.

    None if a pixel's channels do not lie side by side, or pixels not equally far from each other.
    """
    N, C, H, W = x.shape
    last = x.transpose(0, 2, 3, 1)
    if last.flags.c_contiguous:
        return last.reshape(-1), C
    step = next_stride = None
    for length, stride in ((W, x.strides[3]), (H, x.strides[2]), (N, x.strides[0])):
        if length > 1:
            if next_stride not in (None, stride):
                return None
            step, next_stride = step or stride, stride * length
    step = 4 * C if step is None else step
    if (C > 1 and x.strides[1] != 4) or step < 4 * C or step % 4 or not x.flags.aligned:
        return None
    count = (N * H * W - 1) * step // 4 + C
    return np.lib.stride_tricks.as_strided(x, (count,), (4,)), step // 4


def channels_last(x: Array) -> Array:
    """(N, C, ...) -> (N, ..., C), contiguous; a view if it is so in memory."""
    last = x.transpose(0, 2, 3, 1) if x.ndim == 4 else x.transpose(0, *range(2, x.ndim), 1)
    usual = last.flags.c_contiguous or x.flags.c_contiguous
    rows = None if usual or x.ndim != 4 or not takes(x) else pixel_rows(x)
    if rows is None:
        return contiguous(last)
    y = empty(last.shape)
    C = x.shape[1]
    run(copy_rows, counter(), *rows, y.reshape(-1), C, C, False, parts=parts_for(x.size))
    return y


def channels_first(y: Array) -> Array:
    """(N, H, W, C) -> (N, C, H, W), a view."""
    return y.transpose(0, 3, 1, 2)


def memory_order(x: Array) -> list[int] | None:
    """The axes from the longest step to the shortest, if x lies in memory without gaps.

    [] if they are in this order already, as those of many arrays are.
    """
    if x.flags.c_contiguous:
        return []
    order = axes_as_in_memory(x)
    return order if x.transpose(order).flags.c_contiguous else None


def flat(order: list[int], *arrays: Array) -> list[Array]:
    """The arrays as they lie in memory, in one dimension; copied only if in another order."""
    if order:
        arrays = tuple([array.transpose(order) for array in arrays])
    return [contiguous(array).reshape(-1) for array in arrays]


def unflat(values: Array, order: list[int], like: Array) -> Any:
    """The opposite of `flat`, with the shape of `like`."""
    if not order:
        return values.reshape(like.shape)
    shape = [like.shape[axis] for axis in order]
    return values.reshape(shape).transpose(inverse_order(order))
