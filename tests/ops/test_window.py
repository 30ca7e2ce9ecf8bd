"""The arguments of convolutions and poolings: against counting the places of a window."""

import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn.kernels.geometry import output_size
from minitorch_cnn.ops.window import (
    adaptive_size,
    check_image,
    conv_window,
    hashable,
    pair,
    pool_window,
    transposed_window,
    with_batch,
)

DIMS = pytest.mark.parametrize("dims", [1, 2, 3])


def places(length, kernel, stride, dilation, before, after):
    """The first pixel of every window that lies in the image and its border, by trying each."""
    return [
        start
        for start in range(-before, length + after)
        if (start + before) % stride == 0 and start + dilation * (kernel - 1) < length + after
    ]


def for_each_axis(low, high, dims):
    return st.tuples(*[st.integers(low, high)] * dims)


@DIMS
@given(data=st.data(), batched=st.booleans())
def test_a_convolution_has_as_many_outputs_as_a_window_has_places(dims, data, batched):
    size, kernel = data.draw(for_each_axis(1, 8, dims)), data.draw(for_each_axis(1, 3, dims))
    stride, dilation = (data.draw(for_each_axis(1, 3, dims)) for _ in range(2))
    padding = data.draw(for_each_axis(0, 2, dims))
    axes = zip(size, kernel, stride, dilation, padding, padding, strict=True)
    counts = tuple(len(places(*axis)) for axis in axes)
    shape = (2, 4, *size) if batched else (4, *size)

    def window():
        return conv_window("conv", dims, shape, (6, 2, *kernel), (6,), stride, padding, dilation, 2)

    if 0 in counts:
        with pytest.raises(RuntimeError, match=r"Kernel size can't be greater") as error:
            window()
        for n, p, k, d in zip(size, padding, kernel, dilation, strict=True):
            assert str(n + 2 * p) in str(error.value) and str(d * (k - 1) + 1) in str(error.value)
    else:
        assert output_size(size, kernel, window()) == counts
        assert window() is window()  # found in the table


@DIMS
@given(data=st.data())
def test_same_padding_keeps_the_size_and_puts_an_odd_pixel_after(dims, data):
    size, kernel = data.draw(for_each_axis(1, 8, dims)), data.draw(for_each_axis(1, 4, dims))
    dilation = data.draw(for_each_axis(1, 3, dims))
    shapes = (1, 1, *size), (1, 1, *kernel), None
    geometry = conv_window("conv", dims, *shapes, 1, "same", dilation, 1)
    assert output_size(size, kernel, geometry) == size
    for n, k, d, b, a in zip(size, kernel, dilation, geometry.before, geometry.after, strict=True):
        assert a - b == d * (k - 1) % 2
        assert places(n, k, 1, d, b, a) == list(range(-b, n - b))


@DIMS
@given(data=st.data())
def test_a_transposed_convolution_makes_the_image_that_the_convolution_came_from(dims, data):
    size, kernel = data.draw(for_each_axis(3, 8, dims)), data.draw(for_each_axis(1, 3, dims))
    stride, padding = data.draw(for_each_axis(1, 3, dims)), data.draw(for_each_axis(0, 1, dims))
    weight = (2, 3, *kernel)
    geometry = conv_window("conv", dims, (3, *size), weight, None, stride, padding, 1, 1)
    out = output_size(size, kernel, geometry)
    # What no window reached at the end is asked for as output_padding.
    lost = tuple(
        (n + 2 * p - k) % s for n, p, k, s in zip(size, padding, kernel, stride, strict=True)
    )
    back = transposed_window("conv_t", dims, (2, *out), weight, (3,), stride, padding, lost, 1, 1)
    assert back == (geometry, size)


@DIMS
@given(data=st.data(), ceil_mode=st.booleans())
def test_a_pooling_has_as_many_outputs_as_a_window_has_places(dims, data, ceil_mode):
    size, kernel = data.draw(for_each_axis(1, 8, dims)), data.draw(for_each_axis(1, 3, dims))
    stride, dilation = (data.draw(for_each_axis(1, 3, dims)) for _ in range(2))
    padding = tuple(
        data.draw(st.integers(0, (d * (k - 1) + 1) // 2))
        for k, d in zip(kernel, dilation, strict=True)
    )
    counts = []
    for n, k, s, d, p in zip(size, kernel, stride, dilation, padding, strict=True):
        inside = places(n, k, s, d, p, p)
        # One more that hangs over the end, if pixels are left and it begins before the end.
        following = inside[-1] + s if inside else -p
        left = following - s + d * (k - 1) + 1 < n + p
        counts.append(len(inside) + (ceil_mode and left and following < n))

    def window():
        return pool_window("pool", dims, (2, *size), kernel, stride, padding, dilation, ceil_mode)

    if all(places(*axis) for axis in zip(size, kernel, stride, dilation, padding, padding)):
        assert window().out_size == tuple(counts)
    elif not ceil_mode:
        with pytest.raises(RuntimeError, match="Output size is too small"):
            window()


@DIMS
@pytest.mark.parametrize("stride", [None, ()])
def test_a_pooling_steps_by_its_window_if_nothing_else_is_said(dims, stride):
    window = pool_window("pool", dims, (1, *[7] * dims), 2, stride, 0, 1, False)
    assert window.stride == window.kernel_size == (2,) * dims
    assert window.out_size == (3,) * dims


@DIMS
def test_adaptive_sizes(dims):
    shape = (2, 3, *range(5, 5 + dims))
    assert adaptive_size("pool", dims, shape, 4) == (4,) * dims
    assert adaptive_size("pool", dims, shape, (None,) * dims) == shape[2:]
    with pytest.raises(TypeError, match="'output_size' must be int, not NoneType"):
        adaptive_size("pool", dims, shape, None)
    assert adaptive_size("pool", dims, shape, [None] * (dims - 1) + [0]) == (*shape[2:-1], 0)


CONV = dict(stride=1, padding=0, dilation=1, groups=1)
CONV_ERRORS = [
    ((1, 4, 5, 5), (6, 2, 3, 3), None, {}, r"groups=1, .*\[6, 2, 3, 3\].*\[1, 4, 5, 5\].* 4 chan"),
    ((4, 5), (6, 4, 3, 3), None, {}, r"3D .* or 4D .* to conv2d, .*\[4, 5\]"),
    ((4, 5, 5), (6, 4, 3), None, {}, r"4 dimensions .*height, width.*\[6, 4, 3\]"),
    ((4, 5, 5), (6, 4, 0, 3), None, {}, r"empty, got weight \[6, 4, 0, 3\]"),
    ((4, 5, 5), (6, 2, 3, 3), None, dict(groups=4), r"divisible by 4 .*\[6, 2, 3, 3\]"),
    ((4, 5, 5), (0, 4, 3, 3), None, {}, r"at least 1 at dimension 0, .*\[0, 4, 3, 3\]"),
    ((4, 5, 5), (6, 4, 3, 3), (5,), {}, r"6 elements, but got bias of size \[5\]"),
    ((4, 5, 5), (6, 4, 3, 3), None, dict(stride=0), r"stride .*\[0, 0\]"),
    ((4, 5, 5), (6, 4, 3, 3), None, dict(padding="all"), "'all'"),
    ((4, 5, 5), (6, 4, 3, 3), None, dict(dilation=3), r"\(5 x 5\)\. Kernel size: \(7 x 7\)"),
]


@pytest.mark.parametrize("input, weight, bias, options, text", CONV_ERRORS)
def test_errors_of_convolutions_quote_the_values(input, weight, bias, options, text):
    with pytest.raises(RuntimeError, match=text):
        conv_window("conv2d", 2, input, weight, bias, **{**CONV, **options})


TRANSPOSED = dict(stride=1, padding=0, output_padding=0, groups=1, dilation=1)
TRANSPOSED_ERRORS = [
    ((3, 5), (2, 1, 3), None, {}, RuntimeError, r"\[2, 1, 3\].* 2 channels, but got 3"),
    ((2, 5), (2, 1, 3), (2,), {}, RuntimeError, r"1 elements, .*\[2\]"),
    ((2, 5), (2, 1, 3), None, dict(padding="same"), TypeError, "conv_t: .*'same'"),
    ((2, 5), (2, 1, 3), None, dict(output_padding=-1), RuntimeError, r"\[-1\]"),
    ((2, 5), (2, 1, 3), None, dict(output_padding=2), RuntimeError, r"\[2\], stride \[1\].*\[1\]"),
    ((2, 1), (2, 1, 1), None, dict(padding=1), RuntimeError, r"\(1\).*\(-1\).*too small"),
]


@pytest.mark.parametrize("input, weight, bias, options, error, text", TRANSPOSED_ERRORS)
def test_errors_of_transposed_convolutions(input, weight, bias, options, error, text):
    with pytest.raises(error, match=text):
        transposed_window("conv_t", 1, input, weight, bias, **{**TRANSPOSED, **options})


POOL = dict(kernel_size=2, stride=None, padding=0, dilation=1, ceil_mode=False)
POOL_ERRORS = [
    ((4, 4), {}, r"pool: Expected 3D or 4D .*\[4, 4\]"),
    ((1, 0, 4), {}, r"non-zero size .*\[1, 0, 4\]"),
    ((1, 4, 4), dict(kernel_size=0), r"kernel size .*\[0, 0\]"),
    ((1, 4, 4), dict(kernel_size=(1, 2, 3)), r"kernel_size=\[1, 2, 3\]"),
    ((1, 4, 4), dict(stride=(1, 0)), r"stride .*\[1, 0\]"),
    ((1, 4, 4), dict(dilation=0), r"dilation .*\[0, 0\]"),
    ((1, 4, 4), dict(padding=2), "pad=2, kernel_size=2 and dilation=1"),
    ((1, 4, 4), dict(padding=-1), "pad=-1"),
    ((3, 4, 4), dict(kernel_size=5), r"\(3x4x4\).*\(3x0x0\).*too small"),
]


@pytest.mark.parametrize("input, options, text", POOL_ERRORS)
def test_errors_of_poolings_quote_the_values(input, options, text):
    with pytest.raises(RuntimeError, match=text):
        pool_window("pool", 2, input, **{**POOL, **options})


@pytest.mark.parametrize(
    "input, size, error, text",
    [
        ((1, 4, 4), -1, RuntimeError, r"pool: .*negative, got \(-1, -1\)"),
        ((1, 2, 4, 4), (1, 2, 3), RuntimeError, r"one or 2 numbers, got \(1, 2, 3\)"),
        ((4, 4), (2, 2), ValueError, r"at least 3, got \[4, 4\]"),
        ((4, 4), 2, RuntimeError, r"3D or 4D .*\[4, 4\]"),
    ],
)
def test_errors_of_adaptive_sizes(input, size, error, text):
    with pytest.raises(error, match=text):
        adaptive_size("pool", 2, input, size)


@DIMS
def test_images_may_have_no_batch_but_must_have_pixels(dims):
    for leading in ((3,), (2, 3), (0, 3)):  # an empty batch is one
        check_image("pool", dims, (*leading, *[4] * dims))
    for shape in ([4] * dims, [1] * (dims + 3), [3, *[0] * dims], [1, 0, *[4] * dims]):
        with pytest.raises(RuntimeError, match=r"pool: .*\[" + ", ".join(map(str, shape))):
            check_image("pool", dims, tuple(shape))


def test_pairs():
    assert pair("stride", 2) == pair("stride", [2]) == pair("stride", (2, 2)) == (2, 2)
    assert hashable([1, 2]) == (1, 2) and hashable(3) == 3
    with pytest.raises(RuntimeError, match=r"stride=\[1, 2, 3\]"):
        pair("stride", (1, 2, 3))


def test_an_image_without_a_batch_gets_one_for_the_way():
    seen = []

    def function(x):
        seen.append(tuple(x.shape))
        return x

    for shape in ((3, 4, 5), (2, 3, 4, 5)):
        assert with_batch(mt.zeros(*shape), function).shape == shape
    assert seen == [(1, 3, 4, 5), (2, 3, 4, 5)]
