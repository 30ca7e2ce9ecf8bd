"""Batch normalisation in two passes each way: one that adds up, one that writes.

Images are looked at as rows (P, C), a row for each pixel. The passes that write
go through memory once from its beginning to its end, which is what a processor fetches in advance.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend import Array
from ...backend.arrays import empty, on_cache_lines
from .arrays import bias_or_zeros, channels_last, contiguous, takes
from .jit.threads import address, counter, kernel, parts_for, run, share, take
from .jit.vector import (
    BYTES,
    LANES,
    fill_zeros,
    fma,
    load,
    load_some,
    may_stream,
    positive_part,
    store,
    store_some,
    stream,
    where_positive,
)

BLOCK_NUMBERS = 1 << 14  # numbers of a block of rows: 64 KiB
# So many rows are added up in a register before it goes to memory, which the next ones wait for.
FEW = 8


@kernel
def statistics(
    part: int, parts: int, x: Array, mean: Array, square: Array, workspace: Array
) -> None:
    """mean (parts, C): of this part's rows; square: their sums of squared deviations. float64,
    zeros to begin with; workspace: two rows for each part.

    Inside a block deviations are taken from its first row. They are as small as the numbers vary,
    so their squares can be added up in float32 and the mean taken out afterwards, without the
    loss of digits of E[x^2] - E[x]^2. Blocks are put together in float64 (Chan, Golub and LeVeque,
    "Algorithms for computing the sample variance", 1983).
    """
    P, C = x.shape
    rows = max(BLOCK_NUMBERS // C, 128)
    start, stop = share(P, part, parts)
    for first in range(start, stop, rows):
        count = min(rows, stop - first)
        before = first - start
        first_row = address(x) + 4 * first * C
        block, width = address(workspace[part]), workspace.shape[2]
        fill_zeros(block, 2 * width)
        for row in range(0, count, FEW):
            for c in range(0, C, LANES):
                n, s_place = min(C - c, LANES), block + 4 * c
                q_place, place = s_place + 4 * width, first_row + 4 * (row * C + c)
                s, q, reference = load(s_place), load(q_place), load_some(first_row + 4 * c, n)
                for _ in range(min(FEW, count - row)):
                    distance = load_some(place, n) - reference
                    s, q = s + distance, fma(distance, distance, q)
                    place += 4 * C
                store(s_place, s)
                store(q_place, q)
        for c in range(C):
            total = np.float64(workspace[part, 0, c])
            block_mean = x[first, c] + total / count
            block_square = workspace[part, 1, c] - total * total / count
            if not np.isfinite(total):  # an infinite number, or a sum beyond float32
                block_mean = block_square = 0.0
                for row in range(first, first + count):
                    block_mean += np.float64(x[row, c]) / count
                for row in range(first, first + count):
                    block_square += (x[row, c] - block_mean) ** 2
            distance = block_mean - mean[part, c]
            if np.isinf(mean[part, c]):  # it stays so: inf - inf would be NaN
                mean[part, c] += block_mean
            else:
                mean[part, c] += distance * (count / (before + count))
            square[part, c] += block_square + distance * distance * (
                count * (before / (before + count))
            )


@kernel
def mean_and_variance(
    part: int, parts: int, means: Array, squares: Array, P: int, mean: Array, variance: Array,
    has_mean: bool, running_mean: Array, has_variance: bool, running_variance: Array,
    momentum: float,
) -> None:  # fmt: skip
    """mean, variance (C), float32, of P rows from those of the shares; see `statistics`.

    The running ones (C) are moved towards them, the unbiased variance.
    """
    shares, C = means.shape
    keep, step, more = np.float32(1 - momentum), np.float32(momentum), np.float32(P / max(P - 1, 1))
    for c in range(C):
        total, square = 0.0, 0.0
        for other in range(shares):
            start, stop = share(P, other, shares)
            total += means[other, c] * (stop - start)
        total /= P
        for other in range(shares):
            start, stop = share(P, other, shares)
            distance = means[other, c] - total
            square += squares[other, c] + distance * distance * (stop - start)
        mean[c], variance[c] = total, square / P
        if has_mean:
            running_mean[c] = keep * running_mean[c] + step * mean[c]
        if has_variance:
            running_variance[c] = keep * running_variance[c] + step * (more * variance[c])


@kernel
def scales(
    part: int, parts: int, mean: Array, variance: Array, weight: Array, bias: Array, eps: float,
    invstd: Array, scale: Array, shift: Array,
) -> None:  # fmt: skip
    """All (C), float32; see `scale_and_shift` in ../array/norm.py."""
    for c in range(mean.size):
        invstd[c] = np.float32(1) / np.sqrt(variance[c] + np.float32(eps))
        scale[c] = invstd[c] * weight[c]
        shift[c] = bias[c] - mean[c] * scale[c]


@kernel
def add_shares(part: int, parts: int, sums: Array, total: Array) -> None:
    """total (C), float32 = the sum over the first axes of sums (shares, pixels, C), float64"""
    shares, pixels, C = sums.shape
    for c in range(C):
        value = 0.0
        for other in range(shares):
            for pixel in range(pixels):
                value += sums[other, pixel, c]
        total[c] = value


@kernel
def channel_sums(part: int, parts: int, x: Array, sums: Array, workspace: Array) -> None:
    """sums (parts, C) += this part's rows of x (P, C), in float64."""
    P, C = x.shape
    rows = max(BLOCK_NUMBERS // C, 16)
    start, stop = share(P, part, parts)
    for first in range(start, stop, rows):
        place, block, row = address(x) + 4 * first * C, address(workspace[part]), 4 * C
        fill_zeros(block, workspace.shape[2])
        count = min(rows, stop - first)
        for _ in range(count // 4):  # four rows at a time: each sum waits for the one before it
            for c in range(0, C, LANES):
                n = min(C - c, LANES)
                four = load_some(place, n) + load_some(place + row, n)
                four += load_some(place + 2 * row, n) + load_some(place + 3 * row, n)
                store(block + 4 * c, load(block + 4 * c) + four)
                place += 4 * n
            place += 3 * row
        for _ in range(count % 4):
            for c in range(0, C, LANES):
                n = min(C - c, LANES)
                store(block + 4 * c, load(block + 4 * c) + load_some(place, n))
                place += 4 * n
        for c in range(C):
            sums[part, c] += workspace[part, 0, c]


@kernel
def normalize(
    part: int, parts: int, work: Array, x: Array, scale: Array, shift: Array, residual: Array,
    has_residual: bool, relu: bool, streaming: bool, y: Array,
) -> None:  # fmt: skip
    """y = x * scale + shift [+ residual], at least 0 with relu; all (P, C)."""
    P, C = x.shape
    rows = max(BLOCK_NUMBERS // C, 1)
    first = take(work, rows)
    while first < P:
        offset = 4 * first * C
        source, out, more = address(x) + offset, address(y) + offset, address(residual) + offset
        for _ in range(min(rows, P - first)):
            for c in range(0, C, LANES):
                n = min(C - c, LANES)
                a, b = load_some(address(scale) + 4 * c, n), load_some(address(shift) + 4 * c, n)
                value = fma(load_some(source, n), a, b)
                if has_residual:
                    value = value + load_some(more, n)
                if relu:
                    value = positive_part(value)
                if streaming:
                    stream(out, value)
                else:
                    store_some(out, value, n)
                source += 4 * n
                out += 4 * n
                more += 4 * n
        first = take(work, rows)


@kernel
def gradient_sums(
    part: int, parts: int, gy: Array, x: Array, y: Array, has_y: bool, mean: Array, sums: Array,
    workspace: Array, has_masked: bool, streaming: bool, masked: Array,
) -> None:  # fmt: skip
    """sums (parts, 2, C) += g and g * (x - mean) of this part's rows, in float64.

    g is gy, or where the forward pass had a ReLU (has_y), gy where y > 0 and 0 elsewhere; it is
    written to masked (P, C) if somebody wants it (has_masked).
    """
    P, C = x.shape
    rows = max(BLOCK_NUMBERS // C, 16)
    start, stop = share(P, part, parts)
    for first in range(start, stop, rows):
        offset = 4 * first * C
        g_place, x_place, y_place = address(gy) + offset, address(x) + offset, address(y) + offset
        out = address(masked) + offset
        block, width = address(workspace[part]), workspace.shape[2]
        fill_zeros(block, 2 * width)
        for _ in range(min(rows, stop - first)):
            s_place, p_place = block, block + 4 * width
            for c in range(0, C, LANES):
                n = min(C - c, LANES)
                g = load_some(g_place, n)
                if has_y:
                    g = where_positive(load_some(y_place, n), g)
                if has_masked and streaming:
                    stream(out, g)
                elif has_masked:
                    store_some(out, g, n)
                distance = load_some(x_place, n) - load_some(address(mean) + 4 * c, n)
                store(s_place, load(s_place) + g)
                store(p_place, fma(g, distance, load(p_place)))
                g_place += 4 * n
                x_place += 4 * n
                y_place += 4 * n
                out += 4 * n
                s_place += BYTES
                p_place += BYTES
        for c in range(C):
            sums[part, 0, c] += workspace[part, 0, c]
            sums[part, 1, c] += workspace[part, 1, c]


@kernel
def gradient_coefficients(
    part: int, parts: int, sums: Array, weight: Array, mean: Array, invstd: Array, count: int,
    batch_statistics: bool, gweight: Array, gbias: Array, a: Array, b: Array, c0: Array,
) -> None:  # fmt: skip
    """All but sums (shares, 2, C) are (C), float32; see the formulas of `batch_norm_backward`."""
    shares, _, C = sums.shape
    for c in range(C):
        gradient, product = 0.0, 0.0
        for other in range(shares):
            gradient += sums[other, 0, c]
            product += sums[other, 1, c]
        deviation = np.float64(invstd[c])
        product *= deviation
        gbias[c], gweight[c] = gradient, product
        scale = weight[c] * deviation
        slope = -scale * deviation * product / count if batch_statistics else 0.0
        a[c], b[c] = scale, slope
        c0[c] = -scale * gradient / count - slope * mean[c] if batch_statistics else 0.0


@kernel
def input_gradient(
    part: int, parts: int, work: Array, gy: Array, x: Array, y: Array, has_y: bool, a: Array,
    b: Array, c0: Array, batch_statistics: bool, streaming: bool, gx: Array,
) -> None:  # fmt: skip
    """gx = a g + b x + c0, with a, b, c0 (C) and g as in `gradient_sums`."""
    P, C = x.shape
    rows = max(BLOCK_NUMBERS // C, 1)
    first = take(work, rows)
    while first < P:
        offset = 4 * first * C
        g_place, x_place, y_place = address(gy) + offset, address(x) + offset, address(y) + offset
        out = address(gx) + offset
        for _ in range(min(rows, P - first)):
            for c in range(0, C, LANES):
                n = min(C - c, LANES)
                va, rest = load_some(address(a) + 4 * c, n), load_some(address(c0) + 4 * c, n)
                g = load_some(g_place, n)
                if has_y:
                    g = where_positive(load_some(y_place, n), g)
                if batch_statistics:  # not b x with b = 0: x may be infinite
                    rest = fma(load_some(x_place, n), load_some(address(b) + 4 * c, n), rest)
                value = fma(g, va, rest)
                if streaming:
                    stream(out, value)
                else:
                    store_some(out, value, n)
                g_place += 4 * n
                x_place += 4 * n
                y_place += 4 * n
                out += 4 * n
        first = take(work, rows)


# ----------------------------------------------------------------------------------- the entries


def _rows(x: Array) -> Array:
    """x (N, C, ...) as (pixels, C), contiguous; a view if it is channels-last in memory."""
    return channels_last(x).reshape(-1, x.shape[1])


def _back(rows: Array, like: Array) -> Array:
    """The opposite of `_rows`, with the shape of `like`."""
    N, C, *spatial = like.shape
    return rows.reshape(N, *spatial, C).transpose(0, like.ndim - 1, *range(1, like.ndim - 1))


def _workspace(parts: int, rows: int, C: int) -> Array:
    """Whole vectors for the sums of each part, in cache lines that no other part writes to."""
    return on_cache_lines((parts, rows, -(-C // LANES) * LANES))


def channel_mean_var(
    x: Array,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    momentum: float = 0.0,
) -> Any:
    if not takes(x, running_mean, running_var):
        return NotImplemented
    for running in (running_mean, running_var):
        if running is not None and not (running.flags.c_contiguous and running.flags.writeable):
            return NotImplemented
    rows = _rows(x)
    P, C = rows.shape
    parts = parts_for(x.size)
    means, squares = np.zeros((2, parts, C))
    run(statistics, rows, means, squares, _workspace(parts, 2, C), parts=parts)
    mean, variance = np.empty(C, np.float32), np.empty(C, np.float32)
    moved = [
        part
        for running in (running_mean, running_var)
        for part in (running is not None, mean if running is None else running)
    ]
    run(mean_and_variance, means, squares, P, mean, variance, *moved, float(momentum), parts=1)
    return mean, variance


def channel_sum(x: Array) -> Any:
    if not takes(x):
        return NotImplemented
    parts, rows, C = parts_for(x.size), _rows(x), x.shape[1]
    pixels = LANES // math.gcd(C, LANES)  # which make whole vectors, however few channels there are
    if C < LANES and len(rows) % pixels == 0:
        rows = rows.reshape(-1, pixels * C)
    sums = np.zeros((parts, rows.shape[1]))
    run(channel_sums, rows, sums, _workspace(parts, 1, rows.shape[1]), parts=parts)
    total = np.empty(C, np.float32)
    run(add_shares, sums.reshape(parts, -1, C), total, parts=1)
    return total


def scale_and_shift(
    mean: Array, var: Array, weight: Array | None, bias: Array | None, eps: float
) -> Any:
    if not takes(mean, var, weight, bias):
        return NotImplemented
    C = len(mean)
    weight = np.ones(C, np.float32) if weight is None else contiguous(weight)
    results = [np.empty(C, np.float32) for _ in range(3)]
    args = contiguous(mean), contiguous(var), weight, bias_or_zeros(bias, C), float(eps)
    run(scales, *args, *results, parts=1)
    return results


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
        contiguous(scale),
        contiguous(shift),
        more,
        residual is not None,
        relu,
        may_stream(y),
        y,
    )
    run(normalize, counter(), *args, parts=parts_for(x.size))
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
    mean, sums = contiguous(mean), np.zeros((parts, 2, C))
    keep = relu and residual  # gy where y > 0: the residual's gradient, and then gx's source
    masked = empty(x_rows.shape) if keep else gy_rows
    run(
        gradient_sums, gy_rows, x_rows, y_rows, relu, mean, sums, _workspace(parts, 2, C),
        keep, may_stream(masked), masked, parts=parts,
    )  # fmt: skip
    weight = np.ones(C, np.float32) if weight is None else contiguous(weight)
    gweight, gbias, *coefficients = (np.empty(C, np.float32) for _ in range(5))
    run(
        gradient_coefficients, sums, weight, mean, contiguous(invstd), count,
        batch_statistics, gweight, gbias, *coefficients, parts=1,
    )  # fmt: skip
    gx = empty(x_rows.shape)
    run(
        input_gradient, counter(), masked, x_rows, y_rows, relu and not keep, *coefficients,
        batch_statistics, may_stream(gx), gx, parts=parts_for(x.size),
    )  # fmt: skip
    return _back(gx, gy), gweight, gbias, _back(masked, gy) if residual else None
