"""Weights of networks that nobody trained, drawn quickly.

Exact random numbers, torch's for every seed, take seconds where a network has hundreds of millions
of weights. Here they mean nothing, so a million of them do, again and again. Large weights do not
even get memory of their own: handing it out would take longer than everything else. They are parts
of one array in which the million numbers are repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from ... import nn
from ...mersenne import MersenneTwister
from ...random import default_generator
from ...tensor import wrap

COUNT = 1_000_003  # a prime: what repeats does not fall into step with the rows of a matrix
LARGE = 2_000_000  # from how many numbers on an array is a part of the shared one


class Promise(NamedTuple):
    """What a large array would have been filled with, had somebody needed it there."""

    normal: bool
    shift: float
    scale: float
    start: int  # of its first number in the table
    seen: tuple[float, ...]  # the numbers that were written: if they are gone, all are others


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
        self.sharing = False
        self.promised: dict[tuple[int, int], Promise] = {}  # (address, size) of an array

    def fill_normal(self, out: np.ndarray, mean: float, std: float) -> np.ndarray:
        return self._fill(out, self.normal, mean, std)

    def normals_one_by_one(self, count: int) -> np.ndarray:
        return self._fill(np.empty(count), self.normal, 0, 1)

    def fill_uniform(self, out: np.ndarray, low: float, high: float) -> np.ndarray:
        return self._fill(out, self.even, low, high - low)

    def _fill(self, out: np.ndarray, table: np.ndarray, shift: float, scale: float) -> np.ndarray:
        # An array of its own is a buffer of whoever asks, who will read it.
        if self.sharing and out.base is not None and out.size >= LARGE and out.dtype == np.float32:
            for place in (0, -1):
                number = table[(self.start + place % len(out)) % COUNT]
                out[place] = number * np.float32(scale) + np.float32(shift)
            promise = Promise(table is self.normal, shift, scale, self.start, (out[0], out[-1]))
            self.promised[out.ctypes.data, out.size] = promise
            self.start = (self.start + len(out)) % COUNT
            return out
        scaled = _scaled(table, shift, scale)
        done = 0
        while done < len(out):
            part = scaled[self.start : self.start + len(out) - done]
            out[done : done + len(part)] = part
            done += len(part)
            self.start = (self.start + len(part)) % COUNT
        return out

    def share(self, model: nn.Module) -> bool:
        """Gives the parameters that were not filled the numbers that they were promised.

        False if something else was not filled, or was changed meanwhile: then nothing is given.
        """
        kept: dict[tuple, list[tuple[nn.Parameter, Promise]]] = {}
        for parameter in model.parameters():
            array = parameter.array
            promise = self.promised.get((array.ctypes.data, array.size))
            if promise and (array.flat[0], array.flat[-1]) == promise.seen:
                kept.setdefault(promise[:3], []).append((parameter, promise))
        if sum(map(len, kept.values())) != len(self.promised):
            return False
        for (normal, shift, scale), wanted in kept.items():
            most = max(promise.start + parameter.numel() for parameter, promise in wanted)
            table = _scaled(self.normal if normal else self.even, shift, scale)
            repeated = np.tile(table, -(-most // COUNT))
            for parameter, promise in wanted:
                part = repeated[promise.start : promise.start + parameter.numel()]
                parameter.data = wrap(part.reshape(parameter.shape))
        return True


def _scaled(table: np.ndarray, shift: float, scale: float) -> np.ndarray:
    return table * np.float32(scale) + np.float32(shift) if (shift, scale) != (0, 1) else table


def untrained(build: Callable[[], nn.Module]) -> nn.Module:
    """The network that `build` makes, with the weights that it has in `quick_weights`.

    Large ones share their memory: do not write into them.

    >>> model = untrained(lambda: nn.Sequential(nn.Linear(1500, 1000), nn.Linear(1500, 1000)))
    >>> bool((model[0].weight != model[1].weight).any()), model[1].weight.std().item() > 0.01
    (True, True)
    """
    with quick_weights() as numbers:
        numbers.sharing = True
        model = build()
    if numbers.share(model):
        return model
    with quick_weights():
        return build()


@contextmanager
def quick_weights() -> Iterator[SameAgain]:
    """Inside, always the same random numbers, drawn quickly. The generator stays as it was.

    >>> from minitorch_cnn import nn
    >>> with quick_weights():
    ...     a = nn.Linear(3, 2)
    >>> with quick_weights():
    ...     b = nn.Linear(3, 2)
    >>> bool((a.weight == b.weight).all())
    True
    """
    numbers = SameAgain(0)
    before, default_generator._rng = default_generator._rng, numbers
    try:
        yield numbers
    finally:
        default_generator._rng = before
