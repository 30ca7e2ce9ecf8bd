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


def _comparison(name: str, numpy_name: str, symbol: str) -> Callable[[Any, Any], Tensor]:
    def compare(input: Tensor, other: Any) -> Tensor:
        check_tensor(name, input)
        a, b = operands(input, other)
        check_broadcast(a, b)
        return wrap(getattr(array_module(a.array), numpy_name)(a.array, array_of(b)))

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = f"input {symbol} other, elementwise, broadcast: a bool tensor."
    return compare


eq = _comparison("eq", "equal", "==")
ne = not_equal = _comparison("ne", "not_equal", "!=")
lt = less = _comparison("lt", "less", "<")
le = less_equal = _comparison("le", "less_equal", "<=")
gt = greater = _comparison("gt", "greater", ">")
ge = greater_equal = _comparison("ge", "greater_equal", ">=")


def _logical(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    def logical(input: Tensor, other: Tensor) -> Tensor:
        if not isinstance(input, Tensor) or not isinstance(other, Tensor):
            raise TypeError(f"{name}() needs two tensors, got {input!r:.40} and {other!r:.40}")
        a, b = operands(input, other)
        check_broadcast(a, b)
        return wrap(getattr(array_module(a.array), name)(a.array, b.array))

    logical.__name__ = logical.__qualname__ = name
    word = name.removeprefix("logical_")
    logical.__doc__ = f"{word} of truth values; numbers are true unless they are 0."
    return logical


logical_and = _logical("logical_and")
logical_or = _logical("logical_or")
logical_xor = _logical("logical_xor")


def logical_not(input: Tensor) -> Tensor:
    """True where an element is false or 0."""
    return wrap(array_module(input.array).logical_not(input.array))


def _bitwise(name: str) -> Callable[[Any, Any], Tensor]:
    def bitwise(input: Any, other: Any) -> Tensor:
        a, b = operands(input, other)
        if result_type(a, b).is_floating_point:
            raise NotImplementedError(f"{name} is not defined for {result_type(a, b)}")
        check_broadcast(a, b)
        xp = array_module(a.array if isinstance(a, Tensor) else b.array)
        return wrap(getattr(xp, name)(array_of(a), array_of(b)))

    bitwise.__name__ = bitwise.__qualname__ = name
    bitwise.__doc__ = f"{name.removeprefix('bitwise_')} of the bits of integers, or of bools."
    return bitwise


bitwise_and = _bitwise("bitwise_and")
bitwise_or = _bitwise("bitwise_or")
bitwise_xor = _bitwise("bitwise_xor")
bitwise_left_shift = _bitwise("left_shift")
bitwise_right_shift = _bitwise("right_shift")


def bitwise_not(input: Tensor) -> Tensor:
    """Every bit of integers turned around; not, for bools."""
    if input.dtype.is_floating_point:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean tensors")
    return wrap(~input.array)


# ------------------------------------------------------------------------------ kinds of numbers


def isnan(input: Tensor) -> Tensor:
    """True where an element is NaN.

    >>> import minitorch_cnn as mt
    >>> mt.isnan(mt.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return wrap(array_module(input.array).isnan(input.array))


def isinf(input: Tensor) -> Tensor:
    """True where an element is infinite."""
    return wrap(array_module(input.array).isinf(input.array))


def isposinf(input: Tensor) -> Tensor:
    """True where an element is +infinity."""
    return eq(input, float("inf"))


def isneginf(input: Tensor) -> Tensor:
    """True where an element is -infinity."""
    return eq(input, float("-inf"))


def isfinite(input: Tensor) -> Tensor:
    """True where an element is neither infinite nor NaN."""
    return wrap(array_module(input.array).isfinite(input.array))


def nan_to_num(input: Tensor, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    """NaN replaced by `nan`, infinities by `posinf` and `neginf` (default: the largest numbers).

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
    """True where |input - other| <= atol + rtol |other|."""
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise TypeError(f"isclose() needs two tensors, got {input!r:.40} and {other!r:.40}")
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    same_device(input, other)
    check_broadcast(input, other)
    xp = array_module(input.array)
    return wrap(xp.isclose(input.array, other.array, rtol, atol, equal_nan))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """True if `isclose` holds for all elements.

    >>> import minitorch_cnn as mt
    >>> mt.allclose(mt.tensor([1.0]), mt.tensor([1.0 + 1e-7]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """True if both have the same shape and the same elements."""
    same_device(input, other)
    return input.shape == other.shape and bool((input.array == other.array).all())


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """True if both have the same shape."""
    return input.shape == other.shape


def is_nonzero(input: Tensor) -> bool:
    """True if the only element of the tensor is not 0. Raises RuntimeError if there are more."""
    return bool(input)
