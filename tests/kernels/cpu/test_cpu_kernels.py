"""The other compiled kernels against the float64 definitions, whose own tests are next door."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import kernels
from minitorch_cnn.backend import arrays as memory
from minitorch_cnn.kernels.cpu.jit import threads, vector
from minitorch_cnn.kernels.cpu.jit.compiling import entry
from tests.kernels.test_pool import members, poolings
from tests.kernels.tiers import tier

array, cpu = tier("array"), tier("cpu")

SEEDS = st.integers(0, 2**32)


def channels_last(array):
    last = array.transpose(0, *range(2, array.ndim), 1)
    return np.ascontiguousarray(last).transpose(0, array.ndim - 1, *range(1, array.ndim - 1))


@pytest.fixture(
    scope="module", params=[False, True], ids=["in cache", "past the cache"], autouse=True
)
def streaming(request):
    """Small results are also written as those that are too large for the cache."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            patch.setattr(vector, "STREAM_BYTES", 0)
            patch.setattr(memory, "SMALLEST", 0)
        yield


def close(got, expected, atol=1e-5):
    assert got is not NotImplemented
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=atol)


@st.composite
def images(draw):
    channels = draw(st.sampled_from([1, 3, 15, 16, 17, 64, 70]))
    shape = (draw(st.integers(1, 5)), channels, draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    return shape[: draw(st.sampled_from([2, 3, 4]))]


def normals(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def doubles(*arrays):
    return [None if a is None else a.astype(np.float64) for a in arrays]


@given(images(), st.booleans(), st.booleans(), SEEDS)
def test_batch_norm_forward(shape, residual, relu, seed):
    x, more, scale, shift = normals(seed, shape, shape, shape[1:2], shape[1:2])
    more = channels_last(more) if residual else None
    expected = array.batch_norm_forward(*doubles(x, scale, shift, more), relu)
    plain = x * scale.reshape(1, -1, *[1] * (x.ndim - 2)) + shift.reshape(
        1, -1, *[1] * (x.ndim - 2)
    )
    plain = plain if more is None else plain + more
    np.testing.assert_allclose(expected, np.maximum(plain, 0) if relu else plain, atol=1e-5)
    for layout in (x, channels_last(x)):
        close(cpu.batch_norm_forward(layout, scale, shift, more, relu), expected)


@given(images(), st.booleans(), st.booleans(), st.booleans(), st.booleans(), SEEDS)
def test_batch_norm_backward(shape, affine, batch_statistics, relu, residual, seed):
    gy, x, y, weight, mean = normals(seed, shape, shape, shape, shape[1:2], shape[1:2])
    invstd = np.abs(mean) + np.float32(0.5)
    args = gy, x, weight if affine else None, mean, invstd
    y = channels_last(y) if relu else None
    masked = gy if y is None else gy * (y > 0)
    expected = array.batch_norm_backward(*doubles(masked, *args[1:]), batch_statistics)
    got = cpu.batch_norm_backward(channels_last(gy), *args[1:], batch_statistics, y, residual)
    for one, other in zip(got[:3], expected[:3], strict=True):
        close(one, other, atol=1e-4)
    assert np.array_equal(got[3], masked) if residual else got[3] is None


@given(images(), SEEDS)
def test_statistics_and_channel_sums(shape, seed):
    (x,) = normals(seed, shape)
    x = x * 3 + 100
    axes = (0, *range(2, x.ndim))
    mean, var = cpu.channel_mean_var(channels_last(x))
    close(mean, x.astype(float).mean(axes))
    close(var, x.astype(float).var(axes), atol=1e-3)
    close(cpu.channel_sum(channels_last(x)), x.astype(float).sum(axes), atol=1e-2)


def test_statistics_of_many_rows_with_a_large_mean():
    rng = np.random.default_rng(0)
    x = (1000 + rng.standard_normal((40, 24, 31, 33))).astype(np.float32)
    mean, var = cpu.channel_mean_var(channels_last(x))
    np.testing.assert_allclose(mean, x.astype(float).mean((0, 2, 3)), rtol=1e-7)
    np.testing.assert_allclose(var, x.astype(float).var((0, 2, 3)), rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 6, 16, 20, 33])
def test_windows_side_by_side_with_any_number_of_channels(channels):
    rng = np.random.default_rng(channels)
    for KH, KW in ((2, 2), (1, 3), (3, 1)):
        shape = 3, channels, 2, 5
        gy = rng.standard_normal(shape).astype(np.float32)
        position = rng.integers(0, KH * KW, shape).astype(np.uint8)
        expected = np.zeros((3, channels, 2 * KH, 5 * KW))
        for n, c, i, j in np.ndindex(shape):
            u, v = divmod(int(position[n, c, i, j]), KW)
            expected[n, c, i * KH + u, j * KW + v] = gy[n, c, i, j]
        geometry = kernels.PoolGeometry((KH, KW), (KH, KW), (0, 0), (1, 1), (2, 5))
        got = cpu.max_pool2d_scatter(
            channels_last(gy), channels_last(position), expected.shape[2:], geometry
        )
        np.testing.assert_array_equal(got, expected)


@given(poolings(), st.booleans(), SEEDS)
def test_pooling(case, ties, seed):
    shape, geometry = case
    if shape[0] == 0:
        return
    rng = np.random.default_rng(seed)
    x = rng.choice([-np.inf, 0.0, 1.0, np.nan], shape) if ties else rng.standard_normal(shape)
    x = x.astype(np.float32)
    y, position = array.max_pool2d_forward(x.astype(float), geometry)
    got, where = cpu.max_pool2d_forward(channels_last(x), geometry)
    np.testing.assert_array_equal(got, y)
    # A window of padding alone has a maximum of -inf, which comes from nowhere.
    windows = np.ndindex(geometry.out_size)
    there = np.reshape(
        [any(True for _ in members(shape, geometry, i, j)) for i, j in windows],
        (1, 1, *y.shape[2:]),
    )
    np.testing.assert_array_equal(where * there, position * there)
    gy = rng.standard_normal(y.shape).astype(np.float32)
    expected = array.max_pool2d_scatter(gy.astype(float), position, shape[2:], geometry)
    close(cpu.max_pool2d_scatter(gy, where, shape[2:], geometry), expected)
    if geometry.dilation != (1, 1):
        return
    divisor = rng.integers(1, 9, geometry.out_size).astype(float)
    x = rng.standard_normal(shape).astype(np.float32)
    expected = array.avg_pool2d_forward(x.astype(float), geometry, divisor)
    close(cpu.avg_pool2d_forward(x, geometry, divisor), expected)
    expected = array.avg_pool2d_backward(gy.astype(float), shape[2:], geometry, divisor)
    close(cpu.avg_pool2d_backward(gy, shape[2:], geometry, divisor), expected)


@given(images(), st.booleans(), SEEDS)
def test_elementwise(shape, large, seed):
    x, y = normals(seed, shape, shape)
    if large:  # more than a thread takes at a time
        x, y = np.tile(x, (50, *[1] * (x.ndim - 1))), np.tile(y, (50, *[1] * (x.ndim - 1)))
        x, y = np.concatenate([x] * 30), np.concatenate([y] * 30)
    x[0] = np.nan
    for a in (x, channels_last(x)):
        np.testing.assert_array_equal(cpu.relu(a), np.maximum(x, 0))
        np.testing.assert_array_equal(cpu.relu_backward(a, y), np.where(y > 0, x, 0))
        if x.size >= threads.SMALL:
            np.testing.assert_array_equal(cpu.add(a, y), x + y)
        np.testing.assert_array_equal(cpu.hardtanh(a, -0.5, 0.25), np.clip(x, -0.5, 0.25))
        between = ~((x <= -0.5) | (x >= 0.25))  # True at NaN
        gx = cpu.hardtanh_backward(y, a, -0.5, 0.25)
        np.testing.assert_array_equal(gx, np.where(between, y, 0))
        gx = array.hardtanh_backward(y, a, -0.5, 0.25)
        np.testing.assert_array_equal(gx, np.where(between, y, 0))
        again = a.copy(order="K")
        assert cpu.relu_(again) is again
        np.testing.assert_array_equal(again, np.maximum(x, 0))


def test_an_infinite_gradient_stops_at_the_relu():
    gy = np.array([np.inf, np.inf], np.float32)
    np.testing.assert_array_equal(cpu.relu_backward(gy, np.array([0, 1], np.float32)), [0, np.inf])


@given(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 70)), SEEDS)
def test_matmul(sizes, seed):
    M, K, N = sizes
    a, b = normals(seed, (M, K), (K, N))
    for left in (a, np.ascontiguousarray(a.T).T):
        for right in (b, np.ascontiguousarray(b.T).T):
            close(cpu.matmul(left, right), a.astype(float) @ b, atol=1e-5 * K)


def test_matmul_of_several_blocks():
    a, b = normals(0, (101, 700), (700, 150))
    close(cpu.matmul(a, b), a.astype(float) @ b, atol=1e-3)
    whole, right = normals(1, (3 * 48, 10), (10, 7))  # three blocks of rows, none of them cut
    close(cpu.matmul(whole, right), whole.astype(float) @ right)
    assert cpu.matmul(a[0], b) is NotImplemented
    np.testing.assert_array_equal(kernels.matmul(a, b), cpu.matmul(a, b))


@given(st.integers(1, 8), st.integers(1, 20), SEEDS)
def test_cross_entropy(rows, classes, seed):
    (x,) = normals(seed, (rows, classes))
    x *= 30
    target = np.random.default_rng(seed).integers(0, classes, rows)
    losses, softmax = array.cross_entropy(x.astype(float), target)
    got, probabilities = cpu.cross_entropy(x, target)
    close(got, losses, atol=1e-4)
    close(probabilities, softmax)
    (gy,) = normals(seed, rows)
    expected = array.cross_entropy_backward(gy.astype(float), softmax, target)
    close(cpu.cross_entropy_backward(gy, probabilities, target), expected)


def test_cross_entropy_of_nan_and_infinite_scores():
    x = np.array([[0, np.nan, 1], [np.inf, 0, 0], [-np.inf, 0, 0]], np.float32)
    with np.errstate(invalid="ignore"):
        expected = array.cross_entropy(x.astype(float), np.array([0, 1, 1]))[0]
    np.testing.assert_allclose(cpu.cross_entropy(x, np.array([0, 1, 1]))[0], expected, rtol=1e-6)


@pytest.mark.parametrize("blocks", [1, 2, 7])
def test_words_of_the_twister(blocks):
    key = np.array(np.random.RandomState(5).get_state()[1])
    ours, theirs = key.copy(), key.copy()
    for _ in range(2):
        drawn = cpu.twister_words(ours, blocks)
        np.testing.assert_array_equal(drawn, array.twister_words(theirs, blocks))
        np.testing.assert_array_equal(ours, theirs)
    assert cpu.twister_words(key[:600], 1) is NotImplemented


def test_the_tier_is_what_the_public_names_call():
    x = np.array([-1.0, 2.0], np.float32)
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        found = {"cpu": lambda x: calls.append(x.shape) or NotImplemented}
        patch.setattr(kernels.relu.row, "found", found)
        np.testing.assert_array_equal(kernels.relu(x), [0, 2])
    assert calls == [(2,)]


@pytest.mark.parametrize("size", [(4, 4), (5, 4), (4, 5)])
def test_pixels_that_no_window_covers_get_no_gradient(size):
    H, W = size
    before = memory.empty((64, H, W, 16))
    before.fill(np.nan)  # what the gradient's memory holds at first
    del before
    x = mt.randn(64, 16, H, W, requires_grad=True)
    y = mt.nn.functional.max_pool2d(x, 2)
    (gx,) = mt.autograd.grad(y, x, mt.ones(*y.shape))
    gx = gx.numpy()
    assert gx[:, :, 4:].sum() == 0 and gx[:, :, :, 4:].sum() == 0
    assert np.array_equal(
        gx[:, :, :4, :4].reshape(64, 16, 2, 2, 2, 2).sum((3, 5)), np.ones(y.shape)
    )


def test_the_first_lanes_are_stored_and_nothing_behind_them():
    """Of floats and of bytes, for each number of lanes; also of fewer than none and of too many."""

    @entry
    def first(x, floats, halves, octets, count):
        value = vector.load_bytes(x, count)
        vector.store_some(floats, value, count)
        vector.store_by_halves(halves, value, count)
        vector.store_bytes(octets, value, count)

    lanes = vector.LANES
    x = np.arange(1, lanes + 1, dtype=np.uint8) * 9
    for count in range(-2, lanes + 3):
        floats, octets = np.full(2 * lanes, -1, np.float32), np.full(2 * lanes, 255, np.uint8)
        halves = floats.copy()
        first(x.ctypes.data, floats.ctypes.data, halves.ctypes.data, octets.ctypes.data, count)
        there = min(max(count, 0), lanes)
        assert floats.tolist() == x[:there].tolist() + [-1] * (2 * lanes - there)
        assert halves.tolist() == floats.tolist()
        assert octets.tolist() == x[:there].tolist() + [255] * (2 * lanes - there)
