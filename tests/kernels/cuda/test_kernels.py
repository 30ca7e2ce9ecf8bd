"""The CUDA kernels, run on the processor, against the definitions on random shapes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from minitorch_cnn import kernels
from minitorch_cnn.kernels import PoolGeometry, conv_algorithm, conv_geometry, last_conv
from minitorch_cnn.kernels.cuda import conv, depthwise, winograd
from tests.kernels.cuda import host_device
from tests.kernels.tiers import tier

array, cuda = tier("array"), tier("cuda")

DTYPES = ("float16", "float32", "float64")
DIGITS = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-13}
LAYOUTS = ("contiguous", "channels_last", "strided")
# The emulated device is one for all examples of a test, and keeps no state between launches.
several = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)

seeds = st.integers(0, 2**32)
dtypes = st.sampled_from(DTYPES)
layouts = st.sampled_from(LAYOUTS)


def in_layout(array, layout):
    """The same numbers, lying in memory in another order; "strided" leaves gaps."""
    if array.ndim < 2:
        return array
    if layout == "channels_last":
        last = np.ascontiguousarray(array.transpose(0, *range(2, array.ndim), 1))
        return last.transpose(0, array.ndim - 1, *range(1, array.ndim - 1))
    if layout == "strided":
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    return np.ascontiguousarray(array)


def numbers(seed, shape, dtype, layout="contiguous"):
    values = np.asarray(np.random.default_rng(seed).standard_normal(shape)).astype(dtype)
    return in_layout(values, layout)


def assert_close(actual, expected, places=1.0):
    """The same to rounding; errors count against the largest number. places: times the usual."""
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    finite = expected[np.isfinite(expected)].astype(np.float64)
    tolerance = places * DIGITS[str(expected.dtype)] * np.abs(finite).max(initial=1.0)
    np.testing.assert_allclose(
        actual.astype(np.float64), expected.astype(np.float64), rtol=0, atol=tolerance
    )


# ----------------------------------------------------------------------------- activations


@several
@given(st.lists(st.integers(0, 7), max_size=4), seeds, dtypes, layouts)
def test_relu(device, shape, seed, dtype, layout):
    x = numbers(seed, shape, dtype, layout)
    if x.size:
        x.flat[0] = np.nan
    gy = numbers(seed + 1, shape, dtype)
    expected = np.asarray(array.relu(x))  # NumPy makes 0-d arrays numbers
    assert_close(cuda.relu(x), expected)
    gx = cuda.relu_backward(gy, expected)
    np.testing.assert_array_equal(gx, array.relu_backward(gy, expected))
    result = cuda.relu_(x)
    if result is NotImplemented:  # arrays with gaps are changed in place by the array code
        assert layout == "strided"
    else:
        assert result is x
        assert_close(x, expected)


def test_relu_keeps_the_order_in_memory(device):
    x = numbers(0, (2, 3, 4, 5), "float32", "channels_last")
    assert cuda.relu(x).strides == cuda.relu_backward(x.copy("C"), x).strides == x.strides


# -------------------------------------------------------------------------- normalisation


@st.composite
def channel_shapes(draw):
    """(N, C), (N, C, L) or (N, C, H, W); now and then with more channels than threads."""
    C = draw(st.one_of(st.integers(1, 12), st.sampled_from([64, 257, 300])))
    spatial = draw(st.lists(st.integers(1, 9), max_size=2))
    return (draw(st.integers(1, 6)), C, *spatial)


@several
@given(channel_shapes(), seeds, dtypes, layouts, st.sampled_from([0.0, 3.0, 200.0]))
def test_mean_and_variance(device, shape, seed, dtype, layout, offset):
    x = numbers(seed, shape, dtype, layout) + np.array(offset, dtype)
    mean, variance = cuda.channel_mean_var(x)
    exact = np.moveaxis(x.astype(np.float64), 1, 0).reshape(shape[1], -1)
    kind = mean.dtype
    assert kind == (np.float64 if dtype == "float64" else np.float32)
    assert_close(mean, exact.mean(1).astype(kind))
    # No matter how large the mean, the variance loses no more than the numbers themselves did.
    relative = np.abs(exact).max() * np.finfo(kind).eps * 30
    np.testing.assert_allclose(variance, exact.var(1), rtol=1e-4, atol=relative)


@pytest.mark.parametrize("threads", [1, 3, 5, 31, 32, 250, 256])
def test_sums_are_whole_for_any_number_of_threads(device, monkeypatch, threads):
    monkeypatch.setattr(host_device, "THREADS", (threads,))
    x = numbers(threads, (9, 2, 13), "float64")
    for _ in range(4):  # of any number of blocks, forwards and backwards
        mean, variance = cuda.channel_mean_var(x)
        np.testing.assert_allclose(mean, x.mean((0, 2)), atol=1e-14)
        np.testing.assert_allclose(variance, x.var((0, 2)), rtol=1e-13)
        losses, _ = cuda.cross_entropy(x[:, :, 0], np.zeros(9, np.int64))
        exact = np.log(np.exp(x[:, :, 0]).sum(1)) - x[:, 0, 0]
        np.testing.assert_allclose(losses, exact, rtol=1e-12)


def test_many_rows_are_added_up_in_chunks(device):
    x = numbers(0, (40, 3, 20, 20), "float32") + 100
    mean, variance = cuda.channel_mean_var(x)
    exact = x.astype(np.float64).transpose(1, 0, 2, 3).reshape(3, -1)
    np.testing.assert_allclose(mean, exact.mean(1), rtol=1e-6)
    np.testing.assert_allclose(variance, exact.var(1), rtol=1e-5)


@several
@given(channel_shapes(), seeds, dtypes, layouts, st.booleans(), st.booleans())
def test_batch_norm_forward(device, shape, seed, dtype, layout, with_residual, relu):
    x = numbers(seed, shape, dtype, layout)
    scale, shift = numbers(seed + 1, (2, shape[1]), dtype)
    residual = numbers(seed + 2, shape, dtype) if with_residual else None
    args = x, scale, shift, residual, relu
    expected = array.batch_norm_forward(*args)
    assert_close(cuda.batch_norm_forward(*args), expected)


@several
@given(channel_shapes(), seeds, dtypes, layouts, *[st.booleans()] * 4)
def test_batch_norm_backward(
    device, shape, seed, dtype, layout, batch_statistics, with_weight, relu, residual
):
    x = numbers(seed, shape, dtype, layout)
    gy = numbers(seed + 1, shape, dtype)
    kind = np.float64 if dtype == "float64" else np.float32
    weight, mean, invstd = numbers(seed + 2, (3, shape[1]), kind)
    weight = weight if with_weight else None
    y = np.maximum(numbers(seed + 3, shape, dtype, layout), 0) if relu else None
    args = gy, x, weight, mean, np.abs(invstd), batch_statistics, y, residual
    expected = array.batch_norm_backward(*args)
    actual = cuda.batch_norm_backward(*args)
    assert_close(actual[0], expected[0], 2.0)
    for ours, theirs in zip(actual[1:3], expected[1:3], strict=True):
        assert_close(ours, theirs, 5.0)
    if residual:
        assert_close(actual[3], gy if y is None else gy * (y > 0))
    else:
        assert actual[3] is None and expected[3] is None


# -------------------------------------------------------------------------------- pooling


@st.composite
def poolings(draw):
    pair = st.tuples
    kernel = draw(pair(st.integers(1, 3), st.integers(1, 4)))
    stride = draw(pair(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(pair(st.integers(1, 2), st.integers(1, 2)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = draw(pair(st.integers(1, 9), st.integers(1, 9)))
    out = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        starts = [i for i in range(-p, n, s) if i + d * (k - 1) < n + p]
        # with ceil_mode, a last window hangs over the edge
        if starts and starts[-1] + s < n and draw(st.booleans()):
            starts.append(starts[-1] + s)
        out.append(len(starts))
    assume(min(out) > 0)
    shape = (draw(st.integers(0, 3)), draw(st.integers(1, 5)), *size)
    return shape, PoolGeometry(kernel, stride, padding, dilation, tuple(out))


@several
@given(poolings(), seeds, dtypes, layouts, st.booleans())
def test_max_pool(device, case, seed, dtype, layout, ties):
    shape, geometry = case
    x = numbers(seed, shape, dtype)
    if ties:  # and -inf is as low as the border, NaN larger than anything
        choice = np.array([-np.inf, 0, 1, np.nan], dtype)
        x = np.random.default_rng(seed).choice(choice, shape, p=[0.4, 0.25, 0.25, 0.1])
    x = in_layout(x, layout)
    expected, position = array.max_pool2d_forward(x, geometry)
    y, ours = cuda.max_pool2d_forward(x, geometry)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(ours, position)
    assert ours.dtype == position.dtype
    alone, nothing = cuda.max_pool2d_forward(x, geometry, with_position=False)
    assert nothing is None
    np.testing.assert_array_equal(alone, expected)

    gy = numbers(seed + 1, y.shape, dtype, layout)
    args = gy, position, shape[2:], geometry
    assert_close(cuda.max_pool2d_scatter(*args), array.max_pool2d_scatter(*args))
    args = numbers(seed + 2, shape, dtype, layout), position, geometry
    np.testing.assert_array_equal(cuda.max_pool2d_gather(*args), array.max_pool2d_gather(*args))


@several
@given(poolings(), seeds, dtypes, layouts, st.sampled_from([True, False, 3, -2]))
def test_avg_pool(device, case, seed, dtype, layout, rule):
    shape, geometry = case
    geometry = geometry._replace(dilation=(1, 1))
    assume(all(o > 0 for o in geometry.out_size))
    if isinstance(rule, bool):
        divisor = kernels.window_counts(shape[2:], geometry, rule)
    else:
        divisor = np.full(geometry.out_size, rule)
    assume((divisor != 0).all())  # the geometry was drawn for dilated windows
    args = numbers(seed, shape, dtype, layout), geometry, divisor
    expected = array.avg_pool2d_forward(*args)
    assert_close(cuda.avg_pool2d_forward(*args), expected)
    args = numbers(seed, expected.shape, dtype, layout), shape[2:], geometry, divisor
    assert_close(cuda.avg_pool2d_backward(*args), array.avg_pool2d_backward(*args))


def test_average_of_windows_that_hang_over_the_border(device):
    geometry = PoolGeometry((3, 3), (2, 2), (1, 1), (1, 1), (4, 4))
    x = numbers(0, (2, 3, 6, 6), "float32")
    for with_border in (True, False):
        divisor = kernels.window_counts((6, 6), geometry, with_border)
        assert len(set(divisor.flat)) > 1
        expected = array.avg_pool2d_forward(x, geometry, divisor)
        assert_close(cuda.avg_pool2d_forward(x, geometry, divisor), expected)
        args = expected, (6, 6), geometry, divisor
        gx = array.avg_pool2d_backward(*args)
        assert_close(cuda.avg_pool2d_backward(*args), gx)


# --------------------------------------------------------------------------- convolution


@st.composite
def convolutions(draw):
    pair = st.tuples
    kernel = draw(pair(st.integers(1, 3), st.integers(1, 3)))
    geometry = conv_geometry(
        stride=draw(pair(st.integers(1, 3), st.integers(1, 3))),
        padding=draw(pair(st.integers(0, 3), st.integers(0, 3))),
        dilation=draw(pair(st.integers(1, 2), st.integers(1, 2))),
        groups=draw(st.sampled_from([1, 1, 2, 3])),
    )
    size = draw(pair(st.integers(1, 8), st.integers(1, 8)))
    assume(min(kernels.output_size(size, kernel, geometry)) > 0)
    C, K = (geometry.groups * draw(st.integers(1, 4)) for _ in range(2))
    return (draw(st.integers(0, 4)), C, *size), (K, C // geometry.groups, *kernel), geometry


@several
@given(convolutions(), seeds, dtypes, layouts, st.booleans(), st.booleans(), st.booleans())
def test_the_three_products_of_a_convolution(
    device, case, seed, dtype, layout, with_bias, blocks, smaller
):
    shape, w_shape, geometry = case
    x, w = numbers(seed, shape, dtype, layout), numbers(seed + 1, w_shape, dtype, layout)
    b = numbers(seed + 2, w_shape[:1], dtype) if with_bias else None
    with pytest.MonkeyPatch.context() as patch:
        if blocks:
            patch.setattr(conv, "BLOCK_BYTES", 1)  # an image at a time
            patch.setattr(depthwise, "LEAST_WINDOWS", 3)
        y = cuda.conv2d_forward(x, w, b, geometry)
        expected = array.conv2d_forward(x, w, b, geometry)
        assert_close(y, expected, 2.0)
        depthwise_too = shape[1] == geometry.groups > 1
        assert last_conv().algorithm == ("depthwise" if depthwise_too else "im2col")
        # Transposed convolutions have gradients for which a last row of x is in no window.
        gy = numbers(seed + 3, (*y.shape[:3], max(y.shape[3] - smaller, 1)), dtype, layout)
        args = gy, w, shape[2:], geometry
        gx = cuda.conv2d_input_grad(*args)
        assert_close(gx, array.conv2d_input_grad(*args), 2.0)
        args = x, gy, w_shape[2:], geometry
        gw = cuda.conv2d_weight_grad(*args)
        assert_close(gw, array.conv2d_weight_grad(*args), 2.0)
        assert gw.flags.c_contiguous  # as the weights, for the optimizer


@st.composite
def winograd_cases(draw):
    """Shapes and padding of 3x3 convolutions; with padding over 2, gradients have less than 0."""
    padding = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    size = draw(st.tuples(st.integers(1, 11), st.integers(1, 11)))
    assume(min(kernels.output_size(size, (3, 3), conv_geometry(padding=padding))) > 0)
    C, K = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    return (draw(st.integers(0, 4)), C, *size), (K, C, 3, 3), conv_geometry(padding=padding)


@several
@given(winograd_cases(), seeds, dtypes, layouts, st.booleans(), st.booleans())
def test_winograd(device, case, seed, dtype, layout, with_bias, blocks):
    shape, w_shape, geometry = case
    x, w = numbers(seed, shape, dtype, layout), numbers(seed + 1, w_shape, dtype, layout)
    b = numbers(seed + 2, w_shape[:1], dtype) if with_bias else None
    algorithm = "im2col" if dtype == "float16" else "winograd"  # 16 bits are too few for it
    with pytest.MonkeyPatch.context() as patch, conv_algorithm("winograd"):
        if blocks:
            patch.setattr(winograd, "BLOCK_BYTES", 1)  # an image at a time
        y = cuda.conv2d_forward(x, w, b, geometry)
        assert last_conv().algorithm == algorithm
        gy = numbers(seed + 3, y.shape, dtype, layout)
        gx = cuda.conv2d_input_grad(gy, w, shape[2:], geometry)
        assert last_conv().algorithm == algorithm
        gw = cuda.conv2d_weight_grad(x, gy, (3, 3), geometry)
        assert last_conv().algorithm == algorithm
    assert ("winograd_pixels" in device.launches) == (algorithm == "winograd" and x.size > 0)
    device.launches.clear()
    with conv_algorithm("im2col"):
        assert_close(y, array.conv2d_forward(x, w, b, geometry), 5.0)
        expected = array.conv2d_input_grad(gy, w, shape[2:], geometry)
        assert_close(gx, expected, 5.0)
        expected = array.conv2d_weight_grad(x, gy, (3, 3), geometry)
        assert_close(gw, expected, 5.0)


def test_winograd_is_chosen_for_many_channels_and_can_be_forbidden(device):
    x, w = numbers(0, (2, 64, 8, 8), "float32"), numbers(1, (64, 64, 3, 3), "float32")
    geometry = conv_geometry(padding=(1, 1))
    y = cuda.conv2d_forward(x, w, None, geometry)
    assert last_conv().algorithm == "winograd"
    with conv_algorithm("im2col"):
        other = cuda.conv2d_forward(x, w, None, geometry)
    assert last_conv().algorithm == "im2col"
    assert_close(y, other)
    with conv_algorithm("direct"):
        loops = cuda.conv2d_forward(x, w, None, geometry)
    np.testing.assert_allclose(loops, other, rtol=1e-4, atol=1e-4)


def test_a_1x1_convolution_launches_nothing_but_a_product(device):
    x, w = numbers(0, (2, 5, 4, 3), "float32"), numbers(1, (6, 5, 1, 1), "float32")
    y = cuda.conv2d_forward(x, w, None, conv_geometry())
    assert_close(y, np.einsum("nchw,kc->nkhw", x, w[:, :, 0, 0]))
    assert device.launches == []


# -------------------------------------------------------------------- losses and dropout


@several
@given(st.integers(0, 9), st.integers(1, 300), seeds, dtypes, layouts, st.sampled_from([1, 50]))
def test_cross_entropy(device, R, C, seed, dtype, layout, spread):
    x = in_layout(numbers(seed, (R, C), dtype) * np.array(spread, dtype), layout)
    target = np.random.default_rng(seed).integers(C, size=R)
    losses, softmax = cuda.cross_entropy(x, target.astype(np.int32))
    exact = x.astype(np.float64)
    exact -= exact.max(1, keepdims=True)
    total = np.exp(exact).sum(1)
    assert_close(losses, (np.log(total) - exact[np.arange(R), target]).astype(dtype))
    assert_close(softmax, (np.exp(exact) / total[:, None]).astype(dtype))
    gy = numbers(seed + 1, (R,), dtype)
    args = gy, softmax, target
    assert_close(cuda.cross_entropy_backward(*args), array.cross_entropy_backward(*args))


def test_a_class_that_does_not_exist_gives_nan(device):
    x = numbers(0, (3, 4), "float32")
    target = np.array([-1, 4, 1])
    losses, softmax = cuda.cross_entropy(x, target)
    assert np.isnan(losses).tolist() == [True, True, False]
    gx = cuda.cross_entropy_backward(losses, softmax, target)
    assert np.isnan(gx).all(1).tolist() == [True, True, False]


@several
@given(
    st.lists(st.integers(0, 9), max_size=3),
    seeds,
    st.integers(0, 2**64 - 1),
    st.floats(0.01, 0.99),
    dtypes,
    layouts,
)
def test_dropout_has_the_same_bits(device, shape, seed, key, p, dtype, layout):
    x = numbers(seed, shape, dtype, layout)
    np.testing.assert_array_equal(cuda.dropout(x, key, p), array.dropout(x, key, p))


# --------------------------------------------------------------------------- augmentation


@several
@given(
    st.tuples(st.integers(0, 5), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4)),
    st.integers(0, 2**64 - 1),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(["constant", "reflect"]),
    st.booleans(),
)
def test_augmentation(device, shape, key, padding, flip, mode, turned):
    images = np.random.default_rng(key % 1000).integers(256, size=shape, dtype=np.uint8)
    if turned:
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    scale, shift = np.random.default_rng(1).standard_normal((2, shape[3]))
    args = images, key, padding, flip, mode, scale, shift
    result = cuda.augment(*args)
    if mode == "reflect" and padding >= min(shape[1:3]):
        assert result is NotImplemented
        return
    assert_close(result, array.augment(*args))


# ----------------------------------------------------------------------- what is declined


def test_other_types_are_left_to_the_array_code(device):
    geometry = PoolGeometry((2, 2), (2, 2), (0, 0), (1, 1), (2, 2))
    integers = np.arange(16).reshape(1, 1, 4, 4)
    image = integers.astype(np.float32)
    w = np.ones((1, 1, 1, 1), np.float32)
    for result in (
        cuda.relu(integers),
        cuda.relu_backward(image, integers),
        cuda.max_pool2d_forward(integers, geometry),
        cuda.conv2d_forward(image, w.astype(np.float64), None, conv_geometry()),
        cuda.channel_mean_var(image[:0]),
        cuda.augment(integers, 0, 0, False, "constant", np.ones(4), np.ones(4)),
    ):
        assert result is NotImplemented
    wide = geometry._replace(kernel_size=(1, 257), out_size=(1, 1))
    assert cuda.max_pool2d_forward(image, wide) is NotImplemented
    assert device.launches == []
