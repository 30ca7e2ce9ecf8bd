"""What every tensor answers to questions about kinds of tensors that are not here."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn.ops.breadth import tensor_attributes


def test_attributes_are_torchs():
    torch = pytest.importorskip("torch")
    ours, theirs = mt.zeros(2, 3), torch.zeros(2, 3)
    for name in tensor_attributes.NEVER.split() + ["volatile", "is_cpu", "name"]:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("is_complex", "is_signed", "is_conj", "is_neg", "is_inference", "get_device"):
        assert getattr(mt, name)(ours) == getattr(torch, name)(theirs) == getattr(ours, name)(), (
            name
        )
    assert ours.layout == mt.strided and isinstance(ours.layout, mt.layout)


def test_a_real_tensor_is_its_own_real_part_and_conjugate():
    x = mt.arange(6.0).reshape(2, 3)
    assert x.real is x and x.resolve_conj() is x and mt.resolve_neg(x) is x
    assert x.H.tolist() == x.T.tolist() == x.mH.tolist()
    with pytest.raises(RuntimeError, match="2-D"):
        _ = mt.zeros(2, 2, 2).H
    assert mt.tensor(1.0).H.item() == 1.0
    assert not mt.zeros(1, dtype=mt.uint8).is_signed()


def test_detach_as_a_function():
    x = mt.ones(2, requires_grad=True)
    assert not mt.detach(x).requires_grad and mt.detach_(x * 1).is_leaf
