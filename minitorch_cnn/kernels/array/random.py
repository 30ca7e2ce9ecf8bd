"""The Mersenne Twister MT19937: 624 words of state give the next 624 random words at a time.

Matsumoto and Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform
pseudo-random number generator", ACM TOMACS 8, 1998. torch draws from it on a CPU, and NumPy has it.
"""

from __future__ import annotations

import numpy as np

WORDS = 624


def twister_words(key: np.ndarray, blocks: int) -> np.ndarray:
    """The next `blocks` times 624 random words, uint32; key, the state (624,) uint32, moves on."""
    bits = np.random.MT19937(0)
    bits.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": WORDS}}
    drawn = bits.random_raw(blocks * WORDS).astype(np.uint32)
    key[:] = bits.state["state"]["key"]
    return drawn
