"""Softmax and cross entropy, a row at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend import Array
from ...backend.arrays import empty
from .arrays import contiguous, takes
from .jit.threads import kernel, parts_for, run, share


@kernel
def losses_of_rows(
    part: int, parts: int, x: Array, target: Array, losses: Array, softmax: Array
) -> None:
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
def gradient_of_rows(
    part: int, parts: int, gy: Array, softmax: Array, target: Array, gx: Array
) -> None:
    R, C = softmax.shape
    start, stop = share(R, part, parts)
    for r in range(start, stop):
        for c in range(C):
            gx[r, c] = softmax[r, c] * gy[r]
        gx[r, target[r]] -= gy[r]


# ----------------------------------------------------------------------------------- the entries


def cross_entropy(x: Array, target: Array) -> Any:
    if not takes(x) or target.dtype != np.int64:
        return NotImplemented
    losses, softmax = np.empty(len(x), np.float32), empty(x.shape)
    args = (contiguous(x), contiguous(target), losses, softmax)
    run(losses_of_rows, *args, parts=parts_for(10 * x.size))
    return losses, softmax


def cross_entropy_backward(gy: Array, softmax: Array, target: Array) -> Any:
    if not takes(gy, softmax) or target.dtype != np.int64:
        return NotImplemented
    gx = empty(softmax.shape)
    args = (contiguous(gy), contiguous(softmax), contiguous(target), gx)
    run(gradient_of_rows, *args, parts=parts_for(softmax.size))
    return gx
