"""sort, topk, kthvalue: against torch and NumPy."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import (
    A,
    X,
    against_torch,
    at_the_seams,
    case,
    numbers,
    on_random_matrices,
    raises,
    refused_as_by_torch,
    row,
)

import minitorch_cnn as mt

CASES = [
    case("sort", lambda lib, x: tuple(x.sort(1)), A),
    case("sort_descending", lambda lib, x: tuple(lib.sort(x, 0, descending=True)), A),
    case("argsort", lambda lib, x: x.argsort(-1, descending=True), A),
    case("topk", lambda lib, x: tuple(x.topk(2, 1)), A),
    case("topk_smallest", lambda lib, x: tuple(lib.topk(x, 3, largest=False)), A),
    case("msort", lambda lib, x: lib.msort(x) ** 2, A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ON_MATRICES = {
    "kthvalue": (lambda lib, a: tuple(lib.kthvalue(a, 2, 0)), 1, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

SEAMS = {
    "argsort many ties": lambda lib: (lib.arange(200) % 3).argsort(stable=True),
    "argsort many ties down": lambda lib: (lib.arange(200) % 3).sort(descending=True, stable=True),
    "argsort along the first": lambda lib: (numbers(lib, 40, 3) % 4).sort(dim=0, stable=True),
    "argsort NaN": lambda lib: lib.tensor([float("nan"), 1.0, 2.0]).sort(),
    "topk of all": lambda lib: lib.tensor([3.0, 1.0, 2.0]).topk(3),
    "topk of none": lambda lib: lib.tensor([3.0, 1.0]).topk(0),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "topk of a negative number": (lambda lib: row(lib).topk(-1), "k=-1"),
    "topk of more than there are": (lambda lib: row(lib).topk(5), "k=5"),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

ERRORS = [
    (lambda: X.topk(4), RuntimeError, "k=4"),
]

test_error = raises(ERRORS)


def test_ranks_at_the_ends():
    x = mt.tensor([30.0, 10.0, 20.0])
    assert [x.kthvalue(k).values.item() for k in (1, 2, 3)] == [10, 20, 30]
    assert mt.tensor(5.0).kthvalue(1).values.item() == 5
    for tensor, k in ((x, 0), (x, 4), (mt.tensor(5.0), 2)):
        with pytest.raises(RuntimeError, match=f"k={k}"):
            tensor.kthvalue(k)


@given(
    hnp.arrays(np.int64, hnp.array_shapes(max_dims=3, max_side=6), elements=st.integers(0, 3)),
    st.booleans(),
    st.data(),
)
def test_sort_is_stable(x, descending, data):
    dim = data.draw(st.integers(-x.ndim, x.ndim - 1))
    values, index = mt.from_numpy(x).sort(dim, descending)
    expected = np.argsort(-x if descending else x, axis=dim, kind="stable")
    np.testing.assert_array_equal(index.numpy(), expected)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, expected, dim))
    k = data.draw(st.integers(0, x.shape[dim]))
    top = mt.from_numpy(x).topk(k, dim, largest=descending)
    np.testing.assert_array_equal(top.indices.numpy(), expected.take(range(k), dim))
