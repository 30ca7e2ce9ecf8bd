"""ReLU; see array/elementwise.py for the definitions."""

from __future__ import annotations

from ...backend import Array, array_module
from .arrays import dense, in_order_of, is_dense
from .loader import launch_elementwise, takes


def relu(x: Array) -> Array:
    if not takes(x):
        return NotImplemented
    x = dense(x)
    y = array_module(x).empty_like(x)
    launch_elementwise("elementwise.cu", "relu", x.dtype, x.size, x, y)
    return y


def relu_(x: Array) -> Array:
    if not takes(x) or not is_dense(x):
        return NotImplemented
    launch_elementwise("elementwise.cu", "relu", x.dtype, x.size, x, x)
    return x


def relu_backward(gy: Array, y: Array) -> Array:
    if not takes(gy, y) or gy.shape != y.shape:
        return NotImplemented
    y = dense(y)
    gy = in_order_of(gy, y)
    gx = array_module(y).empty_like(y)
    launch_elementwise("elementwise.cu", "relu_backward", y.dtype, y.size, gy, y, gx)
    return gx
