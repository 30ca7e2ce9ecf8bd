"""Elementwise kernels on flat arrays: x, y (n) contiguous. LLVM makes vectors of these loops."""

from __future__ import annotations

import numpy as np

from .threads import compiled, share

ZERO = np.float32(0)  # a plain 0 would turn the loop into one over float64


@compiled
def relu(part, parts, x, y):
    start, stop = share(x.size, part, parts)
    x, y = x[start:stop], y[start:stop]
    for i in range(x.size):
        y[i] = ZERO if x[i] < ZERO else x[i]  # NaN is not below 0 and stays


@compiled
def relu_backward(part, parts, gy, y, gx):
    start, stop = share(y.size, part, parts)
    gy, y, gx = gy[start:stop], y[start:stop], gx[start:stop]
    for i in range(y.size):
        gx[i] = gy[i] if y[i] > ZERO else ZERO


@compiled
def add(part, parts, a, b, y):
    start, stop = share(y.size, part, parts)
    a, b, y = a[start:stop], b[start:stop], y[start:stop]
    for i in range(y.size):
        y[i] = a[i] + b[i]


@compiled
def add_to_rows(part, parts, y, bias):
    """y (rows, C) += bias (C)"""
    rows, C = y.shape
    start, stop = share(rows, part, parts)
    for r in range(start, stop):
        for c in range(C):
            y[r, c] += bias[c]
