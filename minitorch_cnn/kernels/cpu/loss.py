"""Softmax and cross entropy, a row at a time."""

from __future__ import annotations

import math

import numpy as np

from .threads import kernel, share


@kernel
def cross_entropy(part, parts, x, target, losses, softmax):
    R, C = x.shape
    start, stop = share(R, part, parts)
    for r in range(start, stop):
        largest = x[r, 0]
        for c in range(1, C):
            # With a NaN among them everything is NaN, through the exponentials.
            largest = max(largest, x[r, c])
        total = np.float32(0)
        for c in range(C):
            softmax[r, c] = math.exp(x[r, c] - largest)
            total += softmax[r, c]
        losses[r] = math.log(total) - (x[r, target[r]] - largest)
        for c in range(C):
            softmax[r, c] /= total


@kernel
def cross_entropy_backward(part, parts, gy, softmax, target, gx):
    R, C = softmax.shape
    start, stop = share(R, part, parts)
    for r in range(start, stop):
        for c in range(C):
            gx[r, c] = softmax[r, c] * gy[r]
        gx[r, target[r]] -= gy[r]
