"""Dropout; see ../array/dropout.py for the definition."""

from __future__ import annotations

from ...backend import Array, array_module
from ..philox import MASK, threshold
from .loader import launch_elementwise, takes


def dropout(x: Array, key: int, p: float) -> Array:
    if not takes(x):
        return NotImplemented
    xp = array_module(x)
    y = xp.empty(x.shape, x.dtype)
    scale = float(x.dtype.type(1 / (1 - p)))
    row_major = xp.ascontiguousarray(x)  # the order in which elements are counted
    args = row_major, y, key & MASK, key >> 32, threshold(p), scale, x.size
    launch_elementwise("dropout.cu", "dropout", x.dtype, -(-x.size // 4), *args)
    return y
