"""Dropout by Philox, four elements at a time; see ../array/dropout.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import Array
from ...backend.arrays import empty
from ..philox import KEY_STEPS, MASK, MULTIPLIERS, ROUNDS, threshold
from .arrays import contiguous, takes
from .jit.threads import kernel, parts_for, run, share

_MASK, _32 = np.uint64(MASK), np.uint64(32)
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
_STEP_0, _STEP_1 = np.uint64(KEY_STEPS[0]), np.uint64(KEY_STEPS[1])


@kernel
def drop(part: int, parts: int, x: Array, key: int, least: int, scale: float, y: Array) -> None:
    """y = x * scale where the element's random number is at least `least`, else x * 0."""
    start, stop = share((x.size + 3) // 4, part, parts)
    for counter in range(start, stop):
        c0, c1 = np.uint64(counter) & _MASK, np.uint64(counter) >> _32
        c2, c3 = np.uint64(0), np.uint64(0)
        low, high = key & _MASK, key >> _32
        for _ in range(ROUNDS):
            first, second = c0 * _MULTIPLIER_0, c2 * _MULTIPLIER_1
            c0, c1 = (second >> _32) ^ c1 ^ low, second & _MASK
            c2, c3 = (first >> _32) ^ c3 ^ high, first & _MASK
            low, high = (low + _STEP_0) & _MASK, (high + _STEP_1) & _MASK
        numbers = c0, c1, c2, c3
        for i in range(4 * counter, min(4 * counter + 4, x.size)):
            y[i] = x[i] * scale if numbers[i % 4] >= least else x[i] * np.float32(0)


# ----------------------------------------------------------------------------------- the entries


def dropout(x: Array, key: int, p: float) -> Any:
    if not takes(x):
        return NotImplemented
    y = empty((x.size,))
    scale = np.float32(1 / (1 - p))
    args = (contiguous(x).reshape(-1), np.uint64(key), np.uint64(threshold(p)), scale, y)
    run(drop, *args, parts=parts_for(x.size))
    return y.reshape(x.shape)
