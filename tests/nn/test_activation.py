"""Activation layers: torch's values, reprs and errors."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

LAYERS = [
    (nn.ReLU, (), {}),
    (nn.ReLU, (True,), {}),
    (nn.LeakyReLU, (), {}),
    (nn.LeakyReLU, (0.2, True), {}),
    (nn.ELU, (0.5,), {}),
    (nn.SELU, (), {}),
    (nn.GELU, (), {}),
    (nn.GELU, ("tanh",), {}),
    (nn.SiLU, (True,), {}),
    (nn.Mish, (), {}),
    (nn.Sigmoid, (), {}),
    (nn.Tanh, (), {}),
    (nn.LogSigmoid, (), {}),
    (nn.Hardtanh, (-2.0, 2.0), {}),
    (nn.ReLU6, (), {"inplace": True}),
    (nn.Hardsigmoid, (True,), {}),
    (nn.Hardswish, (True,), {}),
    (nn.Softplus, (2,), {}),
    (nn.Threshold, (0.1, 20), {}),
    (nn.PReLU, (3,), {"init": 0.1}),
    (nn.Softmax, (1,), {}),
    (nn.LogSoftmax, (), {"dim": 1}),
    (nn.Softmax2d, (), {}),
]


@pytest.mark.parametrize("layer, args, kwargs", LAYERS, ids=lambda v: getattr(v, "__name__", ""))
def test_layers_compute_and_print_as_torchs(layer, args, kwargs):
    torch = pytest.importorskip("torch")
    ours = layer(*args, **kwargs).double()
    theirs = getattr(torch.nn, layer.__name__)(*args, **kwargs).double()
    assert repr(ours) == repr(theirs)
    values = np.random.default_rng(4).standard_normal((2, 3, 4, 4))
    expected = theirs(torch.from_numpy(values.copy())).detach().numpy()
    np.testing.assert_allclose(
        ours(mt.from_numpy(values.copy())).numpy(force=True), expected, rtol=1e-12, atol=1e-14
    )


def test_softmax2d_wants_images():
    with pytest.raises(ValueError, match="2D"):
        nn.Softmax2d()(mt.zeros(2, 3))
