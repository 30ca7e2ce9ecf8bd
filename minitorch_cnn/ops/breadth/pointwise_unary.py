"""Torch's "Pointwise Ops" of one tensor beyond elementwise.py: asinh, erfinv, sinc, signbit, ..."""

from __future__ import annotations

import math
from typing import Any

from ... import dtypes
from ...autograd.function import Function
from ...backend import array_module
from ...kernels.array import special
from ...tensor import Tensor, wrap
from ..arithmetic import where
from ..common import check_tensor, floating
from ..elementwise import cos, elementwise, exp, log, sign, sin, sqrt

__all__ = [
    "acosh", "asinh", "atanh", "erfc", "erfinv", "logit", "sinc", "deg2rad", "rad2deg",
    "positive", "sgn", "signbit", "isreal", "clamp_min", "clamp_max", "arccosh", "arcsinh",
    "arctanh",
]  # fmt: skip


acosh = elementwise(
    "acosh",
    lambda xp, x: xp.arccosh(x),
    "x",
    lambda gy, x: gy / sqrt(x * x - 1),
    """The inverse hyperbolic cosine: the y >= 0 with (e^y + e^-y) / 2 = x.

    Any shape; integers become floats. 0 at 1, where the slope is infinite; NaN below. Raises
    TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.acosh(mt.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """,
)


asinh = elementwise(
    "asinh",
    lambda xp, x: xp.arcsinh(x),
    "x",
    lambda gy, x: gy / sqrt(x * x + 1),
    """The inverse hyperbolic sine: the y with (e^y - e^-y) / 2 = x.

    Any shape; integers become floats. Nearly x for small x, log(2 x) for large ones. Raises
    TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.asinh(mt.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """,
)


atanh = elementwise(
    "atanh",
    lambda xp, x: xp.arctanh(x),
    "x",
    lambda gy, x: gy / (1 - x * x),
    """The inverse hyperbolic tangent: log((1 + x) / (1 - x)) / 2.

    Any shape; integers become floats. Infinite at -1 and 1, NaN outside. Raises TypeError for
    anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.atanh(mt.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """,
)


erfc = elementwise(
    "erfc",
    lambda xp, x: special.erfc(x),
    "x",
    lambda gy, x: gy * exp(-x * x) * (-2 / math.sqrt(math.pi)),
    """1 - erf(x), exact also for large x, where it is tiny.

    Any shape; integers become floats. From 2 (x = -inf) down to 0. Raises TypeError for anything
    but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.erfc(mt.tensor([0.0, 5.0]))
    tensor([1.0000e+00, 1.5375e-12])
    """,
)


erfinv = elementwise(
    "erfinv",
    lambda xp, x: special.erfinv(x),
    "y",
    lambda gy, y: gy * exp(y * y) * (math.sqrt(math.pi) / 2),
    """The x with erf(x) = y, for y in [-1, 1]; NaN outside.

    Any shape; integers become floats. Infinite at -1 and 1. Raises TypeError for anything but a
    tensor.

    >>> import minitorch_cnn as mt
    >>> mt.erfinv(mt.erf(mt.tensor([0.0, 0.25])))
    tensor([0.0000, 0.2500])
    """,
)


class Logit(Function):
    """y = log(x / (1 - x)), x limited to [eps, 1 - eps]; flat beyond that"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float | None) -> Tensor:
        ctx.eps = eps
        ctx.save_for_backward(x)
        if eps is not None:  # as torch: where the limits are crossed, eps is the last word
            x = where(x < eps, eps, x.clamp(max=1 - eps))
        return log(x / (1 - x))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        low, beyond = (0.0, math.nan) if ctx.eps is None else (ctx.eps, 0.0)
        inside = gy / (x.abs() * (1 - x))  # gy / 0.0 at -0.0 as well
        return where((x < low) | (x > 1 - low), beyond, inside), None


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(p / (1 - p)), the inverse of `sigmoid`; with eps, p is limited to [eps, 1 - eps] first.

    Any shape; integers become floats. -inf at 0, inf at 1, NaN outside [0, 1]. Raises TypeError for
    anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.logit(mt.tensor([0.5, 1.0]), eps=0.1)
    tensor([0.0000, 2.1972])
    """
    return Logit.apply(floating(input), eps)


class Sinc(Function):
    """y = sin(u) / u with u = pi x; y' = (cos(u) - y) / x, and 0 at 0"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        angle = where(x == 0, 1.0, x * math.pi)
        return where(x == 0, 1.0, sin(angle) / angle)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        angle, square = x * math.pi, x * x * math.pi
        return where(square == 0, 0.0, gy * ((angle * cos(angle) - sin(angle)) / square))


def sinc(input: Tensor) -> Tensor:
    """sin(pi x) / (pi x), 1 at x = 0: a wave that dies out, 0 at every other integer.

    Any shape; integers become floats. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.sinc(mt.tensor([0.0, 0.5]))  # 1, 2 / pi
    tensor([1.0000, 0.6366])
    """
    x = floating(input)
    if x.dtype is dtypes.float16:  # three digits of an angle say little about its sine
        return Sinc.apply(x.to(dtypes.float32)).to(x.dtype)
    return Sinc.apply(x)


def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians: input * pi / 180.

    Any shape; integers become floats. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.deg2rad(mt.tensor([0.0, 180.0]))
    tensor([0.0000, 3.1416])
    """
    return floating(input) * (math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees: input * 180 / pi.

    Any shape; integers become floats. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.rad2deg(mt.tensor([0.0, 1.0]))
    tensor([ 0.0000, 57.2958])
    """
    return floating(input) * (180 / math.pi)


def positive(input: Tensor) -> Tensor:
    """The tensor itself (``+input``), of any shape. Raises RuntimeError for bool tensors.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([-1.0, 2.0])
    >>> mt.positive(x) is x
    True
    """
    if input.dtype is dtypes.bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def sgn(input: Tensor) -> Tensor:
    """`sign`, under the name that torch has for complex numbers too: -1, 0 or 1; NaN stays NaN.

    Any shape and dtype. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.sgn(mt.tensor([-3.0, 0.0, 0.5]))
    tensor([-1.,  0.,  1.])
    """
    return sign(input)


def signbit(input: Tensor) -> Tensor:
    """True where an element is negative, -0.0 included.

    Any shape and dtype. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.signbit(mt.tensor([1.0, -0.0]))
    tensor([False,  True])
    """
    if not input.dtype.is_floating_point:
        return input < 0
    return wrap(array_module(input.array).signbit(input.array))


def isreal(input: Tensor) -> Tensor:
    """True everywhere: there are no complex tensors.

    Any shape and dtype. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.isreal(mt.tensor([1.0, float("nan")]))
    tensor([True, True])
    """
    return wrap(array_module(input.array).ones(input.array.shape, bool))


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """`clamp` from below only: what is smaller than min (a number or a tensor) becomes it.

    Any shapes that broadcast; NaN stays NaN. Raises TypeError if input is no tensor, RuntimeError
    if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.clamp_min(mt.tensor([-1.0, 2.0]), 0)
    tensor([0., 2.])
    """
    check_tensor("clamp_min", input)
    return input.clamp(min=min)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """`clamp` from above only: what is larger than max (a number or a tensor) becomes it.

    Any shapes that broadcast; NaN stays NaN. Raises TypeError if input is no tensor, RuntimeError
    if they do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.clamp_max(mt.tensor([-1.0, 2.0]), 0)
    tensor([-1.,  0.])
    """
    check_tensor("clamp_max", input)
    return input.clamp(max=max)


# Other names of the same functions.
arccosh = acosh
arcsinh = asinh
arctanh = atanh
