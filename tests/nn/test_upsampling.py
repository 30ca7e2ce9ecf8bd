"""Resizing layers beside torch's."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

LAYERS = [
    lambda nn: nn.Upsample(scale_factor=2),
    lambda nn: nn.Upsample(size=(5, 3), mode="bilinear", align_corners=True),
    lambda nn: nn.Upsample(scale_factor=(1.7, 2), mode="bilinear"),
    lambda nn: nn.Upsample(scale_factor=1.7, mode="bicubic", recompute_scale_factor=True),
    lambda nn: nn.UpsamplingNearest2d(size=5),
    lambda nn: nn.UpsamplingBilinear2d(scale_factor=2),
    lambda nn: nn.PixelShuffle(2),
    lambda nn: nn.PixelUnshuffle(2),
]


@pytest.mark.parametrize("make", LAYERS)
def test_layers_are_torchs(make):
    torch = pytest.importorskip("torch")
    ours, theirs = make(nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).standard_normal((2, 4, 4, 6))
    got, expected = ours(mt.tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(got.numpy(), expected.numpy(), atol=1e-10)
