"""Comparisons and questions: against NumPy and torch."""

import math

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import A, X, against_torch, case, raises

import minitorch_cnn as mt

CASES = [
    case("nan_to_num", lambda lib, a: lib.nan_to_num(a * a), A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ERRORS = [
    (lambda: X.eq(mt.zeros(4)), RuntimeError, r"size of tensor a \(3\)"),
    (lambda: X & X, NotImplementedError, "float32"),
    (lambda: ~X, TypeError, "integer"),
    (lambda: mt.isclose(X, X.double()), RuntimeError, "did not match"),
    (lambda: X < "a", TypeError, "not supported"),
]

test_error = raises(ERRORS)


def test_is_same_size():
    assert mt.is_same_size(mt.zeros(2, 3), mt.ones(2, 3))
    assert not mt.zeros(2, 3).is_same_size(mt.zeros(3, 2))
    assert not mt.zeros(1, 3).is_same_size(mt.zeros(3))


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor", "isclose"])
def test_two_tensors_are_needed(name):
    x = mt.ones(2)
    for pair in ((x, 1.0), (1.0, x)):
        with pytest.raises(TypeError, match=f"{name}.*1.0"):
            getattr(mt, name)(*pair)


def test_comparing_with_something_else_is_no_error():
    x = mt.ones(2)
    assert (x == "one") is False and (x != None) is True  # noqa: E711
    assert (x == np.array([1.0, 2.0])).tolist() == [True, False]
    with pytest.raises(TypeError):
        x < "one"  # noqa: B015


def test_small_questions():
    x = mt.zeros(2, 3)
    assert (x.ndimension(), x.nelement(), x.get_device()) == (2, 6, -1)
    assert mt.is_nonzero(mt.tensor([2.0])) and not mt.tensor(0).is_nonzero()
    with pytest.raises(RuntimeError):
        mt.is_nonzero(x)
    y = mt.tensor([1.7]).type_as(mt.tensor(3))
    assert y.dtype == mt.int64 and y.tolist() == [1]
    with pytest.raises(mt.linalg.LinAlgError):
        mt.linalg.inv(x[:, :2])


FULL_SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=4)


seeds = st.integers(0, 2**32 - 1)


COMPARISONS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
}


@pytest.mark.parametrize("name", COMPARISONS)
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3),
    seed=seeds,
)
def test_comparisons_as_numpy(name, shapes, seed):
    rng = np.random.default_rng(seed)
    x, y = (np.asarray(rng.integers(-2, 3, shape)) for shape in shapes.input_shapes)
    result = getattr(mt, name)(mt.from_numpy(x), mt.from_numpy(y))
    expected = np.asarray(COMPARISONS[name](x, y))
    assert result.numpy().dtype == expected.dtype
    np.testing.assert_array_equal(result.numpy(), expected)


def special_numbers():
    return st.sampled_from([0.0, -0.0, 1.0, -2.5, math.inf, -math.inf, math.nan])


@given(hnp.arrays(np.float32, FULL_SHAPES, elements=special_numbers()))
def test_special_numbers(x):
    t = mt.tensor(x)
    for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "nan_to_num"):
        np.testing.assert_array_equal(getattr(t, name)().numpy(), getattr(np, name)(x), name)
    np.testing.assert_array_equal(t.sign().numpy(), np.sign(np.where(np.isnan(x), 0, x)))


def test_comparison_with_other_things_is_false():
    assert (X == None) is False and (X != "a") is True  # noqa: E711
