"""Rarer elementwise functions of one tensor: acosh, erfc, erfinv, logit, sinc, degrees, ..."""

from __future__ import annotations

import math

from ... import dtypes
from ...backend import array_module
from ...kernels import special
from ...tensor import Tensor, wrap
from ..arithmetic import clamp, where
from ..common import floating
from ..elementwise import elementwise, exp, log, log1p, sign, sin, sqrt

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
