"""The compiled depthwise convolutions against loops over every number, and the array code."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import kernels
from minitorch_cnn.backend import arrays as memory
from minitorch_cnn.kernels import conv_geometry, dispatch
from minitorch_cnn.kernels.cpu import depthwise
from minitorch_cnn.kernels.cpu.jit import threads, vector
from tests.kernels.test_conv import LAYOUTS, in_layout
from tests.kernels.tiers import tier

array, cpu = tier("array"), tier("cpu")


def loops(x, w, b, gy, geometry):
    """y, and the gradients of (y * gy).sum() for x and w, in float64, one tap at a time."""
    (sh, sw), (ph, pw), _, (dh, dw), _ = geometry
    x, w, gy = (array.astype(np.float64) for array in (x, w, gy))
    filters = len(w) // x.shape[1]
    y, gx, gw = np.zeros(gy.shape), np.zeros(x.shape), np.zeros(w.shape)
    y += b.reshape(-1, 1, 1)
    for k, i, j in np.ndindex(gy.shape[1:]):
        for u, v in np.ndindex(w.shape[2:]):
            row, column = i * sh + u * dh - ph, j * sw + v * dw - pw
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                pixels, gradients = x[:, k // filters, row, column], gy[:, k, i, j]
                y[:, k, i, j] += pixels * w[k, 0, u, v]
                gx[:, k // filters, row, column] += gradients * w[k, 0, u, v]
                gw[k, 0, u, v] += (gradients * pixels).sum()
    return y, gx, gw


def definition(x, w, b, gy, geometry):
    """The three products of the readable kernels, in float64."""
    x, w, b, gy = (array.astype(np.float64) for array in (x, w, b, gy))
    return (
        array.conv2d_forward(x, w, b, geometry),
        array.conv2d_input_grad(gy, w, x.shape[2:], geometry),
        array.conv2d_weight_grad(x, gy, w.shape[2:], geometry),
    )


def compiled_products(x, w, b, gy, geometry):
    """The three products of the compiled kernels."""
    return (
        cpu.conv2d_forward(x, w, b, geometry),
        cpu.conv2d_input_grad(gy, w, x.shape[2:], geometry),
        cpu.conv2d_weight_grad(x, gy, w.shape[2:], geometry),
    )


def check(got, expected, scale):
    assert got is not NotImplemented
    assert got.dtype == np.float32
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=2e-6 * scale, rtol=0)


def arrays(x_shape, filters, kernel_size, geometry, seed):
    """x, w, b and gy of random numbers."""
    rng = np.random.default_rng(seed)
    K = filters * x_shape[1]
    out = kernels.output_size(x_shape[2:], kernel_size, geometry)
    shapes = x_shape, (K, 1, *kernel_size), (K,), (x_shape[0], K, *out)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


@st.composite
def layers(draw):
    """Shapes and geometry of a depthwise convolution that has an output, some of one pixel."""
    numbers = st.integers
    channels = draw(st.sampled_from([2, 3, 7, 16, 19, 33]))
    filters = draw(st.sampled_from([1, 1, 1, 2, 3]))
    kernel_size = draw(st.tuples(numbers(1, 5), numbers(1, 5)))
    geometry = conv_geometry(
        draw(st.tuples(numbers(1, 3), numbers(1, 3))),
        draw(st.tuples(numbers(0, 4), numbers(0, 4))),
        draw(st.tuples(numbers(1, 3), numbers(1, 3))),
        channels,
    )
    reach = [geometry.dilation[a] * (kernel_size[a] - 1) + 1 for a in (0, 1)]
    least = [max(reach[a] - 2 * geometry.before[a], 1) for a in (0, 1)]
    size = least[0] + draw(numbers(0, 3)), least[1] + draw(numbers(0, 11))
    return (draw(numbers(1, 3)), channels, *size), filters, kernel_size, geometry


@given(
    layers(),
    st.sampled_from(LAYOUTS),
    st.sampled_from(LAYOUTS),
    st.sampled_from(LAYOUTS),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_three_products(case, x_layout, w_layout, gy_layout, with_bias, large, seed):
    x_shape, filters, kernel_size, geometry = case
    x, w, b, gy = arrays(x_shape, filters, kernel_size, geometry, seed)
    b *= with_bias
    with pytest.MonkeyPatch.context() as patch:
        if large:  # as for results that do not fit into the cache
            patch.setattr(vector, "STREAM_BYTES", 0)
            patch.setattr(memory, "SMALLEST", 0)
            patch.setattr(threads, "SMALL", 0)
        laid_out = in_layout(x, x_layout), in_layout(w, w_layout)
        bias, cotangent = b if with_bias else None, in_layout(gy, gy_layout)
        got = compiled_products(*laid_out, bias, cotangent, geometry)
    taps, places = kernel_size[0] * kernel_size[1], gy[:, 0].size
    for oracle in (loops, definition):
        y, gx, gw = oracle(x, w, b, gy, geometry)
        check(got[0], y, max(taps, 4))
        check(got[1], gx, max(filters * taps, 4))
        check(got[2], gw, max(places, 4))


@pytest.mark.parametrize(
    "x_shape, filters, kernel_size, geometry",
    [
        ((3, 16, 37, 41), 1, (3, 3), conv_geometry((1, 1), (1, 1), (1, 1), 16)),
        ((2, 150, 20, 21), 1, (5, 3), conv_geometry((2, 1), (2, 1), (1, 1), 150)),
        ((2, 80, 9, 300), 1, (3, 3), conv_geometry((2, 3), (1, 1), (1, 2), 80)),
        ((9, 960, 7, 7), 1, (3, 3), conv_geometry((1, 1), (1, 1), (1, 1), 960)),
        ((1, 70, 11, 13), 2, (7, 7), conv_geometry((1, 1), (3, 3), (1, 1), 70)),
        ((2, 48, 1, 1), 1, (3, 3), conv_geometry((1, 1), (1, 1), (1, 1), 48)),
        # A row of outputs of which only the third one has a tap, between others of the same kind
        ((2, 17, 1, 1), 1, (1, 1), conv_geometry((1, 1), (2, 2), (1, 1), 17)),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_layers_of_several_blocks(x_shape, filters, kernel_size, geometry, large, monkeypatch):
    """More channels than a block has, more rows than a thread takes, more pixels than a run has."""
    if large:  # as for results that do not fit into the cache
        monkeypatch.setattr(vector, "STREAM_BYTES", 0)
        monkeypatch.setattr(memory, "SMALLEST", 0)
    x, w, b, gy = arrays(x_shape, filters, kernel_size, geometry, 0)
    expected = definition(x, w, b, gy, geometry)
    got = compiled_products(x, w, b, gy, geometry)
    for result, true, terms in zip(got, expected, (w[0], w[:filters], gy[:, 0]), strict=True):
        check(result, true, np.sqrt(terms.size) + 4)


def walked(axis):
    """[(tap, source), ...] of each result of an axis."""
    steps = axis.tap_step, axis.source_step
    return [
        [(first + t * steps[0], source + t * steps[1]) for t in range(count)]
        for first, source, count in zip(axis.first, axis.source, axis.count, strict=True)
    ]


def test_taps_along_one_axis():
    """Of every result the same taps as counted one by one."""
    cases = 0
    for pixels, taps, stride, padding, dilation in np.ndindex(6, 4, 4, 4, 4):
        reach = dilation * (taps - 1) + 1
        if min(pixels, taps, stride, dilation) == 0 or pixels + 2 * padding < reach:
            continue
        outputs = (pixels + 2 * padding - reach) // stride + 1
        of_outputs, of_pixels = [[] for _ in range(outputs)], [[] for _ in range(pixels)]
        for tap, output in np.ndindex(taps, outputs):
            pixel = output * stride - padding + tap * dilation
            if 0 <= pixel < pixels:
                of_outputs[output].append((tap, pixel))
                of_pixels[pixel].append((tap, output))
        geometry = taps, stride, padding, dilation
        assert walked(depthwise.axis_of_outputs(outputs, pixels, *geometry)) == of_outputs
        assert walked(depthwise.axis_of_pixels(pixels, outputs, *geometry)) == of_pixels
        cases += 1
    assert cases > 300


def test_what_is_declined():
    geometry = conv_geometry(padding=(1, 1), groups=4)
    x, w, b, gy = arrays((2, 4, 5, 5), 1, (3, 3), geometry, 0)
    for dtype in (np.float64, np.float16):
        others = x.astype(dtype), w.astype(dtype), b.astype(dtype), gy.astype(dtype)
        assert compiled_products(*others, geometry) == (NotImplemented,) * 3
    nothing = compiled_products(x[:0], w, b, gy[:0], geometry)
    assert nothing == (NotImplemented,) * 3
    with kernels.conv_algorithm("direct"):
        y = kernels.conv2d_forward(x, w, b, geometry)
        assert mt.last_conv().algorithm == "direct"
    np.testing.assert_allclose(y, loops(x, w, b, gy, geometry)[0], atol=1e-5)
    empty = kernels.conv2d_weight_grad(x[:0], gy[:0], (3, 3), geometry)
    np.testing.assert_array_equal(empty, np.zeros(w.shape))


@pytest.mark.parametrize("forced", ["auto", "im2col", "winograd", "depthwise", "direct"])
@pytest.mark.parametrize("product", ["conv2d_forward", "conv2d_input_grad", "conv2d_weight_grad"])
def test_the_recorded_algorithm_is_the_one_that_runs(forced, product, monkeypatch):
    """A 3x3 kernel with stride 1, but not for Winograd: it has more than one group."""
    geometry = conv_geometry(padding=(1, 1), groups=16)
    x, w, b, gy = arrays((2, 16, 6, 6), 1, (3, 3), geometry, 0)
    args = {
        "conv2d_forward": (x, w, b, geometry),
        "conv2d_input_grad": (gy, w, (6, 6), geometry),
        "conv2d_weight_grad": (x, gy, (3, 3), geometry),
    }[product]
    ran = []

    def noting(name):
        return {"cpu": lambda *args: ran.append(name) or NotImplemented}

    for name in ("im2col", "depthwise", "winograd"):
        for each in dispatch.ALGORITHM[name]:
            monkeypatch.setattr(each.row, "found", noting(name))
    with kernels.conv_algorithm(forced):
        getattr(kernels, product)(*args)
    expected = {"auto": "depthwise", "winograd": "im2col"}.get(forced, forced)
    assert mt.last_conv().algorithm == expected
    assert ran == ([] if expected == "direct" else [expected])


@pytest.mark.parametrize("filters", [1, 2])
def test_work_is_the_same_for_any_number_of_threads(filters):
    """And two runs with as many threads give the same bits."""
    geometry = conv_geometry((1, 2), (1, 1), (1, 1), 40)
    operands = arrays((5, 40, 23, 29), filters, (3, 3), geometry, 0)
    before = threads.get_num_threads()
    results = []
    try:
        for count in (1, 2, 2, 5):
            threads.set_num_threads(count)
            results.append([r.copy() for r in compiled_products(*operands, geometry)])
    finally:
        threads.set_num_threads(before)
    for one, two, again, five in zip(*results, strict=True):
        np.testing.assert_array_equal(two, again)
        np.testing.assert_allclose(one, two, atol=1e-4)
        np.testing.assert_allclose(one, five, atol=1e-4)


def test_nothing_is_written_outside_the_result(monkeypatch):
    """Results and workspaces get margins that must stay as they are."""
    given_out = []

    def guarded(shape, dtype=np.float32):
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        raw = np.full(count + 8192, 0xA5, np.uint8)
        given_out.append((raw, count))
        return raw[4096 : 4096 + count].view(dtype).reshape(shape)

    for module in (depthwise,):
        monkeypatch.setattr(module, "empty", guarded)
    for C, filters, stride in ((5, 1, 1), (16, 1, 2), (130, 1, 1), (7, 3, 3)):
        geometry = conv_geometry((stride, stride), (2, 1), (1, 1), C)
        compiled_products(*arrays((2, C, 7, 9), filters, (3, 3), geometry, 0), geometry)
    assert len(given_out) >= 12
    for raw, count in given_out:
        assert (raw[:4096] == 0xA5).all() and (raw[4096 + count :] == 0xA5).all()


def products_of_torch(torch, x, w, b, gy, geometry, kind, memory_format):
    tx, tw, tb, tgy = (torch.tensor(array, dtype=kind) for array in (x, w, b, gy))
    tx, tgy = (each.contiguous(memory_format=memory_format) for each in (tx, tgy))
    move = geometry.stride, geometry.before, geometry.dilation, geometry.groups
    y = torch.conv2d(tx.requires_grad_(), tw.requires_grad_(), tb, *move)
    y.backward(tgy)
    return y.detach().numpy(), tx.grad.numpy(), tw.grad.numpy()


@pytest.mark.parametrize("channels, size", [(32, 40), (320, 7)])
def test_no_accuracy_is_given_away(channels, size):
    """Root mean square errors are four times those of torch at most, both against float64."""
    torch = pytest.importorskip("torch")
    geometry = conv_geometry(padding=(1, 1), groups=channels)
    operands = arrays((4, channels, size, size), 1, (3, 3), geometry, 0)

    def torchs(*options):
        return products_of_torch(torch, *operands, geometry, *options)

    exact = torchs(torch.float64, torch.contiguous_format)
    rows, last = (
        torchs(torch.float32, each) for each in (torch.contiguous_format, torch.channels_last)
    )
    ours = compiled_products(*operands, geometry)
    for own, one, other, true in zip(ours, rows, last, exact, strict=True):
        errors = [np.sqrt(((each - true) ** 2).mean()) for each in (own, one, other)]
        assert errors[0] <= 4 * max(errors[1:])
