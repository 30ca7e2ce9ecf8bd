"""Names of torch that are not here say so."""

import pytest

from minitorch_cnn import nn


@pytest.mark.parametrize("name", nn.refused.__all__)
def test_functions_that_are_missing_say_so(name):
    torch = pytest.importorskip("torch")
    assert hasattr(torch.nn.functional, name) and name not in nn.functional.__all__
    with pytest.raises(NotImplementedError, match=f"{name} is not supported: use"):
        getattr(nn.functional, name)(1, option=2)


@pytest.mark.parametrize("name", nn.modules.refused.__all__)
def test_layers_that_are_missing_say_so(name):
    torch = pytest.importorskip("torch")
    assert hasattr(torch.nn, name) and name not in nn.__all__
    with pytest.raises(NotImplementedError, match=f"nn.{name} is not supported"):
        getattr(nn, name)(3, 4)
