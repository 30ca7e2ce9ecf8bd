"""Damaged files, for the tests of all formats."""

import io
import tracemalloc
from collections import Counter

import numpy as np
import pytest

import minitorch_cnn as mt


def flat(value):
    """A loaded object with lists in the place of tensors, to compare by ==."""
    if isinstance(value, mt.Tensor):
        return value.dtype.name, value.tolist()
    if isinstance(value, dict):
        return {key: flat(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [flat(item) for item in value]
    return value


@pytest.fixture
def as_plain():
    return flat


@pytest.fixture
def damage():
    """damage(content) loads every truncation and thousands of changes; counts what happened.

    "refused": ValueError or NotImplementedError; "same": the data of the whole file; "other":
    other data. Anything else fails the test, as does memory out of proportion to the file.
    """
    return load_damaged


def load_damaged(content, flips=1200, seed=0):
    expected = flat(mt.load(io.BytesIO(content)))
    rng = np.random.default_rng(seed)
    damaged = [content[:length] for length in range(len(content))]
    for _ in range(flips):
        damaged.append(_with_changed_bit(content, rng))
    for _ in range(flips // 4):
        place, length = int(rng.integers(len(content))), int(rng.choice([1, 2, 4, 8]))
        filler = [b"\xff" * length, b"\0" * length, rng.bytes(length)][int(rng.integers(3))]
        damaged.append(content[:place] + filler + content[place + length :])

    counts = Counter({"refused": 0, "same": 0, "other": 0})
    tracemalloc.start()
    try:
        for each in damaged:
            tracemalloc.reset_peak()
            try:
                result = mt.load(io.BytesIO(each))
            except (ValueError, NotImplementedError):
                counts["refused"] += 1
            else:
                counts["same" if flat(result) == expected else "other"] += 1
            assert tracemalloc.get_traced_memory()[1] < 2**20 + 20 * len(content)
    finally:
        tracemalloc.stop()
    return counts


def _with_changed_bit(content, rng):
    changed = bytearray(content)
    changed[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)
