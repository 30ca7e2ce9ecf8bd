"""Softmax and cross entropy, a row at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend import Array
from ...backend.arrays import empty
from .arrays import contiguous, takes
from .jit.threads import Kernel, kernel, parts_for, run, share


@kernel
def losses_of_rows(
    part: int, parts: int, x: Array, target: Array, losses: Array, softmax: Array, wrong: Array
) -> None:
    """wrong (2): 1 and the class, if there is a target that is no class."""
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
        label = target[r]
        if 0 <= label < C:
            losses[r] = math.log(total) - (x[r, label] - largest)
        else:
            wrong[0], wrong[1] = 1, label
        for c in range(C):
            softmax[r, c] /= total


@kernel
def gradient_of_rows(
    part: int, parts: int, gy: Array, softmax: Array, target: Array, gx: Array, wrong: Array
) -> None:
    R, C = softmax.shape
    start, stop = share(R, part, parts)
    for r in range(start, stop):
        for c in range(C):
            gx[r, c] = softmax[r, c] * gy[r]
        label = target[r]
        if 0 <= label < C:
            gx[r, label] -= gy[r]
        else:
            wrong[0], wrong[1] = 1, label


def _run(kernel: Kernel, *args: Array, rows: Array, numbers: int) -> None:
    """Runs a kernel on rows (R, C). Raises IndexError if it met a target that is no class.

    The kernels look themselves: a target may have been written to since it was last looked at.
    """
    wrong = np.zeros(2, np.int64)
    run(kernel, *args, wrong, parts=parts_for(numbers))
    if wrong[0]:
        raise IndexError(f"target {wrong[1]} is out of bounds for {rows.shape[1]} classes")


# ----------------------------------------------------------------------------------- the entries


def cross_entropy(x: Array, target: Array) -> Any:
    if not takes(x) or target.dtype != np.int64:
        return NotImplemented
    losses, softmax = np.empty(len(x), np.float32), empty(x.shape)
    args = (contiguous(x), contiguous(target), losses, softmax)
    _run(losses_of_rows, *args, rows=x, numbers=10 * x.size)
    return losses, softmax


def cross_entropy_backward(gy: Array, softmax: Array, target: Array) -> Any:
    if not takes(gy, softmax) or target.dtype != np.int64:
        return NotImplemented
    gx = empty(softmax.shape)
    args = (contiguous(gy), contiguous(softmax), contiguous(target), gx)
    _run(gradient_of_rows, *args, rows=softmax, numbers=softmax.size)
    return gx
