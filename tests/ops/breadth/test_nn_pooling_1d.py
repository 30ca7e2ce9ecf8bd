"""Pooling by a norm: against torch; the rest is in test_volumes.py."""

import numpy as np
import pytest

import minitorch_cnn as mt


@pytest.mark.parametrize("name, shape", [("lp_pool1d", (2, 3, 7)), ("lp_pool3d", (2, 3, 4, 5, 6))])
@pytest.mark.parametrize("norm, options", [(2, {}), (3.0, {"stride": 1}), (1, {"ceil_mode": True})])
def test_pooling_by_a_norm(name, shape, norm, options):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).random(shape) + 0.1
    results = []
    for lib in (mt, torch):
        leaf = lib.tensor(x, requires_grad=True)
        y = getattr(lib.nn.functional, name)(leaf, norm, 3, **options)
        (y * lib.arange(y.numel(), dtype=lib.float64).reshape(y.shape)).sum().backward()
        results.append((y.detach().numpy(), leaf.grad.numpy()))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
