"""How a random number moves with the parameters of its distribution: gamma's and beta's.

A number x is drawn where the distribution function F has a random height u. Of u fixed, x moves
with the parameter a: F(x(a), a) = u gives dx/da = -(dF/da) / p, with the density p = dF/dx
(Figurnov, Mohamed and Mnih, "Implicit reparameterization gradients", 2018).

With s(t) = d log p(t) / da, -dF/da is the integral of -p s from 0 to x and, since p s has the
integral 0, that of p s from x on. s rises with t and changes its sign at one place, so one of the
two is free of cancellation. Both are taken over t = x exp(-v) or the like, v from 0 on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...backend import Array, array_module
from .special import polygamma

SHIFT = 16  # steps of a recursion to a parameter at which the integrand has one scale only
STEP = 0.08


def _half_line(integrand: Callable[[Array], Array], scale: Array) -> Array:
    """The integral of integrand(v) over v from 0 to infinity, where it falls off as exp(-v / scale)

    or faster. Trapezoids in t, v = scale exp(t - exp(-t)), whose ends both fall off: the double
    exponential rule (Takahasi and Mori, 1974).
    """
    xp = array_module(scale)
    total = xp.zeros_like(scale)
    for t in np.arange(-3.3, 4.2, STEP):
        v = float(np.exp(t - np.exp(-t)))
        total += integrand(scale * v) * (v * float(1 + np.exp(-t)))
    return total * scale * STEP


def gamma_gradient(a: Array, x: Array) -> Array:
    """dx/da of numbers x drawn from the gamma distribution of concentration a and rate 1.

    Both of one shape and floating; the result is float64.
    """
    xp = array_module(x)
    a, x = a.astype(xp.float64), x.astype(xp.float64)
    with np.errstate(all="ignore"):
        log_x = xp.log(x)
        low = log_x < polygamma(0, a + 1)
        return xp.where(low, _gamma_below(a, x, log_x), _gamma_above(a, x))


def _gamma_below(a: Array, x: Array, log_x: Array) -> Array:
    """By -integral from 0 to x.

    P(a, x) = x^a exp(-x) / gamma(a + 1) + P(a + 1, x), all of whose terms rise with a alike, leads
    to larger a; there t = x exp(-v).
    """
    xp = array_module(x)
    total, factor, middle = xp.zeros_like(x), xp.ones_like(x), polygamma(0, a) - log_x
    for k in range(SHIFT):
        middle = middle + 1 / (a + k)  # digamma(n + 1) = digamma(n) + 1 / n
        factor = factor * x / (a + k)
        total += factor * middle
    b = a + SHIFT
    away = b - x
    scale = 2 / (away + xp.sqrt(away * away + 2 * x))
    return total + factor * x * _half_line(
        lambda v: xp.exp(-b * v - x * xp.expm1(-v)) * (middle + v), scale
    )


def _gamma_above(a: Array, x: Array) -> Array:
    """By the integral from x on: t = x + v."""
    xp = array_module(x)
    away, bend = 1 - (a - 1) / x, xp.maximum(a - 1, 0) / (x * x)
    away = xp.maximum(away, 0)
    scale = 2 / (away + xp.sqrt(away * away + 2 * bend))
    middle = polygamma(0, a)
    return _half_line(
        lambda v: xp.exp((a - 1) * xp.log1p(v / x) - v) * (xp.log(x + v) - middle), scale
    )


def beta_gradient(a: Array, b: Array, x: Array, y: Array) -> Array:
    """dx/da of numbers x drawn from the beta distribution, density ~ x^(a - 1) (1 - x)^(b - 1).

    y: 1 - x, which has more digits near 1. All of one shape and floating; the result is float64.
    """
    xp = array_module(x)
    a, b, x, y = (each.astype(xp.float64) for each in (a, b, x, y))
    low = x * (a + b) < a
    with np.errstate(all="ignore"):
        log_x = xp.where(x < 0.5, xp.log(x), xp.log1p(-y))
        return xp.where(low, _beta_below(a, b, x, y, log_x), _beta_above(a, b, x, y, log_x))


def _scale(a: Array, b: Array, ratio: Array) -> Array:
    """Where exp(-a v) (1 + ratio (1 - exp(-v)))^(b - 1) has fallen off."""
    xp = array_module(a)
    more = xp.maximum(b - 1, 0)
    away = xp.maximum(a - more * ratio, 0)
    return 2 / (away + xp.sqrt(away * away + 2 * more * (ratio + ratio * ratio)))


def _beta_below(a: Array, b: Array, x: Array, y: Array, log_x: Array) -> Array:
    """By -integral from 0 to x, after steps to larger a; t = x exp(-v)."""
    xp = array_module(x)
    total, factor = xp.zeros_like(x), xp.ones_like(x)
    middle = polygamma(0, a) - polygamma(0, a + b) - log_x
    for k in range(SHIFT):
        total += factor * x * y / (a + k) * (middle + 1 / (a + k))
        factor = factor * x * (a + b + k) / (a + k)
        middle = middle + 1 / (a + k) - 1 / (a + b + k)
    c = a + SHIFT
    ratio = x / y
    return total + factor * x * _half_line(
        lambda v: xp.exp(-c * v + (b - 1) * xp.log1p(-ratio * xp.expm1(-v))) * (middle + v),
        _scale(c, b, ratio),
    )


def _beta_above(a: Array, b: Array, x: Array, y: Array, log_x: Array) -> Array:
    """By the integral from x to 1, after steps to larger b; 1 - t = y exp(-v)."""
    xp = array_module(x)
    total, factor = xp.zeros_like(x), xp.ones_like(x)
    middle = polygamma(0, a + b) - polygamma(0, a)
    for k in range(SHIFT):
        total += factor * x * y / (b + k) * (log_x + middle)
        factor = factor * y * (a + b + k) / (b + k)
        middle = middle + 1 / (a + b + k)
    c = b + SHIFT
    ratio = y / x

    def integrand(v: Array) -> Array:
        more = xp.log1p(-ratio * xp.expm1(-v))  # log(t / x)
        return xp.exp(-c * v + (a - 1) * more) * (log_x + more + middle)

    return total + factor * y * _half_line(integrand, _scale(c, a, ratio))
