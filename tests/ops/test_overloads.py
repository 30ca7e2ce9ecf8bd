"""Calls in torch's older orders of arguments, and with size=: as torch understands them."""

import numpy as np
import pytest

import minitorch_cnn as mt

CALLS = """
    lib.ones(2).add_(0.5, lib.ones(2))
    lib.ones(2).add(0.5, lib.ones(2))
    lib.add(lib.ones(2), 2, lib.ones(2))
    lib.ones(2).sub_(0.5, lib.ones(2))
    lib.sub(lib.ones(2), 0.5, lib.ones(2))
    lib.ones(2).addcmul_(0.1, lib.ones(2), lib.full((2,), 3.0))
    lib.ones(2).addcdiv_(0.1, lib.ones(2), lib.full((2,), 4.0))
    lib.addcmul(lib.ones(2), 0.1, lib.ones(2), lib.full((2,), 3.0))
    lib.ones(2).addcdiv(0.1, lib.ones(2), lib.full((2,), 4.0))
    lib.ones(2, 2).addmm_(0.5, lib.ones(2, 3), lib.ones(3, 2))
    lib.addmm(0.5, lib.ones(2, 2), lib.ones(2, 3), lib.ones(3, 2))
    lib.addmm(0.5, lib.ones(2, 2), 2, lib.ones(2, 3), lib.ones(3, 2))
    lib.ones(2, 2).addmm(0.5, 2, lib.ones(2, 3), lib.ones(3, 2))
    lib.addmv(0.5, lib.ones(2), 2, lib.ones(2, 3), lib.ones(3))
    lib.baddbmm(0.5, lib.ones(1, 2, 2), 2, lib.ones(1, 2, 3), lib.ones(1, 3, 2))
    lib.zeros(size=(2, 3))
    lib.ones(size=(2,), dtype=lib.int64)
    lib.empty(size=(2, 0))
    lib.rand(size=(0,))
    lib.randn(size=(0, 1))
    lib.zeros(2).new_zeros(size=(3,))
    lib.tensor([1]).new_ones(size=(3,))
    lib.zeros(2).new_empty(size=(0,))
"""


@pytest.mark.parametrize("call", [line.strip() for line in CALLS.strip().splitlines()])
def test_torch_gives_the_same(call):
    torch = pytest.importorskip("torch")
    ours, theirs = eval(call, {"lib": mt}), eval(call, {"lib": torch})
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, strict=True)


def test_gradients_are_those_of_the_newer_form():
    x, y = mt.ones(2, requires_grad=True), mt.ones(2, requires_grad=True)
    (x * 1).add_(0.5, y).sum().backward()
    assert x.grad.tolist() == [1, 1] and y.grad.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "call",
    [
        lambda: mt.ones(2).add(1, 2),
        lambda: mt.ones(2).add(mt.ones(2), 2),
        lambda: mt.ones(2).sub(1, mt.ones(2), mt.ones(2)),
        lambda: mt.addcmul(1, 2, mt.ones(2), mt.ones(2), mt.ones(2)),
        lambda: mt.zeros(2, size=(2,)),
    ],
)
def test_other_orders_are_refused(call):
    with pytest.raises(TypeError):
        call()


def test_there_is_one_layout():
    strided = dict(layout=mt.strided, pin_memory=False)
    x = mt.zeros(2)
    made = [
        mt.zeros((2,), **strided), mt.ones(2, **strided), mt.empty(2, **strided),
        mt.full((2,), 1.0, **strided), mt.arange(2, **strided), mt.eye(2, **strided),
        mt.linspace(0, 1, 2, **strided), mt.rand(2, **strided), mt.randn(2, **strided),
        mt.randint(3, (2,), **strided), mt.randperm(2, **strided), mt.zeros_like(x, **strided),
        mt.full_like(x, 2, **strided), x.new_zeros(2, **strided), x.new_full((2,), 1, **strided),
    ]  # fmt: skip
    assert {len(each) for each in made} == {2}
    with pytest.raises(NotImplementedError, match="tensors are strided"):
        mt.zeros(2, layout="sparse")
