"""Weights of networks that nobody trained, drawn quickly.

Exact random numbers, torch's for every seed, take seconds where a network has hundreds of millions
of weights. Here they mean nothing, so a million of them do, again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ...mersenne import MersenneTwister
from ...random import default_generator

COUNT = 1_000_003  # a prime: what repeats does not fall into step with the rows of a matrix


class SameAgain(MersenneTwister):
    """Draws COUNT normal and COUNT uniform numbers, and takes them in turn from then on.

    >>> numbers = SameAgain(0)
    >>> a = numbers.fill_normal(np.empty(COUNT - 1), 0, 1)
    >>> b = numbers.fill_normal(np.empty(3), 0, 1)
    >>> bool(b[1] == a[0]), bool(b[2] == a[1]), round(float(a.std()), 2)
    (True, True, 1.0)
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        table = np.empty(COUNT, np.float32)
        self.normal = super().fill_normal(table, 0, 1).copy()
        self.even = super().fill_uniform(table, 0, 1)
        self.start = 0  # of the next number

    def fill_normal(self, out: np.ndarray, mean: float, std: float) -> np.ndarray:
        return self._fill(out, self.normal, mean, std)

    def normals_one_by_one(self, count: int) -> np.ndarray:
        return self._fill(np.empty(count), self.normal, 0, 1)

    def fill_uniform(self, out: np.ndarray, low: float, high: float) -> np.ndarray:
        return self._fill(out, self.even, low, high - low)

    def _fill(self, out: np.ndarray, table: np.ndarray, shift: float, scale: float) -> np.ndarray:
        scaled = (
            table * np.float32(scale) + np.float32(shift) if (shift, scale) != (0, 1) else table
        )
        done = 0
        while done < len(out):
            part = scaled[self.start : self.start + len(out) - done]
            out[done : done + len(part)] = part
            done += len(part)
            self.start = (self.start + len(part)) % COUNT
        return out


@contextmanager
def quick_weights() -> Iterator[None]:
    """Inside, always the same random numbers, drawn quickly. The generator stays as it was.

    >>> from minitorch_cnn import nn
    >>> with quick_weights():
    ...     a = nn.Linear(3, 2)
    >>> with quick_weights():
    ...     b = nn.Linear(3, 2)
    >>> bool((a.weight == b.weight).all())
    True
    """
    before, default_generator._rng = default_generator._rng, SameAgain(0)
    try:
        yield
    finally:
        default_generator._rng = before
