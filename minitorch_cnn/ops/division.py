"""Division and what is made of it: div, floor_divide, remainder, fmod, addcdiv, round."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..autograd.function import Function
from ..backend import array_module
from ..dtypes import float16, float32, result_type
from ..tensor import Tensor, wrap
from .arithmetic import BinaryWithOperands, add, mul
from .common import (
    array_of,
    check_broadcast,
    check_tensor,
    operands,
    shape_of,
    sum_to,
    with_number,
)
from .elementwise import reciprocal, rint, trunc

__all__ = [
    "div", "divide", "true_divide", "floor_divide", "remainder", "fmod", "addcdiv", "round",
]  # fmt: skip


class Div(Function):
    """y = a / b"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        ctx.shapes = shape_of(a), shape_of(b)
        ctx.divisor = None if isinstance(b, Tensor) else b
        if ctx.divisor is None:  # only what is read: anything else may be written to meanwhile
            ctx.save_for_backward(a if ctx.needs_input_grad[1] else None, b)
        return wrap(with_number(operator.truediv, a, b))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = ctx.saved_tensors if ctx.divisor is None else (None, ctx.divisor)
        ga = sum_to(Div.apply(gy, b), ctx.shapes[0]) if ctx.needs_input_grad[0] else None
        gb = sum_to(-gy * (a / b / b), ctx.shapes[1]) if ctx.needs_input_grad[1] else None
        return ga, gb


class RoundedDivide(Function):
    """y = floor(a / b), from the exact remainder, or trunc(a / b); flat, so its gradients are 0"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any, mode: str) -> Tensor:
        ctx.shapes = shape_of(a), shape_of(b)
        if mode == "floor":
            return wrap(with_number(_floor_quotient, a, b))
        y = with_number(operator.truediv, a, b)
        return wrap(array_module(array_of(a if isinstance(a, Tensor) else b)).trunc(y))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        needs = zip(ctx.needs_input_grad, ctx.shapes, strict=False)
        return *(gy.new_zeros(shape) if need else None for need, shape in needs), None


class Remainder(BinaryWithOperands):
    """y = a - b floor(a / b), exactly"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        Remainder.save(ctx, a, b)
        return wrap(_floor_remainder(array_of(a), array_of(b)))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = Remainder.load(ctx)
        gb = sum_to(-gy * floor_divide(a, b), ctx.shapes[1]) if ctx.needs_input_grad[1] else None
        return sum_to(gy, ctx.shapes[0]) if ctx.needs_input_grad[0] else None, gb


def _floor_remainder(a: Any, b: Any) -> Any:
    if _rounds_well(a, b):
        return a % b
    xp, rest, other_sign = _rest(a, b)
    return xp.where(other_sign, rest + b, rest)


def _floor_quotient(a: Any, b: Any) -> Any:
    if _rounds_well(a, b):
        return a // b
    xp, rest, other_sign = _rest(a, b)
    quotient = xp.rint((a - rest) / b) - other_sign
    return xp.where(xp.equal(b, 0), a / b, quotient)


def _rounds_well(a: Any, b: Any) -> bool:
    """False for CuPy's floating numbers: it makes both of floor(a / b), where a / b was rounded."""
    arrays = [each for each in (a, b) if hasattr(each, "dtype")]
    return isinstance(arrays[0], np.ndarray) or all(each.dtype.kind != "f" for each in arrays)


def _rest(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """xp; the exact a - b trunc(a / b); and where floor(a / b) is one less than trunc(a / b)."""
    xp = array_module(a if hasattr(a, "dtype") else b)
    rest = xp.fmod(a, b)
    return xp, rest, (rest != 0) & ((rest < 0) != (b < 0))


class Fmod(BinaryWithOperands):
    """y = a - b trunc(a / b), exactly"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Any) -> Tensor:
        Fmod.save(ctx, a, b)
        return wrap(array_module(a.array).fmod(a.array, array_of(b)))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = Fmod.load(ctx)
        gb = sum_to(-gy * trunc(div(a, b)), ctx.shapes[1]) if ctx.needs_input_grad[1] else None
        return sum_to(gy, ctx.shapes[0]) if ctx.needs_input_grad[0] else None, gb


# ------------------------------------------------------------------------ public functions


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other, elementwise, broadcast.

    Integers give floating results, unless rounding_mode is "trunc" (towards 0) or "floor" (down). A
    floating x / 0 is inf, or NaN for x = 0. Raises RuntimeError for an integer divided by 0 with a
    rounding_mode and for another rounding_mode, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.div(mt.tensor([-7, 7]), 2), mt.div(mt.tensor([-7, 7]), 2, rounding_mode="floor")
    (tensor([-3.5000,  3.5000]), tensor([-4,  3]))
    """
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        a, b = operands(input, other)
        kind = result_type(a, b)
        if not kind.is_floating_point:
            _no_zero_divisor(b)
            with np.errstate(over="ignore"):
                return wrap(_truncating_division(array_of(a), array_of(b)).astype(kind.numpy))
        check_broadcast(a, b)
        return RoundedDivide.apply(a, b, "trunc")
    if rounding_mode is not None:
        raise RuntimeError(
            f"rounding_mode must be None, 'trunc' or 'floor', but found {rounding_mode!r}"
        )
    a, b = operands(input, other, floating=True, of_numbers=True)
    if not isinstance(a, Tensor):
        return mul(reciprocal(b), a)  # whose gradient needs the result only, not b
    check_broadcast(a, b)
    return Div.apply(a, b)


def _no_zero_divisor(b: Any) -> None:
    if isinstance(b, Tensor) and b.dtype.category == 0:
        raise NotImplementedError("integer division is not implemented for bools")
    zero = (array_of(b) == 0).any() if isinstance(b, Tensor) else b == 0
    if zero:
        raise RuntimeError("ZeroDivisionError: integer division by zero")


def _truncating_division(a: Any, b: Any) -> Any:
    quotient = a // b
    inexact = quotient * b != a
    return quotient + (inexact & ((a < 0) != (b < 0)))


def floor_divide(input: Any, other: Any) -> Tensor:
    """floor(input / other) in the operands' type, elementwise, broadcast (``input // other``).

    The gradient is 0. Raises RuntimeError for an integer divided by 0, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.floor_divide(mt.tensor([-7, 7]), 2)
    tensor([-4,  3])
    """
    a, b = operands(input, other)
    check_broadcast(a, b)
    if not result_type(a, b).is_floating_point:
        _no_zero_divisor(b)
        with np.errstate(over="ignore"):  # the smallest integer // -1 wraps around
            return wrap(_floor_quotient(array_of(a), array_of(b)))
    return RoundedDivide.apply(a, b, "floor")


def remainder(input: Any, other: Any) -> Tensor:
    """input - other * floor(input / other), elementwise, broadcast (``input % other``).

    The sign is the divisor's; a floating x % 0 is NaN. Raises as `floor_divide` does.

    >>> import minitorch_cnn as mt
    >>> mt.remainder(mt.tensor([-7, 7]), 3)
    tensor([2, 1])
    """
    a, b = operands(input, other)
    check_broadcast(a, b)
    if not result_type(a, b).is_floating_point:
        _no_zero_divisor(b)
        return wrap(_floor_remainder(array_of(a), array_of(b)))
    return Remainder.apply(a, b)


def fmod(input: Any, other: Any) -> Tensor:
    """input - other * trunc(input / other), elementwise, broadcast.

    The sign is the dividend's. Raises TypeError if that is no tensor, and else as `remainder`.

    >>> import minitorch_cnn as mt
    >>> mt.fmod(mt.tensor([-7, 7]), 3)
    tensor([-1,  1])
    """
    check_tensor("fmod", input)
    a, b = operands(input, other)
    check_broadcast(a, b)
    if not result_type(a, b).is_floating_point:
        _no_zero_divisor(b)
        return wrap(array_module(a.array).fmod(a.array, array_of(b)))
    return Fmod.apply(a, b)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 / tensor2, elementwise, broadcast.

    Raises RuntimeError if both tensor1 and tensor2 are integers, and else as `div` does.

    >>> import minitorch_cnn as mt
    >>> mt.addcdiv(mt.tensor([1.0, 1.0]), mt.tensor([2.0, 3.0]), mt.tensor([4.0, 6.0]), value=10)
    tensor([6., 6.])
    """
    numerator = tensor1 if value == 1 else mul(tensor1, value)
    if not result_type(tensor1, tensor2).is_floating_point:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported: make one of tensor1 "
            f"({tensor1.dtype}) and tensor2 ({tensor2.dtype}) floating"
        )
    return add(input, div(numerator, tensor2))


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Each element rounded to `decimals` places, halves to even; elementwise.

    Negative `decimals` round to tens, hundreds, ... The gradient is 0. Raises NotImplementedError
    for bools, and for integers with decimals.

    >>> import minitorch_cnn as mt
    >>> mt.round(mt.tensor([0.5, 1.5, 2.5])), mt.round(mt.tensor([1.26]), decimals=1)
    (tensor([0., 2., 2.]), tensor([1.3000]))
    """
    if decimals == 0:
        return rint(input)
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"round" to decimals not implemented for {input.dtype}')
    if input.dtype is float16:  # times 10 may be beyond its range
        return round(input.to(float32), decimals=decimals).to(float16)
    return div(rint(mul(input, 10.0**decimals)), 10.0**decimals)


# Other names of the same function.
divide = true_divide = div
