"""Depthwise convolution: for every pixel of the result, LANES channels at once.

A channel meets its own filter only, so there is nothing to make a matrix product of: a pixel of y
is a sum of KH*KW pixels of x, each times a vector of weights. The gradient of x is of the same
kind: a pixel of gx is a sum of those pixels of gy that it was used for, each times the weights that
it was used with. So one kernel makes both, told which taps a result has, and where in its source
each of them lies. Along one axis, with three taps and stride 2:

    y[j] = w[0] x[2j] + w[1] x[2j+1] + w[2] x[2j+2]
    gx[2j] = w[0] gy[j] + w[2] gy[j-1]                  gx[2j+1] = w[1] gy[j]

Taps outside of the image are left out, and every result is written once. Four results that have
the same taps are made together, because a vector of weights then is loaded once for the four: in y
they are neighbours, in gx they lie a stride apart.

With M = K/C filters for each channel, every filter gets a copy of its channel.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...backend import Array
from ...backend.arrays import empty
from ..geometry import ConvGeometry, Pair, output_size
from .arrays import channels_first, channels_last, contiguous, takes
from .elementwise import relu_
from .jit.threads import address, counter, kernel, parts_for, run, share, take
from .jit.vector import (
    LANES,
    fill_zeros,
    fma,
    load,
    load_some,
    may_stream,
    prefetch,
    store,
    store_some,
    stream,
)

CHANNELS = 128  # of which the weights, and the sums of their gradients, stay in the nearest cache
PIECE_NUMBERS = 1 << 16  # of the rows that a thread takes at a time
RUN = 256  # pixels that are added up in float32


# ------------------------------------------------------------------- which taps a result has


class Axis(NamedTuple):
    """The taps of each result along one axis: they are the same distance apart."""

    first: Array  # (results,): the first tap, of 0..KH or 0..KW
    source: Array  # (results,): the place that it multiplies
    count: Array  # (results,): how many taps there are
    tap_step: int  # from one tap to the next
    source_step: int
    apart: int  # from a result to the next one that has the same taps, if it is not at a border
    source_apart: int


def _axis(tap_sources: Array, inside: Array, *steps: int) -> Axis:
    """tap_sources, inside (results, taps): the place of each tap, and whether there is one."""
    first = inside.argmax(1)
    return Axis(first, tap_sources[np.arange(len(first)), first], inside.sum(1), *steps)


def axis_of_outputs(
    outputs: int, pixels: int, taps: int, stride: int, padding: int, dilation: int
) -> Axis:
    """
    >>> axis = axis_of_outputs(3, 3, 3, stride=1, padding=1, dilation=1)
    >>> axis.first.tolist(), axis.source.tolist(), axis.count.tolist()
    ([1, 0, 0], [0, 0, 1], [2, 3, 2])
    """
    pixel = np.arange(outputs)[:, None] * stride - padding + np.arange(taps) * dilation
    return _axis(pixel, (pixel >= 0) & (pixel < pixels), 1, dilation, 1, stride)


def axis_of_pixels(
    pixels: int, outputs: int, taps: int, stride: int, padding: int, dilation: int
) -> Axis:
    """
    >>> axis = axis_of_pixels(5, 2, 3, stride=2, padding=0, dilation=1)
    >>> axis.first.tolist(), axis.source.tolist(), axis.count.tolist()
    ([0, 1, 0, 1, 2], [0, 0, 1, 1, 1], [1, 1, 2, 1, 1])
    """
    place = np.arange(pixels)[:, None] + padding - np.arange(taps) * dilation
    inside = (place % stride == 0) & (place >= 0) & (place < outputs * stride)
    both = math.gcd(stride, dilation)
    return _axis(place // stride, inside, stride // both, -dilation // both, stride, 1)


class Walk(NamedTuple):
    """What the kernels are told about the results. Results of one kind have the same taps."""

    rows: Array  # (OH, 2): the source row of the first tap; the kind
    groups: Array  # (groups, 4): the first result; 1 or 4, how many; its source column; the kind
    counts: Array  # (kinds of rows, kinds of columns): how many taps there are
    taps: Array  # (..., KH*KW, 2): where the weights of a tap are, and its source, from the first's
    apart: Pair  # the results of a group, and their sources
    ahead: Array  # from the first tap's source to what the next row of results takes in addition


@functools.lru_cache(256)
def walk(
    axis: Callable[..., Axis],
    results: Pair,
    sources: Pair,
    kernel_size: Pair,
    geometry: ConvGeometry,
    pixel_bytes: int,
    tap_bytes: int,
) -> Walk:
    """axis: of outputs or of pixels; results, sources: their (height, width).

    pixel_bytes, tap_bytes: from a pixel to the next one, and from a tap's weights to the next's.
    All distances come in bytes.
    """
    KH, KW = kernel_size
    moves = geometry.stride, geometry.before, geometry.dilation
    down, along = (
        axis(*sizes) for sizes in zip(results, sources, kernel_size, *moves, strict=True)
    )
    (row_kinds, row_kind), (column_kinds, column_kind) = _kinds(down), _kinds(along)
    counts = np.zeros((len(row_kinds), len(column_kinds)), np.int64)
    taps = np.zeros((*counts.shape, KH * KW, 2), np.int64)
    for row, (u, tap_rows) in enumerate(row_kinds):
        for column, (v, tap_columns) in enumerate(column_kinds):
            counts[row, column] = tap_rows * tap_columns
            for t, (a, b) in enumerate(np.ndindex(tap_rows, tap_columns)):
                taps[row, column, t] = (
                    (u + a * down.tap_step) * KW + v + b * along.tap_step,
                    a * down.source_step * sources[1] + b * along.source_step,
                )

    used = {a * down.source_step for a in range(KH)}  # rows, from that of the first tap
    fresh = {row + down.source_apart for row in used} - used
    ahead = [row * sources[1] + j for row in sorted(fresh) for j in range(4 * along.source_apart)]
    return Walk(
        np.stack([down.source, row_kind], 1),
        np.array(_groups(along, column_kind)),
        counts,
        taps * (tap_bytes, pixel_bytes),
        (along.apart * pixel_bytes, along.source_apart * pixel_bytes),
        np.array(ahead) * pixel_bytes,
    )


def _kinds(axis: Axis) -> tuple[list[Pair], Array]:
    """The different pairs of first tap and number of taps; for each result, which pair it has."""
    pairs = list(zip(axis.first.tolist(), axis.count.tolist(), strict=True))
    kinds = sorted(set(pairs))
    return kinds, np.array([kinds.index(pair) for pair in pairs])


def _groups(axis: Axis, kind: Array) -> list[tuple[int, int, int, int]]:
    """The results along a row, four together where their taps are the same."""
    groups = []
    for phase in range(axis.apart):
        j = phase
        while j < len(kind):
            four = kind[j : j + 4 * axis.apart : axis.apart]
            count = 4 if len(four) == 4 and (four == four[0]).all() else 1
            groups.append((j, count, axis.source[j], kind[j]))
            j += count * axis.apart
    return groups


# ---------------------------------------------------------------------------------- kernels


@kernel
def convolve(
    part: int, parts: int, work: Array, x: Array, w: Array, bias: Array, rows: Array, groups: Array,
    counts: Array, taps: Array, apart: Pair, ahead: Array, streaming: bool, y: Array,
) -> None:  # fmt: skip
    """y (N, OH, OW, C): sums over taps of x (N, H, W, C) times w (KH*KW, C), and bias (C)."""
    N, H, W, C = x.shape
    _, OH, OW, _ = y.shape
    y_apart, x_apart = apart
    piece = max(min(PIECE_NUMBERS // (OW * C), N * OH // (4 * parts)), 1)
    first_row = take(work, piece)
    while first_row < N * OH:
        for index in range(first_row, min(first_row + piece, N * OH)):
            n, i = index // OH, index % OH
            h, row_kind = rows[i, 0], rows[i, 1]
            for channel in range(0, C, CHANNELS):
                for g in range(len(groups)):
                    j, count = groups[g, 0], groups[g, 1]
                    column, kind = groups[g, 2], groups[g, 3]
                    tap_count = counts[row_kind, kind]
                    for c in range(channel, min(channel + CHANNELS, C), LANES):
                        lanes = min(C - c, LANES)
                        weights = address(w) + 4 * c
                        first_tap = address(x) + 4 * (((n * H + h) * W + column) * C + c)
                        out = address(y) + 4 * ((index * OW + j) * C + c)
                        s0 = load_some(address(bias) + 4 * c, lanes)
                        for t in range(len(ahead)):
                            prefetch(first_tap + ahead[t])
                        if count == 1:
                            for t in range(tap_count):
                                factor = load_some(weights + taps[row_kind, kind, t, 0], lanes)
                                place = first_tap + taps[row_kind, kind, t, 1]
                                s0 = fma(factor, load_some(place, lanes), s0)
                            if streaming:
                                stream(out, s0)
                            else:
                                store_some(out, s0, lanes)
                            continue
                        s1, s2, s3 = s0, s0, s0
                        for t in range(tap_count):
                            factor = load_some(weights + taps[row_kind, kind, t, 0], lanes)
                            place = first_tap + taps[row_kind, kind, t, 1]
                            s0 = fma(factor, load_some(place, lanes), s0)
                            s1 = fma(factor, load_some(place + x_apart, lanes), s1)
                            s2 = fma(factor, load_some(place + 2 * x_apart, lanes), s2)
                            s3 = fma(factor, load_some(place + 3 * x_apart, lanes), s3)
                        if streaming:
                            stream(out, s0)
                            stream(out + y_apart, s1)
                            stream(out + 2 * y_apart, s2)
                            stream(out + 3 * y_apart, s3)
                        else:
                            store_some(out, s0, lanes)
                            store_some(out + y_apart, s1, lanes)
                            store_some(out + 2 * y_apart, s2, lanes)
                            store_some(out + 3 * y_apart, s3, lanes)
        first_row = take(work, piece)


@kernel
def correlate(
    part: int, parts: int, x: Array, gy: Array, rows: Array, groups: Array, counts: Array,
    taps: Array, apart: Pair, ahead: Array, block: Array, sums: Array,
) -> None:  # fmt: skip
    """sums (parts, KH*KW, C): of x times gy over this part's rows of gy (N, OH, OW, C). float64.

    Sums of about RUN pixels are made in float32, in block (parts, KH*KW, CHANNELS), and then added
    in float64: so few digits are lost.
    """
    N, H, W, C = x.shape
    _, OH, OW, _ = gy.shape
    _, x_apart = apart
    start, stop = share(N * OH, part, parts)
    piece, own = max(RUN // OW, 1), address(block[part])
    for first_row in range(start, stop, piece):
        for channel in range(0, C, CHANNELS):
            width = min(CHANNELS, C - channel)
            fill_zeros(own, block[part].size)
            for index in range(first_row, min(first_row + piece, stop)):
                n, i = index // OH, index % OH
                h, row_kind = rows[i, 0], rows[i, 1]
                for g in range(len(groups)):
                    j, count = groups[g, 0], groups[g, 1]
                    column, kind = groups[g, 2], groups[g, 3]
                    tap_count = counts[row_kind, kind]
                    for c in range(channel, channel + width, LANES):
                        lanes = min(C - c, LANES)
                        totals = own + 4 * (c - channel)
                        first_tap = address(x) + 4 * (((n * H + h) * W + column) * C + c)
                        gradient = address(gy) + 4 * ((index * OW + j) * C + c)
                        g0 = load_some(gradient, lanes)
                        for t in range(len(ahead)):
                            prefetch(first_tap + ahead[t])
                        if count == 1:
                            for t in range(tap_count):
                                total = totals + taps[row_kind, kind, t, 0]
                                place = first_tap + taps[row_kind, kind, t, 1]
                                store(total, fma(g0, load_some(place, lanes), load(total)))
                            continue
                        g1 = load_some(gradient + 4 * C, lanes)
                        g2 = load_some(gradient + 8 * C, lanes)
                        g3 = load_some(gradient + 12 * C, lanes)
                        prefetch(gradient + 4 * C * OW)
                        prefetch(gradient + 4 * C * OW + 4 * C)
                        prefetch(gradient + 4 * C * OW + 8 * C)
                        prefetch(gradient + 4 * C * OW + 12 * C)
                        for t in range(tap_count):
                            total = totals + taps[row_kind, kind, t, 0]
                            place = first_tap + taps[row_kind, kind, t, 1]
                            s = fma(g0, load_some(place, lanes), load(total))
                            s = fma(g1, load_some(place + x_apart, lanes), s)
                            s = fma(g2, load_some(place + 2 * x_apart, lanes), s)
                            s = fma(g3, load_some(place + 3 * x_apart, lanes), s)
                            store(total, s)
            for tap in range(sums.shape[1]):
                for c in range(width):
                    sums[part, tap, channel + c] += block[part, tap, c]


# ----------------------------------------------------------------------------------- the entries


def _tap_weights(w: Array) -> Array:
    """w (K, 1, KH, KW) -> (KH*KW, K), contiguous: the weights of one tap lie together."""
    return np.ascontiguousarray(w.reshape(len(w), -1).T)


def _repeated(x: Array, times: int) -> Array:
    """x (N, H, W, C) -> (N, H, W, C*times): a copy of its channel for each filter."""
    if times == 1:
        return x
    wide = empty((*x.shape, times))
    wide[...] = x[..., None]
    return wide.reshape(*x.shape[:3], -1)


def forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False) -> Any:
    if not takes(x, w, b):
        return NotImplemented
    N, C, H, W = x.shape
    K, _, KH, KW = w.shape
    y = empty((N, *output_size((H, W), (KH, KW), geometry), K))
    sizes = y.shape[1:3], (H, W), (KH, KW)
    way = walk(axis_of_outputs, *sizes, geometry, 4 * K, 4 * K)
    wide = _repeated(channels_last(x), K // C)
    bias = np.zeros(K, np.float32) if b is None else contiguous(b)
    args = (wide, _tap_weights(w), bias, *way, may_stream(y), y)
    run(convolve, counter(), *args, parts=parts_for(y.size))
    return channels_first(relu_(y) if relu else y)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(gy, w):
        return NotImplemented
    (N, K, OH, OW), (H, W), C = gy.shape, input_size, geometry.groups
    way = walk(axis_of_pixels, (H, W), (OH, OW), w.shape[2:], geometry, 4 * K, 4 * K)
    wide = empty((N, H, W, K))
    zeros = np.zeros(K, np.float32)
    args = (channels_last(gy), _tap_weights(w), zeros, *way, may_stream(wide), wide)
    run(convolve, counter(), *args, parts=parts_for(wide.size))
    if K == C:
        return channels_first(wide)
    gx = empty((N, H, W, C))
    np.sum(wide.reshape(N, H, W, C, K // C), axis=4, out=gx)
    return channels_first(gx)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(x, gy):
        return NotImplemented
    (_, C, H, W), (_, K, OH, OW), (KH, KW) = x.shape, gy.shape, kernel_size
    wide = _repeated(channels_last(x), K // C)
    way = walk(axis_of_outputs, (OH, OW), (H, W), (KH, KW), geometry, 4 * K, 4 * CHANNELS)
    parts = parts_for(gy.size)
    block, sums = empty((parts, KH * KW, CHANNELS)), np.zeros((parts, KH * KW, K))
    run(correlate, wide, channels_last(gy), *way, block, sums, parts=parts)
    gw = empty((K, 1, KH, KW))
    gw[...] = sums.sum(0).T.reshape(gw.shape)
    return gw
