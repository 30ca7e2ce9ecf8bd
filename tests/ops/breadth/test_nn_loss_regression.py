"""Losses of distributions: against their formulas."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import array, check_gradients, compare_with_torch

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SEEDS = st.integers(0, 2**32 - 1)


REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


def reduced(losses, reduction):
    losses = np.asarray(losses)
    return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[reduction]


def check(name, expected, arrays, rest=(), **options):
    """The loss's value against `expected`, and its gradients in the arrays."""
    function = getattr(F, name)
    rest = [mt.from_numpy(np.asarray(each)) for each in rest]
    got = function(*map(mt.from_numpy, arrays), *rest, **options)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-10, atol=1e-12)
    check_gradients(lambda *inputs: function(*inputs, *rest, **options), *arrays)


@given(st.integers(1, 4), st.booleans(), st.booleans(), REDUCTIONS, SEEDS)
def test_poisson(n, log_input, full, reduction, seed):
    x = array(seed, (n,)) if log_input else array(seed, (n,), 0.5, 3.0)
    target = np.random.default_rng(seed).integers(0, 6, n).astype(float)
    losses = np.exp(x) - target * x if log_input else x - target * np.log(x + 1e-8)
    if full:
        t = np.where(target > 1, target, 1)
        stirling = t * np.log(t) - t + 0.5 * np.log(2 * math.pi * t)
        losses = losses + np.where(target > 1, stirling, 0)
    options = dict(log_input=log_input, full=full, reduction=reduction)
    check("poisson_nll_loss", reduced(losses, reduction), (x,), [target], **options)


@given(st.integers(1, 3), st.booleans(), st.sampled_from(["same", "row", "one"]), REDUCTIONS, SEEDS)
def test_gaussian(n, full, kind, reduction, seed):
    x, target = array(seed, (n, 3)), array(seed + 1, (n, 3))
    var = array(seed + 2, {"same": (n, 3), "row": (n,), "one": (n, 1)}[kind], 0.5, 2.0)
    wide = var[:, None] if kind == "row" else var
    losses = 0.5 * (np.log(wide) + (x - target) ** 2 / wide) + full * 0.5 * math.log(2 * math.pi)
    options = dict(full=full, reduction=reduction)
    check("gaussian_nll_loss", reduced(losses, reduction), (x, target, var), **options)


def test_a_small_variance_is_raised_and_still_gets_a_gradient():
    pytest.importorskip("torch")
    arrays = array(0, (2, 3)), array(1, (2, 3)), array(2, (2, 3), 0.0, 0.1)
    compare_with_torch(
        lambda lib, x, t, v: lib.nn.functional.gaussian_nll_loss(x, t, v, eps=0.05), arrays
    )
    assert F.gaussian_nll_loss(mt.zeros(2), mt.zeros(2), 1.0).item() == 0.0


def test_a_negative_variance_is_refused():
    with pytest.raises(ValueError, match=r"-0\.5"):
        F.gaussian_nll_loss(mt.zeros(2), mt.zeros(2), mt.tensor([1.0, -0.5]))
