"""Torch's "Pointwise Ops" beyond arithmetic.py and elementwise.py: asinh, erfinv, hypot, ..."""

from __future__ import annotations

import math
from typing import Any

from ... import dtypes
from ...autograd.function import Function
from ...backend import array_module
from ...kernels.array import special
from ...tensor import Tensor, wrap
from ..arithmetic import BinaryWithOperands, clamp, mul, pow, sub, where
from ..common import array_of, check_broadcast, check_tensor, floating, operands, sum_to
from ..elementwise import elementwise, exp, log, log1p, sigmoid, sign, sin, sqrt

__all__ = [
    "acosh", "asinh", "atanh", "erfc", "erfinv", "logit", "sinc", "deg2rad", "rad2deg",
    "positive", "sgn", "signbit", "isreal", "hypot", "copysign", "fmax", "fmin", "float_power",
    "logaddexp", "logaddexp2", "xlogy", "ldexp", "rsub", "atan2", "heaviside", "nextafter",
    "gcd", "lcm", "clamp_min", "clamp_max", "arccosh", "arcsinh", "arctan2", "arctanh",
]  # fmt: skip


# ------------------------------------------------------------------------------------ of one tensor


acosh = elementwise(
    "acosh",
    lambda xp, x: xp.arccosh(x),
    "x",
    lambda gy, x: gy / sqrt(x * x - 1),
    "The inverse hyperbolic cosine, NaN below 1.",
)


asinh = elementwise(
    "asinh",
    lambda xp, x: xp.arcsinh(x),
    "x",
    lambda gy, x: gy / sqrt(x * x + 1),
    "The inverse hyperbolic sine.",
)


atanh = elementwise(
    "atanh",
    lambda xp, x: xp.arctanh(x),
    "x",
    lambda gy, x: gy / (1 - x * x),
    "The inverse hyperbolic tangent, NaN outside [-1, 1].",
)


erfc = elementwise(
    "erfc",
    lambda xp, x: special.erfc(x),
    "x",
    lambda gy, x: gy * exp(-x * x) * (-2 / math.sqrt(math.pi)),
    "1 - erf(x), exact also for large x, where it is tiny.",
)


erfinv = elementwise(
    "erfinv",
    lambda xp, x: special.erfinv(x),
    "y",
    lambda gy, y: gy * exp(y * y) * (math.sqrt(math.pi) / 2),
    "The x with erf(x) = y, for y in [-1, 1]; NaN outside.",
)


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(p / (1 - p)), the inverse of `sigmoid`; with eps, p is limited to [eps, 1 - eps] first.

    >>> import minitorch_cnn as mt
    >>> mt.logit(mt.tensor([0.5, 1.0]), eps=0.1)
    tensor([0.0000, 2.1972])
    """
    p = floating(input)
    p = p if eps is None else clamp(p, eps, 1 - eps)
    return log(p) - log1p(-p)


def sinc(input: Tensor) -> Tensor:
    """sin(pi x) / (pi x), 1 at x = 0."""
    x = floating(input)
    zero = x == 0
    angle = where(zero, 1.0, x) * math.pi  # where x is 0 any other number does
    return where(zero, 1.0, sin(angle) / angle)


def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians."""
    return floating(input) * (math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees."""
    return floating(input) * (180 / math.pi)


def positive(input: Tensor) -> Tensor:
    """The tensor itself. Raises RuntimeError for bool tensors."""
    if input.dtype is dtypes.bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def sgn(input: Tensor) -> Tensor:
    """`sign`, under the name that torch has for complex numbers too."""
    return sign(input)


def signbit(input: Tensor) -> Tensor:
    """True where an element is negative, -0.0 included.

    >>> import minitorch_cnn as mt
    >>> mt.signbit(mt.tensor([1.0, -0.0]))
    tensor([False,  True])
    """
    if not input.dtype.is_floating_point:
        return input < 0
    return wrap(array_module(input.array).signbit(input.array))


def isreal(input: Tensor) -> Tensor:
    """True everywhere: there are no complex tensors."""
    return wrap(array_module(input.array).ones(input.array.shape, bool))


# ----------------------------------------------------------------------------------- of two tensors


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
    def forward(ctx, a, b):
        y = wrap(array_module(a.array).hypot(a.array, b.array))
        ctx.shapes = a.shape, b.shape
        ctx.save_for_backward(a, b, y)
        return y

    @staticmethod
    def backward(ctx, gy):
        a, b, y = ctx.saved_tensors
        return sum_to(gy * (a / y), ctx.shapes[0]), sum_to(gy * (b / y), ctx.shapes[1])


def hypot(input: Tensor, other: Tensor) -> Tensor:
    """The length sqrt(input^2 + other^2) of the longest side of a right triangle.

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
    def forward(ctx, a, b):
        CopySign.save(ctx, a, b)
        return wrap(array_module(a.array).copysign(array_of(a), array_of(b)))

    @staticmethod
    def backward(ctx, gy):
        a, b = CopySign.load(ctx)
        ga = None
        if ctx.needs_input_grad[0]:
            turned = array_module(a.array).signbit(array_of(b)) != (a.array < 0)
            ga = sum_to(gy * where(a == 0, 0.0, where(wrap(turned), -1.0, 1.0)), ctx.shapes[0])
        return ga, sum_to(gy * 0, ctx.shapes[1]) if ctx.needs_input_grad[1] else None


def copysign(input: Tensor, other: Any) -> Tensor:
    """The magnitude of input with the sign of other (-0.0 is negative).

    >>> import minitorch_cnn as mt
    >>> mt.copysign(mt.tensor([1.0, -2.0]), -0.0)
    tensor([-1., -2.])
    """
    check_tensor("copysign", input)
    a, b = operands(input, other, floating=True)
    check_broadcast(a, b)
    return CopySign.apply(a, b)


def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two, elementwise; a NaN only where both are."""
    a, b = _both_tensors("fmax", input, other)
    return where((a >= b) | b.isnan(), a, b)


def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two, elementwise; a NaN only where both are."""
    a, b = _both_tensors("fmin", input, other)
    return where((a <= b) | b.isnan(), a, b)


def float_power(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, in double precision."""
    a, b = operands(input, exponent)
    a, b = (each.to(dtypes.float64) if isinstance(each, Tensor) else each for each in (a, b))
    return pow(a, b)


class LogAddExp(BinaryWithOperands):
    """y = log(e^a + e^b); of gy each gets its share in the sum"""

    @staticmethod
    def forward(ctx, a, b):
        LogAddExp.save(ctx, a, b)
        return wrap(array_module(a.array).logaddexp(a.array, b.array))

    @staticmethod
    def backward(ctx, gy):
        a, b = LogAddExp.load(ctx)
        difference = where(a == b, 0.0, a - b)  # also of two equal infinities
        ga = sum_to(gy * sigmoid(difference), ctx.shapes[0])
        return ga, sum_to(gy * sigmoid(-difference), ctx.shapes[1])


def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """log(exp(input) + exp(other)), without overflow.

    >>> import minitorch_cnn as mt
    >>> mt.logaddexp(mt.tensor([0.0, 1e4]), mt.tensor([0.0, 0.0]))
    tensor([6.9315e-01, 1.0000e+04])
    """
    a, b = _both_tensors("logaddexp", input, other)
    if not a.dtype.is_floating_point:
        raise NotImplementedError(f'"logaddexp" not implemented for {a.dtype}')
    return LogAddExp.apply(a, b)


def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log2(2^input + 2^other), without overflow."""
    a, b = _both_tensors("logaddexp2", input, other)
    return logaddexp(a * math.log(2), b * math.log(2)) / math.log(2)


class XLogY(BinaryWithOperands):
    """y = a log(b), 0 where a is 0 (unless b is NaN)"""

    @staticmethod
    def forward(ctx, a, b):
        XLogY.save(ctx, a, b)
        xp = array_module(array_of(a if isinstance(a, Tensor) else b))
        x, y = array_of(a), xp.asarray(array_of(b))
        return wrap(xp.where((x == 0) & ~xp.isnan(y), xp.zeros_like(y), x * xp.log(y)))

    @staticmethod
    def backward(ctx, gy):
        a, b = XLogY.load(ctx)
        ga = gb = None
        if ctx.needs_input_grad[0]:
            b_tensor = b if isinstance(b, Tensor) else a.new_full((), b)
            never = (a == 0) & (b_tensor <= 0)
            ga = sum_to(gy * where(never, 0.0, log(where(never, 1.0, b_tensor))), ctx.shapes[0])
        if ctx.needs_input_grad[1]:
            gb = sum_to(gy * a / b, ctx.shapes[1])
        return ga, gb


def xlogy(input: Any, other: Any) -> Tensor:
    """input * log(other), and 0 where input is 0: as entropies want it.

    >>> import minitorch_cnn as mt
    >>> mt.xlogy(mt.tensor([0.0, 1.0]), mt.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    a, b = operands(input, other, floating=True)
    check_broadcast(a, b)
    return XLogY.apply(a, b)


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input * 2^other."""
    check_tensor("ldexp", input)
    return mul(input, pow(2.0, other))


def rsub(input: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """other - alpha * input."""
    check_tensor("rsub", input)
    return sub(other, input, alpha=alpha)


class Atan2(BinaryWithOperands):
    """y = atan2(a, b)"""

    @staticmethod
    def forward(ctx, a, b):
        Atan2.save(ctx, a, b)
        return wrap(array_module(a.array).arctan2(a.array, b.array))

    @staticmethod
    def backward(ctx, gy):
        a, b = Atan2.load(ctx)
        square = a * a + b * b
        return sum_to(gy * b / square, ctx.shapes[0]), sum_to(-gy * a / square, ctx.shapes[1])


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (other, input), in radians from -pi to pi."""
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise TypeError(f"atan2() needs two tensors, got {input!r:.40} and {other!r:.40}")
    a, b = operands(input, other, floating=True)
    check_broadcast(a, b)
    return Atan2.apply(a, b)


# ------------------------------------------------------------------------------- without a gradient


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 where input is negative, 1 where it is positive, the element of `values` where it is 0.

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
    return where(a == 0, b, where(a.isnan(), a, (a > 0).to(a.dtype)))


class NextAfter(Function):
    """y = the number beside a, in the direction of b"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.shapes = a.shape, b.shape
        return wrap(array_module(a.array).nextafter(a.array, b.array))

    @staticmethod
    def backward(ctx, gy):
        return sum_to(gy, ctx.shapes[0]), None


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next representable number after input, in the direction of other."""
    a, b = _both_tensors("nextafter", input, other)
    if not a.dtype.is_floating_point:
        raise NotImplementedError(f'"nextafter" not implemented for {a.dtype}')
    return NextAfter.apply(a, b)


def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of integers.

    >>> import minitorch_cnn as mt
    >>> mt.gcd(mt.tensor([12, 7]), mt.tensor([18, 5]))
    tensor([6, 1])
    """
    a, b = _both_tensors("gcd", input, other)
    _no_floats("gcd", a)
    return wrap(array_module(a.array).gcd(a.array, b.array))


def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of integers."""
    a, b = _both_tensors("lcm", input, other)
    _no_floats("lcm", a)
    return wrap(array_module(a.array).lcm(a.array, b.array))


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """`clamp` from below only."""
    check_tensor("clamp_min", input)
    return input.clamp(min=min)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """`clamp` from above only."""
    check_tensor("clamp_max", input)
    return input.clamp(max=max)


# Other names of the same functions.
arccosh = acosh
arcsinh = asinh
arctan2 = atan2
arctanh = atanh
