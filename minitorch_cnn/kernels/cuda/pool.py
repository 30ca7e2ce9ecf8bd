"""Pooling; see ../array/pool.py for the definitions.

Positions are a byte each. Windows of more than 256 positions are left to the array code.
"""

from __future__ import annotations

import numpy as np

from ...backend import Array, array_module
from ..geometry import Pair, PoolGeometry, window_counts
from .arrays import channels_first, channels_last
from .loader import WINDOWS, launch_elementwise, takes


def _windows(shape: tuple[int, ...], geometry: PoolGeometry) -> np.ndarray:
    """struct Windows for images of shape (N, C, H, W)."""
    kernel_size, stride, padding, dilation, out_size = geometry
    values = (*shape, *out_size, *kernel_size, *stride, *padding, *dilation, 1)
    return np.array(values, WINDOWS)


def _too_large(geometry: PoolGeometry) -> bool:
    return geometry.kernel_size[0] * geometry.kernel_size[1] > 256


def _image(shape: tuple[int, ...], like: Array) -> Array:
    """An empty (N, C, H, W), channels-last in memory, as (N, H, W, C)."""
    N, C, H, W = shape
    return array_module(like).empty((N, H, W, C), like.dtype)


def max_pool2d_forward(
    x: Array, geometry: PoolGeometry, with_position: bool = True
) -> tuple[Array, Array | None]:
    if not takes(x) or _too_large(geometry):
        return NotImplemented
    windows = _windows(x.shape, geometry)
    x = channels_last(x)
    y = _image((x.shape[0], x.shape[3], *geometry.out_size), x)
    position = array_module(x).empty(y.shape, np.uint8) if with_position else None
    launch_elementwise("pool.cu", "max_pool", x.dtype, y.size, x, y, position, windows)
    return channels_first(y), None if position is None else channels_first(position)


def max_pool2d_scatter(
    gy: Array, position: Array, input_size: Pair, geometry: PoolGeometry
) -> Array:
    if not takes(gy) or position.dtype != np.uint8:
        return NotImplemented
    shape = (*gy.shape[:2], *input_size)
    gx = _image(shape, gy)
    arrays = channels_last(gy), channels_last(position), gx
    windows = _windows(shape, geometry)
    launch_elementwise("pool.cu", "max_pool_scatter", gy.dtype, gx.size, *arrays, windows)
    return channels_first(gx)


def max_pool2d_gather(x: Array, position: Array, geometry: PoolGeometry) -> Array:
    if not takes(x) or position.dtype != np.uint8:
        return NotImplemented
    y = _image(position.shape, x)
    arrays = channels_last(x), channels_last(position), y
    windows = _windows(x.shape, geometry)
    launch_elementwise("pool.cu", "max_pool_gather", x.dtype, y.size, *arrays, windows)
    return channels_first(y)


def _divisor(divisor: np.ndarray, size: Pair, geometry: PoolGeometry) -> tuple[int, float] | None:
    """(with_border, divisor) for the kernels, which count the pixels of a window themselves.

    So nothing has to be copied to the GPU. None for divisors that are no such counts.
    """
    first = divisor.flat[0] if divisor.size else 1
    if first != 0 and (divisor == first).all():
        return 0, float(first)
    for with_border in (True, False):
        if np.array_equal(divisor, window_counts(size, geometry, with_border)):
            return int(with_border), 0.0
    return None


def avg_pool2d_forward(x: Array, geometry: PoolGeometry, divisor: np.ndarray) -> Array:
    rule = _divisor(divisor, (x.shape[2], x.shape[3]), geometry)
    if not takes(x) or rule is None:
        return NotImplemented
    y = _image((*x.shape[:2], *geometry.out_size), x)
    windows = _windows(x.shape, geometry)
    args = channels_last(x), y, windows, *rule
    launch_elementwise("pool.cu", "avg_pool", x.dtype, y.size, *args)
    return channels_first(y)


def avg_pool2d_backward(
    gy: Array, input_size: Pair, geometry: PoolGeometry, divisor: np.ndarray
) -> Array:
    rule = _divisor(divisor, input_size, geometry)
    if not takes(gy) or rule is None:
        return NotImplemented
    shape = (*gy.shape[:2], *input_size)
    gx = _image(shape, gy)
    args = channels_last(gy), gx, _windows(shape, geometry), *rule
    launch_elementwise("pool.cu", "avg_pool_backward", gy.dtype, gx.size, *args)
    return channels_first(gx)
