"""The three products of a convolution against loops over every single number."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from minitorch_cnn import kernels
from minitorch_cnn.kernels import conv_geometry
from minitorch_cnn.kernels.array import conv as conv_kernels

LAYOUTS = ("contiguous", "channels_last", "transposed", "sliced", "reversed")


def in_layout(array, layout):
    """The same numbers, otherwise laid out in memory."""
    if layout == "contiguous":
        return np.ascontiguousarray(array)
    if layout == "channels_last":
        return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if layout == "transposed":
        return np.ascontiguousarray(array.transpose(3, 1, 0, 2)).transpose(2, 1, 3, 0)
    if layout == "sliced":
        wide = np.full((*array.shape[:3], 2 * array.shape[3] + 1), np.nan, array.dtype)
        wide[..., 1::2] = array
        return wide[..., 1::2]
    return np.ascontiguousarray(array[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]


def loops(x, w, gy, geometry):
    """y = conv(x, w) and the gradients of (y * gy).sum() with respect to x and w, in float64."""
    (sh, sw), (ph, pw), _, (dh, dw), groups = geometry
    y, gx, gw = np.zeros(gy.shape), np.zeros(x.shape), np.zeros(w.shape)
    filters_per_group, channels_per_group = w.shape[0] // groups, w.shape[1]
    for n, k, i, j in np.ndindex(gy.shape):
        for c, u, v in np.ndindex(w.shape[1:]):
            channel = k // filters_per_group * channels_per_group + c
            row, column = i * sh + u * dh - ph, j * sw + v * dw - pw
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                y[n, k, i, j] += x[n, channel, row, column] * w[k, c, u, v]
                gx[n, channel, row, column] += gy[n, k, i, j] * w[k, c, u, v]
                gw[k, c, u, v] += gy[n, k, i, j] * x[n, channel, row, column]
    return y, gx, gw


def loop_output_size(size, kernel, geometry):
    """Counts the places where the window fits, one by one."""
    counts = []
    for axis in (0, 1):
        stride, before, after, dilation = (each[axis] for each in geometry[:4])
        last = size[axis] + after - dilation * (kernel[axis] - 1)
        counts.append(len(range(-before, last, stride)))
    return tuple(counts)


@st.composite
def convolutions(draw):
    """Shapes and geometry of a small convolution that has an output."""
    pair = st.tuples
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    per_group = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = draw(pair(st.integers(1, 3), st.integers(1, 3)))
    geometry = conv_geometry(
        draw(pair(st.integers(1, 3), st.integers(1, 3))),
        draw(pair(st.integers(0, 3), st.integers(0, 3))),
        draw(pair(st.integers(1, 2), st.integers(1, 2))),
        groups,
    )
    # The border after the image may be another one than before it, as with padding="same".
    geometry = geometry._replace(after=draw(pair(st.integers(0, 3), st.integers(0, 3))))
    border = [b + a for b, a in zip(geometry.before, geometry.after, strict=True)]
    least = [max(geometry.dilation[a] * (kernel[a] - 1) + 1 - border[a], 1) for a in (0, 1)]
    size = tuple(n + draw(st.integers(0, 4)) for n in least)
    x_shape = (draw(st.integers(0, 3)), groups * per_group[0], *size)
    w_shape = (groups * per_group[1], per_group[0], *kernel)
    return x_shape, w_shape, geometry


@given(convolutions(), st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS), st.booleans(), st.data())
def test_three_products_against_loops(case, x_layout, gy_layout, small_blocks, data):
    x_shape, w_shape, geometry = case
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    x = in_layout(rng.standard_normal(x_shape), x_layout)
    w = in_layout(rng.standard_normal(w_shape), data.draw(st.sampled_from(LAYOUTS)))
    b = rng.standard_normal(w_shape[0])
    size = kernels.output_size(x_shape[2:], w_shape[2:], geometry)
    assert size == loop_output_size(x_shape[2:], w_shape[2:], geometry)
    gy = in_layout(rng.standard_normal((x_shape[0], w_shape[0], *size)), gy_layout)
    y, gx, gw = loops(x, w, gy, geometry)

    with pytest.MonkeyPatch.context() as patch:
        if small_blocks:  # several blocks even in so small a convolution, and rows of one image
            patch.setitem(conv_kernels.BLOCK_BYTES, "numpy", 500)
            patch.setattr(conv_kernels, "BLOCK_ROWS", data.draw(st.integers(1, 20)))
        got_y = kernels.conv2d_forward(x, w, b, geometry)
        got_gx = kernels.conv2d_input_grad(gy, w, x_shape[2:], geometry)
        got_gw = kernels.conv2d_weight_grad(x, gy, w_shape[2:], geometry)
    np.testing.assert_allclose(got_y, y + b.reshape(-1, 1, 1), atol=1e-10)
    np.testing.assert_allclose(got_gx, gx, atol=1e-10)
    np.testing.assert_allclose(got_gw, gw, atol=1e-10)
    assert got_gw.shape == w_shape


@given(convolutions(), st.integers(0, 2**32))
def test_direct_against_loops(case, seed):
    x_shape, w_shape, geometry = case
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
    size = loop_output_size(x_shape[2:], w_shape[2:], geometry)
    gy = np.zeros((x_shape[0], w_shape[0], *size))
    y, _, _ = loops(x, w, gy, geometry)
    with kernels.conv_algorithm("direct"):
        got = kernels.conv2d_forward(x, w, None, geometry)
    np.testing.assert_allclose(got, y, atol=1e-10)


def test_both_ways_to_the_input_gradient_are_taken_and_agree(monkeypatch):
    """Stride 1 turns the weights and convolves; col2im must give the same numbers."""
    rng = np.random.default_rng(3)
    w = rng.standard_normal((4, 3, 3, 2))
    gy = rng.standard_normal((2, 4, 6, 5))
    geometry = conv_geometry(padding=(1, 0))
    assert conv_kernels._is_convolution_of_gy(gy, w, (6, 6), geometry)
    turned = kernels.conv2d_input_grad(gy, w, (6, 6), geometry)
    monkeypatch.setattr(conv_kernels, "_is_convolution_of_gy", lambda *args: False)
    scattered = kernels.conv2d_input_grad(gy, w, (6, 6), geometry)
    _, expected, _ = loops(np.zeros((2, 3, 6, 6)), w, gy, geometry)
    np.testing.assert_allclose(turned, expected, atol=1e-12)
    np.testing.assert_allclose(scattered, expected, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_blocks_of_rows_of_one_image(stride, groups, monkeypatch):
    """Large images are worked off by rows; patches of two blocks overlap in the input gradient."""
    monkeypatch.setitem(conv_kernels.BLOCK_BYTES, "numpy", 1)
    monkeypatch.setattr(conv_kernels, "BLOCK_ROWS", 12)
    rng = np.random.default_rng(0)
    geometry = conv_geometry((stride, 1), (1, 1), (2, 1), groups)
    x, w = rng.standard_normal((2, 4, 13, 5)), rng.standard_normal((10, 4 // groups, 3, 3))
    size = loop_output_size((13, 5), (3, 3), geometry)
    gy = rng.standard_normal((2, 10, *size))
    images, rows, _ = next(conv_kernels.column_blocks(np, x, (3, 3), size, geometry))
    assert images == slice(0, 1) and rows == slice(0, 2)
    y, gx, gw = loops(x, w, gy, geometry)
    np.testing.assert_allclose(kernels.conv2d_forward(x, w, None, geometry), y, atol=1e-12)
    np.testing.assert_allclose(kernels.conv2d_input_grad(gy, w, (13, 5), geometry), gx, atol=1e-12)
    np.testing.assert_allclose(kernels.conv2d_weight_grad(x, gy, (3, 3), geometry), gw, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize("kernel", [1, 3])
def test_results_are_channels_last_in_memory(groups, kernel):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 8, 5, 5))
    w = rng.standard_normal((8, 8 // groups, kernel, kernel))
    geometry = conv_geometry(padding=(kernel // 2, kernel // 2), groups=groups)
    y = kernels.conv2d_forward(x, w, None, geometry)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous


def test_float32_is_as_accurate_as_a_single_rounding_allows():
    """128 x 64 x 64 numbers summed up for one weight: sequential float32 would lose digits."""
    rng = np.random.default_rng(1)
    x = (rng.standard_normal((32, 4, 64, 64)) + 3).astype(np.float32)
    gy = (rng.standard_normal((32, 4, 64, 64)) + 3).astype(np.float32)
    geometry = conv_geometry(padding=(1, 1))
    gw = kernels.conv2d_weight_grad(x, gy, (3, 3), geometry)
    centre = np.einsum("nchw,nkhw->kc", x.astype(np.float64), gy.astype(np.float64))
    assert gw.dtype == np.float32
    np.testing.assert_allclose(gw[:, :, 1, 1], centre, rtol=2e-5)


@pytest.mark.parametrize("groups", [1, 6])
def test_float16_is_computed_in_float32(groups):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((2, 6, 9, 9)).astype(np.float16)
    w = rng.standard_normal((6, 6 // groups, 3, 3)).astype(np.float16)
    b = rng.standard_normal(6).astype(np.float16)
    geometry = conv_geometry(groups=groups)
    gy = rng.standard_normal((2, 6, 7, 7)).astype(np.float16)
    y, gx, gw = loops(x.astype(float), w.astype(float), gy.astype(float), geometry)
    y += b.astype(float).reshape(-1, 1, 1)
    results = (
        kernels.conv2d_forward(x, w, b, geometry),
        kernels.conv2d_input_grad(gy, w, (9, 9), geometry),
        kernels.conv2d_weight_grad(x, gy, (3, 3), geometry),
    )
    for got, expected in zip(results, (y, gx, gw), strict=True):
        assert got.dtype == np.float16
        # One rounding to float16 at the end: half a unit in the last place.
        np.testing.assert_allclose(got.astype(float), expected, rtol=2**-10, atol=2e-3)


def test_integers():
    rng = np.random.default_rng(4)
    x, w = rng.integers(-9, 9, (1, 2, 4, 4)), rng.integers(-9, 9, (3, 2, 3, 3))
    y, _, _ = loops(x, w, np.zeros((1, 3, 2, 2)), conv_geometry())
    got = kernels.conv2d_forward(x, w, None, conv_geometry())
    assert got.dtype == np.int64
    np.testing.assert_array_equal(got, y)


def test_blocks_cover_every_output_once(monkeypatch):
    """For any budget: every image and row in exactly one block, and no block above the budget."""
    monkeypatch.setattr(conv_kernels, "BLOCK_ROWS", 1)
    x = np.arange(5 * 2 * 6 * 7.0).reshape(5, 2, 6, 7)
    for budget in (1, 100, 1000, 3000, 10**6):
        monkeypatch.setitem(conv_kernels.BLOCK_BYTES, "numpy", budget)
        seen = np.zeros((5, 4), int)
        for images, rows, cols in conv_kernels.column_blocks(
            np, x, (3, 3), (4, 5), conv_geometry()
        ):
            seen[images, rows] += 1
            assert cols.shape == (1, seen[images, rows].size * 5, 18)
            assert cols.nbytes <= max(budget, 5 * 18 * 8)
        assert (seen == 1).all()


@given(convolutions(), st.sampled_from(LAYOUTS), st.integers(0, 2**32))
def test_im2col_and_col2im_against_loops(case, layout, seed):
    x_shape, w_shape, geometry = case
    geometry = geometry._replace(groups=1)
    (sh, sw), (ph, pw), _, (dh, dw), _ = geometry
    KH, KW = w_shape[2:]
    OH, OW = loop_output_size(x_shape[2:], (KH, KW), geometry)
    N, C, H, W = x_shape
    rng = np.random.default_rng(seed)
    x = in_layout(rng.standard_normal(x_shape), layout)
    cols = rng.standard_normal((N, C * KH * KW, OH * OW))
    expected_cols, expected_x = np.zeros(cols.shape), np.zeros(x_shape)
    for n, c, u, v, i, j in itertools.product(*map(range, (N, C, KH, KW, OH, OW))):
        row, column = i * sh + u * dh - ph, j * sw + v * dw - pw
        if 0 <= row < H and 0 <= column < W:
            at = n, (c * KH + u) * KW + v, i * OW + j
            expected_cols[at] = x[n, c, row, column]
            expected_x[n, c, row, column] += cols[at]
    np.testing.assert_array_equal(kernels.im2col(x, (KH, KW), geometry), expected_cols)
    got = kernels.col2im(cols, (H, W), (KH, KW), geometry)
    np.testing.assert_allclose(got, expected_x, atol=1e-12)
