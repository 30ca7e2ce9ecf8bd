"""Subtract the mean, divide by the standard deviation: what all normalisations are made of."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import array, check_gradients

import minitorch_cnn as mt
from minitorch_cnn.ops.standardize import Standardize, per_channel, standardize_gradient

DIMS = st.sampled_from([(0,), (1,), (0, 2), (1, 2), (0, 1, 2)])


@given(DIMS, st.integers(0, 2**32 - 1))
def test_both_results_are_their_formulas(dims, seed):
    x = array(seed, (3, 2, 4))
    xhat, invstd = Standardize.apply(mt.from_numpy(x), dims, 0.1)
    deviation = x - x.mean(dims, keepdims=True)
    expected = 1 / np.sqrt(x.var(dims, keepdims=True) + 0.1)
    np.testing.assert_allclose(invstd.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(xhat.numpy(), deviation * expected, atol=1e-12)


@pytest.mark.parametrize("which", [0, 1, None])
@given(DIMS, st.integers(0, 2**32 - 1))
def test_gradients_through_one_result_or_both(which, dims, seed):
    """Also of each alone: the other gradient is None then."""

    def function(x):
        results = Standardize.apply(x, dims, 0.1)
        return results if which is None else results[which]

    check_gradients(function, array(seed, (3, 2, 4)))


@given(DIMS, st.integers(0, 2**32 - 1))
def test_the_gradient_points_along_no_shift_and_no_stretch(dims, seed):
    """Both leave xhat as it is (but for eps, which is 0 here)."""
    xhat, invstd = Standardize.apply(mt.from_numpy(array(seed, (3, 2, 4))), dims, 0.0)
    gx = standardize_gradient(mt.from_numpy(array(seed + 1, (3, 2, 4))), xhat, invstd, dims)
    for along in (gx, gx * xhat):
        np.testing.assert_allclose(along.sum(dim=dims).numpy() / invstd.numpy().max(), 0, atol=1e-9)


def test_float16_is_computed_in_float32():
    x = np.array([[60000.0, -60000.0]], np.float16)  # the squares are beyond float16
    xhat, invstd = Standardize.apply(mt.tensor(x), (1,), 0.0)
    assert xhat.dtype is invstd.dtype is mt.float16
    assert xhat.tolist() == [[1.0, -1.0]]


def test_a_number_for_each_channel():
    assert per_channel(mt.arange(3.0), mt.zeros(2, 3, 4, 5)).shape == (1, 3, 1, 1)
    assert per_channel(mt.arange(3.0), mt.zeros(2, 3)).tolist() == [[0.0, 1.0, 2.0]]
