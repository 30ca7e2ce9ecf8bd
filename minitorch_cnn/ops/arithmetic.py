"""Elementwise arithmetic: add, mul, pow, clamp, where, ...

Each operation stands beside its gradient. gy is the gradient of the loss with respect to the
result y; backward returns the one with respect to each operand, by the chain rule. Where an
operand was broadcast, `sum_to` adds up the gradients of its copies.
"""

from __future__ import annotations

import math
from typing import Any

from .. import kernels
from ..autograd import deferred
from ..autograd.function import Function
from ..backend import array_module
from ..dtypes import result_type
from ..tensor import Tensor, later, wrap
from .common import (
    alike,
    array_of,
    as_operand,
    cast,
    check_broadcast,
    check_tensor,
    operands,
    same_device,
    shape_of,
    sum_to,
)
from .elementwise import floor, rint, trunc

__all__ = [
    "add", "sub", "mul", "div", "floor_divide", "remainder", "fmod", "pow", "neg", "maximum",
    "minimum", "where", "clamp", "lerp", "addcmul", "addcdiv", "round", "frac", "clip",
    "divide", "true_divide", "multiply", "negative", "subtract",
]  # fmt: skip


class Add(Function):
    """y = a + b"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        ctx.shapes = shape_of(a), shape_of(b)
        if not isinstance(a, Tensor) or not isinstance(b, Tensor):
            return wrap(array_of(a) + array_of(b))
        together = deferred.add(a, b) or deferred.add(b, a)
        return later(together, a, b) if together else wrap(kernels.add(a.array, b.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        ga = sum_to(gy, ctx.shapes[0]) if ctx.needs_input_grad[0] else None
        gb = sum_to(gy, ctx.shapes[1]) if ctx.needs_input_grad[1] else None
        if ga is gb and isinstance(gy._deferred, deferred.MaskedGradient):
            gy._deferred.shared = True
        return ga, gb


class Sub(Function):
    """y = a - b"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        ctx.shapes = shape_of(a), shape_of(b)
        return wrap(array_of(a) - array_of(b))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        ga = sum_to(gy, ctx.shapes[0]) if ctx.needs_input_grad[0] else None
        gb = sum_to(-gy, ctx.shapes[1]) if ctx.needs_input_grad[1] else None
        return ga, gb


class BinaryWithOperands(Function):
    """A Function of two operands whose gradients need the operands themselves."""

    @staticmethod
    def save(ctx: Any, a: Any, b: Any) -> None:
        ctx.shapes = shape_of(a), shape_of(b)
        ctx.save_for_backward(*(each if isinstance(each, Tensor) else None for each in (a, b)))
        ctx.numbers = tuple(None if isinstance(each, Tensor) else each for each in (a, b))

    @staticmethod
    def load(ctx: Any) -> list:
        tensors = ctx.saved_tensors
        return [n if t is None else t for t, n in zip(tensors, ctx.numbers, strict=True)]


class Mul(BinaryWithOperands):
    """y = a b"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        # The gradient of each operand needs the other one only.
        ctx.shapes = shape_of(a), shape_of(b)
        need_a, need_b = ctx.needs_input_grad
        ctx.numbers = tuple(None if isinstance(each, Tensor) else each for each in (a, b))
        ctx.save_for_backward(
            a if need_b and isinstance(a, Tensor) else None,
            b if need_a and isinstance(b, Tensor) else None,
        )
        return wrap(array_of(a) * array_of(b))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = Mul.load(ctx)
        ga = sum_to(gy * b, ctx.shapes[0]) if ctx.needs_input_grad[0] else None
        gb = sum_to(gy * a, ctx.shapes[1]) if ctx.needs_input_grad[1] else None
        return ga, gb


class Div(BinaryWithOperands):
    """y = a / b"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        Div.save(ctx, a, b)
        return wrap(array_of(a) / array_of(b))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = Div.load(ctx)
        ga = sum_to(gy / b, ctx.shapes[0]) if ctx.needs_input_grad[0] else None
        gb = sum_to(-gy * a / (b * b), ctx.shapes[1]) if ctx.needs_input_grad[1] else None
        return ga, gb


class Pow(BinaryWithOperands):
    """y = a ** b"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        Pow.save(ctx, a, b)
        y = array_of(a) ** array_of(b)
        return wrap(y.astype(result_type(a, b).numpy, copy=False))  # NumPy: bool ** bool is int8

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = Pow.load(ctx)
        ga = gb = None
        if ctx.needs_input_grad[0]:
            if isinstance(b, Tensor):
                # At b = 0 the slope is 0, also where a**(b - 1) is infinite.
                slope = where(b == 0, 0.0, b * a ** (b - 1))
            else:
                slope = b * a ** (b - 1) if b != 0 else a.new_zeros(a.shape)
            ga = sum_to(gy * slope, ctx.shapes[0])
        if ctx.needs_input_grad[1]:
            if isinstance(a, Tensor):
                # 0 ** b is 0 for every b > 0: flat, although log(0) is -inf.
                flat = (a == 0) & (b >= 0)
                slope = where(flat, 0.0, a**b * where(flat, 1.0, a).log())
            else:
                slope = a**b * math.log(a) if a > 0 else wrap(array_of(b) * 0)
            gb = sum_to(gy * slope, ctx.shapes[1])
        return ga, gb


class Neg(Function):
    """y = -x"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return wrap(-x.array)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        return -gy


class Maximum(BinaryWithOperands):
    """y = max(a, b), elementwise; where they are equal each gets half of the gradient"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        Maximum.save(ctx, a, b)
        return wrap(array_module(array_of(a)).maximum(a.array, b.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = Maximum.load(ctx)
        share = where(a == b, 0.5, (a > b).to(gy.dtype))
        return sum_to(gy * share, ctx.shapes[0]), sum_to(gy * (1 - share), ctx.shapes[1])


class Where(Function):
    """y = a where the condition holds, b elsewhere"""

    @staticmethod
    def forward(ctx: Any, condition: Tensor, a: Any, b: Any) -> Tensor:
        ctx.shapes = shape_of(a), shape_of(b)
        ctx.save_for_backward(condition)
        array = condition.array
        y = array_module(array).where(array, array_of(a), array_of(b))
        return wrap(y.astype(result_type(a, b).numpy, copy=False))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (condition,) = ctx.saved_tensors
        ga = gb = None
        if ctx.needs_input_grad[1]:
            ga = sum_to(where(condition, gy, 0.0), ctx.shapes[0])
        if ctx.needs_input_grad[2]:
            gb = sum_to(where(condition, 0.0, gy), ctx.shapes[1])
        return None, ga, gb


class Clamp(Function):
    """y = x limited to [low, high]; None is no limit"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: Any, high: Any) -> Tensor:
        ctx.low, ctx.high = low, high
        ctx.save_for_backward(x)
        return wrap(
            array_module(x.array).clip(x.array, low, high).astype(x.array.dtype, copy=False)
        )

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        inside: Any = None
        if ctx.low is not None:
            inside = x >= ctx.low
        if ctx.high is not None:
            inside = x <= ctx.high if inside is None else inside & (x <= ctx.high)
        return where(inside, gy, 0.0), None, None


# ------------------------------------------------------------------------ public functions


def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input + alpha * other, elementwise, broadcast.

    One of the two may be a number; dtypes are promoted. Raises RuntimeError for shapes that do not
    broadcast, TypeError for anything but tensors and numbers.

    >>> import minitorch_cnn as mt
    >>> mt.add(mt.tensor([1, 2]), 10)
    tensor([11, 12])
    """
    if alpha == 1 and alike(input, other):
        return Add.apply(input, other)
    a, b = operands(input, other if alpha == 1 else other * alpha)
    check_broadcast(a, b)
    return Add.apply(a, b)


def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input - alpha * other, elementwise, broadcast.

    Raises RuntimeError for two bool tensors, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.sub(mt.tensor([1, 2]), mt.tensor([3, 3]), alpha=10)
    tensor([-29, -28])
    """
    a, b = operands(input, other if alpha == 1 else other * alpha)
    if result_type(a, b).category == 0:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use `^` or logical_xor() instead."
        )
    check_broadcast(a, b)
    return Sub.apply(a, b)


def mul(input: Any, other: Any) -> Tensor:
    """input * other, elementwise, broadcast. Raises as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.mul(mt.tensor([1, 2]), mt.tensor([10, 20]))
    tensor([10, 40])
    """
    a, b = operands(input, other)
    check_broadcast(a, b)
    return Mul.apply(a, b)


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
            return wrap(_truncating_division(array_of(a), array_of(b)).astype(kind.numpy))
        return trunc(div(a, b))
    if rounding_mode is not None:
        raise RuntimeError(
            f"rounding_mode must be None, 'trunc' or 'floor', but found {rounding_mode!r}"
        )
    a, b = operands(input, other, floating=True)
    check_broadcast(a, b)
    return Div.apply(a, b)


def _no_zero_divisor(b: Any) -> None:
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
        return wrap(array_of(a) // array_of(b))
    return floor(Div.apply(a, b))


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
        return wrap(array_of(a) % array_of(b))
    return sub(a, mul(b, floor(Div.apply(a, b))))


def fmod(input: Any, other: Any) -> Tensor:
    """input - other * trunc(input / other), elementwise, broadcast.

    The sign is the dividend's. Raises TypeError if that is no tensor, and else as `remainder`.

    >>> import minitorch_cnn as mt
    >>> mt.fmod(mt.tensor([-7, 7]), 3)
    tensor([-1,  1])
    """
    check_tensor("fmod", input)
    a, b = operands(input, other)
    return sub(a, mul(b, div(a, b, rounding_mode="trunc")))


def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, elementwise, broadcast; one of the two may be a number.

    A negative floating number to a power that is no integer is NaN, 0 ** 0 is 1. Raises
    RuntimeError for integers to a negative integer power, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.pow(mt.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    a, b = operands(input, exponent)
    kind = result_type(a, b)
    if kind.category == 1:
        negative = bool((array_of(b) < 0).any()) if isinstance(b, Tensor) else b < 0
        if negative:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
    check_broadcast(a, b)
    return Pow.apply(a, b)


def neg(input: Tensor) -> Tensor:
    """-input, elementwise. Raises RuntimeError for a bool tensor.

    >>> import minitorch_cnn as mt
    >>> mt.neg(mt.tensor([1, -2]))
    tensor([-1,  2])
    """
    if input.dtype.category == 0:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported: use ~")
    return Neg.apply(input)


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two tensors, elementwise, broadcast; NaN if either is NaN.

    Equal ones share the gradient. Raises TypeError if one is no tensor, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.maximum(mt.tensor([1.0, 5.0, float("nan")]), mt.tensor([3.0, 4.0, 0.0]))
    tensor([3., 5., nan])
    """
    a, b = operands(input, other)
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        raise TypeError("maximum and minimum need two tensors; use clamp(min=...) for a number")
    check_broadcast(a, b)
    return Maximum.apply(a, b)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two tensors, as `maximum`: elementwise, broadcast. Raises as `maximum` does.

    >>> import minitorch_cnn as mt
    >>> mt.minimum(mt.tensor([1.0, 5.0, float("nan")]), mt.tensor([3.0, 4.0, 0.0]))
    tensor([1., 4., nan])
    """
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise TypeError("maximum and minimum need two tensors; use clamp(max=...) for a number")
    if not result_type(input, other).is_floating_point:
        a, b = operands(input, other)
        return wrap(array_module(a.array).minimum(a.array, b.array))
    return neg(maximum(neg(input), neg(other)))


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """input where condition (bool) holds, other elsewhere; the three broadcast, elementwise.

    Only with a condition: the indices where it holds, as `nonzero(as_tuple=True)`. Raises
    RuntimeError if the condition is no bool tensor, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([-1.0, 2.0])
    >>> mt.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if not isinstance(condition, Tensor) or condition.dtype.category != 0:
        kind = getattr(condition, "dtype", type(condition).__name__)
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got {kind}")
    a, b = (as_operand(each, condition) for each in (input, other))
    same_device(condition, a, b)
    kind = result_type(a, b)
    a, b = cast(a, kind), cast(b, kind)
    check_broadcast(a, b)
    for each in (a, b):
        check_broadcast(condition, each)
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        array = array_module(condition.array).where(condition.array, a, b)
        return wrap(array.astype(kind.numpy))
    return Where.apply(condition, a, b)


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """input limited to [min, max], elementwise.

    Limits are numbers or tensors; None is no limit. Raises RuntimeError without any.

    >>> import minitorch_cnn as mt
    >>> mt.clamp(mt.tensor([-2.0, 0.5, 9.0]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of 'min' or 'max' must not be None")
    min, max = (None if each is None else as_operand(each, input) for each in (min, max))
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        low = None if min is None else as_operand(min, input)
        high = None if max is None else as_operand(max, input)
        y = input
        for limit, choose in ((low, maximum), (high, minimum)):
            if limit is not None:
                y = choose(y, limit if isinstance(limit, Tensor) else input.new_tensor(limit))
        return y
    kind = input.dtype
    for limit in (min, max):
        if limit is not None:
            kind = result_type(cast(input, kind), limit)
    x = cast(input, kind)
    low, high = (None if each is None else cast(each, kind) for each in (min, max))
    return Clamp.apply(x, low, high)


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight * (end - input), elementwise, broadcast. Raises as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.lerp(mt.tensor([0.0, 10.0]), mt.tensor([4.0, 20.0]), 0.25)
    tensor([ 1.0000, 12.5000])
    """
    return add(input, mul(sub(end, input), weight))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 * tensor2, elementwise, broadcast. Raises as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.addcmul(mt.tensor([1.0, 1.0]), mt.tensor([2.0, 3.0]), mt.tensor([4.0, 5.0]), value=10)
    tensor([ 81., 151.])
    """
    return add(input, mul(tensor1, tensor2), alpha=value)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 / tensor2, elementwise, broadcast. Raises as `div` does.

    >>> import minitorch_cnn as mt
    >>> mt.addcdiv(mt.tensor([1.0, 1.0]), mt.tensor([2.0, 3.0]), mt.tensor([4.0, 6.0]), value=10)
    tensor([6., 6.])
    """
    return add(input, div(tensor1, tensor2), alpha=value)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Each element rounded to `decimals` places, halves to even; elementwise.

    Negative `decimals` round to tens, hundreds, ... The gradient is 0. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.round(mt.tensor([0.5, 1.5, 2.5])), mt.round(mt.tensor([1.26]), decimals=1)
    (tensor([0., 2., 2.]), tensor([1.3000]))
    """
    if decimals == 0:
        return rint(input)
    return div(rint(mul(input, 10.0**decimals)), 10.0**decimals)


def frac(input: Tensor) -> Tensor:
    """The fraction of each element, with its sign: input - trunc(input), elementwise.

    Raises RuntimeError for a bool tensor.

    >>> import minitorch_cnn as mt
    >>> mt.frac(mt.tensor([1.75, -1.75, 3.0]))
    tensor([ 0.7500, -0.7500,  0.0000])
    """
    return sub(input, trunc(input))


# Other names of the same functions.
clip = clamp
divide = true_divide = div
multiply = mul
negative = neg
subtract = sub
