"""Comparisons, logic and bits: results without gradients, mostly bool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backend import array_module
from ..dtypes import finfo, result_type
from ..tensor import Tensor, wrap
from .arithmetic import where
from .common import array_of, check_broadcast, check_tensor, operands, same_device

__all__ = [
    "eq", "ne", "not_equal", "lt", "less", "le", "less_equal", "gt", "greater", "ge",
    "greater_equal", "logical_and", "logical_or", "logical_xor", "logical_not", "bitwise_and",
    "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "bitwise_not",
    "isnan", "isinf", "isposinf", "isneginf", "isfinite", "nan_to_num", "isclose", "allclose",
    "equal", "is_same_size", "is_nonzero",
]  # fmt: skip


def _comparison(
    name: str, numpy_name: str, symbol: str, shown: str
) -> Callable[[Any, Any], Tensor]:
    def compare(input: Tensor, other: Any) -> Tensor:
        check_tensor(name, input)
        a, b = operands(input, other)
        check_broadcast(a, b)
        return wrap(getattr(array_module(a.array), numpy_name)(a.array, array_of(b)))

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = f"""input {symbol} other, elementwise, broadcast: a bool tensor.

    other: a tensor or a number; dtypes are promoted. NaN is unequal to everything. Raises TypeError
    for anything else, RuntimeError for shapes that do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.{name}(mt.tensor([1.0, 2.0, 3.0]), 2)
    {shown}
    """
    return compare


eq = _comparison("eq", "equal", "==", "tensor([False,  True, False])")
ne = not_equal = _comparison("ne", "not_equal", "!=", "tensor([ True, False,  True])")
lt = less = _comparison("lt", "less", "<", "tensor([ True, False, False])")
le = less_equal = _comparison("le", "less_equal", "<=", "tensor([ True,  True, False])")
gt = greater = _comparison("gt", "greater", ">", "tensor([False, False,  True])")
ge = greater_equal = _comparison("ge", "greater_equal", ">=", "tensor([False,  True,  True])")


def _logical(name: str, shown: str) -> Callable[[Tensor, Tensor], Tensor]:
    def logical(input: Tensor, other: Tensor) -> Tensor:
        if not isinstance(input, Tensor) or not isinstance(other, Tensor):
            raise TypeError(f"{name}() needs two tensors, got {input!r:.40} and {other!r:.40}")
        a, b = operands(input, other)
        check_broadcast(a, b)
        return wrap(getattr(array_module(a.array), name)(a.array, b.array))

    logical.__name__ = logical.__qualname__ = name
    word = name.removeprefix("logical_")
    logical.__doc__ = f"""{word} of truth values, elementwise, broadcast: a bool tensor.

    Numbers are true unless they are 0. Raises TypeError unless both are tensors, RuntimeError for
    shapes that do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.{name}(mt.tensor([0, 0, 2, 2]), mt.tensor([0, 3, 0, 3]))
    {shown}
    """
    return logical


logical_and = _logical("logical_and", "tensor([False, False, False,  True])")
logical_or = _logical("logical_or", "tensor([False,  True,  True,  True])")
logical_xor = _logical("logical_xor", "tensor([False,  True,  True, False])")


def logical_not(input: Tensor) -> Tensor:
    """True where an element is false or 0, elementwise: a bool tensor. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.logical_not(mt.tensor([0.0, 0.5, 1.0]))
    tensor([ True, False, False])
    """
    return wrap(array_module(input.array).logical_not(input.array))


def _bitwise(name: str, shown: str) -> Callable[[Any, Any], Tensor]:
    def bitwise(input: Any, other: Any) -> Tensor:
        a, b = operands(input, other)
        if result_type(a, b).is_floating_point:
            raise NotImplementedError(f"{name} is not defined for {result_type(a, b)}")
        check_broadcast(a, b)
        xp = array_module(a.array if isinstance(a, Tensor) else b.array)
        return wrap(getattr(xp, name)(array_of(a), array_of(b)))

    bitwise.__name__ = bitwise.__qualname__ = name
    word = name.removeprefix("bitwise_")
    bitwise.__doc__ = f"""{word.replace("_", " ")} of the bits of integers, or of bools.

    Elementwise, broadcast; one of the two may be a number. Raises NotImplementedError for floating
    tensors, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.bitwise_{word}(mt.tensor([0b1100, 0b0011]), 0b10)
    {shown}
    """
    return bitwise


bitwise_and = _bitwise("bitwise_and", "tensor([0, 2])")
bitwise_or = _bitwise("bitwise_or", "tensor([14,  3])")
bitwise_xor = _bitwise("bitwise_xor", "tensor([14,  1])")
bitwise_left_shift = _bitwise("left_shift", "tensor([48, 12])")
bitwise_right_shift = _bitwise("right_shift", "tensor([3, 0])")


def bitwise_not(input: Tensor) -> Tensor:
    """Every bit of integers turned around, elementwise; not, for bools (``~input``).

    In two's complement that is -input - 1. Raises TypeError for floating tensors.

    >>> import minitorch_cnn as mt
    >>> mt.bitwise_not(mt.tensor([0, 5])), mt.bitwise_not(mt.tensor([True, False]))
    (tensor([-1, -6]), tensor([False,  True]))
    """
    if input.dtype.is_floating_point:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean tensors")
    return wrap(~input.array)


# ------------------------------------------------------------------------------ kinds of numbers


def isnan(input: Tensor) -> Tensor:
    """True where an element is NaN, elementwise. Never raises for a tensor; integers are no NaN.

    >>> import minitorch_cnn as mt
    >>> mt.isnan(mt.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return wrap(array_module(input.array).isnan(input.array))


def isinf(input: Tensor) -> Tensor:
    """True where an element is infinite, of either sign, elementwise. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.isinf(mt.tensor([1.0, float("inf"), float("-inf"), float("nan")]))
    tensor([False,  True,  True, False])
    """
    return wrap(array_module(input.array).isinf(input.array))


def isposinf(input: Tensor) -> Tensor:
    """True where an element is +infinity, elementwise. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.isposinf(mt.tensor([1.0, float("inf"), float("-inf")]))
    tensor([False,  True, False])
    """
    return eq(input, float("inf"))


def isneginf(input: Tensor) -> Tensor:
    """True where an element is -infinity, elementwise. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.isneginf(mt.tensor([1.0, float("inf"), float("-inf")]))
    tensor([False, False,  True])
    """
    return eq(input, float("-inf"))


def isfinite(input: Tensor) -> Tensor:
    """True where an element is neither infinite nor NaN, elementwise. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.isfinite(mt.tensor([1.0, float("inf"), float("nan")]))
    tensor([ True, False, False])
    """
    return wrap(array_module(input.array).isfinite(input.array))


def nan_to_num(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """NaN replaced by `nan`, infinities by `posinf` and `neginf`, elementwise.

    Where posinf or neginf is None, the largest or smallest number of the dtype takes its place.
    Integers stay as they are. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.nan_to_num(mt.tensor([1.0, float("nan"), float("inf")]), posinf=9.0)
    tensor([1., 0., 9.])
    """
    if not input.dtype.is_floating_point:
        return input.clone()
    limits = finfo(input.dtype)
    y = where(isnan(input), 0.0 if nan is None else float(nan), input)
    y = where(isposinf(input), limits.max if posinf is None else float(posinf), y)
    return where(isneginf(input), limits.min if neginf is None else float(neginf), y)


# ------------------------------------------------------------------------------- nearly the same


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """True where |input - other| <= atol + rtol |other|, elementwise, broadcast.

    NaN is close to NaN only with equal_nan, an infinity only to itself. Raises TypeError unless
    both are tensors, RuntimeError for two dtypes, negative tolerances, or shapes that do not
    broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.isclose(mt.tensor([1.0, 2.0]), mt.tensor([1.0 + 1e-7, 2.1]))
    tensor([ True, False])
    """
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise TypeError(f"isclose() needs two tensors, got {input!r:.40} and {other!r:.40}")
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    same_device(input, other)
    check_broadcast(input, other)
    xp = array_module(input.array)
    return wrap(xp.isclose(input.array, other.array, rtol, atol, equal_nan))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """True if `isclose` holds for all elements of two tensors of any shape; a Python bool.

    Raises as `isclose` does.

    >>> import minitorch_cnn as mt
    >>> mt.allclose(mt.tensor([1.0]), mt.tensor([1.0 + 1e-7]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """True if both tensors have the same shape and the same elements; a Python bool.

    Dtypes may differ; NaN equals nothing. Raises RuntimeError if they lie on two devices.

    >>> import minitorch_cnn as mt
    >>> mt.equal(mt.tensor([1, 2]), mt.tensor([1.0, 2.0])), mt.equal(mt.zeros(2), mt.zeros(1, 2))
    (True, False)
    """
    same_device(input, other)
    return input.shape == other.shape and bool((input.array == other.array).all())


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """True if both tensors have the same shape; a Python bool. Never raises for two tensors.

    >>> import minitorch_cnn as mt
    >>> mt.is_same_size(mt.zeros(2, 3), mt.ones(2, 3)), mt.is_same_size(mt.zeros(2), mt.zeros(1, 2))
    (True, False)
    """
    return input.shape == other.shape


def is_nonzero(input: Tensor) -> bool:
    """True if the only element of the tensor, 0-d or of shape (1, ..., 1), is not 0; a Python bool.

    Raises RuntimeError if there are more elements than one, or none.

    >>> import minitorch_cnn as mt
    >>> mt.is_nonzero(mt.tensor([0.0])), mt.is_nonzero(mt.tensor(-2))
    (False, True)
    """
    return bool(input)
