"""Activations on bare arrays: the ones that a network spends its time in.

All keep the memory order of their input (numpy's 'K'), so a channels-last image stays so.
"""

from __future__ import annotations

from ...backend import Array, array_module
from ...backend.arrays import compute_type, new_like


def relu(x: Array) -> Array:
    """max(x, 0); NaN stays NaN."""
    return array_module(x).maximum(x, 0, out=new_like(x))


def relu_(x: Array) -> Array:
    """`relu`, written over x."""
    return array_module(x).maximum(x, 0, out=x)


def relu_backward(gy: Array, y: Array) -> Array:
    """gy where the output y is positive (or NaN, as in torch), 0 elsewhere."""
    xp = array_module(y)
    passed = xp.less_equal(y, 0, out=new_like(y, bool))
    xp.logical_not(passed, out=passed)  # NaN is not below 0 either
    return kept(gy, passed, new_like(y))  # in the order of an image


def kept(x: Array, mask: Array, out: Array) -> Array:
    """x where the mask holds, 0 elsewhere, also for an infinite x; written into out."""
    # `and` with -1 keeps all bits. It is as fast as a product; xp.where takes ten times as long.
    bits = f"i{x.itemsize}"
    array_module(x).bitwise_and(x.view(bits), -mask.view("i1"), out=out.view(bits))
    return out


def hardtanh(x: Array, low: float, high: float) -> Array:
    """x limited to [low, high]; NaN stays NaN."""
    return array_module(x).clip(x, low, high, out=new_like(x))


def hardtanh_backward(gy: Array, x: Array, low: float, high: float) -> Array:
    """gy where x is between the limits (or NaN, as in torch), 0 at and beyond them."""
    xp = array_module(x)
    return xp.where((x <= low) | (x >= high), xp.zeros((), gy.dtype), gy)


def add(a: Array, b: Array) -> Array:
    """a + b, broadcast."""
    if a.shape == b.shape and a.dtype == b.dtype:
        return array_module(a).add(a, b, out=new_like(a))
    return a + b


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
    return array_module(x).reciprocal(y, out=y).astype(x.dtype, copy=False)


def silu(x: Array) -> Array:
    """x * sigmoid(x)"""
    y = sigmoid(x)
    y *= x
    return y
