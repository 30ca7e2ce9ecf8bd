"""The Mersenne Twister, several words at a time; see ../array/random.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import Array
from ..array.random import WORDS
from .jit.threads import kernel, run

_UPPER, _LOWER, _MATRIX = np.uint32(1 << 31), np.uint32((1 << 31) - 1), np.uint32(0x9908B0DF)
_MASK_B, _MASK_C = np.uint32(0x9D2C5680), np.uint32(0xEFC60000)
_0, _1, _7, _11, _15, _18 = (np.uint32(number) for number in (0, 1, 7, 11, 15, 18))


@kernel
def twist(part: int, parts: int, key: Array, drawn: Array) -> None:
    """Each block: key[k] takes in key[k + 1] and key[k + 397]; the drawn words are mixed once more.

    Where the index passes the end it starts again, with words that are new already: so the loop
    comes in two parts, neither of which reads what it has just written.
    """
    for block in range(drawn.size // WORDS):
        for k in range(227):
            y = (key[k] & _UPPER) | (key[k + 1] & _LOWER)
            key[k] = key[k + 397] ^ (y >> _1) ^ ((_0 - (y & _1)) & _MATRIX)
        for k in range(227, 623):
            y = (key[k] & _UPPER) | (key[k + 1] & _LOWER)
            key[k] = key[k - 227] ^ (y >> _1) ^ ((_0 - (y & _1)) & _MATRIX)
        y = (key[623] & _UPPER) | (key[0] & _LOWER)
        key[623] = key[396] ^ (y >> _1) ^ ((_0 - (y & _1)) & _MATRIX)
        for k in range(WORDS):
            y = key[k]
            y ^= y >> _11
            y ^= (y << _7) & _MASK_B
            y ^= (y << _15) & _MASK_C
            drawn[block * WORDS + k] = y ^ (y >> _18)


# ----------------------------------------------------------------------------------- the entries


def twister_words(key: np.ndarray, blocks: int) -> Any:
    if key.dtype != np.uint32 or key.shape != (WORDS,) or not key.flags.c_contiguous:
        return NotImplemented
    drawn = np.empty(blocks * WORDS, np.uint32)
    run(twist, key, drawn, parts=1)  # each block comes out of the one before it
    return drawn
