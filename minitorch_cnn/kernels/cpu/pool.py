"""Pooling of channels-last images: for every window, LANES channels at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import Array
from ...backend.arrays import empty
from ..geometry import Pair, PoolGeometry
from .arrays import channels_first, channels_last, contiguous, takes
from .jit.compiling import compiled
from .jit.threads import address, counter, kernel, parts_for, run, take
from .jit.vector import (
    BYTES,
    LANES,
    fill_zeros,
    fma,
    load,
    load_bytes,
    load_some,
    splat,
    store,
    store_by_halves,
    store_bytes,
    where_equal,
    where_larger,
)

LOWEST = np.float32(-np.inf)
ROW_NUMBERS = 1 << 12  # of rows that a thread takes at a time


@compiled
def taps_inside(start: int, taps: int, step: int, size: int) -> Pair:
    """(first, stop) of the taps of a window at start, start + step, ... that are in 0..size."""
    first, stop = 0, taps
    while first < taps and start + first * step < 0:
        first += 1
    while stop > first and start + (stop - 1) * step >= size:
        stop -= 1
    return first, stop


@kernel
def max_forward(
    part: int, parts: int, work: Array, x: Array, size: Pair, stride: Pair, padding: Pair,
    dilation: Pair, y: Array, position: Array,
) -> None:  # fmt: skip
    """y (N, OH, OW, C): the largest of each window; position: which tap it was, kh * KW + kw,
    unless its size is 0.

    Of equal numbers the first counts; NaN is larger than everything, of several the last counts.
    """
    N, H, W, C = x.shape
    _, OH, OW, _ = y.shape
    (KH, KW), (sh, sw), (ph, pw), (dh, dw) = size, stride, padding, dilation
    rows = max(ROW_NUMBERS // (OW * C), 1)
    end = address(x) + 4 * x.size
    first_row = take(work, rows)
    while first_row < N * OH:
        for index in range(first_row, min(first_row + rows, N * OH)):
            n, i = index // OH, index % OH
            top = i * sh - ph
            # The rows and columns of a window that are inside of the image.
            u0, u1 = taps_inside(top, KH, dh, H)
            for j in range(OW):
                left = j * sw - pw
                v0, v1 = taps_inside(left, KW, dw, W)
                corner = ((n * H + top + u0 * dh) * W + left + v0 * dw) * C
                for c in range(0, C, LANES):
                    lanes = min(C - c, LANES)
                    row = address(x) + 4 * (corner + c)
                    best, where = splat(LOWEST), splat(np.float32(u0 * KW + v0))
                    for u in range(u0, u1):
                        place, tap = row, splat(np.float32(u * KW + v0))
                        for _ in range(v0, v1):
                            pixel = load_some(place, LANES if place + BYTES <= end else lanes)
                            where = where_larger(pixel, best, tap, where)
                            best = where_larger(pixel, best, pixel, best)
                            place += 4 * dw * C
                            tap += splat(np.float32(1))
                        row += 4 * dh * W * C
                    place = (index * OW + j) * C + c
                    store_by_halves(address(y) + 4 * place, best, lanes)
                    if position.size:
                        store_bytes(address(position) + place, where, lanes)
        first_row = take(work, rows)


@compiled
def scatter_side_by_side(
    gy: int, position: int, windows: Pair, size: Pair, C: int, gx: int
) -> None:
    """One image's gx, each pixel of which is in one window; windows: (OH, OW), size: (KH, KW).

    It is written from its beginning to its end, in whole vectors: what a vector has too much, if
    there are few channels, is overwritten by the next one. Only at the end lanes are left out.
    """
    (OH, OW), (KH, KW) = windows, size
    gy_end, gx_end = OH * OW * C, OH * KH * OW * KW * C
    pixel = 0
    for row in range(OH * KH):
        i, u = row // KH, row % KH
        for j in range(OW):
            for v in range(KW):
                tap = splat(np.float32(u * KW + v))
                for c in range(0, C, LANES):
                    place, lanes = (i * OW + j) * C + c, min(C - c, LANES)
                    gradient, where = gy + 4 * place, position + place
                    if place + LANES <= gy_end and pixel + LANES <= gx_end:
                        value = where_equal(load_bytes(where, LANES), tap, load(gradient))
                        store(gx + 4 * pixel, value)
                    else:
                        value = load_some(gradient, lanes)
                        value = where_equal(load_bytes(where, lanes), tap, value)
                        store_by_halves(gx + 4 * pixel, value, lanes)
                    pixel += lanes


@kernel
def max_scatter(
    part: int, parts: int, work: Array, gy: Array, position: Array, size: Pair, stride: Pair,
    padding: Pair, dilation: Pair, gx: Array,
) -> None:  # fmt: skip
    """gx (N, H, W, C): each gy is added to the pixel that its window's maximum came from."""
    N, H, W, C = gx.shape
    _, OH, OW, _ = gy.shape
    (KH, KW), (sh, sw), (ph, pw), (dh, dw) = size, stride, padding, dilation
    apart = sh > (KH - 1) * dh and sw > (KW - 1) * dw  # no pixel is in two windows
    everywhere = (OH * KH, OW * KW) == (H, W) and stride == size and ph + pw == 0 and dh == dw == 1
    n = take(work, 1)
    while n < N:
        image = address(gx) + 4 * n * H * W * C
        if everywhere:
            first = n * OH * OW * C
            scatter_side_by_side(
                address(gy) + 4 * first, address(position) + first, (OH, OW), size, C, image
            )
            n = take(work, 1)
            continue
        fill_zeros(image, H * W * C)
        for i in range(OH):
            for j in range(OW):
                for c in range(0, C, LANES):
                    lanes = min(C - c, LANES)
                    place = ((n * OH + i) * OW + j) * C + c
                    gradient = load_some(address(gy) + 4 * place, lanes)
                    where = load_bytes(address(position) + place, lanes)
                    for u in range(KH):
                        h = i * sh - ph + u * dh
                        if h < 0 or h >= H:
                            continue
                        for v in range(KW):
                            w = j * sw - pw + v * dw
                            if w < 0 or w >= W:
                                continue
                            pixel = address(gx) + 4 * (((n * H + h) * W + w) * C + c)
                            tap = splat(np.float32(u * KW + v))
                            value = where_equal(where, tap, gradient)
                            if not apart:
                                value = value + load_some(pixel, lanes)
                            store_by_halves(pixel, value, lanes)
        n = take(work, 1)


@kernel
def average_forward(
    part: int, parts: int, work: Array, x: Array, size: Pair, stride: Pair, padding: Pair,
    scale: Array, y: Array,
) -> None:  # fmt: skip
    """y (N, OH, OW, C): the sum of each window times scale (OH, OW)."""
    N, H, W, C = x.shape
    _, OH, OW, _ = y.shape
    (KH, KW), (sh, sw), (ph, pw) = size, stride, padding
    rows = max(ROW_NUMBERS // (OW * C), 1)
    first_row = take(work, rows)
    while first_row < N * OH:
        for index in range(first_row, min(first_row + rows, N * OH)):
            n, i = index // OH, index % OH
            for j in range(OW):
                for c in range(0, C, LANES):
                    lanes = min(C - c, LANES)
                    total = splat(np.float32(0))
                    for h in range(max(i * sh - ph, 0), min(i * sh - ph + KH, H)):
                        for w in range(max(j * sw - pw, 0), min(j * sw - pw + KW, W)):
                            pixel = address(x) + 4 * (((n * H + h) * W + w) * C + c)
                            total += load_some(pixel, lanes)
                    total *= splat(scale[i, j])
                    store_by_halves(address(y) + 4 * ((index * OW + j) * C + c), total, lanes)
        first_row = take(work, rows)


@kernel
def average_backward(
    part: int, parts: int, work: Array, gy: Array, size: Pair, stride: Pair, padding: Pair,
    scale: Array, gx: Array,
) -> None:  # fmt: skip
    """gx (N, H, W, C): every pixel of a window gets gy times scale (OH, OW)."""
    N, H, W, C = gx.shape
    _, OH, OW, _ = gy.shape
    (KH, KW), (sh, sw), (ph, pw) = size, stride, padding
    n = take(work, 1)
    while n < N:
        fill_zeros(address(gx) + 4 * n * H * W * C, H * W * C)
        for i in range(OH):
            for j in range(OW):
                factor = splat(scale[i, j])
                for c in range(0, C, LANES):
                    lanes = min(C - c, LANES)
                    place = address(gy) + 4 * (((n * OH + i) * OW + j) * C + c)
                    gradient = load_some(place, lanes)
                    for h in range(max(i * sh - ph, 0), min(i * sh - ph + KH, H)):
                        for w in range(max(j * sw - pw, 0), min(j * sw - pw + KW, W)):
                            pixel = address(gx) + 4 * (((n * H + h) * W + w) * C + c)
                            more = fma(gradient, factor, load_some(pixel, lanes))
                            store_by_halves(pixel, more, lanes)
        n = take(work, 1)


# ----------------------------------------------------------------------------------- the entries


def max_pool2d_forward(x: Array, geometry: PoolGeometry, with_position: bool = True) -> Any:
    KH, KW = geometry.kernel_size
    if not takes(x) or KH * KW > 256:
        return NotImplemented
    shape = (x.shape[0], *geometry.out_size, x.shape[1])
    y, position = empty(shape), empty(shape if with_position else (0, 0, 0, 0), np.uint8)
    size, stride, padding, dilation, _ = geometry
    args = (channels_last(x), size, stride, padding, dilation, y, position)
    run(max_forward, counter(), *args, parts=parts_for(x.size))
    return channels_first(y), channels_first(position) if with_position else None


def max_pool2d_scatter(gy: Array, position: Array, input_size: Pair, geometry: PoolGeometry) -> Any:
    if not takes(gy) or position.dtype != np.uint8:
        return NotImplemented
    gx = empty((gy.shape[0], *input_size, gy.shape[1]))
    size, stride, padding, dilation, _ = geometry
    where = contiguous(position.transpose(0, 2, 3, 1))
    args = (channels_last(gy), where, size, stride, padding, dilation, gx)
    run(max_scatter, counter(), *args, parts=parts_for(gx.size))
    return channels_first(gx)


def avg_pool2d_forward(x: Array, geometry: PoolGeometry, divisor: Array) -> Any:
    if not takes(x) or geometry.dilation != (1, 1):
        return NotImplemented
    y = empty((x.shape[0], *geometry.out_size, x.shape[1]))
    args = (channels_last(x), geometry.kernel_size, geometry.stride, geometry.padding)
    run(average_forward, counter(), *args, _reciprocal(divisor), y, parts=parts_for(x.size))
    return channels_first(y)


def avg_pool2d_backward(gy: Array, input_size: Pair, geometry: PoolGeometry, divisor: Array) -> Any:
    if not takes(gy) or geometry.dilation != (1, 1):
        return NotImplemented
    gx = empty((gy.shape[0], *input_size, gy.shape[1]))
    args = (channels_last(gy), geometry.kernel_size, geometry.stride, geometry.padding)
    run(average_backward, counter(), *args, _reciprocal(divisor), gx, parts=parts_for(gx.size))
    return channels_first(gx)


def _reciprocal(divisor: Array) -> Array:
    return np.ascontiguousarray(1 / divisor, np.float32)
