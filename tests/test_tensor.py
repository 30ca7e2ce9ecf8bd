"""What a tensor is: attributes, conversions, copies, repr."""

import copy
import pickle

import numpy as np
import pytest

import minitorch_cnn as mt


def test_basic_attributes():
    x = mt.zeros(2, 3, 4)
    assert x.shape == (2, 3, 4) and x.size() == (2, 3, 4) and x.size(-1) == 4
    assert x.ndim == x.dim() == 3 and x.numel() == 24 and len(x) == 2
    assert x.stride() == (12, 4, 1) and x.transpose(0, 2).stride() == (1, 4, 12)
    assert x.dtype is mt.float32 and x.device == mt.device("cpu") and x.element_size() == 4
    assert x.is_contiguous() and not x.transpose(0, 1).is_contiguous()
    assert x.shape.numel() == 24 and repr(x.shape[1:]) == "minitorch_cnn.Size([3, 4])"
    with pytest.raises(IndexError, match=r"range of \[-3, 2\], but got 3"):
        x.size(3)


def test_legacy_constructor():
    assert mt.Tensor([1, 2]).dtype is mt.float32
    assert mt.Tensor(2, 3).shape == (2, 3)
    assert mt.Tensor(5).shape == (5,)
    assert mt.Tensor().shape == (0,)


def test_item_and_python_numbers():
    assert mt.tensor([[2.5]]).item() == 2.5
    assert float(mt.tensor(2.5)) == 2.5 and int(mt.tensor(7)) == 7 and bool(mt.tensor([0])) is False
    assert [10, 20, 30][mt.tensor(1)] == 20
    assert f"{mt.tensor(1.23456):.2f}" == "1.23"
    with pytest.raises(RuntimeError, match=r"a Tensor with 2 elements.*\[2\]"):
        mt.ones(2).item()
    with pytest.raises(RuntimeError, match="Tensor with more than one value is ambiguous"):
        bool(mt.ones(2))
    for number in (int, float, complex):
        with pytest.raises(ValueError, match="only one element tensors can be converted"):
            number(mt.ones(2))
    with pytest.raises(TypeError, match="only integer tensors"):
        [1][mt.tensor(0.0)]
    with pytest.raises(TypeError, match="0-d tensor"):
        len(mt.tensor(1))


def test_numpy_shares_memory_both_ways():
    x = mt.zeros(2)
    x.numpy()[0] = 5
    array = np.zeros(3)
    y = mt.from_numpy(array)
    array[2] = 1
    assert x.tolist() == [5.0, 0.0] and y.tolist() == [0.0, 0.0, 1.0]
    with pytest.raises(RuntimeError, match="requires grad"):
        mt.ones(1, requires_grad=True).numpy()
    assert mt.ones(1, requires_grad=True).numpy(force=True).tolist() == [1.0]


def test_array_protocol_and_mixing_with_numpy():
    x = mt.tensor([1.0, 2.0])
    assert np.asarray(x).dtype == np.float32
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert isinstance(np.array([1.0, 1.0]) * x, mt.Tensor)
    assert isinstance(x + np.array([1.0, 1.0]), mt.Tensor)
    assert isinstance(x * np.float64(3), mt.Tensor) and (x * np.float64(3)).dtype is mt.float32
    assert isinstance(np.float64(3) * x, mt.Tensor)


def test_dlpack_both_ways_shares_memory():
    x = mt.tensor([1.0, 2.0])
    array = np.from_dlpack(x)
    assert np.shares_memory(array, x.numpy())
    y = mt.from_dlpack(np.arange(3.0))
    assert y.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(BufferError, match="requires grad"):
        np.from_dlpack(mt.ones(1, requires_grad=True))


def test_dlpack_with_torch():
    torch = pytest.importorskip("torch")
    x = mt.tensor([1.0, 2.0])
    t = torch.from_dlpack(x)
    t[0] = 9
    assert x.tolist() == [9.0, 2.0]
    back = mt.from_dlpack(torch.arange(3))
    assert back.dtype is mt.int64 and back.tolist() == [0, 1, 2]


def test_requires_grad_rules():
    x = mt.ones(2).requires_grad_()
    assert x.requires_grad and x.is_leaf and x.grad_fn is None
    y = x * 2
    assert not y.is_leaf and repr(y.grad_fn) == "<MulBackward0>"
    assert not y.detach().requires_grad and y.detach().data_ptr() == y.data_ptr()
    with pytest.raises(RuntimeError, match=r"floating point.*int64"):
        mt.tensor([1]).requires_grad_()
    with pytest.raises(RuntimeError, match="leaf variables"):
        y.requires_grad_(False)
    with pytest.raises(RuntimeError, match=r"\[3\].*\[2\]"):
        x.grad = mt.ones(3)
    with pytest.raises(TypeError, match="list"):
        x.grad = [1.0, 2.0]


def test_deepcopy_and_pickle():
    x = mt.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.requires_grad and twin.tolist() == [1.0, 1.0]
        with mt.no_grad():
            twin.zero_()
    assert x.tolist() == [1.0, 1.0]
    assert copy.deepcopy(x).grad.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(x * 1)
    assert pickle.loads(pickle.dumps(mt.float32)) is mt.float32
    assert pickle.loads(pickle.dumps(mt.device("cuda:1"))) == mt.device("cuda:1")


def test_to_and_conversions():
    x = mt.tensor([1.7, -2.3])
    assert x.to(mt.float32) is x and x.to("cpu") is x
    assert x.to(mt.float32, copy=True) is not x
    assert x.long().tolist() == [1, -2] and x.double().dtype is mt.float64
    assert x.to(mt.tensor([1])).dtype is mt.int64
    assert x.bool().tolist() == [True, True] and x.half().dtype is mt.float16
    y = mt.ones(2, requires_grad=True)
    (y.double() * 2).sum().backward()
    assert y.grad.dtype is mt.float32 and y.grad.tolist() == [2.0, 2.0]


def test_channels_last_memory():
    x = mt.randn(2, 3, 4, 5)
    y = x.contiguous(memory_format=mt.channels_last)
    assert y.stride() == (60, 1, 15, 3) and y.is_contiguous(memory_format=mt.channels_last)
    assert (x == y).all() and (y * 2).stride() == y.stride()
    assert y.contiguous().stride() == x.stride()
    assert y.view(2, -1).tolist() == x.reshape(2, -1).tolist()


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: mt.tensor(2.5), "tensor(2.5000)"),
        (lambda: mt.tensor([1.0, 2.0]), "tensor([1., 2.])"),
        (lambda: mt.tensor([1, 2]), "tensor([1, 2])"),
        (lambda: mt.tensor([True, False]), "tensor([ True, False])"),
        (lambda: mt.tensor([0.5, 100.25]), "tensor([  0.5000, 100.2500])"),
        (lambda: mt.tensor([1e-6, 1.0]), "tensor([1.0000e-06, 1.0000e+00])"),
        (lambda: mt.tensor([float("nan"), 1.0]), "tensor([nan, 1.])"),
        (lambda: mt.tensor([1], dtype=mt.int32), "tensor([1], dtype=minitorch_cnn.int32)"),
        (lambda: mt.zeros(1, requires_grad=True), "tensor([0.], requires_grad=True)"),
        (lambda: mt.zeros(1, requires_grad=True) * 2, "tensor([0.], grad_fn=<MulBackward0>)"),
        (lambda: mt.zeros(0), "tensor([])"),
        (lambda: mt.zeros(2, 0), "tensor([], size=(2, 0))"),
        (lambda: mt.eye(2), "tensor([[1., 0.],\n        [0., 1.]])"),
    ],
)
def test_repr(make, text):
    assert repr(make()) == text


def test_repr_of_many_elements_is_short():
    text = repr(mt.arange(100_000.0))
    assert len(text) < 120 and "..." in text


def test_devices():
    assert mt.device("cuda:1") == mt.device("cuda", 1) != mt.device("cuda:0")
    assert mt.device("numpy") == mt.device("cpu") and str(mt.device("cupy:2")) == "cuda:2"
    for wrong in ("tpu", "cuda:x", "cuda:"):
        with pytest.raises(RuntimeError, match=wrong):
            mt.device(wrong)
    with pytest.raises(NotImplementedError, match="the device 'meta' is not supported: every"):
        mt.device("meta")
    with pytest.raises(RuntimeError, match="unknown device 'gpu'"):
        mt.set_backend("gpu")


def test_asking_for_cupy_without_it_says_what_to_do():
    if mt.cuda.is_available():
        pytest.skip("CuPy and a GPU are here")
    with pytest.raises(RuntimeError, match=r"cupy13x|no usable NVIDIA GPU|there is no GPU"):
        mt.zeros(1).to("cuda")
    assert mt.cuda.device_count() == 0 and mt.get_backend() == "numpy"


def test_generator_state_round_trip():
    mt.manual_seed(3)
    mt.randn(5)
    state = mt.get_rng_state()
    a = mt.rand(3), mt.randn(3), mt.randperm(10)
    mt.set_rng_state(state)
    b = mt.rand(3), mt.randn(3), mt.randperm(10)
    assert all((x == y).all() for x, y in zip(a, b, strict=True))
    with pytest.raises(TypeError, match="uint8 tensor, got float32"):
        mt.set_rng_state(mt.zeros(3))
    with pytest.raises(RuntimeError, match=r"5056 bytes.*\(3,\)"):
        mt.set_rng_state(mt.zeros(3, dtype=mt.uint8))


def test_numpy_global_random_state_is_left_alone():
    np.random.seed(0)  # noqa: NPY002  this is the state that must not change
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    mt.manual_seed(5)
    mt.randn(100)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_results_are_pickled_without_their_graph():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        y = lib.tensor([1.0, 2.0], requires_grad=True) * 3
        twin = pickle.loads(pickle.dumps(y))
        assert twin.tolist() == [3.0, 6.0] and twin.requires_grad and twin.is_leaf


# What torch's own tests call, beside torch: the value, or the type of the error.
CALLS = """
    lib.arange(4).__reversed__()
    reversed(lib.arange(6).reshape(2, 3))
    reversed(lib.tensor(3))
    3 in lib.arange(4)
    lib.tensor([0, 1]) in lib.arange(6).reshape(3, 2)
    "foo" in lib.arange(4)
    [1, 2] in lib.arange(4)
    bool(lib.zeros(0))
    bool(lib.zeros(2))
    lib.Size([1, 2]) * 2
    lib.zeros(2, dtype=lib.int32).new(size=(3, 4)).shape
    lib.zeros(1).new(lib.ones(2)).add_(1)
    lib.zeros(1).new(lib.ones(2).storage())
    lib.zeros(1).new(lib.ones(2, dtype=lib.int32))
    lib.zeros(1).new(())
    lib.ones(2, dtype=lib.int32).type(lib.Tensor).dtype.itemsize
    lib.ones(2).apply_(lambda x: "text")
    lib.ones(2).map_(lib.ones(2, requires_grad=True), lambda x, y: x)
    lib.Generator("opengl")
    lib.normal(lib.zeros(6), lib.zeros(2, 3))
    lib.zeros(2, 3).index_copy(1, lib.tensor([-1]), lib.zeros(2, 1))
    lib.zeros(2, 3).index_add(1, lib.tensor([3]), lib.zeros(2, 1))
    lib.zeros(2).index_add(0, lib.tensor([3]), lib.zeros(1))
    lib.zeros(()).index_add(0, lib.tensor([0]), lib.zeros(1, 1, 1))
    lib.ones(2).set_(lib.ones(2, dtype=lib.float64).storage())
    lib.ones(2).storage().is_shared()
    lib.ones(2).__delitem__(0)
"""


def outcome(lib, call):
    try:
        value = eval(call, {"lib": lib})
    except Exception as error:
        return type(error).__name__
    return value.tolist() if isinstance(value, lib.Tensor) else value


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize("call", [line.strip() for line in CALLS.strip().splitlines()])
def test_as_in_torch(call):
    torch = pytest.importorskip("torch")
    assert outcome(mt, call) == outcome(torch, call)


def test_nothing_has_no_address():
    """As with torch, which allocates nothing for it."""
    x = mt.ones(2, 2)
    assert x.data_ptr() and x[1:].data_ptr() == x.data_ptr() + 2 * x.itemsize
    assert mt.empty(0).data_ptr() == x[2:].data_ptr() == 0


def test_types_that_can_only_be_named_say_whether_they_have_a_sign():
    for kind in (mt.uint16, mt.uint32, mt.uint64):
        assert not kind.is_signed
    assert mt.bfloat16.is_signed and mt.complex64.is_signed


def test_shapes_hold_whole_numbers():
    for given in ((2, 3), [np.int64(2), mt.tensor(3)], mt.tensor([2, 3])):
        shape = mt.Size(given)
        assert shape == (2, 3) and [type(each) for each in shape] == [int, int]
    assert mt.Size([True]) == (1,) and repr(mt.Size([True])) == "minitorch_cnn.Size([1])"
    sums = (1, 2) + mt.Size([3]), mt.Size([1]) + (2, 3), 2 * mt.Size([1, 2]), mt.Size([1, 2]) * 2
    assert [tuple(each) for each in sums] == [(1, 2, 3), (1, 2, 3), (1, 2, 1, 2), (1, 2, 1, 2)]
    assert all(isinstance(each, mt.Size) for each in sums)
    for wrong in ([2.0], "ab", mt.ones(3), [mt.tensor(3.0)], [1, None]):
        with pytest.raises(TypeError, match=r"takes an iterable of 'int' \(item \d is"):
            mt.Size(wrong)
    for wrong in ((2.0,), [2], 2):
        with pytest.raises(TypeError):
            mt.Size([1]) + wrong


@pytest.mark.parametrize("shape", [(0,), (0, 3), (5, 0), (5, 0, 3, 0, 2), (0, 3, 0, 2)])
def test_strides_of_no_elements_are_those_of_lengths_of_one(shape):
    ones = mt.empty([max(length, 1) for length in shape])
    assert mt.empty(shape).stride() == ones.stride()
    assert mt.ones(2, *shape)[0].stride() == ones.stride()


def test_the_device_of_an_old_constructor():
    kind = mt.ones(1).device.type
    other = "cuda" if kind == "cpu" else "cpu"
    assert mt.Tensor([2.0], device="cpu").tolist() == [2.0]
    assert mt.FloatTensor(2, 3, device="cpu").shape == (2, 3)
    assert mt.ones(1).new(2, device=kind).shape == (2,)
    for call in (
        lambda: mt.Tensor((2.0, 3.0), device="cuda"),
        lambda: mt.FloatTensor(device="cuda:0"),
        lambda: mt.ones(1).new([1.0], device=other),
    ):
        with pytest.raises(RuntimeError, match="legacy constructor expects device type"):
            call()
    for call in (
        lambda: mt.Tensor(mt.ones(1), device="cpu"),
        lambda: mt.ones(1).new(mt.ones(1), device=kind),
    ):
        with pytest.raises(RuntimeError, match="takes no device"):
            call()
