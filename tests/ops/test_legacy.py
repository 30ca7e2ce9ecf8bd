"""torch's old constructors, and its arguments of grad, cuda.amp: programs use them still."""

import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

NAMES = "Float Double Half Long Int Short Char Byte Bool"


@pytest.mark.parametrize("name", [each + "Tensor" for each in NAMES.split()])
def test_constructors_are_torchs(name):
    ours, theirs = getattr(mt, name), getattr(torch, name)
    for arguments in ([[1, 0], [3, 4]],), ((1, 2),), ([],):
        a, b = ours(*arguments), theirs(*arguments)
        assert a.tolist() == b.tolist()
        assert a.dtype.name == str(b.dtype).removeprefix("torch.")
    for size in (), (2,), (2, 3):
        assert tuple(ours(*size).shape) == tuple(theirs(*size).shape)
    assert tuple(ours(mt.Size([4, 1])).shape) == (4, 1)
    with pytest.raises(TypeError, match=name):
        ours([1], [2])


def test_a_constructor_copies():
    x = mt.ones(2, requires_grad=True)
    y = mt.FloatTensor(x)
    y[0] = 5.0
    assert x.tolist() == [1.0, 1.0] and not y.requires_grad


def test_grad_takes_torchs_arguments():
    x = mt.tensor(3.0, requires_grad=True)
    (gx,) = mt.autograd.grad(x * x, x, None, False, False, True, True)
    assert gx.item() == 6.0
    with pytest.raises(NotImplementedError, match="is_grads_batched"):
        mt.autograd.grad(x * x, x, is_grads_batched=True)


def test_the_older_names_of_mixed_precision():
    from minitorch_cnn.cuda.amp import GradScaler, autocast

    assert GradScaler is mt.amp.GradScaler and issubclass(autocast, mt.autocast)
    with autocast(enabled=False):
        assert (mt.ones(2, 2) @ mt.ones(2, 2)).dtype == mt.float32
