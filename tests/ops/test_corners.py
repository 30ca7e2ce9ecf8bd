"""Small things that torch's samples leave out: values at the seams, operands of other kinds."""

import math

import numpy as np
import pytest

import minitorch_cnn as mt


def test_sinc_at_0_and_at_whole_numbers():
    x = mt.tensor([0.0, 1.0, -2.0, 0.5], dtype=mt.float64, requires_grad=True)
    y = mt.sinc(x)
    np.testing.assert_allclose(y.detach().numpy(), [1, 0, 0, 2 / math.pi], atol=1e-15)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, -1, -0.5, -4 / math.pi], atol=1e-12)


def test_signbit_of_integers_and_of_minus_zero():
    assert mt.signbit(mt.tensor([-1, 0, 1])).tolist() == [True, False, False]
    assert mt.signbit(mt.tensor([-0.0, 0.0])).tolist() == [True, False]


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


def test_division_of_integers_by_zero():
    x = mt.tensor([4, 5])
    for divide in (mt.floor_divide, mt.remainder, mt.fmod):
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            divide(x, mt.tensor([1, 0]))
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            divide(x, 0)
        assert divide(x, mt.tensor([1, 1])).shape == (2,)
        assert divide(x, 1).shape == (2,)


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


def test_ranks_at_the_ends():
    x = mt.tensor([30.0, 10.0, 20.0])
    assert [x.kthvalue(k).values.item() for k in (1, 2, 3)] == [10, 20, 30]
    assert mt.tensor(5.0).kthvalue(1).values.item() == 5
    for tensor, k in ((x, 0), (x, 4), (mt.tensor(5.0), 2)):
        with pytest.raises(RuntimeError, match=f"k={k}"):
            tensor.kthvalue(k)


@pytest.mark.parametrize("low, high", [(0, math.inf), (-math.inf, 0), (math.nan, 1), (2, 1)])
def test_histogram_of_an_impossible_range(low, high):
    with pytest.raises(RuntimeError, match="range of"):
        mt.histc(mt.ones(3), 4, low, high)


@pytest.mark.parametrize("shape", [(3,), (3, 2), (4, 3), (4, 3, 2)])
def test_solving_for_one_vector_or_many(shape):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4, 3, 3) if shape[0] == 4 else (3, 3))
    B = rng.standard_normal(shape)
    x = mt.linalg.solve(mt.tensor(A), mt.tensor(B)).numpy()
    columns = shape in ((3,), (4, 3))
    product = A @ (x[..., None] if columns else x)
    np.testing.assert_allclose(product[..., 0] if columns else product, B, rtol=1e-9)
