"""Softmax and cross entropy of rows; see ../array/loss.py for the definitions.

Where the array code raises IndexError for a class that does not exist, these give NaN.
"""

from __future__ import annotations

import numpy as np

from ...backend import Array, array_module
from .loader import launch, launch_elementwise, takes


def cross_entropy(x: Array, target: Array) -> tuple[Array, Array]:
    if not takes(x):
        return NotImplemented
    xp = array_module(x)
    R, C = x.shape
    losses, softmax = xp.empty(R, x.dtype), xp.empty((R, C), x.dtype)
    args = xp.ascontiguousarray(x), _classes(target), losses, softmax, R, C
    launch("loss.cu", "cross_entropy", x.dtype, R, *args)
    return losses, softmax


def cross_entropy_backward(gy: Array, softmax: Array, target: Array) -> Array:
    if not takes(gy, softmax):
        return NotImplemented
    xp = array_module(softmax)
    gx = xp.empty(softmax.shape, softmax.dtype)
    arrays = xp.ascontiguousarray(gy), xp.ascontiguousarray(softmax), _classes(target), gx
    args = *arrays, softmax.shape[1]
    launch_elementwise("loss.cu", "cross_entropy_backward", gx.dtype, gx.size, *args)
    return gx


def _classes(target: Array) -> Array:
    return array_module(target).ascontiguousarray(target, np.int64)
