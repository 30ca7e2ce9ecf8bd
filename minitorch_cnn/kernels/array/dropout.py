"""Dropout: every element is dropped or kept by a random number of its own; see ../philox.py."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from ...backend import Array, array_module
from ..philox import MASK, philox, threshold

BLOCK = 1 << 14  # counters at a time, four elements each: a few such arrays fit a CPU's cache


def dropout(x: Array, key: int, p: float) -> Array:
    """x with each element dropped (times 0) with probability p < 1, the others divided by 1 - p.

    Element i, counted in row-major order whatever the order in memory, has number i % 4 of
    philox((i // 4, 0, 0, 0), key). It is dropped if the number is below p 2^32. That is linear in
    x: the gradient is dropout(gy, key, p).
    """
    xp = array_module(x)
    scale = x.dtype.type(1 / (1 - p))
    flat = x.reshape(-1)
    y = xp.empty_like(flat)
    counters = BLOCK if xp is np else max(-(-x.size // 4), 1)
    kept = xp.empty((counters, 4), bool)
    for start in range(0, x.size, 4 * counters):
        part = slice(start, min(start + 4 * counters, x.size))
        first = start // 4
        words = philox(_counter(xp, first, counters), key)
        for place, word in enumerate(words):
            xp.greater_equal(word, threshold(p), out=kept[:, place])
        xp.multiply(flat[part], kept.reshape(-1)[: part.stop - start], out=y[part])
        y[part] *= scale
    return y.reshape(x.shape)


def _counter(xp: ModuleType, first: int, count: int) -> tuple:
    """The counters first, first + 1, ... (64 bits) as Philox takes them."""
    numbers = xp.arange(first, first + count, dtype=np.uint64)
    return numbers & MASK, numbers >> 32, 0, 0
