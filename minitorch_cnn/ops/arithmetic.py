"""Elementwise arithmetic: add, mul, pow, clamp, where, ...

Each operation stands beside its gradient. gy is the gradient of the loss with respect to the
result y; backward returns the one with respect to each operand, by the chain rule. Where an
operand was broadcast, `sum_to` adds up the gradients of its copies.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from .. import kernels
from ..autograd import deferred
from ..autograd.function import Function
from ..backend import array_module
from ..dtypes import result_type
from ..tensor import Tensor, later, running, wrap
from .arguments import as_number
from .common import (
    alike,
    array_of,
    as_operand,
    cast,
    check_broadcast,
    check_tensor,
    fitting,
    operands,
    same_device,
    shape_of,
    sum_to,
    with_number,
)
from .elementwise import trunc
from .overloads import number_and_tensor

__all__ = [
    "add", "sub", "mul", "pow", "neg", "maximum", "minimum", "where", "clamp", "lerp", "addcmul",
    "frac", "clip", "multiply", "negative", "subtract",
]  # fmt: skip


class Add(Function):
    """y = a + b"""

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        ctx.shapes = shape_of(a), shape_of(b)
        if not isinstance(a, Tensor) or not isinstance(b, Tensor):
            with np.errstate(all="ignore"):
                return wrap(array_of(a) + array_of(b))
        together = deferred.add(a, b) or deferred.add(b, a)
        return later(together, a, b) if together else running(kernels.add(a.arriving, b.arriving))

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
        return wrap(with_number(operator.mul, a, b))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = Mul.load(ctx)
        ga = sum_to(gy * b, ctx.shapes[0]) if ctx.needs_input_grad[0] else None
        gb = sum_to(gy * a, ctx.shapes[1]) if ctx.needs_input_grad[1] else None
        return ga, gb


class Pow(BinaryWithOperands):
    """y = a ** b"""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Tensor:
        Pow.save(ctx, a, b)
        x, exponent = array_of(a), array_of(b)
        if isinstance(b, Tensor) and b.dtype.category == 1:
            y = _integer_power(x, exponent)
        elif not isinstance(exponent, float) or abs(exponent) != 0.5:
            y = x**exponent
        elif x.dtype == np.float16:  # as in torch the power itself: that of -inf is inf, not NaN
            y = array_module(x).power(x, exponent)
        else:  # roots: of -0.0 they are -0.0 and -inf
            root = array_module(x).sqrt(x)
            y = root if exponent > 0 else 1 / root
        return wrap(y.astype(result_type(a, b).numpy, copy=False))  # NumPy: bool ** bool is int8

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = Pow.load(ctx)
        ga = gb = None
        if ctx.needs_input_grad[0]:
            if isinstance(b, Tensor):
                # At b = 0 the slope is 0, also where a**(b - 1) is infinite.
                ga = where(b == 0, 0.0, gy * (b * a ** (b - 1)))
            else:
                ga = gy * (b * a ** (b - 1)) if b != 0 else gy.new_zeros(gy.shape)
            ga = sum_to(ga, ctx.shapes[0])
        if ctx.needs_input_grad[1]:
            if isinstance(a, Tensor):
                # 0 ** b is 0 for every b > 0: flat, although log(0) is -inf.
                flat = (a == 0) & (b >= 0)
                slope = where(flat, 0.0, a**b * where(flat, 1.0, a).log())
            elif a == 0:
                slope = where(b >= 0, 0.0, a**b * -math.inf)
            else:
                slope = a**b * (math.log(a) if a > 0 else math.nan)
            gb = sum_to(gy * slope, ctx.shapes[1])
        return ga, gb


def _integer_power(x: Any, exponent: Any) -> Any:
    """x**exponent of integers, rounded towards 0 where that is a fraction; 0 to a negative is 0."""
    xp = array_module(exponent)
    unit = xp.equal(abs(x), 1) * x ** (exponent & 1)  # of 1 and -1 every power is one of the two
    return xp.where(exponent >= 0, x ** xp.maximum(exponent, 0), unit)


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
        share = where(a == b, gy / 2, gy)  # all of it for both if one is NaN, as in torch
        ga, gb = where(a < b, 0.0, share), where(a > b, 0.0, share)
        return sum_to(ga, ctx.shapes[0]), sum_to(gb, ctx.shapes[1])


class Lerp(Function):
    """y = a + w (b - a), counted from the nearer end, so that equal ends give just that"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, w: Any) -> Tensor:
        ctx.shapes = a.shape, b.shape, shape_of(w)
        ctx.constant = None if isinstance(w, Tensor) else w
        ends = (a, b) if ctx.needs_input_grad[2] else (None, None)  # read by w's gradient only
        ctx.save_for_backward(*ends, w if isinstance(w, Tensor) else None)
        way, weight = b.array - a.array, array_of(w)
        if ctx.constant is not None and abs(weight) < 0.5:
            return wrap(a.array + weight * way)
        far = b.array - way * (1 - weight)
        if ctx.constant is not None:
            return wrap(far)
        near = a.array + weight * way
        return wrap(array_module(a.array).where(abs(weight) < 0.5, near, far))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b, w = ctx.saved_tensors
        w = ctx.constant if w is None else w
        ga, gb = sum_to(gy * (1 - w), ctx.shapes[0]), sum_to(gy * w, ctx.shapes[1])
        return ga, gb, sum_to(gy * (b - a), ctx.shapes[2]) if ctx.needs_input_grad[2] else None


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
        xp, y = array_module(x.array), x.array  # CuPy's clip would make a NaN one of the limits
        y = y if low is None else xp.maximum(y, low)
        y = y if high is None else xp.minimum(y, high)
        return wrap(y.astype(x.array.dtype, copy=y is x.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        inside: Any = None
        if ctx.low is not None:
            inside = x >= ctx.low
        if ctx.high is not None:
            inside = x <= ctx.high if inside is None else inside & (x <= ctx.high)
        return where(inside, gy, 0.0), None, None


class ClampByTensors(Function):
    """`Clamp` to tensors; x gets the gradient up to its limits, a limit where x is beyond it"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: Tensor | None, high: Tensor | None) -> Tensor:
        ctx.shapes = shape_of(x), shape_of(low), shape_of(high)
        ctx.save_for_backward(x, low, high)
        xp, y = array_module(x.array), x.array
        y = y if low is None else xp.maximum(y, low.array)
        return wrap(y if high is None else xp.minimum(y, high.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, low, high = ctx.saved_tensors
        # Comparisons with NaN are false: then nobody gets it.
        below = x < low if low is not None else x != x
        above = x > high if high is not None else x != x
        inside = x >= low if low is not None else x <= high
        if low is not None and high is not None:
            inside = inside & (x <= high)
            above = above | (high < low)  # crossed limits: high is the last word
            below = below & (low < high)
        gx = where(inside, gy, 0.0)
        gradients = (gx, where(below, gy, 0.0), where(above, gy, 0.0))
        needed = zip(ctx.needs_input_grad, gradients, ctx.shapes, strict=True)
        return tuple(sum_to(g, shape) if need else None for need, g, shape in needed)


# ------------------------------------------------------------------------ public functions


def _times(function: str, input: Any, other: Any, alpha: Any) -> Any:
    """other * alpha, where alpha fits the type of the result."""
    alpha = as_number(function, "alpha", alpha)
    kind = result_type(*operands(input, other, of_numbers=True))
    if isinstance(alpha, bool) and kind.category > 0:
        raise RuntimeError(f"{function}: Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and not kind.is_floating_point:
        raise RuntimeError(
            f"{function}: for tensors of {kind}, argument alpha must not be a floating point "
            f"number, got {alpha}"
        )
    return other & bool(alpha) if kind.category == 0 else other * alpha


def add(input: Any, other: Any, *tensor: Any, alpha: float = 1) -> Tensor:
    """input + alpha * other, elementwise, broadcast.

    One of the two, or both, may be numbers; dtypes are promoted. Raises RuntimeError for shapes
    that do not broadcast and an alpha of another kind than the result, TypeError for anything but
    tensors and numbers.

    >>> import minitorch_cnn as mt
    >>> mt.add(mt.tensor([1, 2]), 10)
    tensor([11, 12])
    """
    if tensor:
        other, alpha = number_and_tensor(other, tensor, "add")
    if type(alpha) is not int or alpha != 1:
        other = _times("add", input, other, alpha)
    elif alike(input, other):
        return Add.apply(input, other)
    a, b = operands(input, other, of_numbers=True)
    check_broadcast(a, b)
    return Add.apply(a, b)


def sub(input: Any, other: Any, *tensor: Any, alpha: float = 1) -> Tensor:
    """input - alpha * other, elementwise, broadcast.

    Raises RuntimeError for a bool, tensor or not, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.sub(mt.tensor([1, 2]), mt.tensor([3, 3]), alpha=10)
    tensor([-29, -28])
    """
    if tensor:
        other, alpha = number_and_tensor(other, tensor, "sub")
    for each in (input, other):
        if each is True or each is False or (isinstance(each, Tensor) and each.dtype.category == 0):
            raise RuntimeError(
                f"Subtraction, the `-` operator, is not supported with a bool: {each!r:.60}. "
                "Use `^` or logical_xor() of two bool tensors, and ~ to invert one."
            )
    if type(alpha) is not int or alpha != 1:
        other = _times("sub", input, other, alpha)
    a, b = operands(input, other, of_numbers=True)
    check_broadcast(a, b)
    return Sub.apply(a, b)


def mul(input: Any, other: Any) -> Tensor:
    """input * other, elementwise, broadcast. Raises as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.mul(mt.tensor([1, 2]), mt.tensor([10, 20]))
    tensor([10, 40])
    """
    a, b = operands(input, other, of_numbers=True)
    check_broadcast(a, b)
    return Mul.apply(a, b)


def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, elementwise, broadcast; one of the two may be a number.

    A negative floating number to a power that is no integer is NaN, 0 ** 0 is 1. Integers to a
    tensor of negative powers are rounded to 0 where that is a fraction; one negative power for all
    raises RuntimeError, bools NotImplementedError, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.pow(mt.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    a, b = operands(input, exponent)
    kind = result_type(a, b)
    if kind.category == 0 and isinstance(a, Tensor) and isinstance(b, Tensor):
        raise NotImplementedError('"pow" not implemented for bool')
    if kind.category == 1 and not isinstance(exponent, Tensor):
        if exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        b = fitting(exponent, kind)
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
    if kind.category == 1:  # unlike arithmetic, refuses what would wrap around
        a, b = (each if isinstance(each, Tensor) else fitting(each, kind) for each in (a, b))
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
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    min, max = (None if each is None else as_operand(each, input) for each in (min, max))
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        kind = result_type(*(each for each in (input, min, max) if each is not None))
        limits = [
            each if each is None or isinstance(each, Tensor) else input.new_tensor(each)
            for each in (min, max)
        ]
        same_device(input, *limits)
        x, low, high = (None if each is None else each.to(kind) for each in (input, *limits))
        for limit in (low, high):
            check_broadcast(x, limit)
        return ClampByTensors.apply(x, low, high)
    kind = input.dtype
    for limit in (min, max):
        if limit is not None:
            kind = result_type(cast(input, kind), limit)
    x = cast(input, kind)
    low, high = (None if each is None else fitting(each, kind) for each in (min, max))
    return Clamp.apply(x, low, high)


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight * (end - input), elementwise, broadcast; floating tensors of one dtype.

    weight: a tensor or a number. Raises NotImplementedError for integers, RuntimeError for several
    dtypes, and else as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.lerp(mt.tensor([0.0, 10.0]), mt.tensor([4.0, 20.0]), 0.25)
    tensor([ 1.0000, 12.5000])
    """
    check_tensor("lerp", input)
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"lerp" not implemented for {input.dtype}')
    weight = as_operand(weight, input)
    for name, each in (("end", end), ("weight", weight)):
        if shape_of(each) and each.dtype is not input.dtype:
            raise RuntimeError(
                f"expected dtype {input.dtype} for `{name}` but got dtype {each.dtype}"
            )
    a, b = operands(input, end)
    check_broadcast(a, b)
    check_broadcast(a, weight)
    check_broadcast(b, weight)
    return Lerp.apply(a, b, cast(weight, a.dtype))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 * tensor2, elementwise, broadcast. Raises as `add` does.

    >>> import minitorch_cnn as mt
    >>> mt.addcmul(mt.tensor([1.0, 1.0]), mt.tensor([2.0, 3.0]), mt.tensor([4.0, 5.0]), value=10)
    tensor([ 81., 151.])
    """
    if not result_type(input, tensor1, tensor2).is_floating_point:
        value = int(value)
    return add(input, mul(tensor1 if value == 1 else mul(tensor1, value), tensor2))


def frac(input: Tensor) -> Tensor:
    """The fraction of each element, with its sign: input - trunc(input), elementwise.

    Raises NotImplementedError for integers and bools.

    >>> import minitorch_cnn as mt
    >>> mt.frac(mt.tensor([1.75, -1.75, 3.0]))
    tensor([ 0.7500, -0.7500,  0.0000])
    """
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"frac" not implemented for {input.dtype}')
    return sub(input, trunc(input))


# Other names of the same functions.
clip = clamp
multiply = mul
negative = neg
subtract = sub
