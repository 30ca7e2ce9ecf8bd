"""Images are brought into channels-last memory once, at the entry of a network."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.kernels.cpu import (
    arrays,
    conv,
    depthwise,
    elementwise,
    implicit,
    norm,
    pointwise,
    pool,
    winograd,
)
from minitorch_cnn.models import cifar


@pytest.fixture
def copies(monkeypatch):
    """The shapes of the images that a kernel had to copy into the memory order it wants."""
    seen = []

    def counting(function):
        def wrapped(array):
            before = len(seen)
            result = function(array)
            del seen[before:]  # channels_last asks contiguous
            if array.ndim >= 3 and not np.shares_memory(result, array):
                seen.append(array.shape)
            return result

        return wrapped

    for name in ("channels_last", "contiguous"):
        counted = counting(getattr(arrays, name))
        modules = arrays, conv, depthwise, elementwise, implicit, norm, pointwise, pool, winograd
        for module in modules:
            if hasattr(module, name):
                monkeypatch.setattr(module, name, counted)
    return seen


def test_a_forward_pass_converts_its_input_only(copies):
    net = cifar.resnet20().eval()
    with mt.no_grad():
        net(mt.randn(2, 3, 32, 32))
    assert copies == [(2, 3, 32, 32)]


def test_a_training_step_converts_its_input_and_the_gradient_at_the_exit(copies):
    net = cifar.resnet20()
    scores = net(mt.randn(2, 3, 32, 32))
    mt.nn.functional.cross_entropy(scores, mt.tensor([1, 2])).backward()
    # The input twice, for y and for the weights' gradient of the first layer; and the gradient
    # that comes out of the average pooling.
    assert copies.count((2, 3, 32, 32)) == 2
    assert len(copies) <= 3, copies


@pytest.mark.parametrize("shape", [(2, 3, 5), (3, 17, 4, 5), (2, 5, 2, 3, 4), (1, 1, 20, 30)])
@pytest.mark.parametrize("last", [True, False])
def test_a_copy_in_the_other_of_the_two_usual_orders(shape, last):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    x = np.moveaxis(x, 1, -1) if last else np.moveaxis(x, -1, 1)
    y = arrays.contiguous(x)
    assert y.flags.c_contiguous
    np.testing.assert_array_equal(y, x)
