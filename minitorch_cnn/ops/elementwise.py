"""Elementwise functions of one tensor: a table of names, formulas and derivatives.

Each entry reads: name, y = f(x), what backward needs (x or y), and gx = gy f'(x) in tensor
operations, so that it can be differentiated again.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from ..autograd.function import Function
from ..backend import array_module
from ..kernels.array import activation as kernels, special
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
        def forward(ctx: Any, x: Tensor) -> Tensor:
            y = wrap(forward(array_module(x.array), x.array))
            ctx.save_for_backward(x if saves == "x" else y)
            return y

        @staticmethod
        def backward(ctx: Any, gy: Tensor) -> Tensor:
            return backward(gy, *ctx.saved_tensors)

    Operation.__name__ = Operation.__qualname__ = name.title().replace("_", "")
    Operation.__doc__ = doc.partition("\n")[0]

    def function(input: Tensor) -> Tensor:
        return Operation.apply(floating(input))

    function.__name__ = function.__qualname__ = name
    function.__module__ = backward.__module__  # the file of the entry: doctest looks there
    function.__doc__ = inspect.cleandoc(doc)
    return function


exp = elementwise(
    "exp",
    lambda xp, x: xp.exp(x),
    "y",
    lambda gy, y: gy * y,
    """exp(x): e to the power of each element.

    Elementwise; integers and bools become the default floating type. It overflows to inf above 88
    in float32. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.exp(mt.tensor([0.0, 1.0, 100.0]))
    tensor([1.0000, 2.7183,    inf])
    """,
)
exp2 = elementwise(
    "exp2",
    lambda xp, x: xp.exp2(x),
    "y",
    lambda gy, y: gy * y * math.log(2),
    """2 to the power of each element.

    Elementwise; integers and bools become the default floating type. Elements below -149 give 0 in
    float32. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.exp2(mt.tensor([-1.0, 0.0, 3.0]))
    tensor([0.5000, 1.0000, 8.0000])
    """,
)
expm1 = elementwise(
    "expm1",
    lambda xp, x: xp.expm1(x),
    "y",
    lambda gy, y: gy * (y + 1),
    """exp(x) - 1, exact also for x near 0.

    Elementwise; integers and bools become the default floating type. Raises TypeError for anything
    but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.expm1(mt.tensor([1e-10])).item() > 0, (mt.exp(mt.tensor([1e-10])) - 1).item()
    (True, 0.0)
    """,
)
log = elementwise(
    "log",
    lambda xp, x: xp.log(x),
    "x",
    lambda gy, x: gy / x,
    """The natural logarithm of each element.

    Elementwise; integers and bools become the default floating type. -inf for 0, NaN for negative
    elements. Raises TypeError for anything but a tensor.

    >>> import math, minitorch_cnn as mt
    >>> mt.log(mt.tensor([1.0, math.e, 0.0]))
    tensor([0., 1., -inf])
    """,
)
log2 = elementwise(
    "log2",
    lambda xp, x: xp.log2(x),
    "x",
    lambda gy, x: gy / (x * math.log(2)),
    """The logarithm of each element to base 2.

    Elementwise; integers and bools become the default floating type. -inf for 0, NaN for negative
    elements. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.log2(mt.tensor([1.0, 8.0, 0.0]))
    tensor([0., 3., -inf])
    """,
)
log10 = elementwise(
    "log10",
    lambda xp, x: xp.log10(x),
    "x",
    lambda gy, x: gy / (x * math.log(10)),
    """The logarithm of each element to base 10.

    Elementwise; integers and bools become the default floating type. -inf for 0, NaN for negative
    elements. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.log10(mt.tensor([1.0, 1000.0, 0.0]))
    tensor([0.0000, 3.0000,   -inf])
    """,
)
log1p = elementwise(
    "log1p",
    lambda xp, x: xp.log1p(x),
    "x",
    lambda gy, x: gy / (x + 1),
    """log(1 + x), exact also for x near 0.

    Elementwise; integers and bools become the default floating type. -inf for -1, NaN below it.
    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.log1p(mt.tensor([1e-10])).item() > 0, mt.log(1 + mt.tensor([1e-10])).item()
    (True, 0.0)
    """,
)
sqrt = elementwise(
    "sqrt",
    lambda xp, x: xp.sqrt(x),
    "y",
    lambda gy, y: gy / (2 * y),
    """The square root of each element.

    Elementwise; integers and bools become the default floating type. NaN for negative ones; the
    gradient at 0 is inf. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.sqrt(mt.tensor([0.0, 9.0]))
    tensor([0., 3.])
    """,
)
rsqrt = elementwise(
    "rsqrt",
    lambda xp, x: 1 / xp.sqrt(x),
    "y",
    lambda gy, y: -0.5 * gy * (y * y * y),
    """1 / sqrt(x) of each element.

    Elementwise; integers and bools become the default floating type. inf for 0, NaN for negative
    ones. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.rsqrt(mt.tensor([1.0, 4.0, 0.0]))
    tensor([1.0000, 0.5000,    inf])
    """,
)
reciprocal = elementwise(
    "reciprocal",
    lambda xp, x: 1 / x,
    "y",
    lambda gy, y: -gy * (y * y),
    """1 / x of each element.

    Elementwise; integers and bools become the default floating type. inf for 0 (-inf for -0).
    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.reciprocal(mt.tensor([2.0, -4.0, 0.0]))
    tensor([ 0.5000, -0.2500,     inf])
    """,
)
sin = elementwise(
    "sin",
    lambda xp, x: xp.sin(x),
    "x",
    lambda gy, x: gy * cos(x),
    """The sine of each element, an angle in radians.

    Elementwise; integers and bools become the default floating type. NaN for infinities. Raises
    TypeError for anything but a tensor.

    >>> import math, minitorch_cnn as mt
    >>> mt.sin(mt.tensor([0.0, math.pi / 2]))
    tensor([0., 1.])
    """,
)
cos: Elementwise = elementwise(
    "cos",
    lambda xp, x: xp.cos(x),
    "x",
    lambda gy, x: -gy * sin(x),
    """The cosine of each element, an angle in radians.

    Elementwise; integers and bools become the default floating type. NaN for infinities. Raises
    TypeError for anything but a tensor.

    >>> import math, minitorch_cnn as mt
    >>> mt.cos(mt.tensor([0.0, math.pi]))
    tensor([ 1., -1.])
    """,
)
tan = elementwise(
    "tan",
    lambda xp, x: xp.tan(x),
    "y",
    lambda gy, y: gy * (1 + y * y),
    """The tangent of each element, an angle in radians.

    Elementwise; integers and bools become the default floating type. NaN for infinities. Raises
    TypeError for anything but a tensor.

    >>> import math, minitorch_cnn as mt
    >>> mt.tan(mt.tensor([0.0, math.pi / 4]))
    tensor([0., 1.])
    """,
)
asin = elementwise(
    "asin",
    lambda xp, x: xp.arcsin(x),
    "x",
    lambda gy, x: gy / sqrt(1 - x * x),
    """The arcsine of each element: the angle in [-pi/2, pi/2], in radians.

    Elementwise; integers and bools become the default floating type. NaN outside [-1, 1]. Raises
    TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.asin(mt.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """,
)
acos: Elementwise = elementwise(
    "acos",
    lambda xp, x: xp.arccos(x),
    "x",
    lambda gy, x: -gy / sqrt(1 - x * x),
    """The arccosine of each element: the angle in [0, pi], in radians.

    Elementwise; integers and bools become the default floating type. NaN outside [-1, 1]. Raises
    TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.acos(mt.tensor([1.0, 0.0, -1.0]))
    tensor([0.0000, 1.5708, 3.1416])
    """,
)
atan = elementwise(
    "atan",
    lambda xp, x: xp.arctan(x),
    "x",
    lambda gy, x: gy / (1 + x * x),
    """The arctangent of each element: the angle in (-pi/2, pi/2), in radians.

    Elementwise; integers and bools become the default floating type. pi/2 for inf. Raises TypeError
    for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.atan(mt.tensor([0.0, 1.0, float("inf")]))
    tensor([0.0000, 0.7854, 1.5708])
    """,
)
sinh = elementwise(
    "sinh",
    lambda xp, x: xp.sinh(x),
    "x",
    lambda gy, x: gy * cosh(x),
    """The hyperbolic sine of each element: (exp(x) - exp(-x)) / 2.

    Elementwise; integers and bools become the default floating type. It overflows to inf above 89
    in float32. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.sinh(mt.tensor([0.0, 1.0, -1.0]))
    tensor([ 0.0000,  1.1752, -1.1752])
    """,
)
cosh: Elementwise = elementwise(
    "cosh",
    lambda xp, x: xp.cosh(x),
    "x",
    lambda gy, x: gy * sinh(x),
    """The hyperbolic cosine of each element: (exp(x) + exp(-x)) / 2.

    Elementwise; integers and bools become the default floating type. It overflows to inf beyond 89
    in float32. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.cosh(mt.tensor([0.0, 1.0, -1.0]))
    tensor([1.0000, 1.5431, 1.5431])
    """,
)
tanh = elementwise(
    "tanh",
    lambda xp, x: xp.tanh(x),
    "y",
    lambda gy, y: gy * (1 - y * y),
    """The hyperbolic tangent: (exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    Elementwise; integers and bools become the default floating type. -1 and 1 are its limits;
    nothing overflows. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.tanh(mt.tensor([0.0, 1.0, 100.0]))
    tensor([0.0000, 0.7616, 1.0000])
    """,
)
sigmoid = elementwise(
    "sigmoid",
    lambda xp, x: kernels.sigmoid(x),
    "y",
    lambda gy, y: gy * ((1 - y) * y),
    """1 / (1 + exp(-x)): 0.5 at 0, near 0 below and near 1 above.

    Elementwise; integers and bools become the default floating type. Exact also where it is tiny.
    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.sigmoid(mt.tensor([-100.0, 0.0, 100.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """,
)
erf = elementwise(
    "erf",
    lambda xp, x: special.erf(x),
    "x",
    lambda gy, x: gy * exp(-x * x) * (2 / math.sqrt(math.pi)),
    """The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    Elementwise; integers and bools become the default floating type. The normal distribution's
    cumulative function is (1 + erf(x / sqrt(2))) / 2. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.erf(mt.tensor([0.0, 1.0, 100.0]))
    tensor([0.0000, 0.8427, 1.0000])
    """,
)


# Three that keep integers as they are.


class Abs(Function):
    """y = |x|; the slope at 0 is taken as 0"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return wrap(array_module(x.array).abs(x.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gy * sign(x.detach())


def abs(input: Tensor) -> Tensor:
    """The absolute value of each element, in the same dtype; elementwise.

    The gradient at 0 is 0. Raises NotImplementedError for bool tensors.

    >>> import minitorch_cnn as mt
    >>> mt.abs(mt.tensor([-1, 2]))
    tensor([1, 2])
    """
    if input.dtype.category == 0:
        raise NotImplementedError('"abs" not implemented for bool')
    return Abs.apply(input)


class Sign(Function):
    """y = -1, 0 or 1; flat, so its gradient is 0"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        array = x.array
        if array.dtype == bool:
            return wrap(array.copy())
        return wrap((array > 0).astype(array.dtype) - (array < 0).astype(array.dtype))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        return gy.new_zeros(gy.shape)


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1 as each element is negative, 0 or positive, in the same dtype; elementwise.

    NaN gives 0, and so is the gradient. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.sign(mt.tensor([-5.0, 0.0, 0.1]))
    tensor([-1.,  0.,  1.])
    """
    return Sign.apply(input)


def square(input: Tensor) -> Tensor:
    """x * x of each element, in the same dtype (int64 for bools); elementwise.

    Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.square(mt.tensor([-3, 2]))
    tensor([9, 4])
    """
    return input**2


def _rounding(name: str, doc: str) -> Any:
    """floor, ceil, ...: steps, whose gradient is 0 wherever there is one."""

    class Rounding(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return wrap(getattr(array_module(x.array), name)(x.array))

        @staticmethod
        def backward(ctx: Any, gy: Tensor) -> Tensor:
            return gy.new_zeros(gy.shape)

    Rounding.__name__ = Rounding.__qualname__ = name.capitalize()

    def function(input: Tensor) -> Tensor:
        if input.dtype.category == 0:
            raise NotImplementedError(f'"{name}" not implemented for bool')
        return Rounding.apply(input) if input.dtype.is_floating_point else input.clone()

    function.__name__ = function.__qualname__ = name
    function.__doc__ = inspect.cleandoc(doc)
    return function


floor = _rounding(
    "floor",
    """The largest integer not above each element.

    Elementwise, in the same dtype; integers stay as they are. The gradient is 0. Never raises for a
    tensor.

    >>> import minitorch_cnn as mt
    >>> mt.floor(mt.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """,
)
ceil = _rounding(
    "ceil",
    """The smallest integer not below each element.

    Elementwise, in the same dtype; integers stay as they are. The gradient is 0. Never raises for a
    tensor.

    >>> import minitorch_cnn as mt
    >>> mt.ceil(mt.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """,
)
trunc = _rounding(
    "trunc",
    """Each element without its fraction, towards 0.

    Elementwise, in the same dtype; integers stay as they are. The gradient is 0. Never raises for a
    tensor.

    >>> import minitorch_cnn as mt
    >>> mt.trunc(mt.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """,
)
rint = _rounding("rint", "Each element rounded to the nearest integer, halves to even.")


# Other names of the same functions.
absolute = abs
arccos = acos
arcsin = asin
arctan = atan
fix = trunc
