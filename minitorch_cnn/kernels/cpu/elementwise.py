"""Elementwise kernels on flat arrays: x, y (n) contiguous. LLVM makes vectors of these loops."""

from __future__ import annotations

import numpy as np

from .threads import kernel, share, take

BLOCK = 1 << 14  # numbers that a thread takes at a time
ZERO = np.float32(0)  # a plain 0 would turn the loop into one over float64


@kernel
def relu(part, parts, work, x, y):
    first = take(work, BLOCK)
    while first < x.size:
        source, out = x[first : first + BLOCK], y[first : first + BLOCK]
        for i in range(out.size):
            out[i] = ZERO if source[i] < ZERO else source[i]  # NaN is not below 0 and stays
        first = take(work, BLOCK)


@kernel
def relu_backward(part, parts, work, gy, y, gx):
    first = take(work, BLOCK)
    while first < y.size:
        last = first + BLOCK
        gradient, value, out = gy[first:last], y[first:last], gx[first:last]
        for i in range(out.size):
            out[i] = gradient[i] if value[i] > ZERO else ZERO
        first = take(work, BLOCK)


@kernel
def add(part, parts, work, a, b, y):
    first = take(work, BLOCK)
    while first < y.size:
        last = first + BLOCK
        left, right, out = a[first:last], b[first:last], y[first:last]
        for i in range(out.size):
            out[i] = left[i] + right[i]
        first = take(work, BLOCK)


@kernel
def add_to_rows(part, parts, y, bias):
    """y (rows, C) += bias (C)"""
    rows, C = y.shape
    start, stop = share(rows, part, parts)
    for r in range(start, stop):
        for c in range(C):
            y[r, c] += bias[c]
