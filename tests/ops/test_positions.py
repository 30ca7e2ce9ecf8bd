"""gather and scatter: against loops and torch."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import (
    A,
    M,
    X,
    against_torch,
    at_the_seams,
    case,
    index_for,
    matrix,
    numbers,
    own_memory,
    raises,
    refused_as_by_torch,
    row,
)
from torch_oracle import array, check_gradients

import minitorch_cnn as mt

CASES = [
    case("gather", lambda lib, x: x.gather(0, index_for(lib) % 3) ** 2, M),
    case("gather_1", lambda lib, x: x.gather(1, index_for(lib)) ** 2, M),
    case("take", lambda lib, x: lib.take(x, index_for(lib)) ** 2, M),
    case(
        "take_along_dim",
        lambda lib, x: lib.take_along_dim(x, x.argsort(1), 1) ** 2,
        M,
    ),
    case("scatter", lambda lib, x, y: x.scatter(1, index_for(lib)[:, :2], y) ** 2, M, (2, 2)),
    case("scatter_number", lambda lib, x: x.scatter(0, index_for(lib) % 3, 2.0) ** 2, M),
    case("scatter_add", lambda lib, x, y: x.scatter_add(1, index_for(lib), y) ** 2, M, (2, 4)),
    case(
        "index_put",
        lambda lib, x, y: x.index_put((lib.tensor([2, 0]), lib.tensor([1, 1])), y) ** 2,
        M,
        (2,),
    ),
    case(
        "index_put_add",
        lambda lib, x, y: x.index_put((lib.tensor([2, 2]),), y, accumulate=True) ** 2,
        M,
        (4,),
    ),
    case("masked_fill", lambda lib, x: x.masked_fill(x > 0.5, 3) ** 2, A),
    case("masked_fill_value", lambda lib, x, y: x.masked_fill(x > 0.5, y) ** 2, A, ()),
    case("masked_select", lambda lib, x: x.masked_select(lib.tensor([True, False, True, True])), A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

SEAMS = {
    "gather of a vector by a number": lambda lib: lib.arange(3).gather(0, lib.tensor(2)),
    "gather of nothing": lambda lib: numbers(lib, 2, 3).gather(1, lib.zeros(2, 0).long()),
    "scatter of a smaller part": lambda lib: lib.zeros(2, 3).scatter(
        1, lib.tensor([[2]]), numbers(lib, 2, 2) + 5
    ),
    "take_along_dim that broadcasts": lambda lib: lib.take_along_dim(
        numbers(lib, 1, 3), lib.tensor([[0], [2]]), 1
    ),
    "masked_fill with a tensor": lambda lib: lib.arange(3).masked_fill(
        lib.arange(3) > 1, lib.tensor(7)
    ),
    "masked_fill of bools with a number": lambda lib: lib.tensor([True, False]).masked_fill(
        lib.tensor([False, True]), lib.tensor(1)
    ),
    "masked_fill of integers with a float": lambda lib: lib.arange(3).masked_fill(
        lib.arange(3) > 1, lib.tensor(7.0)
    ),
    "masked_fill of integers with a fraction": lambda lib: lib.arange(3).masked_fill(
        lib.arange(3) > 1, 2.5
    ),
    "index_put that broadcasts": lambda lib: lib.zeros(2, 3).index_put(
        (lib.tensor([1, 0]), lib.tensor([2, 2])), lib.tensor(5.0)
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "gather beyond the other dimensions": (
        lambda lib: matrix(lib).gather(1, lib.zeros(3, 1).long()),
        r"\[3, 1\]",
    ),
    "scatter beyond src": (
        lambda lib: matrix(lib).scatter(1, lib.zeros(2, 2).long(), lib.ones(2, 1)),
        r"\[2, 2\]",
    ),
    "scatter_add of another type": (
        lambda lib: matrix(lib).scatter_add(1, lib.zeros(1, 1).long(), lib.ones(1, 1).long()),
        "int64",
    ),
    "take_along_dim by int32": (
        lambda lib: lib.take_along_dim(row(lib), lib.tensor([0], dtype=lib.int32), 0),
        "int32",
    ),
    "take_along_dim by a matrix": (
        lambda lib: lib.take_along_dim(row(lib), lib.tensor([[0]]), 0),
        "2 dimensions",
    ),
    "masked_select by numbers": (lambda lib: row(lib).masked_select(row(lib)), "float32"),
    "masked_fill with several": (
        lambda lib: row(lib).masked_fill(row(lib) > 1, row(lib)),
        r"1 dimension\(s\)",
    ),
    "index_put of another type": (
        lambda lib: row(lib).index_put((lib.tensor([0]),), lib.tensor([1])),
        "int64",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

ERRORS = [
    (lambda: X.gather(1, mt.tensor([[3]])), RuntimeError, "index 3 is out of bounds"),
    (lambda: X.gather(1, mt.tensor([[-1]])), RuntimeError, "index -1 is out of bounds"),
    (lambda: X.scatter(1, mt.tensor([[3]]), 1.0), RuntimeError, "index 3 is out of bounds"),
    (lambda: X.scatter_add(1, mt.tensor([[3]]), X), RuntimeError, "index 3 is out of bounds"),
    (lambda: X.gather(1, mt.tensor([0])), RuntimeError, "number of dimensions"),
    (lambda: X.gather(1, mt.tensor([[0]] * 3)), RuntimeError, "dimension 0"),
    (lambda: X.gather(1, mt.tensor([[0.0]])), RuntimeError, "integer"),
    (lambda: X.scatter(1, mt.tensor([[0]]), mt.ones(1, 1).double()), RuntimeError, "dtype"),
    (lambda: X.masked_fill(X, 1), RuntimeError, "boolean masks"),
]

test_error = raises(ERRORS)

COPIES = [
    lambda lib, x: lib.gather(x, 0, lib.arange(3)),
    lambda lib, x: lib.take(x, lib.arange(3)),
    lambda lib, x: x.scatter(0, lib.tensor([0]), 5.0),
]

test_results_that_do_not_share_memory = own_memory(COPIES)


seeds = st.integers(0, 2**32 - 1)


@given(st.data(), st.sampled_from([(4,), (3, 4), (2, 3, 4)]), seeds)
def test_gather_and_scatter_by_loops(data, shape, seed):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    axis = dim % len(shape)
    rng = np.random.default_rng(seed)
    index_shape = tuple(
        int(rng.integers(1, 6)) if i == axis else int(rng.integers(1, n + 1))
        for i, n in enumerate(shape)
    )
    index = rng.integers(0, shape[axis], index_shape)
    x, src = array(seed, shape), array(seed + 1, index_shape)
    taken, added = np.zeros(index_shape), x.copy()
    for place in np.ndindex(*index_shape):
        target = (*place[:axis], index[place], *place[axis + 1 :])
        taken[place] = x[target]
        added[target] += src[place]
    i = mt.from_numpy(index)
    np.testing.assert_array_equal(mt.gather(mt.from_numpy(x), dim, i).numpy(), taken)
    result = mt.from_numpy(x).scatter_add(dim, i, mt.from_numpy(src))
    np.testing.assert_allclose(result.numpy(), added)
    check_gradients(lambda a: a.gather(dim, i) ** 2, x)
    check_gradients(lambda a, b: a.scatter_add(dim, i, b) ** 2, x, src)


def test_scatter_of_a_part_of_src_has_a_gradient():
    """torch refuses the gradient if the index is smaller than src; here the rest gets zeros."""
    index = mt.tensor([[0, 2], [1, 0]])
    x, src = array(1, (3, 4)), array(2, (3, 4))
    check_gradients(lambda a, b: a.scatter(1, index, b) ** 2, x, src)
    check_gradients(lambda a, b: a.scatter_add(1, index, b) ** 2, x, src)


def test_scatter_with_no_positions_gives_the_input():
    none = mt.empty(0, dtype=mt.int64)  # of one dimension, whatever the input has
    x = mt.ones(2, 3, requires_grad=True)
    source = mt.ones(2, 3)
    for y in (
        x.scatter(0, none, source),
        x.scatter(1, none, 2.0),
        x.scatter_add(0, none, source),
        x.scatter_reduce(0, none, source, "amax", include_self=False),
    ):
        assert y.equal(x) and y is not x
        y.sum().backward()
    assert x.grad.tolist() == [[4.0] * 3] * 2


def test_scatter_with_no_positions_gives_its_source_zeros_as_gradient():
    x = mt.zeros(2, 3)
    for none in (mt.empty(0, dtype=mt.int64), mt.empty(0, 3, dtype=mt.int64)):
        for put in (
            lambda src, i=none: x.scatter(0, i, src),
            lambda src, i=none: x.scatter(1, i, src, reduce="multiply"),
            lambda src, i=none: x.scatter_add(0, i, src),
            lambda src, i=none: x.scatter_reduce(0, i, src, "mean"),
            lambda src, i=none: x.clone().scatter_(0, i, src),
        ):
            src = mt.ones(2, 3, requires_grad=True)
            y = put(src)
            assert y.requires_grad and y.tolist() == x.tolist()
            y.sum().backward()
            assert src.grad.tolist() == x.tolist()
    none, src = mt.empty(0, dtype=mt.int64), mt.ones(0, 3, requires_grad=True)
    x.index_reduce(0, none, src, "amax").sum().backward()
    assert src.grad.shape == (0, 3)


def test_no_positions_excuse_no_wrong_arguments():
    none, src = mt.empty(0, 3, dtype=mt.int64), mt.ones(2, 3)
    for put, error, words in (
        (lambda: src.scatter(0, none, src.double()), RuntimeError, "dtype"),
        (lambda: src.scatter_add(0, none, src.double()), RuntimeError, "dtype"),
        (lambda: src.scatter_reduce(0, none, src.double(), "sum"), RuntimeError, "dtype"),
        (lambda: src.scatter(5, none, src), IndexError, "Dimension out of range"),
        (lambda: src.scatter_add(5, none, src), IndexError, "Dimension out of range"),
        (lambda: src.gather(5, none), IndexError, "Dimension out of range"),
        (lambda: src.scatter(0, none, src, reduce="mean"), RuntimeError, "add or multiply"),
        (lambda: src.scatter(0, none), TypeError, "needs src"),
    ):
        with pytest.raises(error, match=words):
            put()


def test_scatter_that_adds_or_multiplies_is_torchs():
    torch = pytest.importorskip("torch")
    for reduce in ("add", "multiply"):
        for source in (3.0, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]):
            found = []
            for lib in (mt, torch):
                x = lib.arange(1.0, 7.0).reshape(2, 3)
                index = lib.tensor([[0, 0, 2], [1, 2, 2]])
                given = source if isinstance(source, float) else lib.tensor(source)
                found.append(x.scatter_(1, index, given, reduce=reduce).tolist())
            assert found[0] == found[1]
    with pytest.raises(RuntimeError, match="either add or multiply, got 'mean'"):
        mt.ones(2).scatter(0, mt.tensor([0]), 1.0, reduce="mean")


def test_a_number_is_a_vector_of_one_element():
    """Of index, source and input: in each of them, beside vectors in the others."""
    zeros, one, five = mt.zeros(3), mt.tensor(1), mt.tensor(5.0)
    for index in (one, one[None]):
        for source in (five, five[None]):
            for y in (
                zeros.scatter(0, index, source),
                zeros.scatter_add(0, index, source),
                zeros.scatter_reduce(0, index, source, "amax"),
                zeros.scatter(0, index, source, reduce="add"),
            ):
                assert y.tolist() == [0, 5, 0]
            for y in (
                mt.tensor(1.0).scatter(0, index * 0, source),
                mt.tensor(0.0).scatter_add(0, index * 0, source),
                mt.tensor(1.0).scatter_reduce(0, index * 0, source, "prod"),
            ):
                assert y.tolist() == 5  # and has no dimension
    index, x = mt.tensor([[0, 2]]), mt.zeros(2, 3)
    assert x.scatter(1, index, value=five).tolist() == [[5, 0, 5], [0, 0, 0]]
    assert x.scatter(1, index, value=five, reduce="add").tolist() == [[5, 0, 5], [0, 0, 0]]
    check_gradients(lambda a, b: a.scatter(0, one, b) ** 2, array(1, (3,)), array(2, ()))
    check_gradients(lambda a, b: a.scatter_add(0, one, b) ** 2, array(1, (3,)), array(2, ()))
    for source in (five, five[None]):
        with pytest.raises(RuntimeError, match="Expected index"):
            zeros.scatter(0, mt.tensor([0, 1]), source)
