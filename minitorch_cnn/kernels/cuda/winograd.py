"""Winograd's convolution F(4x4, 3x3); see ../array/winograd.py for how it works.

The transforms are kernels; between them are 36 matrix products, one batch for cuBLAS, which never
uses TF32 here: the transforms need all digits.
"""

from __future__ import annotations

import math

import numpy as np

from ...backend import Array, array_module
from ..geometry import ConvGeometry, Pair, output_size, slices, turned_geometry
from .arrays import channels_first, channels_last
from .elementwise import relu_
from .loader import WINDOWS, launch_elementwise, takes

BLOCK_BYTES = 256 << 20  # of transformed tiles at a time
STEP = 4  # outputs in a tile's row, and so the distance of two tiles


def forward(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False
) -> Array:
    if not takes(x, w, b):
        return NotImplemented
    out_size = output_size(x.shape[2:], (3, 3), geometry)
    y = array_module(x).empty((len(x), *out_size, len(w)), x.dtype)
    convolve(channels_last(x), transformed_kernel(w, turned=False), b, geometry.before, y)
    return channels_first(relu_(y) if relu else y)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Array:
    if not takes(gy, w):
        return NotImplemented
    gx = array_module(gy).empty((len(gy), *input_size, w.shape[1]), gy.dtype)
    before = turned_geometry((3, 3), geometry).before
    convolve(channels_last(gy), transformed_kernel(w, turned=True), None, before, gx)
    return channels_first(gx)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    if not takes(x, gy):
        return NotImplemented
    xp = array_module(x)
    C, K = x.shape[1], gy.shape[1]
    x, gy = channels_last(x), channels_last(gy)
    dU = xp.zeros((36, C, K), x.dtype)
    for images in _blocks(x, gy):
        V = _transformed("winograd_pixels", x[images], gy.shape, geometry.before)  # (36, tiles, C)
        dM = _transformed("winograd_outputs_gradient", gy[images], gy.shape, (0, 0))
        dU += xp.matmul(V.transpose(0, 2, 1), dM)
    gw = xp.empty((K, C, 3, 3), x.dtype)
    launch_elementwise("winograd.cu", "winograd_kernel_gradient", x.dtype, K * C, dU, gw, K, C)
    return gw


# --------------------------------------------------------------------------- the steps


def transformed_kernel(w: Array, turned: bool) -> Array:
    """U (36, C, K) from w (K, C, 3, 3).

    turned: (36, K, C) from w turned by 180 degrees, for the gradient of x.
    """
    K, C = w.shape[:2]
    U = array_module(w).empty((36, K, C) if turned else (36, C, K), w.dtype)
    w = array_module(w).ascontiguousarray(w)
    launch_elementwise("winograd.cu", "winograd_kernel", w.dtype, K * C, w, U, K, C, int(turned))
    return U


def convolve(x: Array, U: Array, b: Array | None, before: Pair, y: Array) -> None:
    """Writes y (N, OH, OW, K) from x (N, H, W, C) and U (36, C, K); before may be negative."""
    xp = array_module(x)
    for images in _blocks(x, y):
        V = _transformed("winograd_pixels", x[images], y.shape, before)
        M = xp.matmul(V, U)  # (36, tiles, K)
        part = y[images]
        tiles = _tiles(part.shape, part.shape, (0, 0))
        count = M.shape[1] * M.shape[2]
        launch_elementwise("winograd.cu", "winograd_outputs", y.dtype, count, M, b, part, tiles)


def _blocks(x: Array, y: Array) -> list[slice]:
    """Slices of the images, so that the memory for transformed tiles stays bounded."""
    tiles = math.ceil(y.shape[1] / STEP) * math.ceil(y.shape[2] / STEP)
    bytes_of_image = 36 * tiles * (x.shape[3] + y.shape[3]) * x.itemsize
    return slices(x.shape[0], max(BLOCK_BYTES // max(bytes_of_image, 1), 1))


def _tiles(image: tuple[int, ...], outputs: tuple[int, ...], before: Pair) -> np.ndarray:
    """struct Windows: the tiles of images (N, H, W, C) that give outputs (., OH, OW, .)."""
    N, H, W, C = image
    counts = math.ceil(outputs[1] / STEP), math.ceil(outputs[2] / STEP)
    return np.array((N, C, H, W, *counts, 6, 6, STEP, STEP, *before, 1, 1, 1), WINDOWS)


def _transformed(kernel: str, x: Array, outputs: tuple[int, ...], before: Pair) -> Array:
    """The tiles of x (B, H, W, C) in the 36 points: (36, B*TH*TW, C)."""
    plan = _tiles(x.shape, outputs, before)
    count = x.shape[0] * int(plan["OH"]) * int(plan["OW"])
    tiles = array_module(x).empty((36, count, x.shape[3]), x.dtype)
    launch_elementwise("winograd.cu", kernel, x.dtype, count * x.shape[3], x, tiles, plan)
    return tiles
