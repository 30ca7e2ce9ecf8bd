"""The functions of torch.special that stand nowhere else: of gamma, Bessel and the normal curve."""

from __future__ import annotations

import math
from typing import Any

from ...autograd.function import Function
from ...kernels.array import special
from ...tensor import Tensor, wrap
from ..arithmetic import where
from ..common import floating
from ..elementwise import Elementwise, elementwise, erf, log, log1p
from .pointwise_unary import erfc, erfinv

__all__ = ["lgamma", "digamma", "polygamma", "mvlgamma", "i0"]


class Polygamma(Function):
    """y = the n-th derivative of digamma; its own derivative is the next one"""

    @staticmethod
    def forward(ctx: Any, n: int, x: Tensor) -> Tensor:
        ctx.n = n
        ctx.save_for_backward(x)
        return wrap(special.polygamma(n, x.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        return None, gy * Polygamma.apply(ctx.n + 1, x)


def digamma(input: Tensor) -> Tensor:
    """The derivative of `lgamma`, of any shape; integers become floats.

    -inf at 0, NaN at -1, -2, ... Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.digamma(mt.tensor([1.0, 0.5]))
    tensor([-0.5772, -1.9635])
    """
    return Polygamma.apply(0, floating(input))


def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of `digamma`, of any shape; integers become floats.

    Raises RuntimeError for n below 0.

    >>> import minitorch_cnn as mt
    >>> mt.polygamma(1, mt.tensor([1.0]))  # pi^2 / 6
    tensor([1.6449])
    """
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got {n}")
    return Polygamma.apply(n, floating(input))


lgamma = elementwise(
    "lgamma",
    lambda xp, x: special.lgamma(x),
    "x",
    lambda gy, x: gy * digamma(x),
    """The logarithm of the absolute value of the gamma function; lgamma(n + 1) is log(n!).

    Any shape; integers become floats. Infinite at 0, -1, -2, ... Raises TypeError for anything
    but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.lgamma(mt.tensor([2.5, 5.0]))
    tensor([0.2847, 3.1781])
    """,
)


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the gamma function of matrices (p, p), of any shape.

    p (p - 1) / 4 log(pi) + the sum of lgamma(x - j / 2) for j below p. Raises RuntimeError for p
    below 1.

    >>> import minitorch_cnn as mt
    >>> mt.mvlgamma(mt.tensor([2.0]), p=2)
    tensor([0.4516])
    """
    if p < 1:
        raise RuntimeError(f"mvlgamma: p has to be greater than or equal to 1, got {p}")
    steps = wrap(special.array_module(input.array).arange(p)).to(floating(input).dtype) / 2
    total = lgamma(floating(input).unsqueeze(-1) - steps).sum(-1)
    return total + p * (p - 1) / 4 * math.log(math.pi)


i0e: Elementwise = elementwise(
    "i0e",
    lambda xp, x: special.bessel(0, x),
    "x",
    lambda gy, x: gy * (i1e(x) - x.sign() * i0e(x)),
    """`i0` of each element, times exp(-|x|): it does not overflow.

    Any shape; integers become floats. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.i0e(mt.tensor([0.0, 1.0]))
    tensor([1.0000, 0.4658])
    """,
)
i1e: Elementwise = elementwise(
    "i1e",
    lambda xp, x: special.bessel(1, x),
    "x",
    lambda gy, x: gy * (i0e(x) - _over(i1e(x), x) - x.sign() * i1e(x)),
    """`special.i1` of each element, times exp(-|x|): it does not overflow.

    Any shape; integers become floats. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.i1e(mt.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2079])
    """,
)
i0: Elementwise = elementwise(
    "i0",
    lambda xp, x: special.bessel(0, x) * xp.exp(xp.abs(x)),
    "x",
    lambda gy, x: gy * i1(x),
    """The modified Bessel function of order 0, of any shape; integers become floats.

    1 at 0, it grows on both sides like exp(|x|) / sqrt(2 pi |x|). Raises TypeError for anything
    but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.i0(mt.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """,
)
i1: Elementwise = elementwise(
    "i1",
    lambda xp, x: special.bessel(1, x) * xp.exp(xp.abs(x)),
    "x",
    lambda gy, x: gy * (i0(x) - _over(i1(x), x)),
    """The modified Bessel function of order 1, the derivative of `i0`, of any shape.

    Integers become floats. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.special.i1(mt.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """,
)


def _over(y: Tensor, x: Tensor) -> Tensor:
    """y / x for a function that is x / 2 near 0."""
    at_zero = x == 0
    return where(at_zero, 0.5, y / where(at_zero, 1.0, x))


def entr(input: Tensor) -> Tensor:
    """-x log(x), 0 at 0 and -inf below, of any shape; integers become floats.

    >>> import minitorch_cnn as mt
    >>> mt.special.entr(mt.tensor([-1.0, 0.5]))
    tensor([  -inf, 0.3466])
    """
    x = floating(input)
    inside = -x * log(where(x > 0, x, 1.0)) + 0.0  # not -0.0
    return where(x < 0, -math.inf, where(x != x, x, inside))


def xlog1py(input: Any, other: Any) -> Tensor:
    """input * log1p(other), 0 where input is 0: tensors or numbers that broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.special.xlog1py(mt.tensor([0.0, 2.0]), mt.tensor([-1.0, 1.0]))
    tensor([0.0000, 1.3863])
    """
    like = input if isinstance(input, Tensor) else other
    if not isinstance(like, Tensor):
        raise TypeError(f"xlog1py needs a tensor, got {input!r:.60} and {other!r:.60}")
    x, y = (each if isinstance(each, Tensor) else like.new_tensor(each) for each in (input, other))
    zero = (x == 0) & (y == y)
    return where(zero, 0.0, x * log1p(where(zero, 0.0, floating(y))))


def ndtr(input: Tensor) -> Tensor:
    """The area under the normal curve up to x, of any shape; integers become floats.

    >>> import minitorch_cnn as mt
    >>> mt.special.ndtr(mt.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """
    scaled = floating(input) * math.sqrt(0.5)
    return where(scaled < -1, 0.5 * erfc(-scaled), 0.5 * (1 + erf(scaled)))


def ndtri(input: Tensor) -> Tensor:
    """The x up to which the area under the normal curve is `input`, the inverse of `ndtr`.

    Any shape; integers become floats. -inf at 0, inf at 1, NaN outside.

    >>> import minitorch_cnn as mt
    >>> mt.special.ndtri(mt.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """
    return erfinv(2 * floating(input) - 1) * math.sqrt(2)
