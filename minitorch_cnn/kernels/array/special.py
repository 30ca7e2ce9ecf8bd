"""Special functions that NumPy lacks: the error function and its relatives, for arrays."""

from __future__ import annotations

import functools
import math

import numpy as np

from ...backend import Array, array_module, cupy_special

EDGE = 6.0  # erf(6) = 1 - 2e-17: 1 in double precision
PIECES = 24  # of [0, EDGE], each with a polynomial of its own
DEGREE = 12


@functools.cache
def _coefficients() -> np.ndarray:
    """(DEGREE + 1, PIECES): for each piece a polynomial in t, the place within it from -1 to 1.

    It interpolates erf(x) / x at Chebyshev's points, whose error is spread evenly over the piece:
    with pieces of length 1/4, degree 12 reaches the last bits of double precision. The quotient
    and not erf itself, so that the result is exact to its last bits near 0 as well.
    """
    nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
    width = EDGE / PIECES
    columns = []
    for piece in range(PIECES):
        places = [width * (piece + 0.5 + 0.5 * t) for t in nodes]
        values = [math.erf(x) / x for x in places]
        series = np.polynomial.chebyshev.chebfit(nodes, values, DEGREE)
        columns.append(np.polynomial.chebyshev.cheb2poly(series))
    return np.stack(columns, axis=1)


def erf(x: Array) -> Array:
    """The error function of a floating array, to about 1e-15 (float64) absolute.

    >>> erf(np.array([0.0, 0.5, -10.0]))
    array([ 0.        ,  0.52049988, -1.        ])
    """
    if not isinstance(x, np.ndarray):
        return cupy_special().erf(x).astype(x.dtype, copy=False)
    coefficients = _coefficients()
    kind = np.float64 if x.dtype == np.float64 else np.float32
    size = np.abs(x).astype(kind, copy=False)
    place = np.minimum(np.where(np.isnan(size), 0, size), kind(EDGE)) * kind(PIECES / EDGE)
    piece = np.minimum(place.astype(np.int64), PIECES - 1)
    t = 2 * (place - piece.astype(kind)) - 1
    y = np.zeros_like(t)
    for row in coefficients[::-1].astype(kind):  # Horner's rule
        y = y * t + row[piece]
    y = np.where(size >= kind(EDGE), kind(1), y * size)
    return np.copysign(y, x).astype(x.dtype, copy=False)  # NaN came through y * size


def erfc(x: Array) -> Array:
    """1 - erf(x) of a floating array, with all digits also where it is tiny.

    One element at a time: the C library has it, NumPy has not, and it is rarely asked for.
    """
    if not isinstance(x, np.ndarray):
        return cupy_special().erfc(x).astype(x.dtype, copy=False)
    return np.asarray(np.frompyfunc(math.erfc, 1, 1)(x), x.dtype)


def erfinv(y: Array) -> Array:
    """The x with erf(x) = y of a floating array; infinite at 1 and -1, NaN beyond.

    Winitzki's approximation (2008, "A handy approximation for the error function and its
    inverse"), to two digits, and Newton's steps, each of which doubles the digits.
    """
    if not isinstance(y, np.ndarray):
        return cupy_special().erfinv(y).astype(y.dtype, copy=False)
    wanted = y.astype(np.float64)
    inside = np.abs(wanted) < 1
    target = np.where(inside, np.abs(wanted), 0.0)
    a = 0.147
    logarithm = np.log1p(-target * target)
    half = 2 / (math.pi * a) + logarithm / 2
    x = np.sqrt(np.sqrt(half * half - logarithm / a) - half)
    for _ in range(4):
        # Near 0 erf has all its digits, near 1 erfc has.
        miss = np.where(target < 0.5, erf(x) - target, (1 - target) - erfc(x))
        x -= miss * (math.sqrt(math.pi) / 2) * np.exp(x * x)
    at_the_end = np.where(np.abs(wanted) == 1, np.inf, np.nan)
    return np.copysign(np.where(inside, x, at_the_end), wanted).astype(y.dtype)


def lgamma(x: Array) -> Array:
    """The logarithm of |gamma(x)| of a floating array; infinite at 0, -1, -2, ...

    One element at a time, as `erfc`.
    """
    if not isinstance(x, np.ndarray):
        return cupy_special().gammaln(x).astype(x.dtype, copy=False)

    def single(value: float) -> float:
        if value <= 0 and value == math.floor(value):
            return math.inf
        return math.lgamma(value) if abs(value) < 1e305 else abs(value)

    return np.asarray(np.frompyfunc(single, 1, 1)(x), x.dtype)


def polygamma(n: int, x: Array) -> Array:
    """The n-th derivative of digamma (0: digamma itself, lgamma's derivative) of an array.

    f(x) = f(x + 1) - (-1)^n n! / x^(n+1) leads to arguments above 16, where Euler and Maclaurin's
    series converges (Abramowitz and Stegun, 6.3.18 and 6.4.11). Below 0, digamma and its first
    derivative are reflected: at x lies a pole as at 1 - x, but for pi / tan(pi x).
    """
    if not isinstance(x, np.ndarray):
        special = cupy_special()
        found = special.digamma(x) if n == 0 else special.polygamma(n, x)
        return found.astype(x.dtype, copy=False)
    value = x.astype(np.float64)
    at_pole = (value <= 0) & (value == np.floor(value))
    reflected = (value < 0) & (n < 2) & ~at_pole
    place = np.where(reflected, 1 - value, np.where(at_pole, 1.0, value))
    sign, total = (-1.0) ** (n + 1), np.zeros_like(place)
    while (below := place < 16).any():
        total += np.where(below, sign * math.factorial(n) / place ** (n + 1), 0.0)
        place = np.where(below, place + 1, place)
    if n == 0:
        total += np.log(place) - 0.5 / place
    else:
        total += sign * math.factorial(n - 1) * place**-n
        total += sign * math.factorial(n) / 2 * place ** -(n + 1)
    for k, bernoulli in enumerate((1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730), 1):
        factor = bernoulli * math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        total += sign * factor * place ** -(2 * k + n)
    turned = np.pi * (value - np.round(value))
    if n == 0:
        total = np.where(reflected, total - np.pi / np.tan(np.where(reflected, turned, 1)), total)
    elif n == 1:
        mirror = (np.pi / np.sin(np.where(reflected, turned, 1))) ** 2
        total = np.where(reflected, mirror - total, total)
    pole = np.where(value == 0, -np.copysign(np.inf, value), np.nan) if n == 0 else np.inf
    return np.where(at_pole, pole, total).astype(x.dtype)


def bessel(order: int, x: Array) -> Array:
    """exp(-|x|) I(x), the modified Bessel function of order 0 or 1, of a floating array.

    Its integral, the mean over t of exp(x cos t) cos(order t), is that of a periodic function: a
    sum over equal steps gives it to all digits (Trefethen and Weideman, SIAM Review 56, 2014). For
    large x that is a peak between two steps, and Hankel's expansion has all digits (Abramowitz and
    Stegun, 9.7.1).
    """
    xp = array_module(x)
    size = xp.abs(x).astype(xp.float64)
    near, far = xp.where(size < 100, size, 0.0), xp.where(size < 100, 100.0, size)
    total = xp.zeros_like(size)
    steps = 128  # of half the circle, whose other half is the same
    for step in range(steps + 1):
        angle = math.pi * step / steps
        weight = (0.5 if step in (0, steps) else 1.0) * math.cos(order * angle) / steps
        total = total + weight * xp.exp(near * (math.cos(angle) - 1))
    term = series = xp.ones_like(size)
    for k in range(1, 16):
        term = term * ((2 * k - 1) ** 2 - 4 * order**2) / (8 * k * far)
        series = series + term
    total = xp.where(size < 100, total, series / math.sqrt(2 * math.pi) / xp.sqrt(far))
    if order:  # near 0 the sum is a difference of equals, and the power series is short
        q = near * near
        small = near / 2 * (1 + q / 8 * (1 + q / 24 * (1 + q / 48))) * xp.exp(-near)
        total = xp.where(size < 0.01, small, total)
    return (xp.sign(x) * total if order else total).astype(x.dtype)
