"""Special functions that are seldom asked for: incomplete gamma, zeta, Bessel, polynomials.

All compute in double precision and give float64; NumPy and CuPy alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import Array, array_module
from .special import erfc, lgamma

EULER = 0.57721566490153286
TINY = 1e-300
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


def elementwise(kernel: Callable[..., Any], *arrays: Array) -> Any:
    """kernel(*arrays) of arrays of one shape; without axes, NumPy would make numbers of them."""
    if arrays[0].ndim:
        return kernel(*arrays)
    result = kernel(*(each.reshape(1) for each in arrays))
    if isinstance(result, tuple):
        return tuple(each.reshape(()) for each in result)
    return result.reshape(())


def gammainc(a: Array, x: Array) -> tuple[Array, Array]:
    """P(a, x) and Q(a, x) = 1 - P, the incomplete gamma functions over gamma(a).

    Below x = a + 1 by the power series of P, above it by the continued fraction of Q (Abramowitz
    and Stegun, 6.5.29 and 6.5.31), so that the smaller of the two has all its digits.
    """
    xp = array_module(x)
    a, x = xp.broadcast_arrays(a.astype(xp.float64), x.astype(xp.float64))
    usual = (a > 0) & (x > 0) & xp.isfinite(a) & xp.isfinite(x)
    a_, x_ = xp.where(usual, a, 1.0), xp.where(usual, x, 1.0)
    with np.errstate(all="ignore"):
        front = xp.exp(a_ * xp.log(x_) - x_ - lgamma(a_))
        low = x_ < a_ + 1
        p = front * _gamma_series(xp, a_, xp.where(low, x_, a_))
        q = front * _gamma_fraction(xp, a_, xp.where(low, a_ + 1, x_))
    p, q = xp.where(low, p, 1 - q), xp.where(low, 1 - p, q)
    # The ends: all of the mass lies at 0 if a is 0, and at infinity if a is infinite.
    at_end = xp.where((x == 0) | xp.isinf(a), 0.0, 1.0)
    undefined = ~(a >= 0) | ~(x >= 0) | ((a == 0) & (x == 0)) | (xp.isinf(a) & xp.isinf(x))
    end = xp.where(undefined, xp.nan, at_end)
    return xp.where(usual, p, end), xp.where(usual, q, 1 - end)


def _gamma_series(xp: Any, a: Array, x: Array) -> Array:
    term = 1 / a
    total, n = term.copy(), 1
    while n < 20000 and bool((term > total * 1e-17).any()):
        term = term * x / (a + n)
        total += term
        n += 1
    return total


def _gamma_fraction(xp: Any, a: Array, x: Array) -> Array:
    """Lentz's way of evaluating a continued fraction, from the front."""
    b = x + 1 - a
    c, d = xp.full_like(b, 1 / TINY), 1 / b
    h, n = d.copy(), 1
    change = xp.full_like(b, 2.0)
    while n < 20000 and bool((xp.abs(change - 1) > 4e-16).any()):
        factor = -n * (n - a)
        b = b + 2
        d = factor * d + b
        d = 1 / xp.where(d == 0, TINY, d)
        c = b + factor / c
        c = xp.where(c == 0, TINY, c)
        change = d * c
        h = h * change
        n += 1
    return h


def zeta(x: Array, q: Array) -> Array:
    """Hurwitz' zeta function, the sum of (q + k)^-x over k = 0, 1, ...; x > 1.

    Some terms, and Euler and Maclaurin's formula for the rest. Infinite at x = 1 and at q = 0,
    -1, ...; NaN below x = 1, and at other negative q unless x is whole.
    """
    xp = array_module(x)
    x, q = xp.broadcast_arrays(x.astype(xp.float64), q.astype(xp.float64))
    valid = (x > 1) & ((q > 0) | ((q != xp.floor(q)) & (x == xp.floor(x))))
    s, place = xp.where(valid, x, 2.0), xp.where(valid, q, 1.0)
    total = xp.zeros_like(s)
    with np.errstate(all="ignore"):
        while bool((below := place <= 12 + xp.minimum(s, 50.0)).any()):
            total += xp.where(below, place**-s, 0.0)
            place = xp.where(below, place + 1, place)
        total += place ** (1 - s) / (s - 1) + 0.5 * place**-s
        power, rising = place ** (-s - 1), s
        for k, bernoulli in enumerate(BERNOULLI, 1):
            total += bernoulli / math.factorial(2 * k) * rising * power
            rising = rising * (s + 2 * k - 1) * (s + 2 * k)
            power = power / (place * place)
    pole = (x == 1) | ((x > 1) & (q <= 0) & (q == xp.floor(q)))
    return xp.where(valid, total, xp.where(pole, xp.inf, xp.nan))


def erfcx(x: Array) -> Array:
    """exp(x^2) erfc(x): above 25, where one factor overflows and one is 0, by its series."""
    xp = array_module(x)
    x = x.astype(xp.float64)
    near = xp.where(x < 25, x, 0.0)
    far = xp.where(x < 25, 25.0, x)
    with np.errstate(all="ignore"):
        t = 1 / (far * far)
        series = (1 - t / 2 * (1 - 1.5 * t * (1 - 2.5 * t * (1 - 3.5 * t)))) / far
        y = xp.where(x < 25, xp.exp(near * near) * erfc(near), series / math.sqrt(math.pi))
    return xp.where(x != x, x, y)


def log_ndtr(x: Array) -> Array:
    """The logarithm of the area under the normal curve up to x."""
    xp = array_module(x)
    x = x.astype(xp.float64)
    t = x * math.sqrt(0.5)
    with np.errstate(all="ignore"):
        left = xp.log(erfcx(-xp.minimum(t, 0)) / 2) - xp.minimum(t, 0) ** 2
        right = xp.log1p(-erfc(t) / 2)
    return xp.where(x < -1, left, right)


# ------------------------------------------------------------------------------------- Bessel


def _bessel_sums(x: Array) -> tuple[Array, Array, Array, Array]:
    """J0, J1 and the two sums of Neumann's series for Y0 and Y1, for x from 0 to 25.

    J_n(x) is the mean over a circle of cos(n t - x sin t); equal steps give it to all digits once
    there are more of them than x. The sums over n are taken at each step first.
    """
    xp = array_module(x)
    steps, sums = 128, [xp.zeros_like(x) for _ in range(4)]
    for step in range(steps):
        t = 2 * math.pi * (step + 0.5) / steps
        angle = x * math.sin(t)
        even, odd = xp.cos(angle) / steps, xp.sin(angle) / steps
        ns = range(1, 30)
        y0 = sum((-1) ** k / k * math.cos(2 * k * t) for k in ns)
        y1 = sum((-1) ** k * (2 * k + 1) / (k * (k + 1)) * math.sin((2 * k + 1) * t) for k in ns)
        for total, weight in zip(sums, (even, odd * math.sin(t), even * y0, odd * y1), strict=True):
            total += weight
    return sums[0], sums[1], sums[2], sums[3]


def _bessel_far(order: int, x: Array) -> tuple[Array, Array]:
    """J and Y of large x by Hankel's expansion (Abramowitz and Stegun, 9.2.5)."""
    xp = array_module(x)
    p, q, term, mu = xp.ones_like(x), xp.zeros_like(x), xp.ones_like(x), 4 * order * order
    for k in range(1, 24):
        term = term * (mu - (2 * k - 1) ** 2) / (8 * k * x)
        if k % 2:
            q += term if k % 4 == 1 else -term
        else:
            p += term if k % 4 == 0 else -term
    angle = x - (order / 2 + 0.25) * math.pi
    size = xp.sqrt(2 / (math.pi * x))
    c, s = xp.cos(angle), xp.sin(angle)
    return size * (p * c - q * s), size * (p * s + q * c)


def bessel_j(order: int, x: Array) -> Array:
    """J0 or J1."""
    return _bessel_jy(order, x)[0]


def bessel_y(order: int, x: Array) -> Array:
    """Y0 or Y1; -inf at 0, NaN below."""
    return _bessel_jy(order, x)[1]


def _bessel_jy(order: int, x: Array) -> tuple[Array, Array]:
    xp = array_module(x)
    x = x.astype(xp.float64)
    size = xp.abs(x)
    with np.errstate(all="ignore"):
        near = xp.where(size < 25, size, 1.0)
        sums = _bessel_sums(near)
        log = xp.log(near / 2) + EULER
        if order == 0:
            y = 2 / math.pi * (log * sums[0] - 2 * sums[2])
        else:
            y = 2 / math.pi * ((log - 1) * sums[1] - sums[0] / near - sums[3])
        j_far, y_far = _bessel_far(order, xp.where(size < 25, 25.0, size))
        j = xp.where(size < 25, sums[order], xp.where(xp.isinf(size), 0.0, j_far))
        y = xp.where(size < 25, y, xp.where(xp.isinf(size), 0.0, y_far))
    y = xp.where(x == 0, -xp.inf, xp.where(x > 0, y, xp.nan))
    return (xp.sign(x) * j if order else xp.where(x != x, x, j)), y


def scaled_bessel_k(order: int, x: Array) -> Array:
    """exp(x) K0(x) or K1(x); inf at 0, NaN below.

    K is the integral of exp(-x cosh t) cosh(order t) over t > 0, which falls off so fast that equal
    steps give all digits. Below 1e-10 it is -log(x / 2) - gamma or 1 / x, to all digits too.
    """
    xp = array_module(x)
    x = x.astype(xp.float64)
    positive = xp.where(x > 1e-10, x, 1.0)
    rest = 750 / positive  # exp(-750) is 0
    end = xp.log1p(rest + xp.sqrt(rest * (2 + rest)))  # arccosh(1 + rest)
    total, steps = xp.zeros_like(x), 400
    with np.errstate(all="ignore"):
        for step in range(steps + 1):
            t = end * (step / steps)
            weight = 0.5 if step == 0 else 1.0
            above = 2 * xp.sinh(t / 2) ** 2  # cosh(t) - 1
            total += weight * xp.exp(-positive * above) * (1 + above if order else 1.0)
        limit = (1 + x) * (1 / x if order else -xp.log(x / 2) - EULER)
    y = xp.where(xp.isinf(x), 0.0, xp.where(x < 1e-10, limit, total * end / steps))
    return xp.where(x > 0, y, xp.where(x == 0, xp.inf, xp.nan))


# -------------------------------------------------------------------------------- polynomials

# The first two, and (k, x, p_k, p_(k-1)) -> p_(k+1), of each family.
Recurrence = Callable[[int, Any, Any, Any], Any]
POLYNOMIALS: dict[str, tuple[Callable[[Any], Any], Recurrence]] = {
    "chebyshev_t": (lambda x: x, lambda k, x, p, before: 2 * x * p - before),
    "chebyshev_u": (lambda x: 2 * x, lambda k, x, p, before: 2 * x * p - before),
    "chebyshev_v": (lambda x: 2 * x - 1, lambda k, x, p, before: 2 * x * p - before),
    "chebyshev_w": (lambda x: 2 * x + 1, lambda k, x, p, before: 2 * x * p - before),
    "hermite_h": (lambda x: 2 * x, lambda k, x, p, before: 2 * x * p - 2 * k * before),
    "hermite_he": (lambda x: x, lambda k, x, p, before: x * p - k * before),
    "laguerre_l": (
        lambda x: 1 - x,
        lambda k, x, p, before: ((2 * k + 1 - x) * p - k * before) / (k + 1),
    ),
    "legendre_p": (
        lambda x: x,
        lambda k, x, p, before: ((2 * k + 1) * x * p - k * before) / (k + 1),
    ),
}


def polynomial(family: str, x: Array, n: Array) -> Array:
    """The n-th polynomial of a family at x, elementwise; 0 for negative n."""
    xp = array_module(x)
    x, n = xp.broadcast_arrays(x.astype(xp.float64), xp.trunc(n.astype(xp.float64)))
    first, following = POLYNOMIALS[family]
    before, p = xp.ones_like(x), first(x)
    y = xp.where(n == 0, before, xp.where(n == 1, p, 0.0))
    with np.errstate(all="ignore"):
        for k in range(1, int(n.max()) if n.size else 0):
            before, p = p, following(k, x, p, before)
            y = xp.where(n == k + 1, p, y)
    return y
