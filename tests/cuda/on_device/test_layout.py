"""Images are brought into channels-last memory once, at the entry of a network, also on a GPU."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import backend, models, nn

pytestmark = [
    pytest.mark.skipif(mt.get_backend() == "numpy", reason="needs a device: pytest --backend cupy"),
    pytest.mark.skipif(
        mt.get_backend() == "cupy" and hasattr(backend.import_cupy(), "_rules"),
        reason="the stand-in runs no CUDA kernels",
    ),
]


@pytest.fixture
def copies(monkeypatch):
    """The shapes, in memory, of the images that had to be copied for a kernel."""
    cupy, seen = backend.import_cupy(), []
    contiguous = cupy.ascontiguousarray

    def counting(array, *dtype):
        result = contiguous(array, *dtype)
        if array.ndim == 4 and result.data.ptr != array.data.ptr:
            seen.append(array.shape)
        return result

    monkeypatch.setattr(cupy, "ascontiguousarray", counting)
    return seen


NETWORKS = {
    "resnet20": (models.cifar.resnet20, {}, 32),
    "alexnet": (models.alexnet, {}, 64),
    "densenet": (models.DenseNet, dict(growth_rate=8, block_config=(2, 2, 1, 1)), 32),
    "googlenet": (models.googlenet, dict(aux_logits=False, init_weights=False), 32),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_forward_pass_converts_its_input_only(name, copies):
    make, options, size = NETWORKS[name]
    net = make(num_classes=4, **options)
    scores = net(mt.randn(2, 3, size, size))
    assert copies == [(2, size, size, 3)]
    copies.clear()
    nn.functional.cross_entropy(scores, mt.tensor([1, 2])).backward()
    images = [shape for shape in copies if shape[0] == 2]  # the others are gradients of kernels
    if name in ("resnet20", "alexnet"):
        # the input again, for the first kernels' gradient, and what comes out of a mean
        assert len(images) <= 2, images


def test_joining_keeps_the_order_in_memory():
    parts = [mt.randn(2, c, 3, 4).contiguous(memory_format=mt.channels_last) for c in (3, 5)]
    y = mt.cat(parts, 1)
    assert y.is_contiguous(memory_format=mt.channels_last)
    expected = np.concatenate([each.numpy() for each in parts], 1)
    np.testing.assert_array_equal(y.numpy(), expected)
