"""Dropout: what is dropped, how often, by which seed, and what the gradient sees."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.nn import functional as F


def seeded(function, seed=0):
    """The function of x with the same random numbers at every call, for gradcheck."""

    def run(x):
        mt.manual_seed(seed)
        return function(x)

    return run


@settings(max_examples=20)
@given(
    st.lists(st.integers(0, 5), max_size=3),
    st.floats(0.05, 0.95),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_every_element_is_dropped_or_scaled_and_so_is_its_gradient(shape, p, seed, backwards):
    values = np.asarray(np.random.default_rng(seed).standard_normal(shape) + 5)
    if backwards:
        values = values.T
    x = mt.from_numpy(values).requires_grad_()
    mt.manual_seed(seed)
    y = F.dropout(x, p)
    ratios = y.detach().numpy() / values
    kept = ratios != 0
    np.testing.assert_allclose(ratios[kept], 1 / (1 - p), rtol=1e-12)
    cotangent = np.asarray(np.random.default_rng(seed + 1).standard_normal(values.shape))
    y.backward(mt.from_numpy(cotangent))
    np.testing.assert_allclose(x.grad.numpy(), cotangent * kept / (1 - p), rtol=1e-12)
    x = x.detach().contiguous().requires_grad_()  # as gradcheck's copies, which have the same mask
    assert gradcheck(seeded(lambda x: F.dropout(x, p)), (x,))
    assert gradgradcheck(seeded(lambda x: F.dropout(x, p)), (x,))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_fraction_dropped_is_p(p):
    n = 100_000
    dropped = (F.dropout(mt.ones(n), p) == 0).sum().item()
    assert abs(dropped - p * n) < 5 * math.sqrt(n * p * (1 - p))  # five standard deviations


def test_the_mask_depends_on_the_seed_and_not_on_dtype_or_the_layout_of_images():
    def mask(x, seed=3):
        mt.manual_seed(seed)
        return (F.dropout(x, 0.5) == 0).tolist()

    x = mt.ones(4, 6)
    expected = mask(x)
    assert mask(x.double()) == mask(x.half()) == expected
    images = mt.ones(2, 3, 4, 5)
    assert mask(images) == mask(images.contiguous(memory_format=mt.channels_last))
    assert mask(x, seed=4) != expected


@pytest.mark.parametrize(
    "function", [F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout], ids=lambda f: f.__name__
)
def test_without_training_or_probability_nothing_happens(function):
    x = mt.randn(2, 3, 4)
    state = mt.get_rng_state().tolist()
    assert function(x, 0.5, training=False) is x
    assert function(x, 0.0, training=True) is x
    assert mt.get_rng_state().tolist() == state  # and no random numbers are used up
    assert function(x, 1.0, training=True).tolist() == (x * 0).tolist()
    for p in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="has to be between 0 and 1, but got"):
            function(x, p)


@pytest.mark.parametrize(
    "function, shape, channels",
    [
        (F.dropout2d, (40, 50, 3, 2), 2),
        (F.dropout2d, (40, 50, 3), 2),
        (F.dropout1d, (40, 50, 3), 2),
        (F.dropout1d, (2000, 3), 1),
    ],
)
def test_whole_channels_are_dropped(function, shape, channels):
    x = mt.ones(*shape, dtype=mt.float64, requires_grad=True)
    y = function(x, 0.25).detach().numpy()
    flat = y.reshape(2000, -1)
    assert (flat == flat[:, :1]).all()  # all elements of a channel share its fate
    assert set(np.round(np.unique(flat), 12)) == {0.0, np.round(4 / 3, 12)}
    assert abs((flat[:, 0] == 0).sum() - 500) < 5 * math.sqrt(2000 * 0.25 * 0.75)
    small = mt.from_numpy(np.random.default_rng(0).standard_normal(shape[:0] + (3,) * len(shape)))
    assert gradcheck(seeded(lambda x: function(x, 0.25)), (small.requires_grad_(),))


def test_channel_dropout_refuses_what_has_no_channels():
    with pytest.raises(RuntimeError, match="at least 2 dimensions"):
        F.dropout2d(mt.ones(3))
    with pytest.raises(RuntimeError, match="2D or 3D input"):
        F.dropout1d(mt.ones(2, 3, 4, 5))


def test_alpha_dropout_keeps_mean_and_variance():
    x = mt.randn(200_000, dtype=mt.float64)
    y = F.alpha_dropout(x, 0.3, training=True)
    assert abs(y.mean().item()) < 0.02 and abs(y.var().item() - 1) < 0.03
    lowest = -1.7580993408473766
    a = 1 / math.sqrt(0.7 * (1 + 0.3 * lowest**2))
    dropped = a * lowest - a * 0.3 * lowest
    assert ((y - dropped).abs() < 1e-12).double().mean().item() == pytest.approx(0.3, abs=0.01)
    small = mt.randn(3, 4, dtype=mt.float64, requires_grad=True)
    assert gradcheck(seeded(lambda x: F.alpha_dropout(x, 0.3, training=True)), (small,))


@pytest.mark.parametrize("function", [F.dropout, F.dropout2d, F.alpha_dropout])
def test_integers_are_refused(function):
    with pytest.raises(RuntimeError, match="needs a floating input"):
        function(mt.arange(6).reshape(2, 3), 0.5, training=True)


@pytest.mark.parametrize("function", [F.dropout, F.dropout2d, F.alpha_dropout])
def test_inplace_gives_the_same(function):
    leaf = mt.randn(3, 4, 2, requires_grad=True)
    results = []
    for inplace in (False, True):
        mt.manual_seed(1)
        x = leaf * 1
        y = function(x, 0.5, training=True, inplace=inplace)
        assert (y is x) == inplace
        (gradient,) = mt.autograd.grad((y * y).sum(), leaf)
        results.append((y.tolist(), gradient.tolist()))
    assert results[0] == results[1]
