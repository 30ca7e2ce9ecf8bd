"""Torch's "Pointwise Ops" of two tensors beyond arithmetic.py: hypot, xlogy, heaviside, gcd, ..."""

from __future__ import annotations

import math
from typing import Any

from ... import dtypes
from ...autograd.function import Function
from ...backend import array_module
from ...dtypes import result_type
from ...tensor import Tensor, wrap
from ..arithmetic import BinaryWithOperands, mul, pow, sub, where
from ..common import array_of, check_broadcast, check_tensor, operands, sum_to
from ..elementwise import sigmoid

__all__ = [
    "hypot", "copysign", "fmax", "fmin", "float_power", "logaddexp", "logaddexp2", "xlogy",
    "ldexp", "rsub", "atan2", "heaviside", "nextafter", "gcd", "lcm", "arctan2",
]  # fmt: skip


def _both_tensors(name: str, input: Any, other: Any) -> tuple[Tensor, Tensor]:
    a, b = operands(input, other)
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        raise TypeError(f"{name}(): expected two tensors, got {input!r:.40} and {other!r:.40}")
    check_broadcast(a, b)
    return a, b


def _no_floats(name: str, a: Tensor) -> None:
    if a.dtype.category != 1:
        raise NotImplementedError(f'"{name}" not implemented for {a.dtype}: integers only')


class Hypot(BinaryWithOperands):
    """y = sqrt(a^2 + b^2), without overflow on the way"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        y = wrap(array_module(a.array).hypot(a.array, b.array))
        ctx.shapes = a.shape, b.shape
        ctx.save_for_backward(a, b, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        a, b, y = ctx.saved_tensors
        return sum_to(gy * (a / y), ctx.shapes[0]), sum_to(gy * (b / y), ctx.shapes[1])


def hypot(input: Tensor, other: Tensor) -> Tensor:
    """The length sqrt(input^2 + other^2) of the longest side of a right triangle.

    Any shapes that broadcast, floating; no overflow on the way. Raises NotImplementedError for
    integers, TypeError for anything but two tensors, RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.hypot(mt.tensor([3.0]), mt.tensor([4.0]))
    tensor([5.])
    """
    a, b = _both_tensors("hypot", input, other)
    if not a.dtype.is_floating_point:
        raise NotImplementedError(f"hypot is not implemented for {a.dtype}")
    return Hypot.apply(a, b)


class CopySign(BinaryWithOperands):
    """y = |a| with the sign of b; the slope at a = 0 is taken as 0"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        CopySign.save(ctx, a, b)
        return wrap(array_module(a.array).copysign(array_of(a), array_of(b)))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        a, b = CopySign.load(ctx)
        ga = None
        if ctx.needs_input_grad[0]:
            y = CopySign.apply(a, b)
            ga = sum_to(gy * where(a == 0, 0.0, y / a), ctx.shapes[0])  # at infinity NaN, as torch
        return ga, gy.new_zeros(ctx.shapes[1]) if ctx.needs_input_grad[1] else None


def copysign(input: Tensor, other: Any) -> Tensor:
    """The magnitude of input with the sign of other (-0.0 is negative).

    Any shapes that broadcast, other also a number; integers become floats. Raises TypeError if
    input is no tensor, RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.copysign(mt.tensor([1.0, -2.0]), -0.0)
    tensor([-1., -2.])
    """
    check_tensor("copysign", input)
    a, b = operands(input, other, floating=True)
    check_broadcast(a, b)
    return CopySign.apply(a, b)


def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two, elementwise; a NaN only where both are (unlike `maximum`).

    Any shapes that broadcast; dtypes are promoted. Raises TypeError for anything but two tensors,
    RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.fmax(mt.tensor([1.0, float("nan")]), mt.tensor([2.0, 2.0]))
    tensor([2., 2.])
    """
    a, b = _both_tensors("fmax", input, other)
    return where((a >= b) | b.isnan(), a, b)


def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two, elementwise; a NaN only where both are (unlike `minimum`).

    Any shapes that broadcast; dtypes are promoted. Raises TypeError for anything but two tensors,
    RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.fmin(mt.tensor([1.0, float("nan")]), mt.tensor([2.0, 2.0]))
    tensor([1., 2.])
    """
    a, b = _both_tensors("fmin", input, other)
    return where((a <= b) | b.isnan(), a, b)


def float_power(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, in double precision (float64), also for integers.

    Any shapes that broadcast; one of the two may be a number. Raises TypeError if both are,
    RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.float_power(mt.tensor([2, 4]), -1)  # 1/2, 1/4
    tensor([0.5000, 0.2500], dtype=minitorch_cnn.float64)
    """
    # Before they meet: -1 beside a uint8 tensor would be 255.
    a, b = (
        each.to(dtypes.float64) if isinstance(each, Tensor) else each for each in (input, exponent)
    )
    return pow(a, b)


class LogAddExp(BinaryWithOperands):
    """y = log(e^a + e^b); of gy each gets its share in the sum"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        LogAddExp.save(ctx, a, b)
        return wrap(array_module(a.array).logaddexp(a.array, b.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        a, b = LogAddExp.load(ctx)
        ga = sum_to(gy * sigmoid(a - b), ctx.shapes[0])  # as in torch, NaN at two equal infinities
        return ga, sum_to(gy * sigmoid(b - a), ctx.shapes[1])


def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """log(exp(input) + exp(other)), without overflow.

    Any shapes that broadcast, floating. Raises NotImplementedError for integers, TypeError for
    anything but two tensors, RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.logaddexp(mt.tensor([0.0, 1e4]), mt.tensor([0.0, 0.0]))
    tensor([6.9315e-01, 1.0000e+04])
    """
    a, b = _both_tensors("logaddexp", input, other)
    if not a.dtype.is_floating_point:
        raise NotImplementedError(f'"logaddexp" not implemented for {a.dtype}')
    return LogAddExp.apply(a, b)


def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log2(2^input + 2^other), without overflow.

    Any shapes that broadcast, floating. Raises as `logaddexp` does.

    >>> import minitorch_cnn as mt
    >>> mt.logaddexp2(mt.tensor([3.0]), mt.tensor([3.0]))  # log2(8 + 8)
    tensor([4.])
    """
    a, b = _both_tensors("logaddexp2", input, other)
    if not a.dtype.is_floating_point:
        raise NotImplementedError(f'"logaddexp2" not implemented for {a.dtype}')
    return logaddexp(a * math.log(2), b * math.log(2)) / math.log(2)


class XLogY(BinaryWithOperands):
    """y = a log(b), 0 where a is 0 (unless b is NaN)"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        XLogY.save(ctx, a, b)
        xp = array_module(array_of(a if isinstance(a, Tensor) else b))
        kind = result_type(a, b).numpy  # also where one is a number
        x, y = xp.asarray(array_of(a), kind), xp.asarray(array_of(b), kind)
        return wrap(xp.where((x == 0) & ~xp.isnan(y), xp.zeros_like(y), x * xp.log(y)))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        a, b = XLogY.load(ctx)
        ga = gb = None
        if ctx.needs_input_grad[0]:
            b_tensor = b if isinstance(b, Tensor) else a.new_full((), b)
            never = (a == 0) & (b_tensor <= 0)
            ga = sum_to(where(never, 0.0, xlogy(gy, b_tensor)), ctx.shapes[0])
        if ctx.needs_input_grad[1]:
            gb = sum_to(gy * a / b, ctx.shapes[1])
        return ga, gb


def xlogy(input: Any, other: Any) -> Tensor:
    """input * log(other), and 0 where input is 0: as entropies want it.

    Any shapes that broadcast; one of the two may be a number; integers become floats. NaN where
    other is NaN or negative (unless input is 0, for the latter). Raises TypeError if both are
    numbers, RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.xlogy(mt.tensor([0.0, 1.0]), mt.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    a, b = operands(input, other, floating=True)
    check_broadcast(a, b)
    return XLogY.apply(a, b)


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input * 2^other: a number from its mantissa and exponent.

    Any shapes that broadcast; integers become floats. Raises TypeError if input is no tensor,
    RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.ldexp(mt.tensor([1.0, 0.75]), mt.tensor([3, 2]))
    tensor([8., 3.])
    """
    check_tensor("ldexp", input)
    return mul(input, pow(2.0, other))


def rsub(input: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """other - alpha * input: subtraction the other way round.

    Any shapes that broadcast, other also a number. Raises TypeError if input is no tensor,
    RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.rsub(mt.tensor([1, 2]), 10)
    tensor([9, 8])
    """
    check_tensor("rsub", input)
    return sub(other, input, alpha=alpha)


class Atan2(BinaryWithOperands):
    """y = atan2(a, b)"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        Atan2.save(ctx, a, b)
        return wrap(array_module(a.array).arctan2(a.array, b.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        a, b = Atan2.load(ctx)
        scale = 1 / (a * a + b * b)
        scale = where(scale == math.inf, 0.0, scale)  # the centre has no angle
        return sum_to(gy * (b * scale), ctx.shapes[0]), sum_to(gy * (-a * scale), ctx.shapes[1])


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (other, input), in radians from -pi to pi.

    `atan` of input / other cannot tell a point from the opposite one; this can. Any shapes that
    broadcast; integers become floats. Raises TypeError for anything but two tensors, RuntimeError
    if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.atan2(mt.tensor([1.0, -1.0]), mt.tensor([-1.0, -1.0]))  # 3/4 pi, -3/4 pi
    tensor([ 2.3562, -2.3562])
    """
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise TypeError(f"atan2() needs two tensors, got {input!r:.40} and {other!r:.40}")
    a, b = operands(input, other, floating=True)
    check_broadcast(a, b)
    return Atan2.apply(a, b)


# ------------------------------------------------------------------------------- without a gradient


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 where input is negative, 1 where it is positive, the element of `values` where it is 0.

    Any shapes that broadcast, of one dtype; NaN stays NaN; no gradient. Raises TypeError if input
    is no tensor, RuntimeError for dtypes that differ or shapes that do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.heaviside(mt.tensor([-1.0, 0.0, 2.0]), mt.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_tensor("heaviside", input)
    if not isinstance(values, Tensor) or input.dtype is not values.dtype:
        raise RuntimeError(
            "heaviside is not yet implemented for tensors with different dtypes: "
            f"{input.dtype} and {getattr(values, 'dtype', type(values).__name__)}"
        )
    check_broadcast(input, values)
    a, b = input.detach(), values.detach()
    return where(a == 0, b, (a > 0).to(a.dtype))


class NextAfter(Function):
    """y = the number beside a, in the direction of b"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.shapes = a.shape, b.shape
        ctx.save_for_backward(wrap(a.array == b.array))
        return wrap(array_module(a.array).nextafter(a.array, b.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        (equal,) = ctx.saved_tensors  # there it is b, without a step
        return sum_to(where(equal, 0.0, gy), ctx.shapes[0]), None


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next representable number after input, in the direction of other.

    Any shapes that broadcast, floating. Raises NotImplementedError for integers, TypeError for
    anything but two tensors, RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> step = mt.nextafter(mt.tensor(1.0), mt.tensor(2.0)) - 1
    >>> step.item() == 2**-23  # float32 has 23 bits after the point
    True
    """
    a, b = _both_tensors("nextafter", input, other)
    if not a.dtype.is_floating_point:
        raise NotImplementedError(f'"nextafter" not implemented for {a.dtype}')
    return NextAfter.apply(a, b)


def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of integers; of 0 and n it is |n|.

    Any shapes that broadcast. Raises NotImplementedError for floats and bools, TypeError for
    anything but two tensors, RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.gcd(mt.tensor([12, 7]), mt.tensor([18, 5]))
    tensor([6, 1])
    """
    a, b = _both_tensors("gcd", input, other)
    _no_floats("gcd", a)
    return wrap(array_module(a.array).gcd(a.array, b.array))


def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of integers; with 0 it is 0.

    Any shapes that broadcast. Raises NotImplementedError for floats and bools, TypeError for
    anything but two tensors, RuntimeError if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.lcm(mt.tensor([4, 0]), mt.tensor([6, 5]))
    tensor([12,  0])
    """
    a, b = _both_tensors("lcm", input, other)
    _no_floats("lcm", a)
    return wrap(array_module(a.array).lcm(a.array, b.array))


# Another name of the same function.
arctan2 = atan2
