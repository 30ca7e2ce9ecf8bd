"""The name of a tensor that is divided among processes, of which there are none."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn.distributed.tensor import DTensor


def test_no_tensor_is_divided():
    net = mt.nn.Linear(2, 2)
    assert not any(isinstance(each, DTensor) for each in net.parameters())
    assert issubclass(DTensor, mt.Tensor)
    with pytest.raises(NotImplementedError, match="no tensor is divided among processes"):
        DTensor(mt.ones(2))
    with pytest.raises(NotImplementedError, match=r"distributed\.tensor\.Shard is not supported"):
        _ = mt.distributed.tensor.Shard
