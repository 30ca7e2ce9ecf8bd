"""Philox: random numbers without a state, the same on a CPU and on a GPU.

A usual generator makes each number out of the one before it. Philox is a function: of a key (64
bits, one for each call of dropout) and of a counter (which element?), so that every element's
number can be computed alone, in any order, on any device, and again for the gradient. One key
drawn on the host gives the same mask on a CPU and on a GPU, and no mask is copied or kept.

Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.
"""

from __future__ import annotations

MASK = 0xFFFFFFFF
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
# What the two halves of the key grow by between rounds: of the golden ratio, and of sqrt(3) - 1.
KEY_STEPS = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10


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


def threshold(p: float) -> int:
    """Which 32-bit numbers drop an element: those below this."""
    return round(p * 2**32)
