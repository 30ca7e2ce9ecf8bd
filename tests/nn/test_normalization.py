"""Group, layer, RMS and local response norm layers beside torch's."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

LAYERS = [
    lambda nn, **kind: nn.GroupNorm(2, 4, **kind),
    lambda nn, **kind: nn.GroupNorm(4, 4, eps=0.1, affine=False, **kind),
    lambda nn, **kind: nn.LayerNorm(5, **kind),
    lambda nn, **kind: nn.LayerNorm((4, 3, 5), eps=0.1, bias=False, **kind),
    lambda nn, **kind: nn.LayerNorm([3, 5], elementwise_affine=False, **kind),
    lambda nn, **kind: nn.RMSNorm(5, **kind),
    lambda nn, **kind: nn.RMSNorm((3, 5), eps=0.1, elementwise_affine=False, **kind),
    lambda nn, **kind: nn.LocalResponseNorm(3, alpha=0.5, beta=0.5, k=2.0),
]


@pytest.mark.parametrize("make", LAYERS)
def test_layers_are_torchs(make):
    torch = pytest.importorskip("torch")
    ours, theirs = make(nn, dtype=mt.float64), make(torch.nn, dtype=torch.float64)
    assert repr(ours) == repr(theirs)
    state, expected = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(expected)
    rng = np.random.default_rng(0)
    for name, value in expected.items():  # weight 1 and bias 0 at first; then any numbers
        np.testing.assert_array_equal(state[name].numpy(), value.numpy())
        values = rng.standard_normal(value.shape)
        state[name].copy_(mt.tensor(values))
        value.copy_(torch.tensor(values))
    x = rng.standard_normal((2, 4, 3, 5))
    a, b = mt.tensor(x).requires_grad_(), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), atol=1e-10)
    gy = rng.standard_normal(x.shape)
    y.backward(mt.tensor(gy))
    z.backward(torch.tensor(gy))
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=1e-10)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), atol=1e-10)


def test_errors():
    with pytest.raises(ValueError, match=r"\(3\).*\(2\)"):
        nn.GroupNorm(2, 3)
    with pytest.raises(RuntimeError, match=r"\[4\].*\[2, 3\]"):
        nn.LayerNorm(4)(mt.zeros(2, 3))
