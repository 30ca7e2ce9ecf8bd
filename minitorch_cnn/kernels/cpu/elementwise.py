"""Elementwise kernels on flat arrays: x, y (n) contiguous."""

from __future__ import annotations

from .threads import address, kernel, share, take
from .vector import LANES, load_some, positive_part, store_some, stream, where_positive

BLOCK = 1 << 14  # numbers that a thread takes at a time


@kernel
def relu(part, parts, work, x, streaming, y):
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
def relu_backward(part, parts, work, gy, y, streaming, gx):
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
def add(part, parts, work, a, b, streaming, y):
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
def add_to_rows(part, parts, y, bias):
    """y (rows, C) += bias (C)"""
    rows, C = y.shape
    start, stop = share(rows, part, parts)
    for r in range(start, stop):
        for c in range(C):
            y[r, c] += bias[c]
