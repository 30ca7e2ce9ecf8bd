"""`out=`: written into the given tensor, refused where something would be lost."""

import warnings

import numpy as np
import pytest

import minitorch_cnn as mt


def test_writes_into_the_given_tensor_and_returns_it():
    a, out = mt.tensor([1.0, 2.0]), mt.empty(2)
    memory = out.data_ptr()
    assert mt.mul(a, 3, out=out) is out
    assert out.tolist() == [3.0, 6.0] and out.data_ptr() == memory


def test_out_may_be_the_input_or_a_view():
    a = mt.tensor([[1.0, 2.0], [3.0, 4.0]])
    mt.exp(a[0], out=a[0])
    assert a[0].tolist() == pytest.approx([2.718281828, 7.389056099])
    mt.add(a[:, 0], a[:, 1], out=a[:, 1])
    assert a[1].tolist() == [3.0, 7.0]


def test_an_empty_tensor_becomes_as_large_as_the_result():
    out = mt.empty(0)
    mt.cat([mt.ones(2), mt.zeros(1)], out=out)
    assert out.tolist() == [1.0, 1.0, 0.0]


def test_results_are_converted_upwards_only():
    out = mt.empty(2, dtype=mt.float64)
    mt.add(mt.tensor([1, 2]), 1, out=out)
    assert out.tolist() == [2.0, 3.0]
    with pytest.raises(RuntimeError, match=r"float32 can't be cast to .*int64"):
        mt.add(mt.ones(2), 0.5, out=mt.empty(2, dtype=mt.int64))


def test_several_results():
    values, indices = mt.empty(3), mt.empty(3, dtype=mt.int64)
    result = mt.sort(mt.tensor([3.0, 1.0, 2.0]), out=(values, indices))
    assert result.values is values and result.indices is indices
    assert values.tolist() == [1.0, 2.0, 3.0] and indices.tolist() == [1, 2, 0]
    with pytest.raises(TypeError, match="tuple of 2"):
        mt.sort(mt.ones(3), out=values)


def test_refuses_what_would_lose_a_gradient():
    x = mt.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        mt.add(x, 1, out=mt.empty(2))
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        mt.add(mt.ones(2), 1, out=x)
    out = mt.empty(2)
    with mt.no_grad():
        mt.add(x, 1, out=out)
    assert out.tolist() == [2.0, 2.0] and not out.requires_grad


def test_refuses_other_shapes_and_things():
    with pytest.raises(TypeError, match="must be Tensor, not list"):
        mt.add(mt.ones(2), 1, out=[0.0, 0.0])
    with pytest.raises(RuntimeError, match="single memory location"):
        mt.add(mt.ones(2), 1, out=mt.empty(1).expand(2))


def test_a_saved_value_overwritten_through_out_is_found():
    x = mt.ones(2, requires_grad=True)
    y = x * 1
    z = (y * y).sum()
    with mt.no_grad():
        mt.add(mt.ones(2), 1, out=y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_a_view_becomes_larger_where_its_memory_is():
    whole = mt.zeros(4)
    view = whole[1:2]
    with pytest.warns(UserWarning, match="resized"):
        assert mt.add(mt.ones(2), 1, out=view) is view
    assert whole.tolist() == [0, 2, 2, 0]
    values, places = mt.empty(6)[::2], mt.empty(12, dtype=mt.int64)[::3]
    with pytest.warns(UserWarning, match="resized"):
        mt.sort(mt.tensor([3.0, 1.0, 2.0, 0.0, 5.0]), out=(values, places))
    assert values.tolist() == [0, 1, 2, 3, 5] and places.tolist() == [3, 1, 2, 0, 4]
    for small in (whole[3:3], whole[:0]):
        with pytest.raises(RuntimeError, match="a view cannot grow the memory of its base"):
            mt.add(mt.ones(2), 1, out=small)
    assert whole.tolist() == [0, 2, 2, 0]


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, out: lib.gather(lib.ones(2), 0, lib.tensor([0]), out=out),
        lambda lib, out: lib.multinomial(lib.ones(2), 1, out=out),
        lambda lib, out: lib.aminmax(lib.ones(2), out=(out, out)),
    ],
)
def test_some_take_the_type_of_the_result_only(call):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError):
        call(torch, torch.empty(0, dtype=torch.float16))
    with pytest.raises(
        RuntimeError, match=r"Expected out tensor to have dtype .*, but got .*float16"
    ):
        call(mt, mt.empty(0, dtype=mt.float16))


def test_out_of_one_result_may_be_a_tuple_of_one():
    out = mt.empty(0, dtype=mt.float64)
    assert mt.add(mt.ones(2), 1, out=(out,)) is out
    assert out.tolist() == [2.0, 2.0] and out.dtype is mt.float64  # its own type, though empty
    with pytest.raises(TypeError, match="tuple of 2"):
        mt.sort(mt.ones(3), out=(out, out, out))


# Outs of other shapes and dtypes, beside torch.
ODD = """
    lib.add(lib.ones(2), 1, out=lib.empty(3))
    lib.add(lib.ones(2, 3), 1, out=lib.empty(()))
    lib.arange(6, out=lib.empty(2, 3))
    lib.linspace(0, 1, 4, out=lib.empty(2, 2, dtype=lib.float64))
    lib.logspace(0, 1, 4, out=lib.empty(2, 2))
    lib.nonzero(lib.ones(2), out=lib.tensor(1))
    lib.full((2,), 1, out=lib.empty(0, dtype=lib.int64))
    lib.zeros(2, out=lib.empty(0, dtype=lib.int16))
    lib.zeros(2, dtype=lib.float32, out=lib.empty(0, dtype=lib.float64))
    lib.zeros(2, dtype=lib.float64, out=lib.empty(0, dtype=lib.float64))
    (lib.manual_seed(3), lib.rand(3, out=lib.empty(0, dtype=lib.float64)))[1]
    (lib.manual_seed(3), lib.randn(3, out=lib.empty(0, dtype=lib.float64)))[1]
    lib.cat([lib.empty(0), lib.empty(0)], 1)
"""


def outcome(lib, call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            y = eval(call, {"lib": lib})
        except RuntimeError:
            return "RuntimeError"
    resized = ["was resized since it had shape" in str(each.message) for each in caught]
    return y.tolist(), str(y.dtype).rpartition(".")[2], resized


@pytest.mark.parametrize("call", [line.strip() for line in ODD.strip().splitlines()])
def test_outs_of_other_shapes_and_dtypes(call):
    torch = pytest.importorskip("torch")
    ours, theirs = outcome(mt, call), outcome(torch, call)
    if ours != theirs:
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
        assert ours[1:] == theirs[1:]


def test_out_of_another_shape_is_resized_with_a_warning():
    out = mt.ones(2, 2)
    with pytest.warns(UserWarning, match="resized"):
        y = mt.sum(mt.ones(2, 3), 0, out=out)
    assert y is out and out.tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(RuntimeError, match="view"):
        mt.sum(mt.ones(2, 3), 0, out=mt.ones(4)[2:])


def test_out_of_another_dtype_where_torch_refuses_it():
    x = mt.ones(2, 3)
    for call in (
        lambda: mt.max(x, 0, out=(mt.ones(3, dtype=mt.int32), mt.ones(3, dtype=mt.int64))),
        lambda: mt.mode(x, 0, out=(mt.ones(3), mt.ones(3))),
        lambda: mt.all(x, 0, out=mt.ones(3)),
    ):
        with pytest.raises(RuntimeError):
            call()
    assert mt.all(x, 0, out=mt.zeros(3, dtype=mt.uint8)).tolist() == [1, 1, 1]
    assert mt.all(x, dim=[]).shape == (2, 3) and mt.sum(x, dim=[]).shape == ()


@pytest.mark.parametrize("lib", ["minitorch_cnn", "torch"])
def test_running_results_need_the_very_dtype(lib):
    torch = pytest.importorskip(lib)
    x = torch.ones(3, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="expected scalar_type Double but found Float"):
        torch.logcumsumexp(x, 0, out=torch.empty(3))
    for function in (torch.cummax, torch.cummin):
        with pytest.raises(RuntimeError, match="expected scalar_type Double but found Short"):
            function(x, 0, out=(torch.empty(0).short(), torch.empty(0).long()))
        with pytest.raises(RuntimeError, match="expected scalar_type Long but found Int"):
            function(x, 0, out=(torch.empty(0).double(), torch.empty(0).int()))


def test_a_new_tensor_in_out_may_require_a_gradient():
    for name in ("empty", "ones", "zeros", "rand"):
        out = mt.empty(0)
        result = getattr(mt, name)(2, 3, out=out, requires_grad=True)
        assert result is out and out.requires_grad and out.shape == (2, 3)
        assert not getattr(mt, name)(2, 3, out=mt.empty(0)).requires_grad
