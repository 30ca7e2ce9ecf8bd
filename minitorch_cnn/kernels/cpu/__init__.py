"""Numba kernels for the CPU: the names of the readable tier, fused and blocked for the cache.

Here each kernel gets its arrays ready: float32, images channels-last and contiguous; everything
else is declined with NotImplemented, and the definition does it. Results lie in memory that is
used again (memory.py). Read tile.py and conv.py first, then direct.py, depthwise.py,
winograd_tiles.py and winograd.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import Array, axes_as_in_memory, inverse_order
from ..algorithm import choose, record
from ..conv import ConvGeometry, output_size, turned_geometry
from ..depthwise import applies as is_depthwise
from ..depthwise import applies_to_channels
from ..dropout import threshold
from ..layout import Pair
from ..memory import empty
from ..pool import PoolGeometry
from . import conv, depthwise, direct, elementwise, layout, loss, norm, pool, winograd
from . import dropout as _dropout
from . import matmul as _matmul
from .optim import adam as adam
from .optim import sgd as sgd
from .product import panel_width
from .threads import SMALL, counter, parts_for, run
from .vector import BYTES, LANES, may_stream

FLOAT32 = np.dtype(np.float32)


def takes(*arrays: Array | None) -> bool:
    """Whether all arrays are float32 and not empty."""
    for array in arrays:
        if array is not None and (array.dtype != FLOAT32 or array.size == 0):
            return False
    return True


def _contiguous(array: Array) -> Array:
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _channels_last(x: Array) -> Array:
    """(N, C, ...) -> (N, ..., C), contiguous; a view if it is so in memory."""
    last = x.transpose(0, *range(2, x.ndim), 1)
    if last.flags.c_contiguous or not x.flags.c_contiguous:
        return np.ascontiguousarray(last)
    y = empty(last.shape)
    N, C = x.shape[:2]
    rows = x.reshape(N, C, -1), y.reshape(N, -1, C)
    run(layout.to_channels_last, *rows, parts=parts_for(x.size))
    return y


def _images(y: Array) -> Array:
    """(N, H, W, C) -> (N, C, H, W), a view."""
    return y.transpose(0, 3, 1, 2)


# ------------------------------------------------------------------------------ convolution


def conv2d_forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Any:
    return _convolve(x, w, b, geometry, relu_too=False)


def conv2d_relu_forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Any:
    return _convolve(x, w, b, geometry, relu_too=True)


def _convolve(x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu_too: bool) -> Any:
    if not takes(x, w, b):
        return NotImplemented
    K, _, KH, KW = w.shape
    C = x.shape[1]
    OH, OW = output_size((x.shape[2], x.shape[3]), (KH, KW), geometry)
    copied = 0 if direct.applies(w.shape, geometry) else C
    choice = choose(C, K, (KH, KW), x.shape[0], (OH, OW), geometry, patch_channels=copied)
    if choice.algorithm == "direct":
        return NotImplemented
    record(choice)
    y = empty((x.shape[0], OH, OW, K))
    bias = np.zeros(K, np.float32) if b is None else _contiguous(b)
    x_last, w = _channels_last(x), _contiguous(w)
    if choice.algorithm == "winograd":
        winograd.convolve(x_last, w, False, geometry.padding, y)
        if b is not None:
            run(elementwise.add_to_rows, y.reshape(-1, K), bias)
    elif is_depthwise(w, geometry.groups):
        depthwise.forward(x_last, w, bias, geometry, y)
    else:
        conv.forward(x_last, w, bias, geometry, relu_too, y)
        return _images(y)
    return _images(relu_(y) if relu_too else y)


def conv2d_input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(gy, w):
        return NotImplemented
    K, Cg, KH, KW = w.shape
    H, W = input_size
    N, C = gy.shape[0], Cg * geometry.groups
    turned = turned_geometry(w, geometry)
    choice = choose(K, C, (KH, KW), N, (H, W), turned, patch_channels=C)
    record(choice)
    gy_last, w = _channels_last(gy), _contiguous(w)
    gx = empty((N, H, W, C))
    if choice.algorithm == "winograd":
        winograd.convolve(gy_last, w, True, turned.padding, gx)
    elif is_depthwise(w, geometry.groups):
        depthwise.input_gradient(gy_last, w, geometry, gx)
    else:
        conv.input_gradient(gy_last, w, geometry, gx)
    return _images(gx)


def conv2d_weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Any:
    C, (N, K, OH, OW) = x.shape[1], gy.shape
    if not takes(x, gy):
        return NotImplemented
    gw = empty((K, C // geometry.groups, *kernel_size))
    copied = 0 if direct.applies(gw.shape, geometry) else C
    choice = choose(C, K, kernel_size, N, (OH, OW), geometry, patch_channels=copied)
    record(choice)
    x_last, gy_last = _channels_last(x), _channels_last(gy)
    if choice.algorithm == "winograd":
        winograd.weight_gradient(x_last, gy_last, geometry.padding, gw)
    elif applies_to_channels(C, geometry.groups):
        depthwise.weight_gradient(x_last, gy_last, geometry, gw)
    else:
        conv.weight_gradient(x_last, gy_last, geometry, gw)
    return gw


# ------------------------------------------------------------------------------- batch norm


def _rows(x: Array) -> Array:
    """x (N, C, ...) as (pixels, C), contiguous; a view if it is channels-last in memory."""
    return _channels_last(x).reshape(-1, x.shape[1])


def _back(rows: Array, like: Array) -> Array:
    """The opposite of `_rows`, with the shape of `like`."""
    N, C, *spatial = like.shape
    return rows.reshape(N, *spatial, C).transpose(0, like.ndim - 1, *range(1, like.ndim - 1))


def _workspace(parts: int, rows: int, C: int) -> Array:
    """Whole vectors for the sums of each part, in cache lines that no other part writes to."""
    width = -(-C // LANES) * LANES
    numbers = np.empty(parts * rows * width + LANES, np.float32)
    first = -numbers.ctypes.data % BYTES // 4
    return numbers[first : first + parts * rows * width].reshape(parts, rows, width)


def channel_mean_var(x: Array) -> Any:
    if not takes(x):
        return NotImplemented
    rows = _rows(x)
    P, C = rows.shape
    parts = parts_for(x.size)
    means, squares = np.zeros((2, parts, C))
    run(norm.statistics, rows, means, squares, _workspace(parts, 2, C), parts=parts)
    mean, variance = np.empty(C, np.float32), np.empty(C, np.float32)
    run(norm.mean_and_variance, means, squares, P, mean, variance, parts=1)
    return mean, variance


def channel_sum(x: Array) -> Any:
    if not takes(x):
        return NotImplemented
    parts = parts_for(x.size)
    sums = np.zeros((parts, x.shape[1]))
    run(norm.channel_sums, _rows(x), sums, _workspace(parts, 1, x.shape[1]), parts=parts)
    return sums.sum(0).astype(np.float32)


def batch_norm_forward(
    x: Array, scale: Array, shift: Array, residual: Array | None = None, relu: bool = False
) -> Any:
    if not takes(x, scale, shift, residual):
        return NotImplemented
    rows = _rows(x)
    y = empty(rows.shape)
    more = rows if residual is None else _rows(residual)
    args = (
        rows,
        _contiguous(scale),
        _contiguous(shift),
        more,
        residual is not None,
        relu,
        may_stream(y),
        y,
    )
    run(norm.normalize, counter(), *args, parts=parts_for(x.size))
    return _back(y, x)


def batch_norm_backward(
    gy: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    invstd: Array,
    batch_statistics: bool,
    y: Array | None = None,
    residual: bool = False,
) -> Any:
    if not takes(gy, x, weight, mean, invstd, y):
        return NotImplemented
    gy_rows, x_rows = _rows(gy), _rows(x)
    y_rows, relu = (x_rows, False) if y is None else (_rows(y), True)
    count, C = x_rows.shape
    parts = parts_for(x.size)
    mean, sums = _contiguous(mean), np.zeros((parts, 2, C))
    keep = relu and residual  # gy where y > 0: the residual's gradient, and then gx's source
    masked = empty(x_rows.shape) if keep else gy_rows
    run(
        norm.gradient_sums, gy_rows, x_rows, y_rows, relu, mean, sums, _workspace(parts, 2, C),
        keep, may_stream(masked), masked, parts=parts,
    )  # fmt: skip
    weight = np.ones(C, np.float32) if weight is None else _contiguous(weight)
    gweight, gbias, *coefficients = (np.empty(C, np.float32) for _ in range(5))
    run(
        norm.gradient_coefficients, sums, weight, mean, _contiguous(invstd), count,
        batch_statistics, gweight, gbias, *coefficients, parts=1,
    )  # fmt: skip
    gx = empty(x_rows.shape)
    args = (masked, x_rows, y_rows, relu and not keep, *coefficients, may_stream(gx), gx)
    run(norm.input_gradient, counter(), *args, parts=parts_for(x.size))
    return _back(gx, gy), gweight, gbias, _back(masked, gy) if residual else None


# ------------------------------------------------------------------------------ elementwise


def _order(x: Array) -> list[int] | None:
    """The axes from the longest step to the shortest, if x lies in memory without gaps."""
    order = axes_as_in_memory(x)
    return order if x.transpose(order).flags.c_contiguous else None


def _flat(order: list[int], *arrays: Array) -> list[Array]:
    """The arrays as they lie in memory, in one dimension; copied only if in another order."""
    return [_contiguous(array.transpose(order)).reshape(-1) for array in arrays]


def _unflat(flat: Array, order: list[int], like: Array) -> Array:
    shape = tuple(like.shape[axis] for axis in order)
    return flat.reshape(shape).transpose(inverse_order(order))


def _elementwise(kernel, like: Array, *arrays: Array) -> Any:
    """A new array, made from arrays of the shape of `like`, in its memory order."""
    order = _order(like)
    if order is None or not takes(*arrays):
        return NotImplemented
    if any(array.shape != like.shape for array in arrays):
        return NotImplemented
    y = empty((like.size,))
    flat = _flat(order, *arrays)
    run(kernel, counter(), *flat, may_stream(y), y, parts=parts_for(like.size))
    return _unflat(y, order, like)


def relu(x: Array) -> Any:
    return _elementwise(elementwise.relu, x, x)


def relu_(x: Array) -> Any:
    order = _order(x)
    if order is None or not takes(x):
        return NotImplemented
    flat = x.transpose(order).reshape(-1)
    run(elementwise.relu, counter(), flat, False, flat, parts=parts_for(x.size))
    return x


def relu_backward(gy: Array, y: Array) -> Any:
    # In y's order: gy may come from an average over pixels, whose memory order says nothing.
    return _elementwise(elementwise.relu_backward, y, gy, y)


def add(a: Array, b: Array) -> Any:
    if a.size < SMALL:
        return NotImplemented
    return _elementwise(elementwise.add, a, a, b)


def dropout(x: Array, key: int, p: float) -> Any:
    if not takes(x):
        return NotImplemented
    y = empty((x.size,))
    scale = np.float32(1 / (1 - p))
    args = (_contiguous(x).reshape(-1), np.uint64(key), np.uint64(threshold(p)), scale, y)
    run(_dropout.drop, *args, parts=parts_for(x.size))
    return y.reshape(x.shape)


# ---------------------------------------------------------------------------------- pooling


def max_pool2d_forward(x: Array, geometry: PoolGeometry, with_position: bool = True) -> Any:
    KH, KW = geometry.kernel_size
    if not takes(x) or KH * KW > 256:
        return NotImplemented
    shape = (x.shape[0], *geometry.out_size, x.shape[1])
    y, position = empty(shape), empty(shape if with_position else (0, 0, 0, 0), np.uint8)
    size, stride, padding, dilation, _ = geometry
    args = (_channels_last(x), size, stride, padding, dilation, y, position)
    run(pool.max_forward, counter(), *args, parts=parts_for(x.size))
    return _images(y), _images(position) if with_position else None


def max_pool2d_scatter(gy: Array, position: Array, input_size: Pair, geometry: PoolGeometry) -> Any:
    if not takes(gy) or position.dtype != np.uint8:
        return NotImplemented
    gx = empty((gy.shape[0], *input_size, gy.shape[1]))
    size, stride, padding, dilation, _ = geometry
    where = _contiguous(position.transpose(0, 2, 3, 1))
    args = (_channels_last(gy), where, size, stride, padding, dilation, gx)
    run(pool.max_scatter, counter(), *args, parts=parts_for(gx.size))
    return _images(gx)


def avg_pool2d_forward(x: Array, geometry: PoolGeometry, divisor: Array) -> Any:
    if not takes(x) or geometry.dilation != (1, 1):
        return NotImplemented
    y = empty((x.shape[0], *geometry.out_size, x.shape[1]))
    args = (_channels_last(x), geometry.kernel_size, geometry.stride, geometry.padding)
    run(pool.average_forward, counter(), *args, _reciprocal(divisor), y, parts=parts_for(x.size))
    return _images(y)


def avg_pool2d_backward(gy: Array, input_size: Pair, geometry: PoolGeometry, divisor: Array) -> Any:
    if not takes(gy) or geometry.dilation != (1, 1):
        return NotImplemented
    gx = empty((gy.shape[0], *input_size, gy.shape[1]))
    args = (_channels_last(gy), geometry.kernel_size, geometry.stride, geometry.padding)
    run(pool.average_backward, counter(), *args, _reciprocal(divisor), gx, parts=parts_for(gx.size))
    return _images(gx)


def _reciprocal(divisor: Array) -> Array:
    return np.ascontiguousarray(1 / divisor, np.float32)


# ------------------------------------------------------------------------- matrix products


def matmul(a: Array, b: Array) -> Any:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0] or not takes(a, b):
        return NotImplemented
    (M, K), N = a.shape, b.shape[1]
    a, b = _in_memory_order(a), _in_memory_order(b)
    a_row, a_k = a.strides
    b_k, column = b.strides
    b_panel = 4 * _matmul.PANEL
    if column == 4:
        right = b.reshape(-1)
    else:
        width = panel_width(N)
        right = empty((-(-N // width), K, width))
        run(_matmul.pack_panels, b.T.reshape(-1), b_k, column, N, right, parts=parts_for(K * N))
        right, b_k, b_panel = right.reshape(-1), 4 * width, 4 * K * width
    left = (a if a_k == 4 else a.T).reshape(-1)
    c = empty((M, N))
    args = (left, a_row, a_k, right, b_k, b_panel, K, c)
    run(_matmul.multiply, counter(), *args, parts=parts_for(M * N * K // 16))
    return c


def _in_memory_order(matrix: Array) -> Array:
    """The matrix, if its rows or its columns lie in memory without gaps, otherwise a copy."""
    return matrix if matrix.T.flags.c_contiguous else _contiguous(matrix)


# ------------------------------------------------------------------------------------- loss


def cross_entropy(x: Array, target: Array) -> Any:
    if not takes(x) or target.dtype != np.int64:
        return NotImplemented
    losses, softmax = np.empty(len(x), np.float32), empty(x.shape)
    args = (_contiguous(x), _contiguous(target), losses, softmax)
    run(loss.cross_entropy, *args, parts=parts_for(10 * x.size))
    return losses, softmax


def cross_entropy_backward(gy: Array, softmax: Array, target: Array) -> Any:
    if not takes(gy, softmax) or target.dtype != np.int64:
        return NotImplemented
    gx = empty(softmax.shape)
    args = (_contiguous(gy), _contiguous(softmax), _contiguous(target), gx)
    run(loss.cross_entropy_backward, *args, parts=parts_for(softmax.size))
    return gx
