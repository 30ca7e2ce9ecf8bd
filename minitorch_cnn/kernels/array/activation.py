"""More activations on bare arrays; those that a ResNet needs are in elementwise.py."""

from __future__ import annotations

from ...backend import Array, array_module
from ...backend.arrays import compute_type, new_like
from .elementwise import kept


def hardtanh(x: Array, low: float, high: float) -> Array:
    """x limited to [low, high]; NaN stays NaN."""
    xp = array_module(x)
    y = xp.maximum(x, low, out=new_like(x))
    return xp.minimum(y, high, out=y)


def hardtanh_backward(gy: Array, x: Array, low: float, high: float) -> Array:
    """gy where x is between the limits (or NaN, as in torch), 0 at and beyond them."""
    xp = array_module(x)
    between = xp.less_equal(x, low, out=new_like(x, bool))
    xp.logical_or(between, x >= high, out=between)
    xp.logical_not(between, out=between)  # NaN is not outside
    return kept(gy, between, new_like(x))


def leaky_relu(x: Array, slope: float) -> Array:
    """x where it is positive, slope * x elsewhere."""
    xp = array_module(x)
    if 0 < slope <= 1:  # 0 * inf is NaN
        return xp.maximum(x, slope * x)  # the larger one is x above 0 and slope * x below
    return xp.where(x > 0, x, slope * x)


def softplus(x: Array, beta: float, threshold: float) -> Array:
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold."""
    xp = array_module(x)
    scaled = beta * x
    # logaddexp(0, z) = log(e^0 + e^z), without overflow for large z
    return xp.where(scaled > threshold, x, xp.logaddexp(scaled, 0) / beta)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); where exp overflows to inf this is 0, as it should be."""
    y = 1 + array_module(x).exp(-x.astype(compute_type(x), copy=False))
    return array_module(x).reciprocal(y).astype(x.dtype, copy=False)


def silu(x: Array) -> Array:
    """x * sigmoid(x)"""
    y = sigmoid(x)
    y *= x
    return y
