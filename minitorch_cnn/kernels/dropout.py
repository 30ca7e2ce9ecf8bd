"""Dropout, and the random numbers it drops by: Philox, a generator without a state.

A usual generator makes each number out of the one before it. Philox is a function: of a key (64
bits, one for each call of dropout) and of a counter (which element?), so that every element's
number can be computed alone, in any order, on any device, and again for the gradient. One key
drawn on the host gives the same mask on a CPU and on a GPU, and no mask is copied or kept.

Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.
"""

from __future__ import annotations

import numpy as np

from ..backend import Array, array_module
from .tiers import tiered

MASK = 0xFFFFFFFF
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
# What the two halves of the key grow by between rounds: of the golden ratio, and of sqrt(3) - 1.
KEY_STEPS = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10

BLOCK = 1 << 14  # counters at a time, four elements each: a few such arrays fit a CPU's cache


def philox(counter: tuple, key: int) -> tuple:
    """Philox4x32-10: four 32-bit random numbers for each counter of four 32-bit numbers.

    counter: four uint64 arrays, or Python integers where all counters have the same; so are the
    results. The product of two 32-bit numbers has 64 bits: its upper half is well mixed, its
    lower half goes along unmixed so that nothing gets lost and different counters stay different.

    >>> [hex(number) for number in philox((0, 0, 0, 0), key=0)]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    low, high = key & MASK, key >> 32
    for _ in range(ROUNDS):
        first, second = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1 = (second >> 32) ^ (c1 ^ low), second & MASK
        c2, c3 = (first >> 32) ^ (c3 ^ high), first & MASK
        low, high = (low + KEY_STEPS[0]) & MASK, (high + KEY_STEPS[1]) & MASK
    return c0, c1, c2, c3


@tiered
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


def threshold(p: float) -> int:
    """Which 32-bit numbers drop an element: those below this."""
    return round(p * 2**32)


def _counter(xp, first: int, count: int) -> tuple:
    """The counters first, first + 1, ... (64 bits) as Philox takes them."""
    numbers = xp.arange(first, first + count, dtype=np.uint64)
    return numbers & MASK, numbers >> 32, 0, 0
