"""What elementwise operations share: common types, one device, and undoing a broadcast."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given

import minitorch_cnn as mt
from minitorch_cnn.ops import common

INPUTS = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=1, max_side=3)


@given(INPUTS)
def test_sum_to_counts_the_copies_that_a_broadcast_made(shapes):
    """Each element of the sum is how often the broadcast put it into the result."""
    result = shapes.result_shape
    for shape in shapes.input_shapes:
        g = common.sum_to(mt.ones(result), shape)
        assert g.shape == shape
        numbered = np.broadcast_to(np.arange(np.prod(shape, dtype=int)).reshape(shape), result)
        copies = np.bincount(numbered.ravel(), minlength=np.prod(shape, dtype=int))
        np.testing.assert_array_equal(g.numpy().ravel(), copies)


def test_sum_to_the_same_shape_is_no_work():
    g = mt.ones(2, 3)
    assert common.sum_to(g, (2, 3)) is g


@given(INPUTS)
def test_shapes_that_broadcast_pass(shapes):
    a, b = (mt.zeros(shape) for shape in shapes.input_shapes)
    common.check_broadcast(a, b)
    common.check_broadcast(a, 2.0)


def test_shapes_that_do_not_broadcast_are_quoted():
    with pytest.raises(RuntimeError, match=r"a \(3\) .* b \(2\) .* 1: shapes \[2, 3\] and \[2\]"):
        common.check_broadcast(mt.zeros(2, 3), mt.zeros(2))


@pytest.mark.parametrize("value", [1, 2.5, True, np.float32(1), np.int64(2), np.bool_(True)])
def test_numbers(value):
    assert common.is_number(value)
    like = mt.zeros(2)
    operand = common.as_operand(value, like)
    assert operand == value and type(operand) in (int, float, bool)
    assert common.shape_of(operand) == () and common.array_of(operand) is operand


@pytest.mark.parametrize("value", ["a", None, [1.0], 1j, {}])
def test_what_is_no_operand_is_quoted(value):
    assert not common.is_number(value)
    with pytest.raises(TypeError, match=type(value).__name__):
        common.as_operand(value, mt.zeros(2))
    with pytest.raises(TypeError, match=rf"f\(\): .* got {type(value).__name__}"):
        common.check_tensor("f", value)
    with pytest.raises(TypeError, match=f"expected a Tensor, got {type(value).__name__}"):
        common.floating(value)


def test_operands_meet_in_one_type():
    a, b = common.operands(mt.ones(2), mt.ones(2).double())
    assert a.dtype is b.dtype is mt.float64
    a, b = common.operands(mt.tensor([1, 2]), 3, floating=True)
    assert a.dtype is mt.float32 and type(b) is float
    x = mt.ones(2)
    assert common.operands(x, 1)[0] is x
    with pytest.raises(TypeError, match="at least one tensor, got 1 and 2"):
        common.operands(1, 2)


def test_alike_is_one_shape_and_type():
    x = mt.ones(2, 3)
    assert common.alike(x, mt.zeros(2, 3))
    for other in (mt.zeros(3), mt.zeros(2, 3).double(), 1.0):
        assert not common.alike(x, other)


def test_floating_leaves_floating_tensors_alone():
    x = mt.ones(2).half()
    assert common.floating(x) is x
    assert common.floating(mt.tensor([True])).dtype is mt.get_default_dtype()


def test_tensors_on_one_device_pass():
    common.same_device(mt.ones(1), None, 2.0, mt.ones(1))


class Elsewhere(mt.Tensor):
    """A tensor that says it lies on a GPU: only its address is looked at."""

    device = mt.device("cuda:1")


def test_two_devices_are_both_named():
    other = Elsewhere(1)
    other._deferred, other.arriving = None, memoryview(b"")  # anything but a NumPy array
    with pytest.raises(RuntimeError, match=r"at least two devices, cpu.* and cuda:1"):
        common.same_device(mt.ones(1, device="cpu"), other)


def test_public_names_are_neither_modules_nor_private():
    names = {"np": np, "_hidden": 1, "add": mt.add}
    assert common.public_names(names) == ["add"]
