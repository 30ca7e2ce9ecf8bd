"""Pooling kernels against loops over every window."""

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from minitorch_cnn import kernels
from minitorch_cnn.backend import arrays as memory
from minitorch_cnn.kernels import PoolGeometry

LAYOUTS = ("contiguous", "channels_last", "reversed")


def in_layout(array, name):
    if name == "contiguous":
        return np.ascontiguousarray(array)
    if name == "channels_last":
        return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(array[:, ::-1, :, ::-1])[:, ::-1, :, ::-1]


@st.composite
def poolings(draw):
    """A shape and a geometry; with ceil_mode the last window hangs over."""
    pairs = st.tuples
    kernel = draw(pairs(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(pairs(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(pairs(st.integers(1, 2), st.integers(1, 2)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = draw(pairs(st.integers(1, 7), st.integers(1, 7)))
    ceil = draw(st.booleans())
    out = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation):
        starts = [i for i in range(-p, n, s) if i + d * (k - 1) < n + p]
        if ceil and starts and starts[-1] + d * (k - 1) < n + p - 1 and starts[-1] + s < n:
            starts.append(starts[-1] + s)
        out.append(len(starts))
    assume(min(out) > 0)
    shape = (draw(st.integers(0, 3)), draw(st.integers(1, 3)), *size)
    return shape, PoolGeometry(kernel, stride, padding, dilation, tuple(out))


def members(shape, geometry, i, j):
    """The pixels of window (i, j) that lie in the image, in reading order."""
    kernel, stride, padding, dilation, _ = geometry
    for u, v in np.ndindex(kernel):
        row = i * stride[0] - padding[0] + u * dilation[0]
        column = j * stride[1] - padding[1] + v * dilation[1]
        if 0 <= row < shape[2] and 0 <= column < shape[3]:
            yield row, column


@given(poolings(), st.sampled_from(LAYOUTS), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_maximum_its_place_and_its_gradient(case, layout_name, ties, small_blocks, seed):
    shape, geometry = case
    rng = np.random.default_rng(seed)
    # Few different numbers make ties, of which the first counts; -inf is as low as the border.
    x = rng.choice([-np.inf, 0.0, 1.0], shape) if ties else rng.standard_normal(shape)
    expected = np.full((*shape[:2], *geometry.out_size), -np.inf)
    places = np.full(expected.shape, -1)
    gx = np.zeros(shape)
    gy = rng.standard_normal(expected.shape)
    ggx = rng.standard_normal(shape)
    gathered = np.zeros(expected.shape)
    for n, c, i, j in np.ndindex(expected.shape):
        window = list(members(shape, geometry, i, j))
        assume(window)  # a dilated kernel may step over a tiny image
        best = max(x[n, c, row, column] for row, column in window)
        row, column = next(each for each in window if x[(n, c, *each)] == best)
        expected[n, c, i, j] = best
        places[n, c, i, j] = row * shape[3] + column
        gx[n, c, row, column] += gy[n, c, i, j]
        gathered[n, c, i, j] = ggx[n, c, row, column]

    x, gy = in_layout(x, layout_name), in_layout(gy, layout_name)
    with pytest.MonkeyPatch.context() as patch:
        if small_blocks:
            patch.setitem(memory.BLOCK_BYTES, "numpy", 1)
        y, position = kernels.max_pool2d_forward(x, geometry)
        alone, nothing = kernels.max_pool2d_forward(x, geometry, with_position=False)
        got_gx = kernels.max_pool2d_scatter(gy, position, shape[2:], geometry)
        got_gathered = kernels.max_pool2d_gather(ggx, position, geometry)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(alone, expected)
    assert nothing is None
    got_places = kernels.max_pool2d_indices(position, shape[3], geometry)
    assert got_places.dtype == np.int64
    np.testing.assert_array_equal(got_places, places)
    np.testing.assert_allclose(got_gx, gx, atol=1e-12)
    np.testing.assert_array_equal(got_gathered, gathered)


def test_nan_is_the_maximum_and_has_its_place():
    x = np.array([[[[1.0, 9.0, np.nan, 2.0]]]])
    geometry = PoolGeometry((1, 2), (1, 2), (0, 0), (1, 1), (1, 2))
    y, position = kernels.max_pool2d_forward(x, geometry)
    np.testing.assert_array_equal(y, [[[[9.0, np.nan]]]])
    assert kernels.max_pool2d_indices(position, 4, geometry).tolist() == [[[[1, 2]]]]
    whole = PoolGeometry((1, 4), (1, 1), (0, 0), (1, 1), (1, 1))
    y, position = kernels.max_pool2d_forward(x, whole)
    assert np.isnan(y).all() and position.tolist() == [[[[2]]]]
    x[..., 1] = np.nan
    _, position = kernels.max_pool2d_forward(x, whole)
    assert position.tolist() == [[[[2]]]]  # of several the last, as in torch


def test_positions_of_a_window_of_more_than_256_pixels():
    x = np.zeros((1, 1, 20, 20))
    x[0, 0, 19, 18] = 1.0
    geometry = PoolGeometry((20, 20), (1, 1), (0, 0), (1, 1), (1, 1))
    _, position = kernels.max_pool2d_forward(x, geometry)
    assert position.item() == 19 * 20 + 18


def test_integer_maximum_with_padding():
    x = np.array([[[[-7, -5], [-6, -9]]]])
    geometry = PoolGeometry((2, 2), (2, 2), (1, 1), (1, 1), (2, 2))
    y, _ = kernels.max_pool2d_forward(x, geometry)
    assert y.dtype == np.int64 and y.tolist() == x.tolist()


@given(poolings(), st.sampled_from(LAYOUTS), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_sums_and_their_gradient(case, layout_name, include_pad, small_blocks, seed):
    shape, geometry = case
    geometry = geometry._replace(dilation=(1, 1))
    out = [
        max(len([i for i in range(-p, n, s) if i + k <= n + p]), 0)
        for n, k, s, p in zip(shape[2:], *geometry[:3])
    ]
    assume(min(out) > 0)
    geometry = geometry._replace(out_size=tuple(out))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    gy = rng.standard_normal((*shape[:2], *geometry.out_size))
    expected, gx = np.zeros(gy.shape), np.zeros(shape)
    counts = np.zeros(geometry.out_size)
    for i, j in np.ndindex(geometry.out_size):
        window = list(members(shape, geometry, i, j))
        # Without ceil_mode all windows lie within the padded image: every pixel of them counts.
        counts[i, j] = (
            geometry.kernel_size[0] * geometry.kernel_size[1] if include_pad else len(window)
        )
        for row, column in window:
            expected[:, :, i, j] += x[:, :, row, column] / counts[i, j]
            gx[:, :, row, column] += gy[:, :, i, j] / counts[i, j]
    divisor = kernels.window_counts(shape[2:], geometry, include_pad)
    np.testing.assert_array_equal(divisor, counts)
    x, gy = in_layout(x, layout_name), in_layout(gy, layout_name)
    with pytest.MonkeyPatch.context() as patch:
        if small_blocks:
            patch.setitem(memory.BLOCK_BYTES, "numpy", 1)
        y = kernels.avg_pool2d_forward(x, geometry, divisor)
        got_gx = kernels.avg_pool2d_backward(gy, shape[2:], geometry, divisor)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    np.testing.assert_allclose(got_gx, gx, atol=1e-12)


@given(
    st.tuples(*[st.integers(1, 6)] * 2), st.tuples(*[st.integers(1, 8)] * 2), st.integers(0, 2**32)
)
def test_adaptive_maximum_by_loops(size, out, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 4, (2, 2, *size)).astype(float)
    got = kernels.adaptive_max_indices(x, out)
    for i, j in np.ndindex(out):
        rows = range(i * size[0] // out[0], -((i + 1) * size[0] // -out[0]))
        columns = range(j * size[1] // out[1], -((j + 1) * size[1] // -out[1]))
        for n, c in np.ndindex(2, 2):
            place = max(((r, q) for r in rows for q in columns), key=lambda at: x[(n, c, *at)])
            assert got[n, c, i, j] == place[0] * size[1] + place[1]
