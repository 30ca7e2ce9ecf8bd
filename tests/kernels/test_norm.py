"""Batch norm kernels against float64 formulas."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from minitorch_cnn import kernels
from minitorch_cnn.backend import arrays as memory

SHAPES = st.one_of(
    st.tuples(st.integers(2, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(2, 8)),
    st.tuples(st.integers(1, 3), st.sampled_from([1, 3, 16, 300]), *[st.integers(1, 8)] * 2),
)


def in_layout(array, channels_last):
    if not channels_last:
        return array
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)


def per_channel(vector, x):
    return vector.reshape(-1, *[1] * (x.ndim - 2))


@given(SHAPES, st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_statistics_and_affine_map(shape, channels_last, small_blocks, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * 3 + 5
    axes = (0, *range(2, x.ndim))
    scale, shift = rng.standard_normal((2, shape[1]))
    with pytest.MonkeyPatch.context() as patch:
        if small_blocks:
            patch.setitem(memory.BLOCK_BYTES, "numpy", 1)
        mean, var = kernels.channel_mean_var(in_layout(x, channels_last))
        y = kernels.batch_norm_forward(in_layout(x, channels_last), scale, shift)
    np.testing.assert_allclose(mean, x.mean(axes), rtol=1e-12)
    np.testing.assert_allclose(var, x.var(axes), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(y, x * per_channel(scale, x) + per_channel(shift, x), atol=1e-12)


@given(SHAPES, st.booleans(), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_gradient_by_the_chain_rule_written_out(shape, channels_last, affine, batch, seed):
    """Ioffe and Szegedy's chain of derivatives, step by step: over the variance, then the mean."""
    rng = np.random.default_rng(seed)
    x, gy = rng.standard_normal((2, *shape))
    weight = rng.standard_normal(shape[1]) if affine else None
    axes, count = (0, *range(2, x.ndim)), x.size // shape[1]
    mean, var = x.mean(axes), x.var(axes) + 0.1
    invstd = var**-0.5
    centred = x - per_channel(mean, x)
    gxhat = gy if weight is None else gy * per_channel(weight, x)
    gx = gxhat * per_channel(invstd, x)
    if batch:
        gvar = (gxhat * centred).sum(axes) * -0.5 * invstd**3
        gmean = -(gxhat.sum(axes)) * invstd  # the variance does not change with the mean
        gx = gx + per_channel(gvar, x) * 2 * centred / count + per_channel(gmean, x) / count
    got = kernels.batch_norm_backward(
        in_layout(gy, channels_last), in_layout(x, not channels_last), weight, mean, invstd, batch
    )
    assert got[3] is None  # of a residual
    np.testing.assert_allclose(got[0], gx, atol=1e-11)
    np.testing.assert_allclose(got[1], (gy * centred).sum(axes) * invstd, atol=1e-11)
    np.testing.assert_allclose(got[2], gy.sum(axes), atol=1e-11)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("channels", [3, 16, 300])
def test_float32_variance_survives_a_large_mean(channels, channels_last):
    """E[x^2] - E[x]^2 would be wrong in the first digit here."""
    rng = np.random.default_rng(0)
    x = (1000 + rng.standard_normal((16, channels, 32, 32))).astype(np.float32)
    mean, var = kernels.channel_mean_var(in_layout(x, channels_last))
    exact = x.astype(np.float64)
    assert mean.dtype == var.dtype == np.float32
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(var, exact.var((0, 2, 3)), rtol=1e-4)


def test_one_image_far_from_the_others():
    """The variance between the images' means is the larger part of it."""
    x = np.zeros((2, 1, 4, 4), np.float32)
    x[1] = 100.0
    _, var = kernels.channel_mean_var(x)
    assert var.tolist() == [2500.0]


def test_float16_sums_do_not_overflow():
    x = np.full((4, 2, 64, 64), 200.0, np.float16)  # the sum of 16384 numbers is 3 million
    x[:, :, ::2] = 100.0
    mean, var = kernels.channel_mean_var(x)
    assert mean.dtype == np.float32
    assert mean.tolist() == [150.0, 150.0] and var.tolist() == [2500.0, 2500.0]
    y = kernels.batch_norm_forward(x, np.float32([1, 1]), np.float32([0, 0]))
    assert y.dtype == np.float16
