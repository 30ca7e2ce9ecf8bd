"""nn.grad: the gradients of convolutions as functions are those that backward finds."""

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_gradients_of_convolutions(dims):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 4, *[7] * dims)), rng.normal(size=(6, 2, *[3] * dims))
    settings = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    gy = rng.normal(size=(2, 6, *[3] * dims))
    for name, first, second in (("input", x.shape, w), ("weight", x, w.shape)):
        found = []
        for lib in (mt, torch):
            args = [a if isinstance(a, tuple) else lib.tensor(a) for a in (first, second)]
            function = getattr(lib.nn.grad, f"conv{dims}d_{name}")
            found.append(function(*args, lib.tensor(gy), **settings).numpy())
        np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-12)
    assert mt.nn.functional.grad is mt.nn.grad


def test_convolution_of_no_channels():
    layer = mt.nn.Conv2d(0, 3, 3, stride=2)
    with mt.no_grad():
        layer.bias.copy_(mt.tensor([1.0, 2.0, 3.0]))
    for tier in ("array", "auto"):
        x = mt.zeros(2, 0, 9, 9, requires_grad=True)
        with mt.kernel_tier(tier):
            y = layer(x)
            y.sum().backward()
        assert y.shape == (2, 3, 4, 4) and y.mean((0, 2, 3)).tolist() == [1.0, 2.0, 3.0]
        assert x.grad.shape == x.shape and layer.weight.grad.shape == (3, 0, 3, 3)
