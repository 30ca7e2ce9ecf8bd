"""The compiled convolutions against loops over every number, and against float64 array code."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from minitorch_cnn import kernels
from minitorch_cnn.backend import arrays as memory
from minitorch_cnn.kernels import conv_geometry
from minitorch_cnn.kernels.cpu import arrays, conv, few_filters, implicit, pointwise, winograd
from minitorch_cnn.kernels.cpu.jit import threads, vector
from tests.kernels.test_conv import LAYOUTS, convolutions, in_layout, loop_output_size, loops
from tests.kernels.tiers import tier

array, cpu = tier("array"), tier("cpu")


def compiled_products(x, w, b, gy, geometry):
    """y, gx and gw by the compiled kernels, which must not decline."""
    y = cpu.conv2d_forward(x, w, b, geometry)
    gx = cpu.conv2d_input_grad(gy, w, x.shape[2:], geometry)
    gw = cpu.conv2d_weight_grad(x, gy, w.shape[2:], geometry)
    return y, gx, gw


def check(got, expected, scale):
    assert got is not NotImplemented
    assert got.dtype == np.float32
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=2e-6 * scale, rtol=0)


@given(
    convolutions(),
    st.sampled_from(LAYOUTS),
    st.sampled_from(["patches", "pieces", "implicit"]),
    st.integers(0, 2**32),
)
def test_products_of_patches_against_loops(case, layout, way, seed):
    x_shape, w_shape, geometry = case
    if x_shape[0] == 0:
        return  # declined; the next test sees to that
    rng = np.random.default_rng(seed)
    x, w = (rng.standard_normal(s).astype(np.float32) for s in (x_shape, w_shape))
    b = rng.standard_normal(w_shape[0]).astype(np.float32)
    size = loop_output_size(x_shape[2:], w_shape[2:], geometry)
    gy = rng.standard_normal((x_shape[0], w_shape[0], *size)).astype(np.float32)
    expected = loops(x, w, gy, geometry)
    algorithm = "implicit_gemm" if way == "implicit" else "im2col"
    with pytest.MonkeyPatch.context() as patch, kernels.conv_algorithm(algorithm):
        patch.setattr(conv, "MOST_PIXELS", 12)  # several blocks
        patch.setattr(implicit, "BAND_BYTES", 4)  # a row of output at a time
        patch.setattr(conv, "MANY_CHANNELS", 1 if way == "pieces" else 128)
        y, gx, gw = compiled_products(in_layout(x, layout), w, b, in_layout(gy, layout), geometry)
    check(y, expected[0] + b.reshape(1, -1, 1, 1), w[0].size)
    check(gx, expected[1], w[0].size)
    check(gw, expected[2], max(gy[:, 0].size, 4))


@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 3)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
@pytest.mark.parametrize("channels", [(16, 70), (130, 33), (130, 130)])
@pytest.mark.parametrize("algorithm", ["im2col", "implicit_gemm"])
def test_layers_as_in_a_resnet(kernel_size, stride, channels, algorithm):
    C, K = channels
    geometry = conv_geometry(stride, (kernel_size[0] // 2, kernel_size[1] // 2))
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((7, C, 8, 9)), rng.standard_normal((K, C, *kernel_size))
    gy = rng.standard_normal((7, K, *loop_output_size((8, 9), kernel_size, geometry)))
    with kernels.conv_algorithm("im2col"):
        y = array.conv2d_forward(x, w, None, geometry)
        gx = array.conv2d_input_grad(gy, w, (8, 9), geometry)
        gw = array.conv2d_weight_grad(x, gy, kernel_size, geometry)
    with kernels.conv_algorithm(algorithm):
        x, w, gy = (array.astype(np.float32) for array in (x, w, gy))
        got = compiled_products(x, w, None, gy, geometry)
    for result, expected, terms in zip(got, (y, gx, gw), (w[0], w[:, 0], gy[:, 0]), strict=True):
        check(result, expected, max(terms.size, 4))


@pytest.mark.parametrize("kernel_size", [(3, 3), (2, 5), (1, 2)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("filters", [1, 3, 6, 8])
def test_few_filters_share_a_register_with_those_of_the_next_output(kernel_size, stride, filters):
    rng = np.random.default_rng(filters)
    geometry = conv_geometry(stride, (1, 1))
    x_shape, w_shape = (2, 3, 4, 35), (filters, 3, *kernel_size)
    size = loop_output_size(x_shape[2:], kernel_size, geometry)
    if size[1] % 2:  # an odd number of outputs has no halves: one column more
        x_shape = (2, 3, 4, 35 + stride[1])
        size = loop_output_size(x_shape[2:], kernel_size, geometry)
    shapes = x_shape, w_shape, (2, filters, *size), (filters,)
    x, w, gy, b = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    count = few_filters.outputs_together(filters, kernel_size[1], size[1], stride[1])
    assert (count > 1) == (2 * filters <= vector.LANES and kernel_size[1] > stride[1])
    with kernels.conv_algorithm("implicit_gemm"):
        y, gx, gw = compiled_products(x, w, b, gy, geometry)
        above_zero = kernels.conv2d_forward(x, w, b, geometry, relu=True)
    expected = loops(x, w, gy, geometry)
    wanted = expected[0] + b.reshape(1, -1, 1, 1)
    check(y, wanted, w[0].size)
    check(above_zero, np.maximum(wanted, 0), w[0].size)
    check(gx, expected[1], w[0].size)
    check(gw, expected[2], gy[:, 0].size)


@pytest.mark.parametrize("kernel_size", [(5, 5), (2, 3), (1, 1)])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("padding", [1, 4, 7])
@pytest.mark.parametrize("height", [1, 4])
def test_rows_of_the_kernel_outside_of_the_image(kernel_size, stride, padding, height):
    rng = np.random.default_rng(height)
    geometry = conv_geometry((stride, 1), (padding, padding))
    x_shape, w_shape = (2, 3, height, 8), (6, 3, *kernel_size)
    if height + 2 * padding < kernel_size[0]:
        return  # no output
    size = loop_output_size(x_shape[2:], kernel_size, geometry)
    shapes = x_shape, w_shape, (2, 6, *size), (6,)
    x, w, gy, b = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    with kernels.conv_algorithm("implicit_gemm"):
        y, gx, gw = compiled_products(x, w, b, gy, geometry)
    expected = loops(x, w, gy, geometry)
    check(y, expected[0] + b.reshape(1, -1, 1, 1), w[0].size)
    check(gx, expected[1], w[0].size)
    check(gw, expected[2], max(gy[:, 0].size, 4))


def test_what_is_declined():
    geometry = conv_geometry(padding=(1, 1))
    x, w = np.ones((2, 4, 5, 5), np.float32), np.ones((4, 4, 3, 3), np.float32)
    assert cpu.conv2d_forward(x.astype(float), w.astype(float), None, geometry) is NotImplemented
    assert cpu.conv2d_forward(x[:0], w, None, geometry) is NotImplemented


@st.composite
def three_by_three(draw):
    """Sizes around those of tiles and of registers: 4 pixels, LANES and PANEL channels."""
    channels = st.sampled_from([1, 3, 15, 16, 17, 33, 64, 70])
    N, H, W = draw(st.integers(1, 3)), draw(st.integers(1, 10)), draw(st.integers(1, 10))
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    H, W = max(H, 3 - 2 * padding[0]), max(W, 3 - 2 * padding[1])
    return (N, draw(channels), H, W), draw(channels), conv_geometry(padding=padding)


@given(
    three_by_three(),
    st.sampled_from(LAYOUTS),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_winograd_against_float64(case, layout, few, large, seed):
    x_shape, K, geometry = case
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(x_shape).astype(np.float32)
    w = rng.standard_normal((K, x_shape[1], 3, 3)).astype(np.float32)
    size = loop_output_size(x_shape[2:], (3, 3), geometry)
    gy = rng.standard_normal((x_shape[0], K, *size)).astype(np.float32)
    with kernels.conv_algorithm("im2col"):
        args = x.astype(float), w.astype(float)
        y = array.conv2d_forward(*args, None, geometry)
        gx = array.conv2d_input_grad(gy.astype(float), args[1], x_shape[2:], geometry)
        gw = array.conv2d_weight_grad(args[0], gy.astype(float), (3, 3), geometry)
    with pytest.MonkeyPatch.context() as patch, kernels.conv_algorithm("winograd"):
        patch.setattr(winograd, "_few", lambda tiles, C, K: few)
        if large:  # as for results that do not fit into the cache
            patch.setattr(vector, "STREAM_BYTES", 0)
            patch.setattr(memory, "SMALLEST", 0)
        got = compiled_products(in_layout(x, layout), w, None, in_layout(gy, layout), geometry)
        assert kernels.last_conv().algorithm == "winograd"
    check(got[0], y, 9 * x_shape[1])
    check(got[1], gx, 9 * K)
    check(got[2], gw, max(gy[:, 0].size, 36))  # a tile transforms 36 numbers, however few count


@pytest.mark.parametrize("channels", [(100, 150), (49, 65), (12, 300)])
def test_winograd_with_more_weights_than_a_thread_keeps_in_its_cache(channels):
    C, K = channels
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, C, 5, 4)).astype(np.float32)
    gy = rng.standard_normal((2, K, 5, 4)).astype(np.float32)
    geometry = conv_geometry(padding=(1, 1))
    assert winograd._few(4, C, K)
    with kernels.conv_algorithm("winograd"):
        gw = cpu.conv2d_weight_grad(x, gy, (3, 3), geometry)
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 4), (2, 3))  # (N, C, 3, 3, 5, 4)
    check(gw, np.einsum("ncuvij,nkij->kcuv", windows, gy), 40)


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 9)),
    st.sampled_from([1, 5, 16, 17, 64, 70, 128, 131]),
    st.sampled_from([1, 2, 7, 12, 24, 50]),
    st.sampled_from(LAYOUTS),
    st.booleans(),
    st.sampled_from([1, 2, 5]),
)
def test_the_gradient_of_the_weights_of_a_1x1_layer(pixels, C, K, layout, blocks, count):
    N, H, W = pixels
    rng = np.random.default_rng(C + K)
    x = in_layout(rng.standard_normal((N, C, H, W)).astype(np.float32), layout)
    gy = in_layout(rng.standard_normal((N, K, H, W)).astype(np.float32), layout)
    before = threads.get_num_threads()
    with pytest.MonkeyPatch.context() as patch, kernels.conv_algorithm("im2col"):
        if blocks:
            patch.setattr(pointwise, "PIXELS", 4)
            patch.setattr(pointwise, "FILTERS", 7)
            patch.setattr(pointwise, "CHANNELS", 16)
        threads.set_num_threads(count)
        try:
            gw = cpu.conv2d_weight_grad(x, gy, (1, 1), conv_geometry())
        finally:
            threads.set_num_threads(before)
    check(gw[:, :, 0, 0], np.einsum("nchw,nkhw->kc", x.astype(float), gy), max(N * H * W, 4))


def test_work_is_the_same_for_any_number_of_threads():
    """And two runs with as many threads give the same bits."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 20, 13, 9)).astype(np.float32)
    w = rng.standard_normal((40, 20, 3, 3)).astype(np.float32)
    geometry = conv_geometry(padding=(1, 1))
    gy = rng.standard_normal((5, 40, 13, 9)).astype(np.float32)
    before = threads.get_num_threads()
    results = []
    try:
        for count in (1, 2, 2, 5):
            threads.set_num_threads(count)
            results.append([r.copy() for r in compiled_products(x, w, None, gy, geometry)])
    finally:
        threads.set_num_threads(before)
    for one, two, again, five in zip(*results, strict=True):
        np.testing.assert_array_equal(two, again)
        np.testing.assert_allclose(one, two, atol=1e-3)
        np.testing.assert_allclose(one, five, atol=1e-3)


@pytest.mark.parametrize("algorithm", ["im2col", "implicit_gemm", "winograd"])
def test_nothing_is_written_outside_the_result(algorithm, monkeypatch):
    """Results and workspaces get margins that must stay as they are."""
    arrays = []

    def guarded(shape, dtype=np.float32):
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        raw = np.full(count + 8192, 0xA5, np.uint8)
        arrays.append((raw, count))
        return raw[4096 : 4096 + count].view(dtype).reshape(shape)

    for module in (conv, implicit, pointwise, winograd):
        monkeypatch.setattr(module, "empty", guarded)
    for module in (conv, implicit, pointwise):
        monkeypatch.setattr(module, "on_cache_lines", guarded)
    rng = np.random.default_rng(0)
    for N, C, K, H, W in (
        (2, 5, 70, 7, 6),
        (2, 12, 70, 7, 6),
        (1, 33, 16, 4, 4),
        (3, 64, 64, 5, 9),
    ):
        x = rng.standard_normal((N, C, H, W)).astype(np.float32)
        w = rng.standard_normal((K, C, 3, 3)).astype(np.float32)
        gy = rng.standard_normal((N, K, H, W)).astype(np.float32)
        with kernels.conv_algorithm(algorithm):
            compiled_products(x, w, None, gy, conv_geometry(padding=(1, 1)))
            gy = gy[:, :, : (H + 1) // 2, : (W + 1) // 2]
            compiled_products(x, w, None, gy, conv_geometry((2, 2), (1, 1)))
            compiled_products(x, w[:, :, :1, :1], None, gy, conv_geometry((2, 2)))
            gy = rng.standard_normal((N, K, H, W)).astype(np.float32)
            compiled_products(x, w[:, :, :1, :1], None, gy, conv_geometry())
    assert len(arrays) > 10
    for raw, count in arrays:
        assert (raw[:4096] == 0xA5).all() and (raw[4096 + count :] == 0xA5).all()


@pytest.mark.parametrize("shape", [(3,), (2, 5, 7), (64, 300)])
def test_workspaces_begin_with_a_line_of_the_cache(shape):
    held = [conv.on_cache_lines(shape) for _ in range(5)]
    for array in held:
        assert (array.shape, array.dtype) == (shape, np.float32)
        assert array.flags.c_contiguous and array.ctypes.data % 64 == 0
    for number, array in enumerate(held):
        array[...] = number
    for number, array in enumerate(held):
        assert (array == number).all()


@given(st.integers(1, 5000), st.integers(1, 200), st.integers(1, 9))
def test_all_threads_take_equally_often(count, most, workers):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "get_num_threads", lambda: workers)
        share = arrays.equal_share(count, most)
    assert 1 <= share <= most
    fewest_turns = -(-count // (workers * most))
    assert workers * (fewest_turns - 1) < -(-count // share) <= workers * fewest_turns
