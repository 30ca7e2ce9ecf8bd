"""Depthwise convolution: groups == channels; see ../array/depthwise.py for the definitions."""

from __future__ import annotations

import math

from ...backend import Array, array_module
from ...backend.arrays import compute_type
from ..geometry import ConvGeometry, Pair, output_size
from .arrays import channels_first, channels_last
from .elementwise import relu_
from .loader import conv_windows, launch_elementwise, takes

MOST_CHUNKS = 256  # of the windows, when the gradients of kernels are added up
LEAST_WINDOWS = 64  # of a chunk


def forward(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False
) -> Array:
    if not takes(x, w, b):
        return NotImplemented
    xp = array_module(x)
    K, _, KH, KW = w.shape
    out_size = output_size(x.shape[2:], (KH, KW), geometry)
    windows = conv_windows(x.shape, out_size, (KH, KW), geometry)
    y = xp.empty((len(x), *out_size, K), x.dtype)
    args = channels_last(x), xp.ascontiguousarray(w), b, y, windows, K
    launch_elementwise("depthwise.cu", "depthwise", x.dtype, y.size, *args)
    return channels_first(relu_(y) if relu else y)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Array:
    if not takes(gy, w):
        return NotImplemented
    xp = array_module(gy)
    N, C = len(gy), geometry.groups
    windows = conv_windows((N, C, *input_size), gy.shape[2:], w.shape[2:], geometry)
    gx = xp.empty((N, *input_size, C), gy.dtype)
    args = channels_last(gy), xp.ascontiguousarray(w), gx, windows, len(w)
    launch_elementwise("depthwise.cu", "depthwise_input_grad", gy.dtype, gx.size, *args)
    return channels_first(gx)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    if not takes(x, gy):
        return NotImplemented
    xp = array_module(x)
    (KH, KW), (N, K, OH, OW) = kernel_size, gy.shape
    windows = conv_windows(x.shape, (OH, OW), kernel_size, geometry)
    chunks = max(min(math.ceil(N * OH * OW / LEAST_WINDOWS), MOST_CHUNKS), 1)
    partial = xp.empty((chunks, KH * KW, K), compute_type(x))
    args = channels_last(x), channels_last(gy), partial, windows, K, chunks
    launch_elementwise("depthwise.cu", "depthwise_weight_grad", x.dtype, partial.size, *args)
    gw = partial.sum(0).T.reshape(K, 1, KH, KW)
    return xp.ascontiguousarray(gw, x.dtype)
