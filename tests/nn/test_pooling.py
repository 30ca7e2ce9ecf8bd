"""Pooling and folding layers: they pass every setting on, and print as torch's."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

LAYERS = [
    lambda nn: nn.MaxPool2d(3, 2, 1),
    lambda nn: nn.MaxPool2d((2, 3), dilation=2),
    lambda nn: nn.MaxPool2d(3, stride=2, ceil_mode=True),
    lambda nn: nn.MaxPool2d(2, return_indices=True),
    lambda nn: nn.AvgPool2d(2),
    lambda nn: nn.AvgPool2d((3, 2), 2, (1, 0), ceil_mode=True, count_include_pad=False),
    lambda nn: nn.AvgPool2d(3, divisor_override=2),
    lambda nn: nn.AdaptiveAvgPool2d(1),
    lambda nn: nn.AdaptiveAvgPool2d((3, None)),
    lambda nn: nn.AdaptiveMaxPool2d((2, 3)),
    lambda nn: nn.AdaptiveMaxPool2d(3, return_indices=True),
    lambda nn: nn.Unfold((2, 3), dilation=2, padding=1, stride=2),
]


@pytest.mark.parametrize("make", LAYERS)
def test_layers_are_torchs(make):
    torch = pytest.importorskip("torch")
    ours, theirs = make(nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 7))
    got, expected = ours(mt.tensor(x)), theirs(torch.tensor(x))
    if not isinstance(got, tuple):
        got, expected = (got,), (expected,)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-12)


def test_fold_is_torchs():
    torch = pytest.importorskip("torch")
    arguments = dict(output_size=(4, 5), kernel_size=(2, 3), padding=1, stride=(1, 2))
    ours, theirs = nn.Fold(**arguments), torch.nn.Fold(**arguments)
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).standard_normal((2, 12, 15))
    np.testing.assert_allclose(
        ours(mt.tensor(x)).numpy(), theirs(torch.tensor(x)).numpy(), atol=1e-12
    )


def test_max_unpool_undoes_max_pool():
    torch = pytest.importorskip("torch")
    assert repr(nn.MaxUnpool2d(2)) == repr(torch.nn.MaxUnpool2d(2))
    x = mt.tensor(np.random.default_rng(0).standard_normal((1, 2, 5, 4)))
    y, indices = nn.MaxPool2d(2, return_indices=True)(x)
    back = nn.MaxUnpool2d(2)(y, indices, output_size=(5, 4))
    assert ((back == x) | (back == 0)).all()
    assert (back != 0).sum().item() == y.numel()
