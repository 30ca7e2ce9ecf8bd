"""Dropout of whole channels: what is kept, and its mean and variance."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F


@pytest.mark.parametrize("name", ["dropout3d", "feature_alpha_dropout"])
def test_channels_are_dropped_as_a_whole(name):
    x = mt.randn(40, 25, 2, 3, 2) + 5
    y = getattr(F, name)(x, 0.25, training=True)
    kept = y / x if name == "dropout3d" else (y - y.mean((2, 3, 4), keepdim=True)).abs()
    whole = kept.flatten(2)
    dropped = (whole.amax(2) < 1e-6).float().mean().item()
    assert 0.2 < dropped < 0.3
    assert getattr(F, name)(x, 0.25, training=False) is x
    with pytest.raises(ValueError, match="2"):
        getattr(F, name)(x, 2.0, training=True)
    with pytest.raises(RuntimeError, match="3"):
        getattr(F, name)(mt.zeros(3), 0.5, training=True)
    z = x.clone()
    assert getattr(F, name)(z, 0.5, True, True) is z and not bool((z == x).all())


def test_feature_alpha_dropout_keeps_mean_and_variance():
    x = mt.randn(200, 200, 4, dtype=mt.float64)
    y = F.feature_alpha_dropout(x, 0.3, training=True)
    assert abs(y.mean().item()) < 0.03 and abs(y.std().item() - 1) < 0.03
