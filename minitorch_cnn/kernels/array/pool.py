"""Pooling: the largest number, or the mean, of every window.

All work goes by kernel position: for a 2x2 window there are four shifted pictures of the input,
and the maximum is three elementwise maxima of them. No loop runs over pixels.
"""

from __future__ import annotations

import numpy as np

from ...backend import Array, array_module, constant
from ...backend.arrays import channels_first, channels_last, compute_type, empty, image_blocks
from ..geometry import Pair, PoolGeometry, adaptive_bins, kernel_positions
from .elementwise import kept


def _padded_size(size: Pair, geometry: PoolGeometry) -> Pair:
    """Of the image with its border, wide enough for the last window (ceil_mode)."""
    (H, W), (ph, pw), (reach_h, reach_w) = size, geometry.padding, geometry.reach()
    return max(H + ph, reach_h), max(W + pw, reach_w)


def _pad(x: Array, geometry: PoolGeometry, value: float) -> Array:
    """x (N, C, H, W) as (N, Hp, Wp, C), with `value` around it as far as the windows reach."""
    N, C, H, W = x.shape
    (ph, pw), size = geometry.padding, _padded_size((H, W), geometry)
    if size == (H, W):
        return channels_last(x)
    padded = array_module(x).full((N, *size, C), value, compute_type(x))
    padded[:, ph : ph + H, pw : pw + W] = x.transpose(0, 2, 3, 1)
    return padded


# -------------------------------------------------------------------------------- maximum


def max_pool2d_forward(
    x: Array, geometry: PoolGeometry, with_position: bool = True
) -> tuple[Array, Array | None]:
    """y (N, C, OH, OW), and which position of its window each maximum came from.

    The position kh*KW + kw is what the gradient needs, in a byte for each output. NaN counts as
    larger than anything. Of equal numbers the first one counts, of several NaN the last, as in
    torch.
    """
    xp = array_module(x)
    N, C = x.shape[:2]
    OH, OW = geometry.out_size
    KH, KW = geometry.kernel_size
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    padded = _pad(x, geometry, lowest)  # (N, Hp, Wp, C)

    y = empty((N, OH, OW, C), padded.dtype, xp)
    position = None
    if with_position:
        position = xp.zeros(y.shape, np.uint8 if KH * KW <= 256 else np.int32)
    for images in image_blocks(y):
        windows = [padded[images, rows, columns] for _, rows, columns in _windows(geometry)]
        best = y[images]  # (B, OH, OW, C), as each window
        best[...] = windows[0]
        for window in windows[1:]:
            xp.maximum(best, window, out=best)
        if position is None:
            continue
        # Count the windows before the first one that holds the maximum.
        missing = xp.ones(best.shape, bool)
        for window in windows[:-1]:
            missing &= window != best
            position[images] += missing
        for index, window in enumerate(windows):  # a NaN does not equal itself
            xp.copyto(position[images], index, where=window != window)
    if position is not None and max(geometry.padding) > 0:
        # Where all numbers are -inf, the border has been taken for the maximum.
        xp.maximum(position, _first_inside(geometry, position), out=position)
    y = channels_first(y, x.dtype)
    return y, None if position is None else position.transpose(0, 3, 1, 2)


def max_pool2d_scatter(
    gy: Array, position: Array, input_size: Pair, geometry: PoolGeometry
) -> Array:
    """gx (N, C, H, W): each gy (N, C, OH, OW) goes to the pixel that was the maximum."""
    xp = array_module(gy)
    N, C = gy.shape[:2]
    (H, W), (ph, pw) = input_size, geometry.padding
    gy_last = channels_last(gy)
    position = position.transpose(0, 2, 3, 1)
    gx = xp.zeros((N, *_padded_size(input_size, geometry), C), gy_last.dtype)
    for images in image_blocks(gy_last):
        for index, (_, rows, columns) in enumerate(_windows(geometry)):
            part = gy_last[images]
            here = position[images] == index
            gx[images, rows, columns] += kept(part, here, empty(part.shape, part.dtype, xp))
    return channels_first(gx[:, ph : ph + H, pw : pw + W], gy.dtype)


def max_pool2d_gather(x: Array, position: Array, geometry: PoolGeometry) -> Array:
    """(N, C, OH, OW): from each window of x the number at `position`. Scatter's gradient.

    0 at a position that the window does not have.
    """
    xp = array_module(x)
    padded = _pad(x, geometry, 0)
    position = position.transpose(0, 2, 3, 1)
    y = xp.zeros(position.shape, padded.dtype)
    for index, (_, rows, columns) in enumerate(_windows(geometry)):
        xp.copyto(y, padded[:, rows, columns], where=position == index)
    return channels_first(y, x.dtype)


def max_pool2d_indices(position: Array, width: int, geometry: PoolGeometry) -> Array:
    """Positions in the window as torch counts them: row * W + column in the image, int64."""
    xp = array_module(position)
    _, (sh, sw), (ph, pw), (dh, dw), (OH, OW) = geometry
    KW = geometry.kernel_size[1]
    position = position.astype(np.int64)
    rows = xp.arange(OH)[:, None] * sh - ph + position // KW * dh
    columns = xp.arange(OW) * sw - pw + position % KW * dw
    return rows * width + columns


def _windows(geometry: PoolGeometry) -> list[tuple[Pair, slice, slice]]:
    kernel_size, stride, _, dilation, out_size = geometry
    return kernel_positions(kernel_size, out_size, stride, dilation)


def _first_inside(geometry: PoolGeometry, like: Array) -> Array:
    """(OH, OW, 1): the first position of each window that is not in the padding."""
    first = []
    for axis in (0, 1):
        start = np.arange(geometry.out_size[axis]) * geometry.stride[axis]
        outside = np.maximum(geometry.padding[axis] - start, 0)
        skipped = -(-outside // geometry.dilation[axis])  # rounded up
        first.append(np.minimum(skipped, geometry.kernel_size[axis] - 1))
    position = first[0][:, None] * geometry.kernel_size[1] + first[1]
    return constant(position[:, :, None], like, like.dtype)


# ----------------------------------------------------------------------------------- mean


def avg_pool2d_forward(x: Array, geometry: PoolGeometry, divisor: Array) -> Array:
    """The sum of each window divided by divisor (OH, OW): (N, C, OH, OW).

    A sum over a window is a sum over its columns of sums over its rows: KH + KW additions for
    an output, not KH * KW.
    """
    padded = _pad(x, geometry, 0)  # (N, Hp, Wp, C)
    xp = array_module(x)
    y = empty((x.shape[0], *geometry.out_size, x.shape[1]), padded.dtype, xp)
    scale = _reciprocal(divisor, padded)
    for images in image_blocks(padded):
        block = padded[images]
        for axis in (1, 2):
            slots = _slots(geometry, axis)
            total = block[slots[0]].copy()
            for slot in slots[1:]:
                total += block[slot]
            block = total
        xp.multiply(block, scale, out=y[images])
    return channels_first(y, x.dtype)


def avg_pool2d_backward(
    gy: Array, input_size: Pair, geometry: PoolGeometry, divisor: Array
) -> Array:
    """gx (N, C, H, W): every pixel of a window gets gy / divisor."""
    xp = array_module(gy)
    N, C = gy.shape[:2]
    (H, W), (ph, pw), (OH, _) = input_size, geometry.padding, geometry.out_size
    height, width = _padded_size(input_size, geometry)
    gy_last = channels_last(gy)  # (N, OH, OW, C)
    gx = empty((N, H, W, C), gy_last.dtype, xp)
    scale = _reciprocal(divisor, gy_last)
    for images in image_blocks(gy_last):
        block = gy_last[images] * scale
        for axis, shape in ((2, (OH, width)), (1, (height, width))):
            spread = xp.zeros((block.shape[0], *shape, C), gy_last.dtype)
            for slot in _slots(geometry, axis):
                spread[slot] += block
            block = spread
        gx[images] = block[:, ph : ph + H, pw : pw + W]
    return channels_first(gx, gy.dtype)


def _slots(geometry: PoolGeometry, axis: int) -> list[tuple[slice, ...]]:
    """Along one axis (1 rows, 2 columns): what lies under each position of the kernel."""
    stride, count = geometry.stride[axis - 1], geometry.out_size[axis - 1]
    before = (slice(None),) * axis
    return [
        (*before, slice(k, k + (count - 1) * stride + 1, stride))
        for k in range(geometry.kernel_size[axis - 1])
    ]


def _reciprocal(divisor: Array, like: Array) -> Array:
    """1 / divisor (OH, OW) as (OH, OW, 1) beside `like`."""
    return constant((1.0 / divisor)[:, :, None], like, like.dtype)


# ------------------------------------------------------------------------------- adaptive


def adaptive_max_indices(x: Array, out_size: Pair) -> Array:
    """Where each of OH x OW bins of x (..., H, W) has its maximum: row * W + column, int64.

    The bins have different sizes. So all are taken as large as the largest, and what is too much
    repeats the bin's last row or column, which changes no maximum. Of several NaN the last counts.
    """
    xp = array_module(x)
    H, W = x.shape[-2:]
    rows, columns = (_bin_members(n, bins) for n, bins in zip((H, W), out_size, strict=True))
    best = where = None
    for row in rows:  # (OH,): the same place in every bin
        for column in columns:  # (OW,)
            here = constant(row[:, None] * W + column, x)  # (OH, OW)
            window = x[..., constant(row[:, None], x), constant(column, x)]  # (..., OH, OW)
            if best is None:
                best, where = window, xp.broadcast_to(here, window.shape).copy()
                continue
            better = (window > best) | (window != window)
            xp.copyto(where, here, where=better)
            xp.copyto(best, window, where=better)
    return where


def _bin_members(length: int, bins: int) -> np.ndarray:
    """(size of the largest bin, bins): the members of each bin, the last one repeated."""
    starts, ends = adaptive_bins(length, bins)
    largest = int((ends - starts).max(initial=1))
    return np.minimum(starts + np.arange(largest)[:, None], ends - 1)
