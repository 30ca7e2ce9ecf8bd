"""Pooling, batch norm and gradient flow, against loops, projections and the theory's numbers."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import explain
from minitorch_cnn.explain.gradient_flow import DeepNetwork


@given(
    st.sampled_from(["max", "avg", "avg without padding"]),
    st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(4, 7),
)  # fmt: skip
def test_pooling_routes(kind, kernel, stride, padding, size):
    padding = min(padding, kernel // 2)
    x = mt.randn(2, 3, size, size + 1, dtype=mt.float64)
    if kind == "max":
        layer = mt.nn.MaxPool2d(kernel, stride, padding)
    else:
        layer = mt.nn.AvgPool2d(kernel, stride, padding, count_include_pad=kind == "avg")
    gy = mt.randn(*layer(x).shape, dtype=mt.float64)
    pooling = explain.pool2d(x, layer, gy)
    expected = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(gy.shape):
        window = [
            (i * stride - padding + u, j * stride - padding + v)
            for u in range(kernel) for v in range(kernel)
        ]  # fmt: skip
        inside = [(h, w) for h, w in window if 0 <= h < size and 0 <= w <= size]
        if kind == "max":
            h, w = max(inside, key=lambda place: x.numpy()[n, c, place[0], place[1]])
            expected[n, c, h, w] += gy.numpy()[n, c, i, j]
        else:
            count = kernel * kernel if kind == "avg" else len(inside)
            for h, w in inside:
                expected[n, c, h, w] += gy.numpy()[n, c, i, j] / count
    np.testing.assert_allclose(pooling.gx, expected, atol=1e-12)
    np.testing.assert_allclose(pooling.library_gx, expected, atol=1e-12)


def test_the_first_of_equal_pixels_wins():
    pooling = explain.pool2d(mt.ones(1, 1, 2, 2), mt.nn.MaxPool2d(2))
    np.testing.assert_array_equal(pooling.gx[0, 0], [[1, 0], [0, 0]])
    np.testing.assert_array_equal(pooling.library_gx, pooling.gx)


def test_pooling_refuses_what_it_does_not_explain():
    x = mt.zeros(1, 1, 4, 4)
    with pytest.raises(NotImplementedError, match="ceil_mode"):
        explain.pool2d(x, mt.nn.MaxPool2d(2, ceil_mode=True))
    with pytest.raises(NotImplementedError, match="AdaptiveAvgPool2d"):
        explain.pool2d(x, mt.nn.AdaptiveAvgPool2d(1))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(2, 4), st.booleans())
def test_batch_norm_takes_away_what_the_mean_and_the_deviation_explain(N, C, size, affine):
    layer = mt.nn.BatchNorm2d(C, affine=affine, eps=1e-12, dtype=mt.float64)
    if affine:
        layer.weight.data = mt.rand(C, dtype=mt.float64) + 0.5
    x = mt.randn(N, C, size, size, dtype=mt.float64)
    gy = mt.randn(N, C, size, size, dtype=mt.float64)
    result = explain.batch_norm(x, layer, gy)
    np.testing.assert_allclose(result.gx, result.library_gx, atol=1e-10)
    # The other description: gx is what is left of gy beside the space of 1 and xhat.
    for c in range(C):
        values = x.numpy()[:, c].ravel()
        basis = np.stack([np.ones_like(values), values], axis=1)
        g = gy.numpy()[:, c].ravel()
        left = g - basis @ np.linalg.lstsq(basis, g, rcond=None)[0]
        weight = layer.weight.detach().numpy()[c] if affine else 1.0
        np.testing.assert_allclose(result.gx[:, c].ravel(), weight / values.std() * left, atol=1e-9)


def test_batch_norm_leaves_the_layer_as_it_was():
    layer = mt.nn.BatchNorm2d(2)
    explain.batch_norm(mt.randn(2, 2, 3, 3), layer, mt.randn(2, 2, 3, 3))
    assert layer.num_batches_tracked.item() == 0 and layer.weight.grad is None
    with pytest.raises(ValueError, match="one shape"):
        explain.batch_norm(mt.zeros(1, 2, 3, 3), layer, mt.zeros(1, 2, 3, 4))
    with pytest.raises(NotImplementedError, match="GroupNorm"):
        explain.batch_norm(mt.zeros(1, 2, 3, 3), mt.nn.GroupNorm(1, 2), mt.zeros(1, 2, 3, 3))


def test_gradients_vanish_in_a_plain_network_and_not_in_a_residual_one():
    before = mt.get_rng_state()
    flow = explain.gradient_flow(depth=12, width=8, images=8)
    assert bool((mt.get_rng_state() == before).all())
    assert flow.factor("plain") < 0.6  # the theory says sqrt(1 / 6) = 0.41 for many channels
    assert 0.8 < flow.factor("plain, He's initialisation") < 1.25
    assert 0.8 < flow.factor("residual") < 1.25
    assert "a layer multiplies by" in str(flow)
    with pytest.raises(ValueError, match="depth must be 1"):
        explain.gradient_flow(depth=0)


def test_the_plain_and_the_residual_network_differ_in_the_shortcut_alone():
    networks = []
    for residual in (False, True):
        mt.manual_seed(3)
        networks.append(DeepNetwork(1, 4, residual, he=False))
    x = mt.randn(2, 3, 5, 5)
    stem = networks[0].stem(x)
    inner = mt.relu(networks[0].layers[0](stem))
    for network, features in zip(networks, (inner, stem + inner), strict=True):
        expected = networks[0].head(features.mean(dim=(2, 3)))
        np.testing.assert_allclose(network(x).detach(), expected.detach(), rtol=1e-6)


class InPlace(mt.nn.Module):
    """A convolution whose output the next layer overwrites."""

    def __init__(self):
        super().__init__()
        self.conv = mt.nn.Conv2d(1, 2, 3)
        self.relu = mt.nn.ReLU(inplace=True)
        self.head = mt.nn.Linear(2, 3)

    def forward(self, x):
        return self.head(self.relu(self.conv(x)).mean(dim=(2, 3)))


def test_capture_records_before_operations_in_place_and_leaves_no_trace():
    model, x = InPlace(), mt.randn(2, 1, 5, 5)
    captured = explain.capture(model, x, "conv", target=1)
    np.testing.assert_allclose(captured.y, model.conv(x).detach(), rtol=1e-6)
    assert captured.y.min().item() < 0
    # score 1 = head weights[1] . mean of relu(y): the gradient is weight / 9 where y > 0
    weight = model.head.weight.detach().numpy()[1].reshape(1, 2, 1, 1)
    np.testing.assert_allclose(captured.gy, (captured.y.numpy() > 0) * weight / 9, rtol=1e-5)
    assert model.training and not model.conv._forward_hooks
    assert all(parameter.grad is None for parameter in model.parameters())
    with pytest.raises(ValueError, match="class 3 is not one of the 3"):
        explain.capture(model, x, "conv", target=3)
    assert not model.conv._forward_hooks
