"""A Conv2d or Linear and the ReLU after it are one pass in a Sequential: nobody may notice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.ops.conv import Conv2dReLU, conv2d_relu
from minitorch_cnn.ops.linear import LinearReLU, linear_relu

F = nn.functional


def pairs(kind, dtype):
    """A layer, and an input for it."""
    if kind == "linear":
        return nn.Linear(5, 4, dtype=dtype), mt.randn(3, 5, dtype=dtype)
    if kind == "linear on sequences":
        return nn.Linear(5, 4, bias=False, dtype=dtype), mt.randn(2, 3, 5, dtype=dtype)
    options = {
        "direct": dict(in_channels=2, out_channels=5, kernel_size=3, padding=1),
        "patches": dict(in_channels=12, out_channels=20, kernel_size=3, stride=2),
        "winograd": dict(in_channels=16, out_channels=16, kernel_size=3, padding=1),
        "depthwise": dict(in_channels=6, out_channels=6, kernel_size=3, groups=6),
        "reflected": dict(in_channels=2, out_channels=3, kernel_size=3, padding=1),
    }[kind]
    if kind == "reflected":
        options["padding_mode"] = "reflect"
    return nn.Conv2d(**options, dtype=dtype), mt.randn(3, options["in_channels"], 7, 6, dtype=dtype)


KINDS = [
    "linear", "linear on sequences", "direct", "patches", "winograd", "depthwise", "reflected",
]  # fmt: skip


@pytest.mark.parametrize("dtype", [mt.float32, mt.float64])
@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_those_of_the_two_layers(kind, inplace, dtype):
    layer, x = pairs(kind, dtype)
    x.requires_grad_()
    y = nn.Sequential(layer, nn.ReLU(inplace))(x)
    assert y._node.function in (Conv2dReLU, LinearReLU)
    before = layer(x)
    expected = np.maximum(before.detach().numpy(), 0)
    assert np.array_equal(y.detach().numpy(), expected) and (expected == 0).any()
    gy = mt.randn(*y.shape, dtype=dtype)
    inputs = [x, *layer.parameters()]
    got = mt.autograd.grad(y, inputs, gy)
    masked = mt.tensor(gy.numpy() * (expected > 0))
    want = mt.autograd.grad(before, inputs, masked)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-5)
    with mt.no_grad():
        assert np.array_equal(nn.Sequential(layer, nn.ReLU(inplace))(x).numpy(), expected)


@given(st.sampled_from(["conv", "depthwise", "linear"]), st.booleans(), st.integers(0, 2**31))
def test_first_and_second_gradients_by_differences(kind, has_bias, seed):
    mt.manual_seed(seed)
    shapes = {
        "conv": [(2, 2, 4, 3), (3, 2, 3, 2), (3,)],
        "depthwise": [(1, 3, 4, 3), (3, 1, 3, 3), (3,)],
        "linear": [(2, 3, 4), (5, 4), (5,)],
    }[kind]
    arguments = [mt.randn(*shape, dtype=mt.float64, requires_grad=True) for shape in shapes]
    arguments = arguments if has_bias else arguments[:2]

    def function(x, w, b=None):
        if kind == "linear":
            return linear_relu(x, w, b)
        return conv2d_relu(x, w, b, 1, 1, 1, 3 if kind == "depthwise" else 1)

    assert mt.autograd.gradcheck(function, arguments)
    assert mt.autograd.gradgradcheck(function, arguments)


def test_a_weight_of_one_dimension():
    x, weight, bias = mt.randn(6, 4), mt.randn(4), mt.randn(())
    expected = np.maximum(x.numpy() @ weight.numpy() + bias.numpy(), 0)
    np.testing.assert_allclose(linear_relu(x, weight, bias).numpy(), expected, rtol=1e-5)


def test_nan_stays_and_negative_zero_is_no_matter():
    layer = nn.Conv2d(1, 1, 1)
    layer.weight.data.array[...] = 1
    layer.bias.data.array[...] = 0
    x = mt.tensor([[[[-1.0, float("nan"), 2.0, -float("inf"), float("inf")]]]])
    y = nn.Sequential(layer, nn.ReLU())(x).detach().numpy().ravel()
    assert np.array_equal(y, [0, np.nan, 2, 0, np.inf], equal_nan=True)


@pytest.mark.parametrize("watched", ["layer", "relu"])
@pytest.mark.parametrize(
    "register",
    [
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
    ],
)
def test_hooks_see_what_they_saw(watched, register):
    layer, relu = nn.Conv2d(2, 3, 3), nn.ReLU()
    net, seen = nn.Sequential(layer, relu), []
    hooked = layer if watched == "layer" else relu
    getattr(hooked, register)(lambda module, *args: seen.append(module))
    y = net(mt.randn(1, 2, 5, 5, requires_grad=True))
    assert y._node is None or y._node.function not in (Conv2dReLU,)
    y.sum().backward()
    assert seen == [hooked]


def test_a_forward_of_ones_own_is_called():
    class Doubled(nn.Linear):
        def forward(self, input):
            return 2 * super().forward(input)

    own, replaced = Doubled(3, 2), nn.Linear(3, 2)
    replaced.forward = lambda input: F.linear(input, replaced.weight) - 5
    x = mt.randn(4, 3)
    for layer in (own, replaced):
        expected = np.maximum(layer(x).detach().numpy(), 0)
        assert np.array_equal(nn.Sequential(layer, nn.ReLU())(x).detach().numpy(), expected)


@pytest.mark.parametrize("batch", [0, 1])
def test_small_batches_and_single_images(batch):
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.ReLU(), nn.Conv2d(3, 1, 1), nn.ReLU())
    x = mt.randn(batch, 2, 4, 4)
    assert net(x).shape == (batch, 1, 2, 2)
    if batch:
        single, whole = net(x[0]).detach().numpy(), net(x).detach().numpy()[0]
        np.testing.assert_allclose(single, whole, rtol=1e-5, atol=1e-7)
