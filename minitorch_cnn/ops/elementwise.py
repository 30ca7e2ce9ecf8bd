"""Elementwise functions of one tensor: a table of names, formulas and derivatives.

Each entry reads: name, y = f(x), what backward needs (x or y), and gx = gy f'(x) in tensor
operations, so that it can be differentiated again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..autograd.function import Function
from ..backend import array_module
from ..kernels.array import special
from ..tensor import Tensor, wrap
from .common import floating

__all__ = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal",
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "sigmoid", "erf", "abs",
    "sign", "square", "floor", "ceil", "trunc", "absolute", "arccos", "arcsin", "arctan", "fix",
]  # fmt: skip

Elementwise = Callable[[Tensor], Tensor]


def elementwise(
    name: str,
    forward: Callable[[Any, Any], Any],
    saves: str,
    backward: Callable[[Tensor, Tensor], Tensor],
    doc: str,
) -> Elementwise:
    """The public function for one entry. forward: (xp, array) -> array."""

    class Operation(Function):
        @staticmethod
        def forward(ctx, x):
            y = wrap(forward(array_module(x.array), x.array))
            ctx.save_for_backward(x if saves == "x" else y)
            return y

        @staticmethod
        def backward(ctx, gy):
            return backward(gy, *ctx.saved_tensors)

    Operation.__name__ = Operation.__qualname__ = name.title().replace("_", "")
    Operation.__doc__ = doc

    def function(input: Tensor) -> Tensor:
        return Operation.apply(floating(input))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


exp = elementwise(
    "exp", lambda xp, x: xp.exp(x), "y", lambda gy, y: gy * y, "e to the power of each element."
)
exp2 = elementwise(
    "exp2",
    lambda xp, x: xp.exp2(x),
    "y",
    lambda gy, y: gy * y * math.log(2),
    "2 to the power of each element.",
)
expm1 = elementwise(
    "expm1",
    lambda xp, x: xp.expm1(x),
    "y",
    lambda gy, y: gy * (y + 1),
    "exp(x) - 1, exact also for x near 0.",
)
log = elementwise(
    "log", lambda xp, x: xp.log(x), "x", lambda gy, x: gy / x, "The natural logarithm."
)
log2 = elementwise(
    "log2",
    lambda xp, x: xp.log2(x),
    "x",
    lambda gy, x: gy / (x * math.log(2)),
    "The logarithm to base 2.",
)
log10 = elementwise(
    "log10",
    lambda xp, x: xp.log10(x),
    "x",
    lambda gy, x: gy / (x * math.log(10)),
    "The logarithm to base 10.",
)
log1p = elementwise(
    "log1p",
    lambda xp, x: xp.log1p(x),
    "x",
    lambda gy, x: gy / (x + 1),
    "log(1 + x), exact also for x near 0.",
)
sqrt = elementwise(
    "sqrt",
    lambda xp, x: xp.sqrt(x),
    "y",
    lambda gy, y: gy / (2 * y),
    "The square root; NaN for negative elements.",
)
rsqrt = elementwise(
    "rsqrt",
    lambda xp, x: 1 / xp.sqrt(x),
    "y",
    lambda gy, y: gy * y * y * y * -0.5,
    "1 / sqrt(x).",
)
reciprocal = elementwise(
    "reciprocal", lambda xp, x: 1 / x, "y", lambda gy, y: -gy * y * y, "1 / x, elementwise."
)
sin = elementwise("sin", lambda xp, x: xp.sin(x), "x", lambda gy, x: gy * cos(x), "The sine.")
cos: Elementwise = elementwise(
    "cos", lambda xp, x: xp.cos(x), "x", lambda gy, x: -gy * sin(x), "The cosine."
)
tan = elementwise(
    "tan", lambda xp, x: xp.tan(x), "y", lambda gy, y: gy * (1 + y * y), "The tangent."
)
asin = elementwise(
    "asin",
    lambda xp, x: xp.arcsin(x),
    "x",
    lambda gy, x: gy / sqrt(1 - x * x),
    "The arcsine, in radians.",
)
acos: Elementwise = elementwise(
    "acos",
    lambda xp, x: xp.arccos(x),
    "x",
    lambda gy, x: -gy / sqrt(1 - x * x),
    "The arccosine, in radians.",
)
atan = elementwise(
    "atan",
    lambda xp, x: xp.arctan(x),
    "x",
    lambda gy, x: gy / (1 + x * x),
    "The arctangent, in radians.",
)
sinh = elementwise(
    "sinh", lambda xp, x: xp.sinh(x), "x", lambda gy, x: gy * cosh(x), "The hyperbolic sine."
)
cosh: Elementwise = elementwise(
    "cosh", lambda xp, x: xp.cosh(x), "x", lambda gy, x: gy * sinh(x), "The hyperbolic cosine."
)
tanh = elementwise(
    "tanh",
    lambda xp, x: xp.tanh(x),
    "y",
    lambda gy, y: gy * (1 - y * y),
    "The hyperbolic tangent: (e^x - e^-x) / (e^x + e^-x).",
)
sigmoid = elementwise(
    "sigmoid",
    # 1 / (1 + e^-x) written with tanh, which does not overflow for large negative x.
    lambda xp, x: 0.5 * xp.tanh(0.5 * x) + 0.5,
    "y",
    lambda gy, y: gy * y * (1 - y),
    "1 / (1 + exp(-x)).",
)
erf = elementwise(
    "erf",
    lambda xp, x: special.erf(x),
    "x",
    lambda gy, x: gy * exp(-x * x) * (2 / math.sqrt(math.pi)),
    "The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.",
)


# Three that keep integers as they are.


class Abs(Function):
    """y = |x|; the slope at 0 is taken as 0"""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return wrap(array_module(x.array).abs(x.array))

    @staticmethod
    def backward(ctx, gy):
        (x,) = ctx.saved_tensors
        return gy * sign(x.detach())


def abs(input: Tensor) -> Tensor:
    """The absolute value, in the same type; its gradient at 0 is 0.

    >>> import minitorch_cnn as mt
    >>> mt.abs(mt.tensor([-1, 2]))
    tensor([1, 2])
    """
    if input.dtype.category == 0:
        raise RuntimeError("abs: not defined for bool tensors")
    return Abs.apply(input)


class Sign(Function):
    """y = -1, 0 or 1; flat, so its gradient is 0"""

    @staticmethod
    def forward(ctx, x):
        array = x.array
        return wrap(array.copy() if array.dtype == bool else array_module(array).sign(array))

    @staticmethod
    def backward(ctx, gy):
        return gy.new_zeros(gy.shape)


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1 as each element is negative, 0 or positive, in the same type."""
    return Sign.apply(input)


def square(input: Tensor) -> Tensor:
    """x * x, in the same type (int64 for bools)."""
    return input**2


def _rounding(name: str, doc: str) -> Any:
    """floor, ceil, ...: steps, whose gradient is 0 wherever there is one."""

    class Rounding(Function):
        @staticmethod
        def forward(ctx, x):
            return wrap(getattr(array_module(x.array), name)(x.array))

        @staticmethod
        def backward(ctx, gy):
            return gy.new_zeros(gy.shape)

    Rounding.__name__ = Rounding.__qualname__ = name.capitalize()

    def function(input: Tensor) -> Tensor:
        return Rounding.apply(input) if input.dtype.is_floating_point else input.clone()

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


floor = _rounding("floor", "The largest integer not above each element.")
ceil = _rounding("ceil", "The smallest integer not below each element.")
trunc = _rounding("trunc", "Each element without its fraction.")
rint = _rounding("rint", "Each element rounded to the nearest integer, halves to even.")


# Other names of the same functions.
absolute = abs
arccos = acos
arcsin = asin
arctan = atan
fix = trunc
