"""No accuracy is given away for speed: float32 errors beside torch's, both against float64.

Error: root mean square of the difference to float64, as a part of the result's own root mean
square. Ours may be four times torch's at most, in the less accurate of its two memory formats.
"""

import numpy as np
import pytest
import torch_twin

import minitorch_cnn as mt
from minitorch_cnn import kernels
from minitorch_cnn.kernels import conv_geometry
from minitorch_cnn.models import cifar

torch = pytest.importorskip("torch")


def error(got, exact):
    exact = np.asarray(exact, np.float64)
    difference = np.asarray(got, np.float64) - exact
    return np.sqrt((difference**2).mean() / (exact**2).mean())


@pytest.mark.parametrize("algorithm", ["im2col", "winograd"])
@pytest.mark.parametrize("channels", [16, 64, 256])
def test_a_convolution(algorithm, channels):
    rng = np.random.default_rng(channels)
    x = rng.standard_normal((2, channels, 16, 16)).astype(np.float32)
    w = rng.standard_normal((32, channels, 3, 3)).astype(np.float32)
    gy = rng.standard_normal((2, 32, 16, 16)).astype(np.float32)

    def torch_products(kind, memory_format=torch.contiguous_format):
        tx, tw, tgy = (
            torch.tensor(a, dtype=kind).contiguous(memory_format=memory_format) for a in (x, w, gy)
        )
        y = torch.conv2d(tx.requires_grad_(), tw.requires_grad_(), padding=1)
        y.backward(tgy)
        return y.detach().numpy(), tx.grad.numpy(), tw.grad.numpy()

    geometry = conv_geometry(padding=(1, 1))
    with kernels.conv_algorithm(algorithm):
        ours = (
            kernels.conv2d_forward(x, w, None, geometry),
            kernels.conv2d_input_grad(gy, w, (16, 16), geometry),
            kernels.conv2d_weight_grad(x, gy, (3, 3), geometry),
        )
    exact = torch_products(torch.float64)
    rows, last = torch_products(torch.float32), torch_products(torch.float32, torch.channels_last)
    for own, one, other, true in zip(ours, rows, last, exact, strict=True):
        assert error(own, true) <= 4 * max(error(one, true), error(other, true))


def test_the_gradient_of_a_whole_resnet18():
    """With SiLU for ReLU: at a kink the smallest rounding decides, which measures nothing."""
    mt.manual_seed(0)
    images = np.random.default_rng(0).standard_normal((8, 3, 32, 32)).astype(np.float32)
    ours = cifar.resnet18()
    state = {name: value.numpy().copy() for name, value in ours.state_dict().items()}

    def smooth(model, lib):
        for module in model.modules():
            if hasattr(module, "relu"):
                module.relu = lib.nn.SiLU()
        return model

    def torch_gradient(kind):
        model = smooth(torch_twin.load("cifar").resnet18(), torch)
        model.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
        scores = model.to(kind)(torch.tensor(images, dtype=kind))
        torch.nn.functional.cross_entropy(scores, torch.arange(8)).backward()
        return np.concatenate([p.grad.numpy().ravel() for p in model.parameters()])

    scores = smooth(ours, mt)(mt.tensor(images))
    mt.nn.functional.cross_entropy(scores, mt.arange(8)).backward()
    gradient = np.concatenate([p.grad.numpy().ravel() for p in ours.parameters()])
    exact = torch_gradient(torch.float64)
    assert error(gradient, exact) <= 4 * error(torch_gradient(torch.float32), exact)
