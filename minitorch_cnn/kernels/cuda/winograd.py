"""Winograd's convolution F(4x4, 3x3); see kernels/winograd.py for how it works.

The transforms are kernels; between them are 36 matrix products, one batch for cuBLAS.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ...backend import Array, array_module
from ..layout import Pair, slices
from .loader import WINDOWS, launch_elementwise

BLOCK_BYTES = 256 << 20  # of transformed tiles at a time
STEP = 4  # outputs in a tile's row, and so the distance of two tiles


def transformed_kernel(w: Array, turned: bool) -> Array:
    """U (36, C, K) from w (K, C, 3, 3).

    turned: (36, K, C) from w turned by 180 degrees, for the gradient of x.
    """
    K, C = w.shape[:2]
    U = array_module(w).empty((36, K, C) if turned else (36, C, K), w.dtype)
    w = array_module(w).ascontiguousarray(w)
    launch_elementwise("winograd.cu", "winograd_kernel", w.dtype, K * C, w, U, K, C, int(turned))
    return U


def convolve(x: Array, U: Array, b: Array | None, padding: Pair, y: Array) -> None:
    """Writes y (N, OH, OW, K) from x (N, H, W, C) and U (36, C, K); padding may be negative."""
    xp = array_module(x)
    for images in _blocks(x, y):
        V = _transformed("winograd_pixels", x[images], y.shape, padding)
        M = xp.matmul(V, U)  # (36, tiles, K)
        part = y[images]
        tiles = _tiles(part.shape, part.shape, (0, 0))
        count = M.shape[1] * M.shape[2]
        launch_elementwise("winograd.cu", "winograd_outputs", y.dtype, count, M, b, part, tiles)


def weight_grad(x: Array, gy: Array, padding: Pair) -> Array:
    """gw (K, C, 3, 3) from x (N, H, W, C) and gy (N, OH, OW, K)."""
    xp = array_module(x)
    C, K = x.shape[3], gy.shape[3]
    dU = xp.zeros((36, C, K), x.dtype)
    for images in _blocks(x, gy):
        V = _transformed("winograd_pixels", x[images], gy.shape, padding)  # (36, tiles, C)
        dM = _transformed("winograd_outputs_gradient", gy[images], gy.shape, (0, 0))
        dU += xp.matmul(V.transpose(0, 2, 1), dM)
    gw = xp.empty((K, C, 3, 3), x.dtype)
    launch_elementwise("winograd.cu", "winograd_kernel_gradient", x.dtype, K * C, dU, gw, K, C)
    return gw


def _blocks(x: Array, y: Array) -> Iterator[slice]:
    """Slices of the images, so that the memory for transformed tiles stays bounded."""
    tiles = math.ceil(y.shape[1] / STEP) * math.ceil(y.shape[2] / STEP)
    bytes_of_image = 36 * tiles * (x.shape[3] + y.shape[3]) * x.itemsize
    yield from slices(x.shape[0], max(BLOCK_BYTES // max(bytes_of_image, 1), 1))


def _tiles(image: tuple[int, ...], outputs: tuple[int, ...], padding: Pair) -> np.ndarray:
    """struct Windows: the tiles of images (N, H, W, C) that give outputs (., OH, OW, .)."""
    N, H, W, C = image
    counts = math.ceil(outputs[1] / STEP), math.ceil(outputs[2] / STEP)
    return np.array((N, C, H, W, *counts, 6, 6, STEP, STEP, *padding, 1, 1, 1), WINDOWS)


def _transformed(kernel: str, x: Array, outputs: tuple[int, ...], padding: Pair) -> Array:
    """The tiles of x (B, H, W, C) in the 36 points: (36, B*TH*TW, C)."""
    plan = _tiles(x.shape, outputs, padding)
    count = x.shape[0] * int(plan["OH"]) * int(plan["OW"])
    tiles = array_module(x).empty((36, count, x.shape[3]), x.dtype)
    launch_elementwise("winograd.cu", kernel, x.dtype, count * x.shape[3], x, tiles, plan)
    return tiles
