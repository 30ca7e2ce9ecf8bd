"""Elementwise kernels: they work on arrays as they lie in memory, x and y (n)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import Array
from ...backend.arrays import empty
from .arrays import BLOCK, channels_first, flat, memory_order, pixel_rows, takes, unflat
from .jit.threads import SMALL, Kernel, address, counter, kernel, parts_for, run, share, take
from .jit.vector import (
    LANES,
    limited,
    load_some,
    may_stream,
    positive_part,
    splat,
    store_some,
    stream,
    where_between,
    where_positive,
)


@kernel
def relu_flat(part: int, parts: int, work: Array, x: Array, streaming: bool, y: Array) -> None:
    first = take(work, BLOCK)
    while first < y.size:
        stop = min(first + BLOCK, y.size)
        for i in range(first, stop, LANES):
            value = positive_part(load_some(address(x) + 4 * i, stop - i))
            if streaming:
                stream(address(y) + 4 * i, value)
            else:
                store_some(address(y) + 4 * i, value, stop - i)
        first = take(work, BLOCK)


@kernel
def relu_backward_flat(
    part: int, parts: int, work: Array, gy: Array, y: Array, streaming: bool, gx: Array
) -> None:
    first = take(work, BLOCK)
    while first < y.size:
        stop = min(first + BLOCK, y.size)
        for i in range(first, stop, LANES):
            gradient = load_some(address(gy) + 4 * i, stop - i)
            value = where_positive(load_some(address(y) + 4 * i, stop - i), gradient)
            if streaming:
                stream(address(gx) + 4 * i, value)
            else:
                store_some(address(gx) + 4 * i, value, stop - i)
        first = take(work, BLOCK)


@kernel
def hardtanh_flat(
    part: int, parts: int, work: Array, x: Array, low: float, high: float, streaming: bool, y: Array
) -> None:
    first, least, most = take(work, BLOCK), splat(np.float32(low)), splat(np.float32(high))
    while first < y.size:
        stop = min(first + BLOCK, y.size)
        for i in range(first, stop, LANES):
            value = limited(load_some(address(x) + 4 * i, stop - i), least, most)
            if streaming:
                stream(address(y) + 4 * i, value)
            else:
                store_some(address(y) + 4 * i, value, stop - i)
        first = take(work, BLOCK)


@kernel
def hardtanh_backward_flat(
    part: int, parts: int, work: Array, gy: Array, x: Array, low: float, high: float,
    streaming: bool, gx: Array,
) -> None:  # fmt: skip
    first, least, most = take(work, BLOCK), splat(np.float32(low)), splat(np.float32(high))
    while first < gx.size:
        stop = min(first + BLOCK, gx.size)
        for i in range(first, stop, LANES):
            gradient = load_some(address(gy) + 4 * i, stop - i)
            value = where_between(load_some(address(x) + 4 * i, stop - i), least, most, gradient)
            if streaming:
                stream(address(gx) + 4 * i, value)
            else:
                store_some(address(gx) + 4 * i, value, stop - i)
        first = take(work, BLOCK)


@kernel
def add_flat(
    part: int, parts: int, work: Array, a: Array, b: Array, streaming: bool, y: Array
) -> None:
    first = take(work, BLOCK)
    while first < y.size:
        stop = min(first + BLOCK, y.size)
        for i in range(first, stop, LANES):
            left = load_some(address(a) + 4 * i, stop - i)
            value = left + load_some(address(b) + 4 * i, stop - i)
            if streaming:
                stream(address(y) + 4 * i, value)
            else:
                store_some(address(y) + 4 * i, value, stop - i)
        first = take(work, BLOCK)


@kernel
def add_rows(
    part: int, parts: int, work: Array, a: Array, a_step: int, b: Array, b_step: int, y: Array
) -> None:
    """y (rows, C) = a + b, in which a row begins so many numbers after the other."""
    rows, C = y.shape
    block = max(BLOCK // C, 1)
    first = take(work, block)
    while first < rows:
        for r in range(first, min(first + block, rows)):
            for c in range(0, C, LANES):
                left = load_some(address(a) + 4 * (r * a_step + c), C - c)
                value = left + load_some(address(b) + 4 * (r * b_step + c), C - c)
                store_some(address(y) + 4 * (r * C + c), value, C - c)
        first = take(work, block)


@kernel
def add_to_rows(part: int, parts: int, y: Array, bias: Array) -> None:
    """y (rows, C) += bias (C)"""
    rows, C = y.shape
    start, stop = share(rows, part, parts)
    for r in range(start, stop):
        for c in range(C):
            y[r, c] += bias[c]


# ----------------------------------------------------------------------------------- the entries


def _elementwise(kernel: Kernel, like: Array, *arrays: Array, numbers: tuple = ()) -> Any:
    """A new array, made from arrays of the shape of `like` and numbers, in its memory order."""
    order = memory_order(like)
    if order is None or not takes(*arrays):
        return NotImplemented
    for array in arrays:
        if array.shape != like.shape:
            return NotImplemented
    y = empty((like.size,))
    rows = flat(order, *arrays)
    run(kernel, counter(), *rows, *numbers, may_stream(y), y, parts=parts_for(like.size))
    return unflat(y, order, like)


def relu(x: Array) -> Any:
    return _elementwise(relu_flat, x, x)


def relu_(x: Array) -> Any:
    order = memory_order(x)
    if order is None or not takes(x) or not x.flags.writeable:
        return NotImplemented
    (numbers,) = flat(order, x)
    run(relu_flat, counter(), numbers, False, numbers, parts=parts_for(x.size))
    return x


def relu_backward(gy: Array, y: Array) -> Any:
    # In y's order: gy may come from an average over pixels, whose memory order says nothing.
    return _elementwise(relu_backward_flat, y, gy, y)


def hardtanh(x: Array, low: float, high: float) -> Any:
    return _elementwise(hardtanh_flat, x, x, numbers=(float(low), float(high)))


def hardtanh_backward(gy: Array, x: Array, low: float, high: float) -> Any:
    return _elementwise(hardtanh_backward_flat, x, gy, x, numbers=(float(low), float(high)))


def add(a: Array, b: Array) -> Any:
    if a.size < SMALL:
        return NotImplemented
    if a.ndim != 4 or a.shape != b.shape or not takes(a, b):
        return _elementwise(add_flat, a, a, b)
    rows_a, rows_b = pixel_rows(a), pixel_rows(b)
    if rows_a is None or rows_b is None:
        return _elementwise(add_flat, a, a, b)
    y = empty((a.shape[0], *a.shape[2:], a.shape[1]))
    if rows_a[1] == rows_b[1] == a.shape[1]:
        arrays = rows_a[0], rows_b[0], may_stream(y), y.reshape(-1)
        run(add_flat, counter(), *arrays, parts=parts_for(a.size))
    else:  # parts of the channels of other images
        pixels = y.reshape(-1, a.shape[1])
        run(add_rows, counter(), *rows_a, *rows_b, pixels, parts=parts_for(a.size))
    return channels_first(y)
