"""softmax, log_softmax and softmin of nn.functional: dim, its guess, and dtype."""

import pytest
from torch_oracle import array, compare_with_torch

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.nn import functional as F


@pytest.mark.parametrize("dim", [0, -1])
def test_softmin_is_torchs(dim):
    pytest.importorskip("torch")
    compare_with_torch(lambda lib, x: lib.nn.functional.softmin(x, dim=dim), [array(0, (3, 4))])


def test_softmax_takes_a_dtype():
    y = F.softmax(mt.tensor([1, 1]), dim=0, dtype=mt.float64)
    assert y.dtype is mt.float64 and y.tolist() == [0.5, 0.5]
    assert F.log_softmax(mt.zeros(2), 0).exp().tolist() == [0.5, 0.5]


def test_softmax_without_dim_warns_and_guesses_as_torch():
    for shape, dim in (((4,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)):
        x = mt.randn(*shape)
        for module, function in ((nn.Softmax(), mt.softmax), (nn.LogSoftmax(), mt.log_softmax)):
            with pytest.warns(UserWarning, match="Implicit dimension choice"):
                y = module(x)
            assert bool((y == function(x, dim)).all())
