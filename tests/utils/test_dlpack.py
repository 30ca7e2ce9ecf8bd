"""Tensors through DLPack: one memory in both libraries."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.utils.dlpack import from_dlpack, to_dlpack


def test_there_and_back():
    x = mt.arange(4.0).reshape(2, 2)
    y = from_dlpack(to_dlpack(x))
    x[0, 0] = 9
    assert y.tolist() == [[9, 1], [2, 3]]
    assert from_dlpack(np.arange(3)).tolist() == [0, 1, 2]


def test_to_and_from_torch():
    torch = pytest.importorskip("torch")
    x = mt.ones(2)
    theirs = torch.utils.dlpack.from_dlpack(to_dlpack(x))
    theirs[1] = 5
    ours = from_dlpack(torch.utils.dlpack.to_dlpack(theirs))
    assert x.tolist() == ours.tolist() == [1, 5]


def test_what_needs_a_gradient_stays():
    with pytest.raises(BufferError, match="requires grad"):
        to_dlpack(mt.ones(2, requires_grad=True))
