"""Elementwise kernels on flat arrays: x, y (n) contiguous. LLVM makes vectors of these loops."""

from __future__ import annotations

from .threads import compiled, share


@compiled
def relu(part, parts, x, y):
    start, stop = share(x.size, part, parts)
    for i in range(start, stop):
        y[i] = 0 if x[i] < 0 else x[i]  # NaN is not below 0 and stays


@compiled
def relu_backward(part, parts, gy, y, gx):
    start, stop = share(y.size, part, parts)
    for i in range(start, stop):
        gx[i] = gy[i] if y[i] > 0 else 0


@compiled
def add(part, parts, a, b, y):
    start, stop = share(y.size, part, parts)
    for i in range(start, stop):
        y[i] = a[i] + b[i]


@compiled
def add_to_rows(part, parts, y, bias):
    """y (rows, C) += bias (C)"""
    rows, C = y.shape
    start, stop = share(rows, part, parts)
    for r in range(start, stop):
        for c in range(C):
            y[r, c] += bias[c]
