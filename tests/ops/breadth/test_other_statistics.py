"""Counting and covariance: against torch and NumPy."""

import math

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import (
    X,
    at_the_seams,
    matrix,
    numbers,
    on_random_matrices,
    raises,
    refused_as_by_torch,
    row,
)

import minitorch_cnn as mt

ON_MATRICES = {
    "cov": (lambda lib, a: lib.cov(a), 1, -3.0, 3.0),
    "corrcoef": (lambda lib, a: lib.corrcoef(a), 1, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

SEAMS = {
    "bincount of weights": lambda lib: lib.bincount(lib.tensor([0, 2, 2]), numbers(lib, 3)),
    "bincount of integer weights": lambda lib: lib.bincount(lib.tensor([0, 2]), lib.arange(2)),
    "searchsorted in rows": lambda lib: lib.searchsorted(
        lib.tensor([[1, 3, 5], [2, 4, 6]]), lib.tensor([[3, 9], [4, 0]]), out_int32=True
    ),
    "searchsorted on the right": lambda lib: lib.searchsorted(
        lib.tensor([5, 1, 3]), lib.tensor([3, 5]), side="right", sorter=lib.tensor([1, 2, 0])
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "bincount of negative numbers": (lambda lib: lib.bincount(lib.tensor([1, -1])), "non-neg"),
    "bincount with other weights": (
        lambda lib: lib.bincount(lib.tensor([1, 1]), row(lib)),
        r"\[4\] and \[2\]",
    ),
    "bincount to a negative length": (lambda lib: lib.bincount(lib.tensor([1]), None, -1), "-1"),
    "searchsorted at no side": (lambda lib: lib.searchsorted(row(lib), 1.0, side="up"), "'up'"),
    "searchsorted at two sides": (
        lambda lib: lib.searchsorted(row(lib), 1.0, side="left", right=True),
        "opposites",
    ),
    "searchsorted in a number": (lambda lib: lib.searchsorted(lib.tensor(1.0), row(lib)), "0-d"),
    "searchsorted in other rows": (
        lambda lib: lib.searchsorted(matrix(lib), lib.ones(3, 1)),
        r"\[2, 3\] and \[3, 1\]",
    ),
    "searchsorted by a shorter sorter": (
        lambda lib: lib.searchsorted(row(lib), 1.0, sorter=lib.tensor([0, 1])),
        "same size",
    ),
    "searchsorted by no positions": (
        lambda lib: lib.searchsorted(row(lib), 1.0, sorter=row(lib)),
        "float32",
    ),
    "searchsorted by a sorter beyond the end": (
        lambda lib: lib.searchsorted(row(lib), 1.0, sorter=lib.tensor([0, 1, 2, 4])),
        "out of range",
    ),
    "searchsorted by a sorter before the start": (
        lambda lib: lib.searchsorted(row(lib), 1.0, sorter=lib.tensor([0, 1, 2, -1])),
        "out of range",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

ERRORS = [
    (lambda: mt.bincount(mt.tensor([-1])), RuntimeError, "non-negative"),
    (lambda: mt.bincount(X), NotImplementedError, "bincount_cpu"),
]

test_error = raises(ERRORS)


@pytest.mark.parametrize("correction", [0, 1])
@pytest.mark.parametrize("which", ["fweights", "aweights", "both"])
def test_covariance_with_weights(which, correction):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 6))
    given = {"fweights": rng.integers(1, 4, 6), "aweights": rng.random(6) + 0.5}
    given = given if which == "both" else {which: given[which]}
    tensors = {name: mt.tensor(value) for name, value in given.items()}
    got = mt.cov(mt.tensor(x), correction=correction, **tensors)
    np.testing.assert_allclose(got.numpy(), np.cov(x, ddof=correction, **given), rtol=1e-12)


@pytest.mark.parametrize("low, high", [(0, math.inf), (-math.inf, 0), (math.nan, 1), (2, 1)])
def test_histogram_of_an_impossible_range(low, high):
    with pytest.raises(RuntimeError, match=r"range of|larger than min"):
        mt.histc(mt.ones(3), 4, low, high)


def test_searchsorted_of_two_types():
    boundaries = mt.tensor([0.5, 1.0, 2.0])
    assert mt.searchsorted(boundaries, mt.tensor([1, 2, 3])).tolist() == [1, 2, 3]
    assert mt.searchsorted(boundaries.long(), mt.tensor([0.5, 1.5])).tolist() == [1, 2]


@given(hnp.arrays(np.int64, st.integers(0, 12), elements=st.integers(0, 5)), st.integers(0, 8))
def test_counting(x, minlength):
    t = mt.from_numpy(x)
    counts = t.bincount(minlength=minlength)
    expected = [int((x == i).sum()) for i in range(max(minlength, x.max(initial=-1) + 1))]
    assert counts.tolist() == expected
    values, inverse, how_many = t.unique(return_inverse=True, return_counts=True)
    assert values.tolist() == sorted(set(x.tolist()))
    np.testing.assert_array_equal(values.numpy()[inverse.numpy()], x)
    assert how_many.tolist() == [int((x == value).sum()) for value in values.tolist()]
    at = mt.searchsorted(values, mt.tensor([2]), right=True).item()
    assert at == sum(value <= 2 for value in values.tolist())
