"""What few programs ask of a module: exchanging a part, buffers by assignment, empty memory."""

import pytest

import minitorch_cnn as mt

LIBS = ["minitorch_cnn", "torch"]


@pytest.fixture(params=LIBS)
def lib(request):
    return pytest.importorskip(request.param)


def test_set_submodule(lib):
    net = lib.nn.Sequential(lib.nn.Sequential(lib.nn.Linear(2, 2)), lib.nn.ReLU())
    net.set_submodule("0.0", lib.nn.Tanh())
    net.set_submodule("1", lib.nn.Identity(), strict=True)
    net.set_submodule("new", lib.nn.Identity())
    names = [(name, type(each).__name__) for name, each in net.named_modules()][1:]
    assert names == [("0", "Sequential"), ("0.0", "Tanh"), ("1", "Identity"), ("new", "Identity")]
    for target, module, kind in (
        ("", net[0], ValueError),
        ("0", 3, ValueError),
        ("x.y", net[0], AttributeError),
        ("training", net[0], AttributeError),
    ):
        with pytest.raises(kind):
            net.set_submodule(target, module)
    with pytest.raises(AttributeError):
        net.set_submodule("missing", net[0], strict=True)


def test_buffers_by_assignment(lib):
    module = lib.nn.Module()
    module.a = lib.nn.Buffer(lib.ones(2))
    module.b = lib.nn.Buffer(lib.zeros(1), persistent=False)
    assert isinstance(module.a, lib.nn.Buffer) and not isinstance(lib.ones(1), lib.nn.Buffer)
    assert [name for name, _ in module.named_buffers()] == ["a", "b"]
    assert list(module.state_dict()) == ["a"] and not list(module.parameters())
    module.a = lib.nn.Buffer(lib.ones(3))
    assert module.a.shape == (3,) and type(module.a) is lib.Tensor


def test_empty_memory(lib):
    net = lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.BatchNorm1d(3)).double()
    before = [value.data_ptr() for value in net.state_dict().values()]
    weight = net[0].weight
    assert net.to_empty(device="cpu") is net and net[0].weight is weight
    for value, address in zip(net.state_dict().values(), before, strict=True):
        assert value.data_ptr() != address
    assert weight.dtype == lib.float64 and weight.shape == (3, 2) and weight.requires_grad
    outer = lib.nn.Sequential(lib.nn.Linear(1, 1))
    address = outer[0].weight.data_ptr()
    assert outer.to_empty(device="cpu", recurse=False)[0].weight.data_ptr() == address


def test_skip_init(lib):
    lib.manual_seed(3)
    expected = lib.rand(3).tolist()
    lib.manual_seed(3)
    layer = lib.nn.utils.skip_init(lib.nn.Conv2d, 2, 4, 3, bias=False)
    assert layer.weight.shape == (4, 2, 3, 3) and layer.bias is None
    assert lib.rand(3).tolist() == expected  # no random number was drawn
    for wrong in (lib.nn.ReLU, dict):
        with pytest.raises(RuntimeError):
            lib.nn.utils.skip_init(wrong)


def test_constants_of_the_class(lib):
    assert lib.nn.Module.call_super_init is False and lib.nn.Module.dump_patches is False
    assert lib.nn.Module.T_destination.__name__ == "T_destination"


def test_share_memory_moves_parameters_and_buffers():
    module = mt.nn.Sequential(mt.nn.Linear(2, 2), mt.nn.BatchNorm1d(2))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    assert module.share_memory() is module
    for name, value in module.state_dict().items():
        assert value.is_shared() and mt.equal(value, before[name]), name
    with pytest.raises(RuntimeError, match="share memory on an uninitialized"):
        mt.nn.LazyLinear(2).share_memory()


def test_what_is_refused():
    module = mt.nn.Linear(1, 1)
    for name in ("bfloat16", "compile", "xpu", "ipu", "mtia"):
        with pytest.raises(NotImplementedError, match="is not supported: "):
            getattr(module, name)()
