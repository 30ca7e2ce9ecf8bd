"""Interpolation weights against the formulas for a single pixel."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from minitorch_cnn import kernels

LENGTHS = st.integers(1, 9)


@given(LENGTHS, LENGTHS, st.integers(0, 2), st.booleans(), st.integers(0, 2**32))
def test_resizing_an_axis_is_a_matrix_product(length, out, axis, channels_last, seed):
    rng = np.random.default_rng(seed)
    shape = [2, 3, 4, 5, 2]
    shape[2 + axis] = length
    x = rng.standard_normal(shape)
    matrix = rng.standard_normal((out, length)) * (rng.random((out, length)) < 0.5)
    subscripts = ["oi,ncixy->ncoxy", "oi,ncxiy->ncxoy", "oi,ncxyi->ncxyo"][axis]
    expected = np.einsum(subscripts, matrix, x)
    if channels_last:
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        x = np.moveaxis(x, -1, 1)
    np.testing.assert_allclose(kernels.resize_axis(x, 2 + axis, matrix), expected, atol=1e-12)


def test_pixels_with_weight_0_are_not_read():
    x = np.array([np.nan, 1.0, 2.0]).reshape(1, 1, 3)
    matrix = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.0, 0.0]])
    got = kernels.resize_axis(x, 2, matrix)
    np.testing.assert_array_equal(got.reshape(-1), [3.0, 0.0, 6.0, np.nan])


@given(LENGTHS, LENGTHS, st.booleans())
def test_linear_weights_reproduce_straight_lines(length, out, align):
    """Between two pixels the value lies on the line through them, at the borders it is flat."""
    line = np.arange(length) * 2.0 + 1.0
    got = kernels.resize_matrix(length, out, "linear", align, None) @ line
    for i in range(out):
        if align:
            position = i * (length - 1) / (out - 1) if out > 1 else 0.0
        else:
            position = (i + 0.5) * length / out - 0.5
        position = min(max(position, 0.0), length - 1.0)
        assert math.isclose(got[i], position * 2 + 1)


@pytest.mark.parametrize("align", [False, True])
def test_cubic_weights(align):
    """They add up to 1, and halfway between pixels are (a, 4 - a, 4 - a, a) / 8 with a = -0.75."""
    matrix = kernels.resize_matrix(12, 25, "cubic", align, None)
    np.testing.assert_allclose(matrix.sum(1), 1.0, atol=1e-12)
    step = 11 / 24 if align else 12 / 25
    positions = np.arange(25) * step if align else (np.arange(25) + 0.5) * step - 0.5
    halfway = [i for i, at in enumerate(positions) if at % 1 == 0.5 and 1 < at < 10]
    assert halfway
    for i in halfway:
        first = int(positions[i])
        expected = np.array([-0.75, 4.75, 4.75, -0.75]) / 8
        np.testing.assert_allclose(matrix[i, first - 1 : first + 3], expected, atol=1e-12)


@given(LENGTHS, LENGTHS)
def test_nearest_pixel(length, out):
    for i, got in enumerate(kernels.nearest_indices(length, out, False, None)):
        assert got == i * length // out
    for i, got in enumerate(kernels.nearest_indices(length, out, True, None)):
        assert got == (2 * i + 1) * length // (2 * out)


@given(LENGTHS, LENGTHS)
def test_adaptive_bins_and_their_averages(length, bins):
    matrix = kernels.averaging_matrix(length, bins)
    for i in range(bins):
        start, end = math.floor(i * length / bins), math.ceil((i + 1) * length / bins)
        expected = np.zeros(length)
        expected[start:end] = 1 / (end - start)
        np.testing.assert_array_equal(matrix[i], expected)
