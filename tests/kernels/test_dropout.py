"""Philox against the vectors published with it, and dropout against a loop over elements."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from minitorch_cnn.kernels.array import dropout as definition
from minitorch_cnn.kernels.philox import philox
from tests.kernels.tiers import tier

array = tier("array")

# "philox4x32 10" in kat_vectors of Random123, the library of the paper's authors:
# counter, key (low word first) and the four numbers.
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize("counter, key, expected", KNOWN)
def test_philox_gives_the_published_numbers(counter, key, expected):
    number = key[0] | key[1] << 32
    assert list(philox(tuple(counter), number)) == expected
    arrays = tuple(np.full(3, word, np.uint64) for word in counter)
    assert [word.tolist() for word in philox(arrays, number)] == [[e] * 3 for e in expected]


@given(
    st.lists(st.integers(0, 9), max_size=3),
    st.integers(0, 2**64 - 1),
    st.floats(0.01, 0.99),
    st.sampled_from(["float16", "float32", "float64"]),
    st.booleans(),
    st.booleans(),
)
def test_each_element_has_a_number_of_its_own(shape, key, p, dtype, turned, small_blocks):
    x = np.asarray(np.random.default_rng(key % 2**32).standard_normal(shape)).astype(dtype)
    x = np.asarray(x.T) if turned else x
    with pytest.MonkeyPatch.context() as patch:
        if small_blocks:
            patch.setattr(definition, "BLOCK", 3)
        y = array.dropout(x, key, p)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    for i, (value, result) in enumerate(zip(x.ravel().tolist(), y.ravel().tolist(), strict=True)):
        number = philox((i // 4, 0, 0, 0), key)[i % 4]  # Python's integers
        dropped = number / 2**32 < round(p * 2**32) / 2**32
        factor = float(np.array(1 / (1 - p)).astype(dtype))
        assert result == (0 if dropped else np.array(value * factor).astype(dtype))


def test_counters_go_on_beyond_32_bits():
    c0, c1, *rest = definition._counter(np, 2**32 - 1, 3)
    assert c0.tolist() == [2**32 - 1, 0, 1]
    assert c1.tolist() == [0, 1, 1]
    assert rest == [0, 0]


def test_all_bits_are_even_and_neighbours_are_independent():
    n = 1 << 16
    words = philox(definition._counter(np, 0, n), 0x123456789ABCDEF)
    for word in words:
        for bit in range(32):
            ones = int((word >> bit & 1).sum())
            assert abs(ones - n / 2) < 5 * n**0.5 / 2  # five standard deviations
    uniform = np.stack(words, axis=1).reshape(-1) / 2**32 - 0.5
    for lag in (1, 2, 3, 4):
        correlation = (uniform[lag:] * uniform[:-lag]).mean() * 12
        assert abs(correlation) < 5 / (4 * n) ** 0.5
    other = np.stack(philox(definition._counter(np, 0, n), 0x123456789ABCDEE), axis=1)
    assert abs(((other.reshape(-1) / 2**32 - 0.5) * uniform).mean() * 12) < 5 / (4 * n) ** 0.5
