"""Winograd's convolution F(4x4, 3x3), blocked so that a tile's numbers never leave the cache.

Read kernels/winograd.py first: it explains the algorithm and derives the matrices A, B and G, which
are written out here as sums of vectors. The input gradient is a convolution of gy with the kernels
turned by 180 degrees. The weights' gradient goes backward through the same steps.

The points are a = sqrt(1/2) and b = sqrt(2), so that a*a*b*b = 1, which saves a multiplication.

All arrays are channels-last, (N, H, W, C), float32, contiguous. Work goes by blocks of tiles which
stay in a core's cache from the first transform to the last.
"""

from __future__ import annotations

import math

import numpy as np

from ..memory import empty
from .product import PANEL, panel_width, product
from .threads import (
    address,
    compiled,
    counter,
    get_num_threads,
    kernel,
    parts_for,
    run,
    share,
    take,
)
from .vector import (
    BYTES,
    LANES,
    fma,
    gather,
    load_some,
    may_stream,
    prefetch,
    splat,
    store,
    store_some,
    stream,
)

A1 = np.float32(math.sqrt(0.5))  # the point a
B1 = np.float32(math.sqrt(2.0))  # the point b
A2, B2 = np.float32(0.5), np.float32(2.0)  # their squares
A3, B3 = np.float32(0.5 * math.sqrt(0.5)), np.float32(2 * math.sqrt(2.0))  # and cubes
SUM = np.float32(2.5)  # a*a + b*b; a*a*b*b is 1
DEPTH = 128  # channels that are summed up in one go: shorter sums lose fewer digits
# What Lagrange's interpolation divides by: the product of the distances to the other points.
G_A = np.float32(1 / (2 * 0.5 * (0.5 - 2)))
G_B = np.float32(1 / (2 * 2 * (2 - 0.5)))


# ---------------------------------------------------------- the matrices, applied to six vectors


@compiled
def evaluate_input(d0, d1, d2, d3, d4, d5):
    """B' d"""
    s = splat(-SUM)
    even_a, odd_a = fma(splat(-B2), d2, d4), splat(A1) * fma(splat(-B2), d1, d3)
    even_b, odd_b = fma(splat(-A2), d2, d4), splat(B1) * fma(splat(-A2), d1, d3)
    return (
        fma(s, d2, d0) + d4,
        even_a + odd_a,
        even_a - odd_a,
        even_b + odd_b,
        even_b - odd_b,
        fma(s, d3, d1) + d5,
    )


@compiled
def evaluate_kernel(g0, g1, g2):
    """G g"""
    even_a, odd_a = splat(G_A) * fma(splat(A2), g2, g0), splat(G_A * A1) * g1
    even_b, odd_b = splat(G_B) * fma(splat(B2), g2, g0), splat(G_B * B1) * g1
    return g0, even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, g2


@compiled
def interpolate(m0, m1, m2, m3, m4, m5):
    """A' m"""
    even_a, odd_a, even_b, odd_b = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return (
        m0 + even_a + even_b,
        fma(splat(A1), odd_a, splat(B1) * odd_b),
        fma(splat(A2), even_a, splat(B2) * even_b),
        fma(splat(A3), odd_a, fma(splat(B3), odd_b, m5)),
    )


@compiled
def evaluate_output_gradient(y0, y1, y2, y3):
    """A y, the transpose of `interpolate`"""
    even_a, odd_a = fma(splat(A2), y2, y0), fma(splat(A3), y3, splat(A1) * y1)
    even_b, odd_b = fma(splat(B2), y2, y0), fma(splat(B3), y3, splat(B1) * y1)
    return y0, even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, y3


@compiled
def interpolate_kernel_gradient(u0, u1, u2, u3, u4, u5):
    """G' u, the transpose of `evaluate_kernel`"""
    even_a, odd_a = splat(G_A) * (u1 + u2), splat(G_A * A1) * (u1 - u2)
    even_b, odd_b = splat(G_B) * (u3 + u4), splat(G_B * B1) * (u3 - u4)
    return (
        u0 + even_a + even_b,
        odd_a + odd_b,
        fma(splat(A2), even_a, fma(splat(B2), even_b, u5)),
    )


# ------------------------------------------------------------- tiles: memory -> 36 positions
#
# All numbers of a tile of LANES channels are held in registers (or spilled from them) between the
# two passes of a transform, over the columns and over the rows.


@compiled
def load_six(place, step, n):
    """Six vectors, `step` bytes apart."""
    return (
        load_some(place, n),
        load_some(place + step, n),
        load_some(place + 2 * step, n),
        load_some(place + 3 * step, n),
        load_some(place + 4 * step, n),
        load_some(place + 5 * step, n),
    )


@compiled
def store_six(place, step, n, values):
    """Six vectors, `step` bytes apart."""
    store_some(place, values[0], n)
    store_some(place + step, values[1], n)
    store_some(place + 2 * step, values[2], n)
    store_some(place + 3 * step, values[3], n)
    store_some(place + 4 * step, values[4], n)
    store_some(place + 5 * step, values[5], n)


@compiled
def load_pixel(x, n, h, w, c, lanes):
    """`lanes` channels of a pixel from c on, zeros outside of the image."""
    _, H, W, C = x.shape
    inside = 0 <= h < H and 0 <= w < W
    place = address(x) + 4 * (((n * H + h) * W + w) * C + c)
    return load_some(place, lanes if inside else 0)  # of 0 lanes, no memory is touched


@compiled
def input_column(place, row, n):
    """B' times six pixels, one below the other."""
    return evaluate_input(*load_six(place, row, n))


@compiled
def input_column_at_border(x, n_image, top, left, c, n):
    """The same, where pixels may be outside of the image."""
    return evaluate_input(
        load_pixel(x, n_image, top, left, c, n),
        load_pixel(x, n_image, top + 1, left, c, n),
        load_pixel(x, n_image, top + 2, left, c, n),
        load_pixel(x, n_image, top + 3, left, c, n),
        load_pixel(x, n_image, top + 4, left, c, n),
        load_pixel(x, n_image, top + 5, left, c, n),
    )


@compiled
def transform_input_tile(x, n_image, top, left, out, step):
    """V = B' d B of the 6x6 pixels from (top, left) on: 36 positions, `step` bytes apart."""
    _, H, W, C = x.shape
    inside = top >= 0 and top + 6 <= H and left >= 0 and left + 6 <= W
    row, column = 4 * W * C, 4 * C
    corner = address(x) + 4 * ((n_image * H + top) * W + left) * C
    for c in range(0, C, LANES):
        n = min(C - c, LANES)
        for r in range(6, 10):  # of the tile below, in the columns that are its own
            for j in range(1, 5):
                prefetch(corner + r * row + j * column + 4 * c)
        if inside:
            place = corner + 4 * c
            d0 = input_column(place, row, n)
            d1 = input_column(place + column, row, n)
            d2 = input_column(place + 2 * column, row, n)
            d3 = input_column(place + 3 * column, row, n)
            d4 = input_column(place + 4 * column, row, n)
            d5 = input_column(place + 5 * column, row, n)
        else:
            d0 = input_column_at_border(x, n_image, top, left, c, n)
            d1 = input_column_at_border(x, n_image, top, left + 1, c, n)
            d2 = input_column_at_border(x, n_image, top, left + 2, c, n)
            d3 = input_column_at_border(x, n_image, top, left + 3, c, n)
            d4 = input_column_at_border(x, n_image, top, left + 4, c, n)
            d5 = input_column_at_border(x, n_image, top, left + 5, c, n)
        place, line = out + 4 * c, 6 * step
        store_six(place, step, n, evaluate_input(d0[0], d1[0], d2[0], d3[0], d4[0], d5[0]))
        place += line
        store_six(place, step, n, evaluate_input(d0[1], d1[1], d2[1], d3[1], d4[1], d5[1]))
        place += line
        store_six(place, step, n, evaluate_input(d0[2], d1[2], d2[2], d3[2], d4[2], d5[2]))
        place += line
        store_six(place, step, n, evaluate_input(d0[3], d1[3], d2[3], d3[3], d4[3], d5[3]))
        place += line
        store_six(place, step, n, evaluate_input(d0[4], d1[4], d2[4], d3[4], d4[4], d5[4]))
        place += line
        store_six(place, step, n, evaluate_input(d0[5], d1[5], d2[5], d3[5], d4[5], d5[5]))


@compiled
def output_row(place, step, n):
    """A' times six positions."""
    return interpolate(*load_six(place, step, n))


@compiled
def store_four(place, step, count, n, streaming, values):
    """The first `count` of four vectors, `step` bytes apart."""
    if streaming and count > 3:
        stream(place, values[0])
        stream(place + step, values[1])
        stream(place + 2 * step, values[2])
        stream(place + 3 * step, values[3])
        return
    store_some(place, values[0], n)
    if count > 1:
        store_some(place + step, values[1], n)
    if count > 2:
        store_some(place + 2 * step, values[2], n)
    if count > 3:
        store_some(place + 3 * step, values[3], n)


@compiled
def transform_output_tile(m, step, K, y, n_image, top, left, streaming):
    """y = A' m A: the 4x4 pixels of an output tile, as far as they are inside of the image."""
    _, OH, OW, _ = y.shape
    height, width, line = OH - top, OW - left, 6 * step
    row, column = 4 * OW * K, 4 * K
    for k in range(0, K, LANES):
        n = min(K - k, LANES)
        place = m + 4 * k
        m0 = output_row(place, step, n)
        m1 = output_row(place + line, step, n)
        m2 = output_row(place + 2 * line, step, n)
        m3 = output_row(place + 3 * line, step, n)
        m4 = output_row(place + 4 * line, step, n)
        m5 = output_row(place + 5 * line, step, n)
        place = address(y) + 4 * (((n_image * OH + top) * OW + left) * K + k)
        pixels = interpolate(m0[0], m1[0], m2[0], m3[0], m4[0], m5[0])
        store_four(place, row, height, n, streaming, pixels)
        if width > 1:
            pixels = interpolate(m0[1], m1[1], m2[1], m3[1], m4[1], m5[1])
            store_four(place + column, row, height, n, streaming, pixels)
        if width > 2:
            pixels = interpolate(m0[2], m1[2], m2[2], m3[2], m4[2], m5[2])
            store_four(place + 2 * column, row, height, n, streaming, pixels)
        if width > 3:
            pixels = interpolate(m0[3], m1[3], m2[3], m3[3], m4[3], m5[3])
            store_four(place + 3 * column, row, height, n, streaming, pixels)


@compiled
def gradient_column(gy, n_image, top, left, k, n):
    """A times four output pixels, one below the other."""
    return evaluate_output_gradient(
        load_pixel(gy, n_image, top, left, k, n),
        load_pixel(gy, n_image, top + 1, left, k, n),
        load_pixel(gy, n_image, top + 2, left, k, n),
        load_pixel(gy, n_image, top + 3, left, k, n),
    )


@compiled
def transform_gradient_tile(gy, n_image, top, left, out, step):
    """dM = A gy A' of the 4x4 output pixels from (top, left) on."""
    _, OH, OW, K = gy.shape
    corner = address(gy) + 4 * ((n_image * OH + top) * OW + left) * K
    for k in range(0, K, LANES):
        n = min(K - k, LANES)
        for r in range(4, 8):  # of the tile below
            for j in range(4):
                prefetch(corner + 4 * ((r * OW + j) * K + k))
        g0 = gradient_column(gy, n_image, top, left, k, n)
        g1 = gradient_column(gy, n_image, top, left + 1, k, n)
        g2 = gradient_column(gy, n_image, top, left + 2, k, n)
        g3 = gradient_column(gy, n_image, top, left + 3, k, n)
        place, line = out + 4 * k, 6 * step
        store_six(place, step, n, evaluate_output_gradient(g0[0], g1[0], g2[0], g3[0]))
        place += line
        store_six(place, step, n, evaluate_output_gradient(g0[1], g1[1], g2[1], g3[1]))
        place += line
        store_six(place, step, n, evaluate_output_gradient(g0[2], g1[2], g2[2], g3[2]))
        place += line
        store_six(place, step, n, evaluate_output_gradient(g0[3], g1[3], g2[3], g3[3]))
        place += line
        store_six(place, step, n, evaluate_output_gradient(g0[4], g1[4], g2[4], g3[4]))
        place += line
        store_six(place, step, n, evaluate_output_gradient(g0[5], g1[5], g2[5], g3[5]))


# ------------------------------------------------------------------------------ the kernels


@compiled
def kernel_column(tap, step, column_step, n):
    """G times three taps, one below the other, of the kernels of `n` output channels."""
    return evaluate_kernel(
        gather(tap, column_step, n),
        gather(tap + 3 * step, column_step, n),
        gather(tap + 6 * step, column_step, n),
    )


@compiled
def transform_kernel_panel(w, turned, panel, U):
    """One panel of U: (36, C, width), from w (K, C, 3, 3).

    Column k of the panel is output channel panel * width + k. turned: the kernels of the input
    gradient, with C and K swapped and rows and columns reversed.
    """
    _, rows, width = U.shape
    K, C = w.shape[:2]
    columns = C if turned else K
    row_step, column_step = 4 * 9, 4 * 9 * C
    if turned:
        row_step, column_step = column_step, row_step
    step = 4 * rows * width
    line = 6 * step
    for inside in range(0, width, LANES):
        first = panel * width + inside
        n = max(min(columns - first, LANES), 0)
        for row in range(rows):
            tap, forward = address(w) + row * row_step + first * column_step, 4
            if turned:
                tap, forward = tap + 4 * 8, -4
            g0 = kernel_column(tap, forward, column_step, n)
            g1 = kernel_column(tap + forward, forward, column_step, n)
            g2 = kernel_column(tap + 2 * forward, forward, column_step, n)
            place = address(U) + 4 * (row * width + inside)
            store_six(place, step, LANES, evaluate_kernel(g0[0], g1[0], g2[0]))
            store_six(place + line, step, LANES, evaluate_kernel(g0[1], g1[1], g2[1]))
            store_six(place + 2 * line, step, LANES, evaluate_kernel(g0[2], g1[2], g2[2]))
            store_six(place + 3 * line, step, LANES, evaluate_kernel(g0[3], g1[3], g2[3]))
            store_six(place + 4 * line, step, LANES, evaluate_kernel(g0[4], g1[4], g2[4]))
            store_six(place + 5 * line, step, LANES, evaluate_kernel(g0[5], g1[5], g2[5]))


@kernel
def transform_kernels(part, parts, w, turned, U):
    """U (panels, 36, C, width) from w (K, C, 3, 3)."""
    start, stop = share(U.shape[0], part, parts)
    for panel in range(start, stop):
        transform_kernel_panel(w, turned, panel, U[panel])


@compiled
def locate(tile, tiles_h, tiles_w):
    """(image, row, column) of the first output pixel of a tile."""
    n, rest = tile // (tiles_h * tiles_w), tile % (tiles_h * tiles_w)
    return n, 4 * (rest // tiles_w), 4 * (rest % tiles_w)


@compiled
def transform_inputs(x, ph, pw, size, first, count, v, position_step):
    """V of the tiles first..first + count of a convolution with `size` outputs, at address v."""
    C = x.shape[3]
    tiles_h, tiles_w = (size[0] + 3) // 4, (size[1] + 3) // 4
    for t in range(count):
        n, top, left = locate(first + t, tiles_h, tiles_w)
        transform_input_tile(x, n, top - ph, left - pw, v + 4 * t * C, position_step)


@compiled
def transform_gradients(gy, first, count, d, position_step):
    """dM of the tiles first..first + count, at address d."""
    _, OH, OW, K = gy.shape
    for t in range(count):
        n, top, left = locate(first + t, (OH + 3) // 4, (OW + 3) // 4)
        transform_gradient_tile(gy, n, top, left, d + 4 * t * K, position_step)


@compiled
def transform_outputs(m, position_step, y, first, count, streaming):
    """y of the tiles first..first + count from M at address m."""
    _, OH, OW, K = y.shape
    for t in range(count):
        n, top, left = locate(first + t, (OH + 3) // 4, (OW + 3) // 4)
        transform_output_tile(m + 4 * t * K, position_step, K, y, n, top, left, streaming)


@compiled
def multiply_panel(v, V_step, tiles, U_panel, panel, m, M_step, K, zeros):
    """A panel of columns of the 36 products M[p] = V[p] @ U[p]. zeros: as many as a panel."""
    _, C, width = U_panel.shape
    first = panel * width
    columns = min(K - first, width)
    for p in range(36):
        u, out = address(U_panel) + p * 4 * C * width, m + p * M_step + 4 * first
        start, start_row = address(zeros), 0
        for c in range(0, C, DEPTH):
            product(
                v + p * V_step + 4 * c, 4 * C, 0, 4, u + 4 * c * width, 0, 4 * width, 0,
                out, 4 * K, tiles, columns, 1, min(DEPTH, C - c), start, start_row,
            )  # fmt: skip
            start, start_row = out, 4 * K


@kernel
def convolve_blocks(part, parts, work, x, U, y, ph, pw, block, V, M, streaming):
    """y from x and U, `block` tiles at a time: transform, 36 products, transform back.

    U (panels, 36, C, width); V (parts, 36, at least block*C) and M (parts, 36, at least block*K)
    are workspaces.
    """
    _, OH, OW, K = y.shape
    V_step, M_step = 4 * V.shape[2], 4 * M.shape[2]
    v, m = address(V[part]), address(M[part])
    zeros = np.zeros(PANEL, np.float32)
    tiles = y.shape[0] * ((OH + 3) // 4) * ((OW + 3) // 4)
    first = take(work, block)
    while first < tiles:
        count = min(block, tiles - first)
        transform_inputs(x, ph, pw, (OH, OW), first, count, v, V_step)
        rows = min((count + 3) // 4 * 4, block)  # a few rows too many: lower tiles are slower
        for panel in range(U.shape[0]):
            multiply_panel(v, V_step, rows, U[panel], panel, m, M_step, K, zeros)
        transform_outputs(m, M_step, y, first, count, streaming)
        first = take(work, block)


# Many channels and few tiles: U is far larger than V and M, and would go to memory and back. So
# the tiles of all images are transformed first, and each panel of U is multiplied where it is made.


@kernel
def transform_all_inputs(part, parts, x, ph, pw, size, V):
    tiles = x.shape[0] * ((size[0] + 3) // 4) * ((size[1] + 3) // 4)
    start, stop = share(tiles, part, parts)
    v = address(V) + 4 * start * x.shape[3]
    transform_inputs(x, ph, pw, size, start, stop - start, v, 4 * V.shape[1])


@kernel
def multiply_all(part, parts, w, turned, V, M, U, tiles, K):
    """M (36, tiles*K) from V (36, tiles*C); U (parts, 36, C, width) is a workspace."""
    zeros = np.zeros(PANEL, np.float32)
    panels = (K + U.shape[3] - 1) // U.shape[3]
    start, stop = share(panels, part, parts)
    for panel in range(start, stop):
        transform_kernel_panel(w, turned, panel, U[part])
        step = 4 * V.shape[1]
        multiply_panel(
            address(V), step, tiles, U[part], panel, address(M), 4 * M.shape[1], K, zeros
        )


@kernel
def transform_all_outputs(part, parts, M, y, streaming):
    _, OH, OW, K = y.shape
    start, stop = share(y.shape[0] * ((OH + 3) // 4) * ((OW + 3) // 4), part, parts)
    m = address(M) + 4 * start * K
    transform_outputs(m, 4 * M.shape[1], y, start, stop - start, streaming)


# --------------------------------------------------------------------- the weights' gradient


@compiled
def kernel_gradient_row(place, step, n):
    """G' times six positions."""
    return interpolate_kernel_gradient(*load_six(place, step, n))


@compiled
def store_kernel_gradient(dU, step, c, K, gw):
    """gw[:, c] (K, C, 3, 3) = G' dU G from the rows dU (K) of the 36 positions."""
    numbers = np.empty((9, LANES), np.float32)
    line = 6 * step
    for k in range(0, K, LANES):
        n = min(K - k, LANES)
        place, out = dU + 4 * k, address(numbers)
        u0 = kernel_gradient_row(place, step, n)
        u1 = kernel_gradient_row(place + line, step, n)
        u2 = kernel_gradient_row(place + 2 * line, step, n)
        u3 = kernel_gradient_row(place + 3 * line, step, n)
        u4 = kernel_gradient_row(place + 4 * line, step, n)
        u5 = kernel_gradient_row(place + 5 * line, step, n)
        for j in range(3):
            if j == 0:
                taps = interpolate_kernel_gradient(u0[0], u1[0], u2[0], u3[0], u4[0], u5[0])
            elif j == 1:
                taps = interpolate_kernel_gradient(u0[1], u1[1], u2[1], u3[1], u4[1], u5[1])
            else:
                taps = interpolate_kernel_gradient(u0[2], u1[2], u2[2], u3[2], u4[2], u5[2])
            store(out + j * BYTES, taps[0])
            store(out + (3 + j) * BYTES, taps[1])
            store(out + (6 + j) * BYTES, taps[2])
        for lane in range(n):
            for tap in range(9):
                gw[k + lane, c, tap // 3, tap % 3] = numbers[tap, lane]


@kernel
def weight_gradient_blocks(part, parts, x, gy, ph, pw, block, V, D, dU):
    """dU (parts, 36, C, K) += V' dM over this part's tiles. V, D (parts, 36, ...): workspaces."""
    _, OH, OW, K = gy.shape
    C = x.shape[3]
    V_step, D_step = 4 * V.shape[2], 4 * D.shape[2]
    v, d = address(V[part]), address(D[part])
    mine = address(dU[part])
    start, stop = share(gy.shape[0] * ((OH + 3) // 4) * ((OW + 3) // 4), part, parts)
    dU[part].fill(0)
    for first in range(start, stop, block):
        count = min(block, stop - first)
        transform_inputs(x, ph, pw, (OH, OW), first, count, v, V_step)
        transform_gradients(gy, first, count, d, D_step)
        for p in range(36):
            product(
                v + p * V_step, 4, 0, 4 * C, d + p * D_step, 0, 4 * K, 4 * PANEL,
                mine + p * 4 * C * K, 4 * K, C, K, 1, count, mine + p * 4 * C * K, 4 * K,
            )  # fmt: skip


@kernel
def finish_weight_gradient(part, parts, dU, gw):
    """gw from the sum of all parts' dU."""
    _, _, C, K = dU.shape
    start, stop = share(C, part, parts)
    for c in range(start, stop):
        for other in range(1, dU.shape[0]):
            for p in range(36):
                for k in range(K):
                    dU[0, p, c, k] += dU[other, p, c, k]
        store_kernel_gradient(address(dU) + 4 * c * K, 4 * C * K, c, K, gw)


@kernel
def transform_all_gradients(part, parts, gy, D):
    _, OH, OW, K = gy.shape
    start, stop = share(gy.shape[0] * ((OH + 3) // 4) * ((OW + 3) // 4), part, parts)
    transform_gradients(gy, start, stop - start, address(D) + 4 * start * K, 4 * D.shape[1])


@kernel
def weight_gradient_all(part, parts, V, D, tiles, dU, gw):
    """gw, a few input channels at a time; dU (parts, 36, channels, K) is a workspace."""
    K, C = gw.shape[:2]
    V_step, D_step = 4 * V.shape[1], 4 * D.shape[1]
    few = dU.shape[2]
    zeros = np.zeros(K, np.float32)
    mine = address(dU[part])
    start, stop = share((C + few - 1) // few, part, parts)
    for first in range(start * few, min(stop * few, C), few):
        channels = min(few, C - first)
        for p in range(36):
            product(
                address(V) + p * V_step + 4 * first, 4, 0, 4 * C,
                address(D) + p * D_step, 0, 4 * K, 4 * PANEL,
                mine + p * 4 * few * K, 4 * K, channels, K, 1, tiles, address(zeros), 0,
            )  # fmt: skip
        for c in range(channels):
            store_kernel_gradient(mine + 4 * c * K, 4 * few * K, first + c, K, gw)


# ------------------------------------------------------------------------- what conv.py calls


BLOCK_BYTES = 768 << 10  # of V and M, of each thread: about a core's second-level cache


def _tiles(images: int, size: tuple[int, int]) -> int:
    return images * -(-size[0] // 4) * -(-size[1] // 4)


def _few(tiles: int, C: int, K: int) -> bool:
    """Whether the tiles of all images (V and M) are smaller than the kernels (U)."""
    return tiles * (C + K) < C * K


def _block(C: int, K: int) -> int:
    """Tiles in a block: a multiple of the heights of register tiles, 6 and 12."""
    return min(max(BLOCK_BYTES // (36 * 4 * (C + K)) // 12 * 12, 24), 96)


def _step(numbers: int) -> int:
    """Floats from one position to the next: never a multiple of 4096 bytes, which would put the
    36 positions of a tile into the same few lines of the cache."""
    return -(-numbers // LANES) * LANES + LANES


def convolve(x, w, turned: bool, padding: tuple[int, int], y) -> None:
    """y (N, OH, OW, K) from x (N, H, W, C) and w (K, C, 3, 3), or (C, K, 3, 3) if turned."""
    (ph, pw), C = padding, x.shape[3]
    N, OH, OW, K = y.shape
    tiles, width, parts = _tiles(N, (OH, OW)), panel_width(K), get_num_threads()
    if _few(tiles, C, K):
        V, M = empty((36, _step(tiles * C))), empty((36, _step(tiles * K)))
        U = empty((parts, 36, C, width))
        run(transform_all_inputs, x, ph, pw, (OH, OW), V)
        run(multiply_all, w, turned, V, M, U, tiles, K)
        run(transform_all_outputs, M, y, may_stream(y))
        return
    block = _block(C, K)
    U = empty((-(-K // width), 36, C, width))
    V, M = empty((parts, 36, _step(block * C))), empty((parts, 36, _step(block * K)))
    run(transform_kernels, w, turned, U, parts=parts_for(w.size))
    run(convolve_blocks, counter(), x, U, y, ph, pw, block, V, M, may_stream(y))


def weight_gradient(x, gy, padding: tuple[int, int], gw) -> None:
    """gw (K, C, 3, 3) from x (N, H, W, C) and gy (N, OH, OW, K)."""
    (ph, pw), C = padding, x.shape[3]
    N, OH, OW, K = gy.shape
    tiles, parts = _tiles(N, (OH, OW)), get_num_threads()
    if _few(tiles, C, K):
        V, D = empty((36, _step(tiles * C))), empty((36, _step(tiles * K)))
        run(transform_all_inputs, x, ph, pw, (OH, OW), V)
        run(transform_all_gradients, gy, D)
        run(weight_gradient_all, V, D, tiles, empty((parts, 36, 12, K)), gw)
        return
    # Each block reads and writes all of dU: with many channels, larger blocks do so less often.
    block = 96 if C * K > 1 << 15 else _block(C, K)
    V, D = empty((parts, 36, _step(block * C))), empty((parts, 36, _step(block * K)))
    dU = empty((parts, 36, C, K))
    run(weight_gradient_blocks, x, gy, ph, pw, block, V, D, dU)
    run(finish_weight_gradient, dU, gw, parts=parts_for(gw.size))
