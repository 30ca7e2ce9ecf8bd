"""Functions of torch.special that are seldom asked for; two stand at torch's top as well."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ...autograd.function import Function
from ...kernels.array import special_more as kernels
from ...tensor import Tensor, wrap
from ..arithmetic import where
from ..common import check_broadcast, floating, operands
from ..compare import isnan
from ..elementwise import Elementwise, elementwise, exp, log, sin
from .special_functions import lgamma

__all__ = ["igamma", "igammac"]


class IncompleteGamma(Function):
    """y = P(a, x), or Q(a, x) = 1 - P; the slope along x is the gamma distribution's density"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, x: Tensor, upper: bool) -> Tensor:
        ctx.sign = -1.0 if upper else 1.0
        ctx.save_for_backward(a, x)
        return wrap(
            kernels.elementwise(kernels.gammainc, a.array, x.array)[upper].astype(x.array.dtype)
        )

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, x = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            raise NotImplementedError(
                "the derivative of igamma and igammac by their first argument is not supported: "
                "detach it"
            )
        slope = exp((a - 1) * log(x) - x - lgamma(a))
        return None, gy * slope * ctx.sign, None


def _pair(name: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two floating tensors of one dtype and shape, of tensors and numbers."""
    like = a if isinstance(a, Tensor) else b
    if not isinstance(like, Tensor):
        raise TypeError(f"{name} needs a tensor, got {a!r:.60} and {b!r:.60}")
    a, b = operands(a, b, True)
    a, b = (each if isinstance(each, Tensor) else like.new_tensor(each) for each in (a, b))
    check_broadcast(a, b)
    shape = np.broadcast_shapes(a.shape, b.shape)
    return a.expand(shape), b.expand(shape)


def igamma(input: Tensor, other: Tensor) -> Tensor:
    """P(input, other), the integral of t^(a - 1) exp(-t) from 0 to x over that to infinity.

    a = input, x = other, both floating, of shapes that broadcast. 0 at x = 0, 1 at infinity, NaN
    below 0. Gradients reach x only. Raises RuntimeError for shapes that do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.igamma(mt.tensor([1.0]), mt.tensor([1.0]))  # 1 - 1 / e
    tensor([0.6321])
    """
    a, x = _pair("igamma", input, other)
    return IncompleteGamma.apply(a, x, False)


def igammac(input: Tensor, other: Tensor) -> Tensor:
    """Q(input, other) = 1 - `igamma`, with all digits also where it is small.

    Of shapes that broadcast. Raises as `igamma` does.

    >>> import minitorch_cnn as mt
    >>> mt.igammac(mt.tensor([1.0]), mt.tensor([1.0]))
    tensor([0.3679])
    """
    a, x = _pair("igammac", input, other)
    return IncompleteGamma.apply(a, x, True)


class Zeta(Function):
    """y = the sum of (q + k)^-x"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, q: Tensor) -> Tensor:
        ctx.save_for_backward(x, q)
        return wrap(kernels.elementwise(kernels.zeta, x.array, q.array).astype(x.array.dtype))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, q = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            raise NotImplementedError(
                "the derivative of special.zeta by its first argument is not supported: detach it"
            )
        return None, gy * -x * Zeta.apply(x + 1, q)


def zeta(input: Any, other: Any) -> Tensor:
    """Hurwitz' zeta function, the sum of (q + k)^-x over k = 0, 1, ...; x = input, q = other.

    Tensors or numbers that broadcast; floating. Infinite at x = 1, NaN below. Gradients reach q.
    Raises TypeError for two numbers.

    >>> import minitorch_cnn as mt
    >>> mt.special.zeta(mt.tensor([2.0]), 1.0)  # pi^2 / 6
    tensor([1.6449])
    """
    return Zeta.apply(*_pair("zeta", input, other))


def _polynomial(name: str, of: str) -> Any:
    """The public function of a family; "shifted" polynomials are taken at 2 x - 1."""
    family = name.removeprefix("shifted_").replace("_polynomial", "")

    def function(input: Any, n: Any) -> Tensor:
        x, degree = _pair(name, input, n)
        place = 2 * x - 1 if name.startswith("shifted") else x
        kernel = functools.partial(kernels.polynomial, family)
        y = kernels.elementwise(kernel, place.array, degree.array)
        return wrap(y.astype(x.array.dtype))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{of} polynomial of degree n at input, elementwise; without gradients.

    Tensors or numbers that broadcast; integers become floats. 0 for negative n. Raises TypeError
    for two numbers.
    """
    return function


chebyshev_polynomial_t = _polynomial("chebyshev_polynomial_t", "Chebyshev's first")
chebyshev_polynomial_u = _polynomial("chebyshev_polynomial_u", "Chebyshev's second")
chebyshev_polynomial_v = _polynomial("chebyshev_polynomial_v", "Chebyshev's third")
chebyshev_polynomial_w = _polynomial("chebyshev_polynomial_w", "Chebyshev's fourth")
shifted_chebyshev_polynomial_t = _polynomial(
    "shifted_chebyshev_polynomial_t", "Chebyshev's first, moved to 0 to 1:"
)
shifted_chebyshev_polynomial_u = _polynomial(
    "shifted_chebyshev_polynomial_u", "Chebyshev's second, moved to 0 to 1:"
)
shifted_chebyshev_polynomial_v = _polynomial(
    "shifted_chebyshev_polynomial_v", "Chebyshev's third, moved to 0 to 1:"
)
shifted_chebyshev_polynomial_w = _polynomial(
    "shifted_chebyshev_polynomial_w", "Chebyshev's fourth, moved to 0 to 1:"
)
hermite_polynomial_h = _polynomial("hermite_polynomial_h", "Hermite's physicists'")
hermite_polynomial_he = _polynomial("hermite_polynomial_he", "Hermite's probabilists'")
laguerre_polynomial_l = _polynomial("laguerre_polynomial_l", "Laguerre's")
legendre_polynomial_p = _polynomial("legendre_polynomial_p", "Legendre's")


def _kernel(kernel: Any, *settings: Any) -> Any:
    settled = functools.partial(kernel, *settings)
    return lambda xp, x: kernels.elementwise(settled, x).astype(x.dtype)


erfcx: Elementwise = elementwise(
    "erfcx",
    _kernel(kernels.erfcx),
    "x",
    lambda gy, x: gy * (2 * x * erfcx(x) - 2 / math.sqrt(math.pi)),
    """exp(x^2) erfc(x), which neither overflows nor is lost, of any shape; integers become floats.

    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.erfcx(mt.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0056])
    """,
)
log_ndtr: Elementwise = elementwise(
    "log_ndtr",
    _kernel(kernels.log_ndtr),
    "x",
    lambda gy, x: gy * math.sqrt(2 / math.pi) / erfcx(-x * math.sqrt(0.5)),
    """The logarithm of `ndtr`, also far on the left, of any shape; integers become floats.

    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.log_ndtr(mt.tensor([0.0, -30.0]))
    tensor([  -0.6931, -454.3213])
    """,
)
bessel_j0: Elementwise = elementwise(
    "bessel_j0",
    _kernel(kernels.bessel_j, 0),
    "x",
    lambda gy, x: -gy * bessel_j1(x),
    """The Bessel function J0, of any shape; integers become floats.

    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.bessel_j0(mt.tensor([0.0, 1.0]))
    tensor([1.0000, 0.7652])
    """,
)
bessel_j1: Elementwise = elementwise(
    "bessel_j1",
    _kernel(kernels.bessel_j, 1),
    "x",
    lambda gy, x: gy * (bessel_j0(x) - where(x == 0, 0.5, bessel_j1(x) / where(x == 0, 1.0, x))),
    """The Bessel function J1, of any shape; integers become floats.

    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.bessel_j1(mt.tensor([0.0, 1.0]))
    tensor([0.0000, 0.4401])
    """,
)
bessel_y0: Elementwise = elementwise(
    "bessel_y0",
    _kernel(kernels.bessel_y, 0),
    "x",
    lambda gy, x: -gy * bessel_y1(x),
    """The Bessel function Y0, of any shape; integers become floats. -inf at 0, NaN below.

    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.bessel_y0(mt.tensor([1.0]))
    tensor([0.0883])
    """,
)
bessel_y1: Elementwise = elementwise(
    "bessel_y1",
    _kernel(kernels.bessel_y, 1),
    "x",
    lambda gy, x: gy * (bessel_y0(x) - bessel_y1(x) / x),
    """The Bessel function Y1, of any shape; integers become floats. -inf at 0, NaN below.

    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.bessel_y1(mt.tensor([1.0]))
    tensor([-0.7812])
    """,
)
scaled_modified_bessel_k0: Elementwise = elementwise(
    "scaled_modified_bessel_k0",
    _kernel(kernels.scaled_bessel_k, 0),
    "x",
    lambda gy, x: gy * (scaled_modified_bessel_k0(x) - scaled_modified_bessel_k1(x)),
    """exp(x) times the modified Bessel function K0, of any shape; inf at 0, NaN below.

    Integers become floats. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.scaled_modified_bessel_k0(mt.tensor([1.0]))
    tensor([1.1445])
    """,
)
scaled_modified_bessel_k1: Elementwise = elementwise(
    "scaled_modified_bessel_k1",
    _kernel(kernels.scaled_bessel_k, 1),
    "x",
    lambda gy, x: (
        gy
        * (
            scaled_modified_bessel_k1(x)
            - scaled_modified_bessel_k0(x)
            - scaled_modified_bessel_k1(x) / x
        )
    ),
    """exp(x) times the modified Bessel function K1, of any shape; inf at 0, NaN below.

    Integers become floats. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.scaled_modified_bessel_k1(mt.tensor([1.0]))
    tensor([1.6362])
    """,
)


def modified_bessel_k0(input: Tensor) -> Tensor:
    """The modified Bessel function K0, of any shape; integers become floats. inf at 0, NaN below.

    >>> import minitorch_cnn as mt
    >>> mt.special.modified_bessel_k0(mt.tensor([1.0]))
    tensor([0.4210])
    """
    x = floating(input)
    return scaled_modified_bessel_k0(x) * exp(-x)


def modified_bessel_k1(input: Tensor) -> Tensor:
    """The modified Bessel function K1, of any shape; integers become floats. inf at 0, NaN below.

    >>> import minitorch_cnn as mt
    >>> mt.special.modified_bessel_k1(mt.tensor([1.0]))
    tensor([0.6019])
    """
    x = floating(input)
    return scaled_modified_bessel_k1(x) * exp(-x)


def spherical_bessel_j0(input: Tensor) -> Tensor:
    """sin(x) / x, 1 at 0, of any shape; integers become floats.

    >>> import minitorch_cnn as mt
    >>> mt.special.spherical_bessel_j0(mt.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8415])
    """
    x = floating(input)
    small = x.abs() < 0.5  # sin(x) / x would do, but its gradient there is a difference of 1 / x
    far = where(small, 1.0, x)
    infinite = (far == math.inf) | (far == -math.inf)
    s = where(small, x, 0.0) ** 2
    series = 1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110))))
    away = where(infinite, 0.0, sin(where(infinite, 1.0, far)) / far)
    return where(isnan(x), x, where(small, series, away))
