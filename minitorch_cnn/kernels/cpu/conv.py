"""Any convolution as a matrix product (im2col), a block of output pixels at a time.

Read ../array/conv.py first: it explains the matrix of patches. Here a block of its rows is made in
a workspace that stays in the cache, is multiplied at once, and forgotten. In channels-last memory a
patch is KH runs of KW * C consecutive numbers, so making it is a fast copy, and small beside a
product with K columns. The three products of a convolution, with P pixels in a block:

    y  (P, K)           = patches (P, KH KW C) @ w (KH KW C, K)
    gw (KH KW C, K)    += patches' @ gy (P, K)
    the patches' gradient (P, KH KW C) = gy @ w', which is added to gx where the patches came from
                                         (col2im)

With many channels a block takes the taps of one row of the kernel at a time. The patches of a
1x1 convolution are the pixels themselves, where they lie (for its gw see pointwise.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import Array
from ...backend.arrays import empty, on_cache_lines
from ..geometry import ConvGeometry, Lengths, Pair, output_size
from . import pointwise
from .arrays import bias_or_zeros, channels_first, channels_last, contiguous, equal_share, takes
from .jit.compiling import INT, PAIR, SHAPE, THREE_PAIRS, compiled, external
from .jit.product import PANEL, PANEL_ROWS, panel_width, product
from .jit.threads import address, counter, get_num_threads, kernel, parts_for, run, share, take
from .jit.vector import (
    LANES,
    add_to,
    copy,
    fill_zeros,
    gather,
    keep_positive,
    load,
    load_some,
    odd_lines,
    scatter,
    store,
    store_some,
)

PATCHES_BYTES = 512 << 10  # of a block: with the weights it shall fit into a core's own cache
MOST_PIXELS = 192  # in a block: a multiple of the heights of register tiles, 6 and 12
MANY_CHANNELS = 128
Moves = tuple[Pair, Pair, Pair]  # stride, border before the image, dilation
# KH, KW, geometry of a convolution whose patches are the pixels themselves. Of dilation, too: with
# a wider one a transposed convolution may have more pixels than gy.
PLAIN = 1, 1, ConvGeometry((1, 1), (0, 0), (0, 0), (1, 1), 1)


@compiled
def inside(W: int, OW: int, KW: int, sw: int, pw: int, dw: int) -> Pair:
    """(start, stop) of the output columns j whose taps j sw - pw + v dw are all in 0..W."""
    start = (pw + sw - 1) // sw
    stop = (W - 1 + pw - (KW - 1) * dw) // sw + 1
    return start, max(min(stop, OW), start)


@external(INT, SHAPE, PAIR, INT, THREE_PAIRS, *[INT] * 8)
def copy_patches(
    x: int, shape: Lengths, size: Pair, KW: int, geometry: Moves, first: int, count: int,
    channel: int, Cg: int, tap_row: int, tap_rows: int, out: int, line: int,
) -> None:  # fmt: skip
    """Copies the patches of the output pixels first..first + count to `out`, `line` floats apart.

    x: the address of images of this shape, (N, H, W, C); size: (OH, OW). Of each patch the rows
    tap_row..tap_row + tap_rows are taken, and the channels channel..channel + Cg. Outside of the
    image there are zeros.
    """
    _, H, W, C = shape
    (OH, OW), ((sh, sw), (ph, pw), (dh, dw)) = size, geometry
    begin, end = inside(W, OW, KW, sw, pw, dw)
    if Cg < C or dw > 1:  # the taps of a row do not lie together
        begin, end = OW, OW
    run = KW * Cg
    pixel = first
    while pixel < first + count:  # a row of the output, or what of it is in the block
        n, i, start = pixel // (OH * OW), pixel // OW % OH, pixel % OW
        stop = min(OW, start + first + count - pixel)
        for tap in range(tap_rows):
            h = i * sh - ph + (tap_row + tap) * dh
            row = x + 4 * ((n * H + h) * W * C + channel)
            place = out + 4 * (pixel - first) * line + 4 * tap * run
            for j in range(start, stop):
                if not 0 <= h < H:
                    fill_zeros(place, run)
                elif begin <= j < end:
                    copy(row + 4 * (j * sw - pw) * C, place, run)
                else:
                    for v in range(KW):
                        w = j * sw - pw + v * dw
                        if 0 <= w < W:
                            copy(row + 4 * w * C, place + 4 * v * Cg, Cg)
                        else:
                            fill_zeros(place + 4 * v * Cg, Cg)
                place += 4 * line
        pixel += stop - start


@external(INT, SHAPE, PAIR, INT, THREE_PAIRS, *[INT] * 8)
def add_patches(
    gx: int, shape: Lengths, size: Pair, KW: int, geometry: Moves, first: int, count: int,
    channel: int, Cg: int, tap_row: int, tap_rows: int, source: int, line: int,
) -> None:  # fmt: skip
    """The opposite of `copy_patches`: adds what is at `source` to the pixels of gx."""
    _, H, W, C = shape
    (OH, OW), ((sh, sw), (ph, pw), (dh, dw)) = size, geometry
    begin, end = inside(W, OW, KW, sw, pw, dw)
    if Cg < C or dw > 1:
        begin, end = OW, OW
    run = KW * Cg
    pixel = first
    while pixel < first + count:
        n, i, start = pixel // (OH * OW), pixel // OW % OH, pixel % OW
        stop = min(OW, start + first + count - pixel)
        # Neighbouring patches overlap, and adding to numbers that are just being written takes
        # long. So the rows of a patch come one after the other, and the neighbour later.
        for j in range(start, stop):
            place = source + 4 * (pixel - first + j - start) * line
            for tap in range(tap_rows):
                h = i * sh - ph + (tap_row + tap) * dh
                row = gx + 4 * ((n * H + h) * W * C + channel)
                if 0 <= h < H and begin <= j < end:
                    add_to(place, row + 4 * (j * sw - pw) * C, run)
                elif 0 <= h < H:
                    for v in range(KW):
                        w = j * sw - pw + v * dw
                        if 0 <= w < W:
                            add_to(place + 4 * v * Cg, row + 4 * w * C, Cg)
                place += 4 * run
        pixel += stop - start


@compiled
def rows_of_block(
    x: Array, size: Pair, KW: int, geometry: Moves, first: int, count: int, channel: int, Cg: int,
    tap_row: int, tap_rows: int, patches: Array, place: int, line: int,
) -> int:  # fmt: skip
    """The address of a block's patches: of copies of them from patches[place] on, or of the pixels
    of x themselves, where `patches` is of size 0."""
    if patches.size == 0:
        return address(x) + 4 * first * x.shape[3]
    out = address(patches) + 4 * place
    copy_patches(
        address(x), x.shape, size, KW, geometry, first, count, channel, Cg, tap_row, tap_rows, out,
        line,
    )  # fmt: skip
    return out


@kernel
def convolve_blocks(
    part: int, parts: int, work: Array, x: Array, w: Array, bias: Array, relu: bool, y: Array,
    KW: int, geometry: Moves, tap_rows: int, block: int, patches: Array, line: int,
) -> None:  # fmt: skip
    """y (N, OH, OW, K) from x (N, H, W, C); w: see `arrange_weights`; relu: at least 0.

    patches: a workspace for each part; of size 0 if the patches are the pixels of x.
    """
    _, OH, OW, K = y.shape
    groups, pieces, panels, depth, width = w.shape
    C, Kg, pixels = x.shape[3], K // groups, y.size // K
    first = take(work, block)
    while first < pixels:
        count = min(block, pixels - first)
        for index in range(groups * pieces):
            g, piece = index // pieces, index % pieces
            rows = rows_of_block(
                x, (OH, OW), KW, geometry, first, count, g * C // groups, C // groups,
                piece * tap_rows, tap_rows, patches, part * block * line, line,
            )  # fmt: skip
            for panel in range(panels):
                channel = g * Kg + panel * width
                out = address(y) + 4 * (first * K + channel)
                start, start_row = (out, 4 * K) if piece else (address(bias) + 4 * channel, 0)
                product(
                    rows, 4 * line, 0, 4,
                    address(w) + 4 * (index * panels + panel) * depth * width, 0, 4 * width, 0,
                    out, 4 * K, count, min(width, Kg - panel * width), 1, depth, start, start_row,
                    1, 0,
                )  # fmt: skip
        if relu:
            keep_positive(address(y) + 4 * first * K, count * K)
        first = take(work, block)


@kernel
def weight_gradient_blocks(
    part: int, parts: int, x: Array, gy: Array, sums: Array, KW: int, geometry: Moves,
    tap_rows: int, block: int, patches: Array, line: int, panel: Array,
) -> None:  # fmt: skip
    """sums (parts, G, pieces, depth, K/G): this part's share of patches' @ gy.

    panel (parts, block, PANEL): a workspace.
    """
    _, OH, OW, K = gy.shape
    _, groups, pieces, depth, Kg = sums.shape
    C, pixels = x.shape[3], gy.size // K
    fill_zeros(address(sums[part]), sums[part].size)
    start, stop = share(pixels, part, parts)
    for index in range(groups * pieces):  # the sums of a piece stay in the cache meanwhile
        g, piece = index // pieces, index % pieces
        out = address(sums) + 4 * (part * groups * pieces + index) * depth * Kg
        for first in range(start, stop, block):
            count = min(block, stop - first)
            rows = rows_of_block(
                x, (OH, OW), KW, geometry, first, count, g * C // groups, C // groups,
                piece * tap_rows, tap_rows, patches, part * block * line, line,
            )  # fmt: skip
            for k in range(0, Kg, PANEL):
                n = min(PANEL, Kg - k)
                right, step = address(gy) + 4 * (first * K + g * Kg + k), 4 * K
                padded = 1 if (first + count) * K + PANEL <= gy.size else 0  # there is more of gy
                if Kg > PANEL:  # rows far from each other would share few lines of the cache
                    for pixel in range(count):
                        copy(right + pixel * step, address(panel[part, pixel]), n)
                    right, step, padded = address(panel[part]), 4 * PANEL, 1
                product(
                    rows, 4, 0, 4 * line, right, 0, step, 0, out + 4 * k, 4 * Kg, depth, n, 1,
                    count, out + 4 * k, 4 * Kg, padded, 0,
                )  # fmt: skip


@kernel
def input_gradient_blocks(
    part: int, parts: int, work: Array, gy: Array, w: Array, gx: Array, KW: int, geometry: Moves,
    tap_rows: int, images: int, block: int, patches: Array, line: int, depth: int,
) -> None:  # fmt: skip
    """gx (N, H, W, C) from gy (N, OH, OW, K), some images at a time; w: turned; depth: KH KW C/G"""
    N, OH, OW, K = gy.shape
    groups, pieces, panels, Kg, width = w.shape
    _, H, W, C = gx.shape
    size = OH * OW
    image = take(work, images)
    while image < N:
        stop = min(image + images, N) * size
        if patches.size:
            fill_zeros(address(gx) + 4 * image * H * W * C, (stop // size - image) * H * W * C)
        for first in range(image * size, stop, block):
            count = min(block, stop - first)
            for index in range(groups * pieces):
                g, piece = index // pieces, index % pieces
                if patches.size:
                    rows = address(patches) + 4 * part * block * line
                else:
                    rows = address(gx) + 4 * first * C
                product(
                    address(gy) + 4 * (first * K + g * Kg), 4 * K, 0, 4,
                    address(w) + 4 * index * panels * Kg * width, 0, 4 * width, 4 * Kg * width,
                    rows, 4 * line, count, depth, 1, Kg, 0, 0, 1, 0,
                )  # fmt: skip
                if patches.size:
                    add_patches(
                        address(gx), gx.shape, (OH, OW), KW, geometry, first, count,
                        g * C // groups, C // groups, piece * tap_rows, tap_rows, rows, line,
                    )  # fmt: skip
        image = take(work, images)


@kernel
def arrange_weights(part: int, parts: int, w: Array, tap_rows: int, out: Array) -> None:
    """w (K, C/G, KH, KW) as the right side of a product, in panels of columns that lie together.

    out (G, pieces, panels, depth, width): its columns are the filters k, its rows (u, v, c) for
    the `tap_rows` rows of the kernel that belong to a piece.
    """
    groups, _, panels, _, width = out.shape
    K, Cg, KH, KW = w.shape
    Kg, taps = K // groups, KH * KW
    step = 4 * Cg * taps  # from one filter to the next
    vectors = width // LANES
    start, stop = share(groups * panels * vectors, part, parts)
    for index in range(start, stop):
        g, panel, column = index // (panels * vectors), index // vectors % panels, index % vectors
        k = panel * width + column * LANES
        n = max(min(Kg - k, LANES), 0)
        for tap in range(taps):
            piece, row = tap // (tap_rows * KW), tap % (tap_rows * KW) * Cg
            place = address(out[g, piece, panel]) + 4 * (row * width + column * LANES)
            source = address(w) + (g * Kg + k) * step + 4 * tap
            for c in range(Cg):
                store(place + 4 * c * width, gather(source + 4 * c * taps, step, n))


@kernel
def arrange_turned_weights(part: int, parts: int, w: Array, tap_rows: int, out: Array) -> None:
    """The same the other way round: the rows of a panel are the filters, its columns (u, v, c)."""
    groups, pieces, panels, _, width = out.shape
    K, Cg, KH, KW = w.shape
    Kg, taps, depth = K // groups, KH * KW, tap_rows * KW * Cg
    start, stop = share(K, part, parts)
    for k in range(start, stop):
        for piece in range(pieces):
            row = address(out[k // Kg, piece]) + 4 * (k % Kg) * width
            first = address(w) + 4 * (k * Cg * taps + piece * tap_rows * KW)
            for column in range(0, panels * width, LANES):
                place = row + 4 * (column // width * Kg * width + column % width)
                if Cg % LANES or column >= depth:  # one number at a time, and zeros behind them
                    for each in range(column, column + LANES):
                        source = first + 4 * (each % Cg * taps + each // Cg)
                        count = 1 if each < depth else 0
                        store_some(place + 4 * (each - column), load_some(source, count), 1)
                    continue
                source = first + 4 * (column % Cg * taps + column // Cg)
                if taps == 1:
                    store(place, load(source))
                else:
                    store(place, gather(source, 4 * taps, LANES))


@kernel
def finish_weight_gradient(part: int, parts: int, sums: Array, gw: Array) -> None:
    """gw (K, C/G, KH, KW) = the sum of the parts of sums (parts, G, KH, KW, C/G, K/G)."""
    all_parts, groups, KH, KW, Cg, Kg = sums.shape
    step = 4 * sums[0].size
    vectors = (Kg + LANES - 1) // LANES
    start, stop = share(groups * vectors, part, parts)
    for index in range(start, stop):
        g, k = index // vectors, index % vectors * LANES
        n = min(Kg - k, LANES)
        for c in range(Cg):
            for tap in range(KH * KW):
                source = address(sums) + 4 * (((g * KH * KW + tap) * Cg + c) * Kg + k)
                total = load_some(source, n)
                for other in range(1, all_parts):
                    total = total + load_some(source + other * step, n)
                filter_step = 4 * Cg * KH * KW
                place = address(gw) + (g * Kg + k) * filter_step + 4 * (c * KH * KW + tap)
                scatter(place, filter_step, total, n)


# ----------------------------------------------------------------------------------- the entries


class Plan:
    """How a convolution is cut into blocks."""

    def __init__(self, w_shape: Lengths, geometry: ConvGeometry) -> None:
        stride, before, _, dilation, self.groups = geometry
        _, Cg, KH, self.KW = w_shape
        self.geometry = stride, before, dilation
        self.tap_rows = 1 if Cg >= MANY_CHANNELS else KH
        self.pieces, self.depth = KH // self.tap_rows, self.tap_rows * self.KW * Cg
        self.plain = (KH, self.KW, geometry) == PLAIN
        self.line = self.depth if self.plain else odd_lines(self.depth)
        most = PATCHES_BYTES // (4 * self.line) // 12 * 12
        self.block = min(max(most, 12), MOST_PIXELS)

    def workspace(self, parts: int) -> np.ndarray:
        return empty((0 if self.plain else parts * self.block * self.line,))


def arranged_weights(w: Array, groups: int, tap_rows: int) -> Array:
    """w (K, C/G, KH, KW) as `arrange_weights` lays it out."""
    K, Cg, KH, KW = w.shape
    width = panel_width(K // groups)
    panels, depth = -(-K // groups // width), tap_rows * KW * Cg
    weights = on_cache_lines((groups, KH // tap_rows, panels, depth, width))
    run(arrange_weights, w, tap_rows, weights, parts=parts_for(weights.size))
    return weights


def forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False) -> Any:
    if not takes(x, w, b):
        return NotImplemented
    N, _, H, W = x.shape
    K, _, KH, KW = w.shape
    y = empty((N, *output_size((H, W), (KH, KW), geometry), K))
    plan = Plan(w.shape, geometry)
    weights = arranged_weights(contiguous(w), plan.groups, plan.tap_rows)
    block = -(-equal_share(y.size // K, plan.block) // 12) * 12
    run(
        convolve_blocks, counter(), channels_last(x), weights, bias_or_zeros(b, K), relu, y,
        plan.KW, plan.geometry, plan.tap_rows, block, plan.workspace(get_num_threads()),
        plan.line, parts=parts_for(y.size * plan.depth // 16),
    )  # fmt: skip
    return channels_first(y)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(gy, w):
        return NotImplemented
    N, K, OH, OW = gy.shape
    gx = empty((N, *input_size, w.shape[1] * geometry.groups))
    plan = Plan(w.shape, geometry)
    width = panel_width(plan.depth)
    panels = -(-plan.depth // width)
    weights = on_cache_lines((plan.groups, plan.pieces, panels, K // plan.groups, width))
    run(
        arrange_turned_weights, contiguous(w), plan.tap_rows, weights, parts=parts_for(weights.size)
    )
    images = equal_share(N, max(plan.block // (OH * OW), 1))
    run(
        input_gradient_blocks, counter(), channels_last(gy), weights, gx, plan.KW, plan.geometry,
        plan.tap_rows, images, plan.block, plan.workspace(get_num_threads()), plan.line,
        plan.depth, parts=parts_for(gy.size * plan.depth // 16),
    )  # fmt: skip
    return channels_first(gx)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(x, gy):
        return NotImplemented
    if (*kernel_size, geometry) == PLAIN:
        return pointwise.weight_grad(x, gy)
    gw = empty((gy.shape[1], x.shape[1] // geometry.groups, *kernel_size))
    plan, parts = Plan(gw.shape, geometry), get_num_threads()
    Kg = len(gw) // plan.groups
    block = min(plan.block, PANEL_ROWS) if Kg > PANEL else plan.block
    sums = on_cache_lines((parts, plan.groups, plan.pieces, plan.depth, Kg))
    run(
        weight_gradient_blocks, channels_last(x), channels_last(gy), sums, plan.KW, plan.geometry,
        plan.tap_rows, block, plan.workspace(parts), plan.line,
        on_cache_lines((parts, block, PANEL)),
    )  # fmt: skip
    return gradient_of_sums(sums, gw, plan.groups)


def gradient_of_sums(sums: Array, gw: Array, groups: int) -> Array:
    """gw (K, C/G, KH, KW), filled with the sum of the parts of sums (parts, ...)."""
    K, Cg, KH, KW = gw.shape
    sums = sums.reshape(len(sums), groups, KH, KW, Cg, K // groups)
    run(finish_weight_gradient, sums, gw, parts=parts_for(gw.size))
    return gw
