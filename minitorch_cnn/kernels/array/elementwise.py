"""Activations on bare arrays: the ones that a network spends its time in.

All keep the memory order of their input (numpy's 'K'), so a channels-last image stays so.
"""

from __future__ import annotations

from ...backend import Array, array_module
from ...backend.arrays import new_like


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


def add(a: Array, b: Array) -> Array:
    """a + b, broadcast."""
    if a.shape == b.shape and a.dtype == b.dtype:
        return array_module(a).add(a, b, out=new_like(a))
    return a + b
