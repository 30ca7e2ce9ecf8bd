"""Depthwise convolution: groups == channels; see kernels/depthwise.py for the definitions.

`plan` is struct Windows for the images (N, C, H, W); arrays here are channels-last.
"""

from __future__ import annotations

import math

import numpy as np

from ...backend import Array, array_module
from ..layout import compute_type
from .loader import launch_elementwise

MOST_CHUNKS = 256  # of the windows, when the gradients of kernels are added up
LEAST_WINDOWS = 64  # of a chunk


def forward(x: Array, w: Array, b: Array | None, plan: np.ndarray, y: Array) -> None:
    """Writes y (N, OH, OW, K) from x (N, H, W, C), w (K, 1, KH, KW) and b (K) or None."""
    w = array_module(w).ascontiguousarray(w)
    args = x, w, b, y, plan, w.shape[0]
    launch_elementwise("depthwise.cu", "depthwise", x.dtype, y.size, *args)


def input_grad(gy: Array, w: Array, plan: np.ndarray, gx: Array) -> None:
    """Writes gx (N, H, W, C) from gy (N, OH, OW, K) and w (K, 1, KH, KW)."""
    w = array_module(w).ascontiguousarray(w)
    args = gy, w, gx, plan, w.shape[0]
    launch_elementwise("depthwise.cu", "depthwise_input_grad", gy.dtype, gx.size, *args)


def weight_grad(x: Array, gy: Array, plan: np.ndarray) -> Array:
    """gw (K, 1, KH, KW) from x (N, H, W, C) and gy (N, OH, OW, K)."""
    xp = array_module(x)
    K, KH, KW = gy.shape[3], int(plan["KH"]), int(plan["KW"])
    windows = gy.shape[0] * gy.shape[1] * gy.shape[2]
    chunks = max(min(math.ceil(windows / LEAST_WINDOWS), MOST_CHUNKS), 1)
    partial = xp.empty((chunks, KH * KW, K), compute_type(x))
    args = x, gy, partial, plan, K, chunks
    launch_elementwise("depthwise.cu", "depthwise_weight_grad", x.dtype, partial.size, *args)
    gw = partial.sum(0).T.reshape(K, 1, KH, KW)
    return xp.ascontiguousarray(gw, x.dtype)
