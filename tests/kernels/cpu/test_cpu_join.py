"""Parts of the channels of an image: put together, taken apart and added, as rows of its pixels."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minitorch_cnn as mt
from minitorch_cnn.kernels.cpu import arrays, elementwise, join

RNG = np.random.default_rng(0)


def image(N, C, H, W):
    """(N, C, H, W), channels-last in memory."""
    return RNG.standard_normal((N, H, W, C), np.float32).transpose(0, 3, 1, 2)


def odd_views():
    """Views of images, and whether their pixels are rows, equally far from each other."""
    x = image(3, 8, 5, 6)
    alone = image(1, 8, 1, 1)
    return {
        "all": (x, True),
        "first channels": (x[:, :3], True),
        "last channels": (x[:, 5:], True),
        "one channel": (x[:, 4:5], True),
        "one image": (x[1:2, 2:], True),
        "every second column": (x[:, :, :, ::2], True),
        "every second row": (x[:, :, ::2], False),
        "one row of each image": (x[:, 1:, 2:3], False),
        "one column": (x[:, :3, :, 1:2], True),
        "fewer columns": (x[:, :, :, 1:], False),
        "fewer rows": (x[:, :, 1:], False),
        "every second image": (x[::2], False),
        "every second channel": (x[:, ::2], False),
        "turned around": (x[:, :, :, ::-1], False),
        "channels turned around": (x[:, ::-1], False),
        "row by row": (np.ascontiguousarray(x), False),
        "expanded": (np.broadcast_to(x[:, :, :1, :1], x.shape), False),
        "expanded columns": (np.broadcast_to(x[:, :, :, :1], x.shape), False),
        "channels expanded": (np.broadcast_to(x[:, :1], x.shape), False),
        "a pixel": (alone, True),
        "part of a pixel": (alone[:, 2:5], True),
    }


@pytest.mark.parametrize("name", odd_views())
def test_rows_of_pixels(name):
    x, are_rows = odd_views()[name]
    rows = arrays.pixel_rows(x)
    assert (rows is not None) == are_rows
    if rows is not None:
        numbers, step = rows
        assert np.shares_memory(numbers, x) and numbers.flags.c_contiguous
        pixels = [numbers[i * step : i * step + x.shape[1]] for i in range(x[:, 0].size)]
        assert numbers.size == (len(pixels) - 1) * step + x.shape[1]  # not one number more
        np.testing.assert_array_equal(pixels, x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1]))
    np.testing.assert_array_equal(arrays.channels_last(x), x.transpose(0, 2, 3, 1))


WIDTHS = st.lists(st.sampled_from([1, 3, 16, 31, 32, 64]), min_size=1, max_size=5)


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(1, 30), st.integers(1, 30), WIDTHS, st.data())
def test_cat(N, H, W, widths, data):
    parts = []
    for C in widths:
        before, after = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
        parts.append(image(N, before + C + after, H, W)[:, before : before + C])
    y, expected = join.cat(parts, 1), np.concatenate(parts, 1)
    if y is NotImplemented:  # few numbers: NumPy is as quick
        assert expected.size < join.SMALL
        return
    np.testing.assert_array_equal(y, expected)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("widths", [(64, 32, 32), (64, 8)])
def test_cat_of_large_images(widths):
    """Past the cache, or through it where a part does not begin with a line of it."""
    parts = [image(4, C, 80, 80) for C in widths]
    np.testing.assert_array_equal(join.cat(parts, 1), np.concatenate(parts, 1))


@pytest.mark.parametrize(
    "parts, axis",
    [
        ([image(2, 64, 20, 20)] * 2, 0),
        ([image(2, 64, 20, 20).astype(np.float64)] * 2, 1),
        ([image(2, 64, 20, 20), image(2, 64, 20, 20).copy()], 1),
        ([image(2, 64, 20, 20), np.empty((2, 0, 20, 20), np.float32)], 1),
        ([np.zeros((200, 200), np.float32)] * 2, 1),
    ],
    ids=["images", "double", "row by row", "empty", "matrices"],
)
def test_what_cat_declines(parts, axis):
    assert join.cat(parts, axis) is NotImplemented
    found = mt.cat([mt.tensor(part) for part in parts], axis)
    np.testing.assert_array_equal(found.numpy(), np.concatenate(parts, axis))


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(16, 40), st.sampled_from([1, 3, 16, 31, 64]), st.data())
def test_a_sum_of_parts(N, size, C, data):
    parts = []
    for _ in range(2):
        before, after = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
        parts.append(image(N, before + C + after, size, size)[:, before : before + C])
    y, (a, b) = elementwise.add(*parts), parts
    if y is NotImplemented:
        assert a.size < elementwise.SMALL
        return
    np.testing.assert_array_equal(y, a + b)


def test_gradients_of_what_was_put_together():
    """Each part is used twice; the derivative is counted by hand."""
    parts = [mt.tensor(image(2, C, 16, 16), requires_grad=True) for C in (32, 48)]
    factors = image(2, 160, 16, 16)
    y = mt.cat([*parts, *parts], 1)
    (y * mt.tensor(factors)).sum().backward()
    np.testing.assert_allclose(parts[0].grad.numpy(), factors[:, :32] + factors[:, 80:112])
    np.testing.assert_allclose(parts[1].grad.numpy(), factors[:, 32:80] + factors[:, 112:])
