"""Convolutions and pooling of sequences and volumes: naive loops, torch, gradients of any order."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import array, check_gradients, compare_with_torch, spread_out

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SEEDS = st.integers(0, 2**32 - 1)


# ---------------------------------------------------------------------------- convolutions


@st.composite
def convolutions(draw, dims):
    """Shapes of x and w and the options of a small convolution that has an output."""
    groups = draw(st.sampled_from([1, 1, 2]))
    lists = [draw(st.tuples(*[st.integers(1, 2)] * dims)) for _ in range(3)]
    kernel, stride, dilation = lists
    padding = draw(st.tuples(*[st.integers(0, 1)] * dims))
    size = tuple(
        d * (k - 1) + 1 + draw(st.integers(0, 2)) for d, k in zip(dilation, kernel, strict=True)
    )
    channels, filters = draw(st.integers(1, 2)) * groups, draw(st.integers(1, 2)) * groups
    x_shape = (draw(st.integers(1, 2)), channels, *size)
    options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    return x_shape, (filters, channels // groups, *kernel), options


def naive_conv3d(x, w, b, stride, padding, dilation, groups):
    """y[n, k, i, j, l] = b[k] + sum over c, u, v, t of w[k, c, u, v, t] x[...]"""
    x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    out = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True)
    ]
    y = np.zeros((len(x), len(w), *out)) + b[:, None, None, None]
    per_group = len(w) // groups
    for k, place in itertools.product(range(len(w)), np.ndindex(*out)):
        first = k // per_group * w.shape[1]
        corner = [i * s for i, s in zip(place, stride, strict=True)]
        window = tuple(
            slice(c, c + d * (n - 1) + 1, d)
            for c, d, n in zip(corner, dilation, w.shape[2:], strict=True)
        )
        patch = x[(slice(None), slice(first, first + w.shape[1]), *window)]
        y[(slice(None), k, *place)] += (patch * w[k]).sum((1, 2, 3, 4))
    return y


@given(convolutions(3), SEEDS)
def test_conv3d_is_its_definition(case, seed):
    x_shape, w_shape, options = case
    x, w, b = array(seed, x_shape), array(seed + 1, w_shape), array(seed + 2, w_shape[:1])
    y = F.conv3d(mt.from_numpy(x), mt.from_numpy(w), mt.from_numpy(b), **options)
    np.testing.assert_allclose(y.numpy(), naive_conv3d(x, w, b, **options), atol=1e-12)
    one = F.conv3d(mt.from_numpy(x[0]), mt.from_numpy(w), mt.from_numpy(b), **options)
    mt.testing.assert_close(one, y[0])


@given(convolutions(3), SEEDS)
def test_conv3d_gradients(case, seed):
    x_shape, w_shape, options = case
    arrays = array(seed, (1, *x_shape[1:])), array(seed + 1, w_shape), array(seed + 2, w_shape[:1])
    check_gradients(lambda x, w, b: F.conv3d(x, w, b, **options), *arrays)


@pytest.mark.parametrize("kernel", [(3, 2, 1), (2, 3, 4)])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
def test_named_padding_of_conv3d_is_torchs(kernel, padding):
    pytest.importorskip("torch")
    arrays = array(0, (1, 2, 5, 5, 6)), array(1, (3, 2, *kernel))

    def call(lib, x, w):
        return lib.nn.functional.conv3d(x, w, padding=padding, dilation=(1, 2, 1))

    compare_with_torch(call, arrays)


@pytest.mark.parametrize("dims", [1, 3])
@given(data=st.data(), seed=SEEDS)
def test_transposed_convolutions_are_the_gradient_of_convolutions(dims, data, seed):
    """<conv(x), y> = <x, conv_transpose(y)> for the same weights."""
    x_shape, w_shape, options = data.draw(convolutions(dims))
    conv, transposed = (getattr(F, f"conv{name}{dims}d") for name in ("", "_transpose"))
    x, w = mt.from_numpy(array(seed, x_shape)), mt.from_numpy(array(seed + 1, w_shape))
    y = mt.from_numpy(array(seed + 2, conv(x, w, **options).shape))
    # The sizes that a convolution brings to y differ by less than the stride.
    extra = tuple(
        n - ((o - 1) * s - 2 * p + d * (k - 1) + 1)
        for n, o, s, p, d, k in zip(
            x_shape[2:],
            y.shape[2:],
            options["stride"],
            options["padding"],
            options["dilation"],
            w_shape[2:],
            strict=True,
        )
    )
    back = transposed(y, w, None, output_padding=extra, **options)
    assert back.shape == x.shape
    forward, backward = (conv(x, w, **options) * y).sum(), (x * back).sum()
    assert forward.item() == pytest.approx(backward.item(), abs=1e-10)
    check_gradients(
        lambda a, b, c: transposed(a, b, c, output_padding=extra, **options),
        y.numpy()[:1],
        w.numpy(),
        array(seed + 3, x_shape[1:2]),
    )


CONVOLUTION_ERRORS = [
    ("conv3d", (1, 2, 3, 3), (1, 3, 1, 1, 1), {}),  # (C, D, H, W) with other channels
    ("conv3d", (2, 3, 3), (1, 2, 1, 1, 1), {}),
    ("conv3d", (1, 2, 3, 3, 3), (1, 2, 1, 1), {}),
    ("conv3d", (1, 2, 3, 3, 3), (1, 2, 4, 1, 1), {}),
    ("conv3d", (1, 2, 3, 3, 3), (1, 2, 1, 4, 1), {}),
    ("conv3d", (1, 2, 3, 3, 3), (1, 2, 1, 1, 1), dict(stride=0)),
    ("conv3d", (1, 2, 3, 3, 3), (1, 2, 1, 1, 1), dict(stride=(1, 2))),
    ("conv3d", (1, 2, 3, 3, 3), (1, 2, 1, 1, 1), dict(padding=-1)),
    ("conv3d", (1, 2, 3, 3, 3), (1, 2, 1, 1, 1), dict(padding="all")),
    ("conv3d", (1, 2, 3, 3, 3), (1, 2, 1, 1, 1), dict(padding="same", stride=2)),
    ("conv3d", (1, 2, 3, 3, 3), (3, 1, 1, 1, 1), dict(groups=2)),
    ("conv_transpose3d", (1, 2, 3, 3, 3), (3, 1, 1, 1, 1), {}),
    ("conv_transpose3d", (1, 2, 3, 3, 3), (2, 1, 1, 1, 1), dict(output_padding=1)),
    ("conv_transpose3d", (1, 2, 1, 1, 1), (2, 1, 1, 1, 1), dict(padding=1)),
    ("conv_transpose1d", (1, 2, 3, 3), (2, 1, 1), {}),
    ("conv_transpose1d", (1, 2, 3), (2, 1, 1, 1), {}),
    ("conv_transpose1d", (1, 2, 3), (2, 1, 1), dict(stride=(1, 1))),
]


@pytest.mark.parametrize("name, x, w, options", CONVOLUTION_ERRORS)
def test_wrong_convolutions_are_refused_as_by_torch(name, x, w, options):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError):
        getattr(torch.nn.functional, name)(torch.zeros(x), torch.zeros(w), **options)
    with pytest.raises(RuntimeError, match=r"\d|all"):
        getattr(F, name)(mt.zeros(x), mt.zeros(w), **options)


# --------------------------------------------------------------------------------- pooling


@st.composite
def windows(draw, dims, dilated):
    kernel = draw(st.tuples(*[st.integers(1, 3)] * dims))
    options = dict(
        kernel_size=kernel,
        stride=draw(st.one_of(st.none(), st.tuples(*[st.integers(1, 2)] * dims))),
        padding=tuple(draw(st.integers(0, k // 2)) for k in kernel),
        ceil_mode=draw(st.booleans()),
    )
    if dilated:
        options["dilation"] = draw(st.integers(1, 2))
    longest = 5 if dims == 3 else 8
    shape = draw(st.tuples(st.integers(1, 2), *[st.integers(5, longest)] * dims))
    return shape, options


def naive_pool(x, reduce, border, kernel_size, stride, padding, ceil_mode, dilation=1):
    """reduce of every window of x (C, ...), written down place by place."""
    dims = x.ndim - 1
    stride = kernel_size if stride is None else stride
    reach = [dilation * (k - 1) + 1 for k in kernel_size]
    out = []
    for n, r, s, p in zip(x.shape[1:], reach, stride, padding, strict=True):
        rest = n + 2 * p - r
        count = (-(-rest // s) if ceil_mode else rest // s) + 1
        out.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)
    wide = [(p, p + r + s) for p, r, s in zip(padding, reach, stride, strict=True)]
    padded = np.pad(x, ((0, 0), *wide), constant_values=border)
    y = np.zeros((len(x), *out))
    for place in np.ndindex(*out):
        window = tuple(
            slice(i * s, i * s + r, dilation) for i, s, r in zip(place, stride, reach, strict=True)
        )
        y[(slice(None), *place)] = reduce(padded[(slice(None), *window)].reshape(len(x), -1))
    assert y.ndim == dims + 1
    return y


@pytest.mark.parametrize("dims", [1, 3])
@given(data=st.data(), seed=SEEDS)
def test_max_pooling_is_its_definition(dims, data, seed):
    shape, options = data.draw(windows(dims, dilated=True))
    pool, unpool = getattr(F, f"max_pool{dims}d"), getattr(F, f"max_unpool{dims}d")
    x = spread_out(seed, shape)
    expected = naive_pool(x, lambda each: each.max(1), -np.inf, **options)
    y, places = pool(mt.from_numpy(x), **options, return_indices=True)
    np.testing.assert_array_equal(y.numpy(), expected)
    mt.testing.assert_close(pool(mt.from_numpy(x)[None], **options), y[None])
    flat = x.reshape(len(x), -1)
    at_places = np.take_along_axis(flat, places.numpy().reshape(len(x), -1), 1)
    np.testing.assert_array_equal(at_places.reshape(y.shape), y.numpy())
    check_gradients(lambda a: pool(a, **options), x[:1])
    # Unpooling puts every maximum where it was.
    size = dict(kernel_size=shape[1:], output_size=shape[1:], stride=shape[1:])
    if all(n == 1 for n in y.shape[1:]):
        back = unpool(y, places, **size)
        assert back.shape == shape and back.sum().item() == pytest.approx(y.sum().item())


@pytest.mark.parametrize("dims", [1, 3])
@given(data=st.data(), include=st.booleans(), seed=SEEDS)
def test_average_pooling_is_its_definition(dims, data, include, seed):
    shape, options = data.draw(windows(dims, dilated=False))
    pool = getattr(F, f"avg_pool{dims}d")
    x = array(seed, shape)
    # NaN marks what is no pixel: the padding counts if `include` says so, what lies beyond never.
    marked = np.pad(
        x, ((0, 0), *((p, p) for p in options["padding"])), constant_values=0 if include else np.nan
    )
    without = {**options, "padding": (0,) * dims}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of windows without any pixel, which are cut off below
        expected = naive_pool(marked, lambda each: np.nanmean(each, 1), np.nan, **without)
    got = pool(mt.from_numpy(x), **options, count_include_pad=include).numpy()
    expected = expected[tuple(slice(n) for n in got.shape)]  # ceil_mode: see _out_length
    np.testing.assert_allclose(got, expected, atol=1e-12)
    check_gradients(lambda a: pool(a, **options, count_include_pad=include), x[:1])


@pytest.mark.parametrize("dims", [1, 3])
@given(data=st.data(), seed=SEEDS)
def test_adaptive_pooling_is_its_definition(dims, data, seed):
    size = data.draw(st.tuples(*[st.integers(1, 5)] * dims))
    out = data.draw(st.tuples(*[st.integers(1, 4)] * dims))
    x = spread_out(seed, (2, *size))
    largest, mean = np.zeros((2, *out)), np.zeros((2, *out))
    for place in np.ndindex(*out):
        bins = tuple(
            slice(i * n // o, -(-(i + 1) * n // o))
            for i, n, o in zip(place, size, out, strict=True)
        )
        values = x[(slice(None), *bins)].reshape(2, -1)
        largest[(slice(None), *place)], mean[(slice(None), *place)] = values.max(1), values.mean(1)
    max_pool, avg_pool = (getattr(F, f"adaptive_{each}_pool{dims}d") for each in ("max", "avg"))
    y, places = max_pool(mt.from_numpy(x), out, return_indices=True)
    np.testing.assert_array_equal(y.numpy(), largest)
    at_places = np.take_along_axis(x.reshape(2, -1), places.numpy().reshape(2, -1), 1)
    np.testing.assert_array_equal(at_places.reshape(y.shape), largest)
    np.testing.assert_allclose(avg_pool(mt.from_numpy(x), out).numpy(), mean, atol=1e-12)
    check_gradients(lambda a: max_pool(a, out), x[:1])
    check_gradients(lambda a: avg_pool(a, out), x[:1])


@pytest.mark.parametrize("dims", [1, 2, 3])
@given(p=st.sampled_from([1.0, 2.0, 3.0]), stride=st.sampled_from([None, 1]), seed=SEEDS)
def test_lp_pooling_is_the_norm_of_windows(dims, p, stride, seed):
    x = array(seed, (2, *[5] * dims), 0.1, 2.0)
    pool = getattr(F, f"lp_pool{dims}d")
    options = dict(kernel_size=(2,) * dims, stride=None if stride is None else (stride,) * dims)
    expected = naive_pool(
        x,
        lambda each: (each**p).sum(1) ** (1 / p),
        0,
        padding=(0,) * dims,
        ceil_mode=False,
        **options,
    )
    np.testing.assert_allclose(pool(mt.from_numpy(x), p, 2, stride).numpy(), expected, rtol=1e-12)
    check_gradients(lambda a: pool(a, p, 2, stride), x[:1])


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_lp_pooling_at_the_border_and_below_zero_is_torchs(ceil_mode):
    pytest.importorskip("torch")
    compare_with_torch(
        lambda lib, x: lib.nn.functional.lp_pool2d(x, 3.0, (2, 3), ceil_mode=ceil_mode),
        [array(5, (1, 2, 5, 7))],
    )


POOLING_ERRORS = [
    ("max_pool1d", (1, 1, 4), dict(kernel_size=2, padding=2)),
    ("max_pool1d", (4,), dict(kernel_size=2)),
    ("max_pool1d", (1, 1, 4), dict(kernel_size=(2, 2))),
    ("max_pool1d", (1, 1, 4), dict(kernel_size=2, stride=0)),
    ("max_pool3d", (1, 1, 4, 4), dict(kernel_size=5)),
    ("max_pool3d", (1, 4, 4), dict(kernel_size=2)),
    ("max_pool3d", (1, 0, 4, 4, 4), dict(kernel_size=2)),
    ("max_pool3d", (1, 1, 4, 4, 4), dict(kernel_size=(2, 2))),
    ("avg_pool1d", (1, 1, 4), dict(kernel_size=5)),
    ("avg_pool3d", (1, 1, 4, 4, 4), dict(kernel_size=2, divisor_override=0)),
    ("avg_pool3d", (1, 1, 4, 4, 4), dict(kernel_size=2, padding=(2, 0, 0))),
    ("adaptive_avg_pool1d", (4,), dict(output_size=2)),
    ("adaptive_max_pool3d", (1, 4, 4), dict(output_size=2)),
    ("adaptive_avg_pool3d", (1, 1, 4, 4, 4), dict(output_size=(2, 2))),
]


@pytest.mark.parametrize("name, shape, options", POOLING_ERRORS)
def test_wrong_windows_are_refused_as_by_torch(name, shape, options):
    torch = pytest.importorskip("torch")
    with pytest.raises((RuntimeError, ValueError)):
        getattr(torch.nn.functional, name)(torch.zeros(shape), **options)
    with pytest.raises(RuntimeError, match=r"\d"):
        getattr(F, name)(mt.zeros(shape), **options)
