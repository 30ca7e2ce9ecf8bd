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


def test_a_constructor_gives_a_view_of_a_tensor():
    """With its type, its memory and its gradient; a list is converted and copied."""
    for make in (mt.Tensor, mt.FloatTensor, mt.zeros(1).new):
        x = mt.ones(2, requires_grad=True)
        (make(x) * mt.tensor([2.0, 3.0])).sum().backward()
        assert x.grad.tolist() == [2.0, 3.0]
        y = make(x.detach())
        y[0] = 5.0
        assert type(y) is mt.Tensor and x.tolist() == [5.0, 1.0]
    numbers = mt.tensor([1, 2])
    assert mt.Tensor(numbers).dtype is mt.int64 and mt.LongTensor(numbers).tolist() == [1, 2]
    for make in (mt.FloatTensor, mt.zeros(1).new):
        with pytest.raises(TypeError, match="expected"):
            make(numbers)
    x = torch.ones(2, requires_grad=True)
    assert torch.Tensor(x).requires_grad and torch.FloatTensor(x).data_ptr() == x.data_ptr()
    assert torch.Tensor(torch.tensor([1, 2])).dtype is torch.int64
    with pytest.raises(TypeError, match="expected"):
        torch.FloatTensor(torch.tensor([1, 2]))


def test_grad_takes_torchs_arguments():
    x = mt.tensor(3.0, requires_grad=True)
    (gx,) = mt.autograd.grad(x * x, x, None, False, False, True, True)
    assert gx.item() == 6.0


def test_the_older_names_of_mixed_precision():
    from minitorch_cnn.cuda.amp import GradScaler, autocast

    assert GradScaler is mt.amp.GradScaler and issubclass(autocast, mt.autocast)
    with autocast(enabled=False):
        assert (mt.ones(2, 2) @ mt.ones(2, 2)).dtype == mt.float32


def test_variables_are_tensors():
    x = mt.ones(2, requires_grad=True) * 2
    plain, leaf = mt.autograd.Variable(x), mt.autograd.Variable(x, requires_grad=True)
    assert not plain.requires_grad and leaf.requires_grad and leaf.is_leaf
    assert plain.tolist() == leaf.tolist() == [2.0, 2.0]
    assert not mt.autograd.Variable(leaf, volatile=True).requires_grad
    assert not mt.autograd.Variable(x, True, volatile=False).data.requires_grad
    for variable, ones in (
        (mt.autograd.Variable, mt.ones(2)),
        (torch.autograd.Variable, torch.ones(2)),
    ):
        assert variable().shape == (0,)
        assert isinstance(variable(ones), variable) and isinstance(ones, variable)
        assert not isinstance([1.0], variable) and type(ones) is not variable
        with pytest.raises(TypeError, match="Variable data has to be a tensor, but got list"):
            variable([1.0])


def test_layers_at_the_top_are_those_of_nn_functional():
    for name in mt._LAYERS:
        assert callable(getattr(torch, name))
        assert getattr(mt, name) is getattr(mt.nn.functional, name)
        assert name in dir(mt)
    x = mt.randn(1, 2, 5, 5)
    assert mt.max_pool2d(mt.conv2d(x, mt.ones(3, 2, 2, 2)), 2).shape == (1, 3, 2, 2)


def test_older_names_of_functions_in_place():
    init = mt.nn.init
    for name in dir(torch.nn.init):
        if name.endswith("_") and not name.startswith("_") and hasattr(init, name):
            older = name.removesuffix("_")
            found = getattr(init, older, None)
            expected = getattr(init, name) if hasattr(torch.nn.init, older) else None
            assert getattr(found, "__wrapped__", None) is expected, name
    assert mt.nn.utils.clip_grad_norm.__wrapped__ is mt.nn.utils.clip_grad_norm_


@pytest.mark.parametrize("name", [each + "Tensor" for each in NAMES.split()])
def test_names_of_types(name):
    for lib in (mt, torch):
        x = lib.ones(2).type(f"torch.{name}")
        assert x.type() == f"torch.{name}" and lib.ones(2).type(getattr(lib, name)).dtype == x.dtype
        assert isinstance(x, getattr(lib, name)) and not isinstance(x.cpu(), lib.cuda.FloatTensor)
        assert lib.ones(2, dtype=lib.float64).type_as(x).dtype == x.dtype
    for wrong in ("torch.OddTensor", "FloatTensor", "numpy.FloatTensor"):
        for lib in (mt, torch):
            with pytest.raises(ValueError, match="invalid type"):
                lib.ones(2).type(wrong)


def test_the_default_type():
    device = mt.get_default_device()
    for lib in (mt, torch):
        try:
            lib.set_default_tensor_type("torch.DoubleTensor")
            assert lib.ones(1).dtype == lib.float64 == lib.get_default_dtype()
            lib.set_default_tensor_type(lib.FloatTensor)
            assert lib.ones(1).dtype == lib.float32
            with pytest.raises(TypeError):
                lib.set_default_tensor_type(lib.LongTensor)
        finally:
            lib.set_default_dtype(lib.float32)
        lib.set_default_device("cpu")
        assert lib.get_default_device().type == "cpu"
    mt.set_default_device(device)
    torch.set_default_device(None)  # "cpu" is a mode to torch, which other tests would notice


def test_range_is_torchs():
    for args in ((1, 3), (0, 1, 0.25), (3, 1, -1), (0.5, 3)):
        assert mt.range(*args).tolist() == torch.range(*args).tolist()
    with pytest.raises(RuntimeError):
        mt.range(0, 1, 0)


def test_types_that_only_have_names():
    x = mt.ones(2)
    assert x.dtype not in (mt.bfloat16, mt.complex64, mt.cfloat, mt.cdouble)
    assert mt.cfloat is mt.complex64 and mt.complex64.is_complex and mt.bfloat16.itemsize == 2
    for use in (lambda: x.to(mt.bfloat16), lambda: mt.zeros(2, dtype=mt.bfloat16)):
        with pytest.raises(NotImplementedError, match="bfloat16 is not supported: use float16"):
            use()


@pytest.mark.parametrize("lib", ["minitorch_cnn", "torch"])
def test_words_of_refusals_and_warnings(lib):
    torch = pytest.importorskip(lib)
    with pytest.raises(TypeError, match="received an invalid combination of arguments"):
        torch.LongTensor((6, 0), 1, 1, 0)
    with pytest.raises(TypeError, match=r"'torch\.FloatTensor' is not an acceptable base type"):

        class Mine(torch.FloatTensor):
            pass

    with pytest.warns(UserWarning, match=r"torch\.range is deprecated"):
        assert torch.range(0, 2).tolist() == [0, 1, 2]
    if torch is mt:  # torch warns once in a process
        with pytest.warns(UserWarning, match=r"set_default_tensor_type\(\) is deprecated"):
            device = mt.get_default_device()
            mt.set_default_tensor_type(mt.FloatTensor)  # of the CPU
        mt.set_default_device(device)
