"""Dropout layers: torch's reprs and errors, and the functions' values."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.nn import functional as F


@pytest.mark.parametrize("layer", [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout])
def test_layers(layer):
    torch = pytest.importorskip("torch")
    assert repr(layer(0.2, True)) == repr(getattr(torch.nn, layer.__name__)(0.2, True))
    module, x = layer(0.5), mt.randn(5, 6, 7)
    assert module.eval()(x) is x
    mt.manual_seed(0)
    y = module.train()(x)
    mt.manual_seed(0)
    function = getattr(F, layer.__name__.lower().replace("alphad", "alpha_d"))
    assert y.tolist() == function(x, 0.5, training=True).tolist() != x.tolist()
    with pytest.raises(ValueError, match="but got 2"):
        layer(2)
