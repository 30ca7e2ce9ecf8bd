"""Winograd's transforms of single tiles of F(4x4, 3x3): pixels to 36 positions and back.

Read ../array/winograd.py first: it explains the algorithm and derives the matrices A, B and G,
which are written out here as sums of vectors. winograd.py next door puts the tiles together.

The points are a = sqrt(1/2) and b = sqrt(2), so that a*a*b*b = 1, which saves a multiplication.
"""

from __future__ import annotations

import math

import numpy as np

from ..geometry import Lengths, Pair
from .jit.compiling import INT, PAIR, SHAPE, compiled, external
from .jit.vector import (
    LANES,
    Vector,
    Vectors,
    align_stack,
    fma,
    gather,
    load_part,
    prefetch,
    scatter,
    splat,
    store_part,
    stream,
    zeros,
)

A1 = np.float32(math.sqrt(0.5))  # the point a
B1 = np.float32(math.sqrt(2.0))  # the point b
A2, B2 = np.float32(0.5), np.float32(2.0)  # their squares
A3, B3 = np.float32(0.5 * math.sqrt(0.5)), np.float32(2 * math.sqrt(2.0))  # and cubes
SUM = np.float32(2.5)  # a*a + b*b; a*a*b*b is 1
# What Lagrange's interpolation divides by: the product of the distances to the other points.
G_A = np.float32(1 / (2 * 0.5 * (0.5 - 2)))
G_B = np.float32(1 / (2 * 2 * (2 - 0.5)))


# ---------------------------------------------------------- the matrices, applied to six vectors


@compiled
def evaluate_input(
    d0: Vector, d1: Vector, d2: Vector, d3: Vector, d4: Vector, d5: Vector
) -> Vectors:
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
def evaluate_kernel(g0: Vector, g1: Vector, g2: Vector) -> Vectors:
    """G g"""
    even_a, odd_a = splat(G_A) * fma(splat(A2), g2, g0), splat(G_A * A1) * g1
    even_b, odd_b = splat(G_B) * fma(splat(B2), g2, g0), splat(G_B * B1) * g1
    return g0, even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, g2


@compiled
def interpolate(m0: Vector, m1: Vector, m2: Vector, m3: Vector, m4: Vector, m5: Vector) -> Vectors:
    """A' m"""
    even_a, odd_a, even_b, odd_b = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return (
        m0 + even_a + even_b,
        fma(splat(A1), odd_a, splat(B1) * odd_b),
        fma(splat(A2), even_a, splat(B2) * even_b),
        fma(splat(A3), odd_a, fma(splat(B3), odd_b, m5)),
    )


@compiled
def evaluate_output_gradient(y0: Vector, y1: Vector, y2: Vector, y3: Vector) -> Vectors:
    """A y, the transpose of `interpolate`"""
    even_a, odd_a = fma(splat(A2), y2, y0), fma(splat(A3), y3, splat(A1) * y1)
    even_b, odd_b = fma(splat(B2), y2, y0), fma(splat(B3), y3, splat(B1) * y1)
    return y0, even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, y3


@compiled
def interpolate_kernel_gradient(
    u0: Vector, u1: Vector, u2: Vector, u3: Vector, u4: Vector, u5: Vector
) -> Vectors:
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
def load_six(place: int, step: int, n: int | None) -> Vectors:
    """Six vectors, `step` bytes apart."""
    return (
        load_part(place, n),
        load_part(place + step, n),
        load_part(place + 2 * step, n),
        load_part(place + 3 * step, n),
        load_part(place + 4 * step, n),
        load_part(place + 5 * step, n),
    )


@compiled
def store_six(place: int, step: int, n: int | None, values: Vectors) -> None:
    """Six vectors, `step` bytes apart."""
    store_part(place, values[0], n)
    store_part(place + step, values[1], n)
    store_part(place + 2 * step, values[2], n)
    store_part(place + 3 * step, values[3], n)
    store_part(place + 4 * step, values[4], n)
    store_part(place + 5 * step, values[5], n)


@compiled
def locate(tile: int, size: Pair) -> tuple[int, int, int]:
    """(image, row, column) of the first output pixel of a tile; size: (OH, OW)."""
    tiles_h, tiles_w = (size[0] + 3) // 4, (size[1] + 3) // 4
    n, rest = tile // (tiles_h * tiles_w), tile % (tiles_h * tiles_w)
    return n, 4 * (rest // tiles_w), 4 * (rest % tiles_w)


@compiled
def next_tile(n: int, top: int, left: int, size: Pair) -> tuple[int, int, int]:
    """`locate` of the tile after the one that is here: without a division."""
    if left + 4 < size[1]:
        return n, top, left + 4
    if top + 4 < size[0]:
        return n, top + 4, 0
    return n + 1, 0, 0


@compiled
def inside(place: int, size: int) -> bool:
    return (place >= 0) & (place < size)


@compiled
def load_pixel(place: int, there: bool, n: int) -> Vector:
    """`n` channels of a pixel, zeros if it is outside of the image."""
    return load_part(place if there else zeros(), n)


@compiled
def input_column(place: int, row: int, n: int | None) -> Vectors:
    """B' times six pixels, one below the other."""
    return evaluate_input(*load_six(place, row, n))


@compiled
def input_column_at_border(
    place: int, row: int, top: int, H: int, column_inside: bool, n: int
) -> Vectors:
    """The same, where pixels may be outside of the image: the first one is in row `top` of H."""
    return evaluate_input(
        load_pixel(place, column_inside & inside(top, H), n),
        load_pixel(place + row, column_inside & inside(top + 1, H), n),
        load_pixel(place + 2 * row, column_inside & inside(top + 2, H), n),
        load_pixel(place + 3 * row, column_inside & inside(top + 3, H), n),
        load_pixel(place + 4 * row, column_inside & inside(top + 4, H), n),
        load_pixel(place + 5 * row, column_inside & inside(top + 5, H), n),
    )


@compiled
def store_input_tile(
    place: int, step: int, n: int | None, d0: Vectors, d1: Vectors, d2: Vectors, d3: Vectors,
    d4: Vectors, d5: Vectors,
) -> None:  # fmt: skip
    """V from B' d, whose columns are d0..d5."""
    line = 6 * step
    store_six(place, step, n, evaluate_input(d0[0], d1[0], d2[0], d3[0], d4[0], d5[0]))
    store_six(place + line, step, n, evaluate_input(d0[1], d1[1], d2[1], d3[1], d4[1], d5[1]))
    store_six(place + 2 * line, step, n, evaluate_input(d0[2], d1[2], d2[2], d3[2], d4[2], d5[2]))
    store_six(place + 3 * line, step, n, evaluate_input(d0[3], d1[3], d2[3], d3[3], d4[3], d5[3]))
    store_six(place + 4 * line, step, n, evaluate_input(d0[4], d1[4], d2[4], d3[4], d4[4], d5[4]))
    store_six(place + 5 * line, step, n, evaluate_input(d0[5], d1[5], d2[5], d3[5], d4[5], d5[5]))


@compiled
def input_channels(place: int, row: int, column: int, out: int, step: int, n: int | None) -> None:
    """V of `n` channels of 6x6 pixels inside of an image."""
    for r in range(6, 10):  # of the tile below, in the columns that are its own
        for j in range(1, 5):
            prefetch(place + r * row + j * column)
    d0 = input_column(place, row, n)
    d1 = input_column(place + column, row, n)
    d2 = input_column(place + 2 * column, row, n)
    d3 = input_column(place + 3 * column, row, n)
    d4 = input_column(place + 4 * column, row, n)
    d5 = input_column(place + 5 * column, row, n)
    store_input_tile(out, step, n, d0, d1, d2, d3, d4, d5)


@compiled
def transform_input_tile(
    image: int, shape: Lengths, top: int, left: int, out: int, step: int
) -> None:
    """V = B' d B of the 6x6 pixels from (top, left) on: 36 positions, `step` bytes apart.

    Inside of the image whole vectors have code of their own; what a tile at the border has to know
    of 36 pixels beforehand takes longer than 16 channels of one inside.
    """
    _, H, W, C = shape
    row, column, whole = 4 * W * C, 4 * C, C // LANES * LANES
    corner = image + 4 * (top * W + left) * C
    align_stack()
    if top >= 0 and top + 6 <= H and left >= 0 and left + 6 <= W:
        for c in range(0, whole, LANES):
            input_channels(corner + 4 * c, row, column, out + 4 * c, step, None)
        if whole < C:
            input_channels(corner + 4 * whole, row, column, out + 4 * whole, step, C - whole)
        return
    for c in range(0, C, LANES):
        place, n = corner + 4 * c, min(C - c, LANES)
        d0 = input_column_at_border(place, row, top, H, inside(left, W), n)
        d1 = input_column_at_border(place + column, row, top, H, inside(left + 1, W), n)
        d2 = input_column_at_border(place + 2 * column, row, top, H, inside(left + 2, W), n)
        d3 = input_column_at_border(place + 3 * column, row, top, H, inside(left + 3, W), n)
        d4 = input_column_at_border(place + 4 * column, row, top, H, inside(left + 4, W), n)
        d5 = input_column_at_border(place + 5 * column, row, top, H, inside(left + 5, W), n)
        store_input_tile(out + 4 * c, step, n, d0, d1, d2, d3, d4, d5)


@external(INT, SHAPE, PAIR, PAIR, INT, INT, INT, INT)
def transform_inputs(
    x: int, shape: Lengths, padding: Pair, size: Pair, first: int, count: int, v: int, step: int
) -> None:
    """V of the tiles first..first + count, at address v: 36 positions, `step` bytes apart.

    x: the address of images of this shape, (N, H, W, C); size: (OH, OW), of the outputs.
    """
    _, H, W, C = shape
    ph, pw = padding
    n, top, left = locate(first, size)
    for t in range(count):
        image = x + 4 * n * H * W * C
        transform_input_tile(image, shape, top - ph, left - pw, v + 4 * t * C, step)
        n, top, left = next_tile(n, top, left, size)


@compiled
def output_row(place: int, step: int, n: int | None) -> Vectors:
    """A' times six positions."""
    return interpolate(*load_six(place, step, n))


@compiled
def store_column(
    place: int, step: int, count: int, n: int | None, streaming: bool, values: Vectors
) -> None:
    """The first `count` of four vectors, `step` bytes apart; streaming: all of them."""
    if streaming:
        stream(place, values[0])
        stream(place + step, values[1])
        stream(place + 2 * step, values[2])
        stream(place + 3 * step, values[3])
        return
    store_part(place, values[0], n)
    if count > 1:
        store_part(place + step, values[1], n)
    if count > 2:
        store_part(place + 2 * step, values[2], n)
    if count > 3:
        store_part(place + 3 * step, values[3], n)


@compiled
def output_channels(
    m: int, step: int, out: int, row: int, column: int, size: Pair, streaming: bool, n: int | None
) -> None:
    """`n` channels of y = A' m A; size: how many rows and columns are inside of the image."""
    (height, width), line = size, 6 * step
    m0 = output_row(m, step, n)
    m1 = output_row(m + line, step, n)
    m2 = output_row(m + 2 * line, step, n)
    m3 = output_row(m + 3 * line, step, n)
    m4 = output_row(m + 4 * line, step, n)
    m5 = output_row(m + 5 * line, step, n)
    p0 = interpolate(m0[0], m1[0], m2[0], m3[0], m4[0], m5[0])
    p1 = interpolate(m0[1], m1[1], m2[1], m3[1], m4[1], m5[1])
    p2 = interpolate(m0[2], m1[2], m2[2], m3[2], m4[2], m5[2])
    p3 = interpolate(m0[3], m1[3], m2[3], m3[3], m4[3], m5[3])
    store_column(out, row, height, n, streaming, p0)
    if width > 1:
        store_column(out + column, row, height, n, streaming, p1)
    if width > 2:
        store_column(out + 2 * column, row, height, n, streaming, p2)
    if width > 3:
        store_column(out + 3 * column, row, height, n, streaming, p3)


@compiled
def transform_output_tile(
    m: int, step: int, image: int, shape: Lengths, top: int, left: int, streaming: bool
) -> None:
    """y = A' m A: the 4x4 pixels of an output tile, as far as they are inside of the image."""
    _, OH, OW, K = shape
    row, column, whole = 4 * OW * K, 4 * K, K // LANES * LANES
    out, size = image + 4 * (top * OW + left) * K, (OH - top, OW - left)
    full = streaming and min(size) > 3
    align_stack()
    for k in range(0, whole, LANES):
        output_channels(m + 4 * k, step, out + 4 * k, row, column, size, full, None)
    if whole < K:
        output_channels(m + 4 * whole, step, out + 4 * whole, row, column, size, False, K - whole)


@external(INT, INT, INT, SHAPE, INT, INT, INT)
def transform_outputs(
    m: int, step: int, y: int, shape: Lengths, first: int, count: int, streaming: bool
) -> None:
    """y (N, OH, OW, K), at its address, of the tiles first..first + count from M at address m."""
    _, OH, OW, K = shape
    n, top, left = locate(first, (OH, OW))
    for t in range(count):
        image = y + 4 * n * OH * OW * K
        transform_output_tile(m + 4 * t * K, step, image, shape, top, left, streaming)
        n, top, left = next_tile(n, top, left, (OH, OW))


@compiled
def gradient_column(place: int, row: int, n: int | None) -> Vectors:
    """A times four output pixels, one below the other."""
    return evaluate_output_gradient(
        load_part(place, n),
        load_part(place + row, n),
        load_part(place + 2 * row, n),
        load_part(place + 3 * row, n),
    )


@compiled
def gradient_column_at_border(
    place: int, row: int, height: int, column_inside: bool, n: int
) -> Vectors:
    """The same, where `height` of the pixels are inside of the image, or none."""
    return evaluate_output_gradient(
        load_pixel(place, column_inside, n),
        load_pixel(place + row, column_inside & (height > 1), n),
        load_pixel(place + 2 * row, column_inside & (height > 2), n),
        load_pixel(place + 3 * row, column_inside & (height > 3), n),
    )


@compiled
def store_gradient_tile(
    place: int, step: int, n: int | None, g0: Vectors, g1: Vectors, g2: Vectors, g3: Vectors
) -> None:
    """dM from A gy, whose columns are g0..g3."""
    line = 6 * step
    store_six(place, step, n, evaluate_output_gradient(g0[0], g1[0], g2[0], g3[0]))
    store_six(place + line, step, n, evaluate_output_gradient(g0[1], g1[1], g2[1], g3[1]))
    store_six(place + 2 * line, step, n, evaluate_output_gradient(g0[2], g1[2], g2[2], g3[2]))
    store_six(place + 3 * line, step, n, evaluate_output_gradient(g0[3], g1[3], g2[3], g3[3]))
    store_six(place + 4 * line, step, n, evaluate_output_gradient(g0[4], g1[4], g2[4], g3[4]))
    store_six(place + 5 * line, step, n, evaluate_output_gradient(g0[5], g1[5], g2[5], g3[5]))


@compiled
def gradient_channels(
    place: int, row: int, column: int, out: int, step: int, n: int | None
) -> None:
    """dM of `n` channels of 4x4 output pixels inside of an image."""
    for r in range(4, 8):  # of the tile below
        for j in range(4):
            prefetch(place + r * row + j * column)
    g0 = gradient_column(place, row, n)
    g1 = gradient_column(place + column, row, n)
    g2 = gradient_column(place + 2 * column, row, n)
    g3 = gradient_column(place + 3 * column, row, n)
    store_gradient_tile(out, step, n, g0, g1, g2, g3)


@compiled
def transform_gradient_tile(
    image: int, shape: Lengths, top: int, left: int, out: int, step: int, width: int, panel: int
) -> None:
    """dM = A gy A' of the 4x4 output pixels from (top, left) on; see `transform_gradients`."""
    _, OH, OW, K = shape
    row, column, whole = 4 * OW * K, 4 * K, K // LANES * LANES
    corner, height = image + 4 * (top * OW + left) * K, OH - top
    align_stack()
    if height > 3 and left + 3 < OW:
        for k in range(0, whole, LANES):
            place = out + k // width * panel + 4 * (k % width)
            gradient_channels(corner + 4 * k, row, column, place, step, None)
        if whole < K:
            place = out + whole // width * panel + 4 * (whole % width)
            gradient_channels(corner + 4 * whole, row, column, place, step, K - whole)
        return
    for k in range(0, K, LANES):
        place, n = corner + 4 * k, min(K - k, LANES)
        g0 = gradient_column_at_border(place, row, height, True, n)
        g1 = gradient_column_at_border(place + column, row, height, left + 1 < OW, n)
        g2 = gradient_column_at_border(place + 2 * column, row, height, left + 2 < OW, n)
        g3 = gradient_column_at_border(place + 3 * column, row, height, left + 3 < OW, n)
        place = out + k // width * panel + 4 * (k % width)
        store_gradient_tile(place, step, n, g0, g1, g2, g3)


@external(INT, SHAPE, *[INT] * 6)
def transform_gradients(
    gy: int, shape: Lengths, first: int, count: int, d: int, step: int, width: int, panel: int
) -> None:
    """dM of the tiles first..first + count of gy (N, OH, OW, K), at address d.

    As the right side of a product: each position is panels of `width` columns, `panel` bytes apart.
    """
    _, OH, OW, K = shape
    n, top, left = locate(first, (OH, OW))
    for t in range(count):
        image = gy + 4 * n * OH * OW * K
        transform_gradient_tile(image, shape, top, left, d + 4 * t * width, step, width, panel)
        n, top, left = next_tile(n, top, left, (OH, OW))


# ------------------------------------------------------------- the kernels, and their gradient


@compiled
def kernel_column(tap: int, step: int, column_step: int, n: int) -> Vectors:
    """G times three taps, one below the other, of the kernels of `n` output channels."""
    return evaluate_kernel(
        gather(tap, column_step, n),
        gather(tap + 3 * step, column_step, n),
        gather(tap + 6 * step, column_step, n),
    )


@external(INT, PAIR, *[INT] * 7)
def transform_kernel_panel(
    w: int, size: Pair, turned: bool, panel: int, start: int, stop: int, U: int, step: int,
    width: int,
) -> None:  # fmt: skip
    """Rows start..stop of one panel of U: 36 times (stop - start, width), `step` bytes apart, from
    w (K, C, 3, 3); size: (K, C).

    Column k of the panel is output channel panel * width + k. turned: the kernels of the input
    gradient, with C and K swapped and rows and columns reversed.
    """
    K, C = size
    columns = C if turned else K
    row_step, column_step = 4 * 9, 4 * 9 * C
    if turned:
        row_step, column_step = column_step, row_step
    line = 6 * step
    for inside in range(0, width, LANES):
        first = panel * width + inside
        n = max(min(columns - first, LANES), 0)
        for row in range(start, stop):
            tap, forward = w + row * row_step + first * column_step, 4
            if turned:
                tap, forward = tap + 4 * 8, -4
            g0 = kernel_column(tap, forward, column_step, n)
            g1 = kernel_column(tap + forward, forward, column_step, n)
            g2 = kernel_column(tap + 2 * forward, forward, column_step, n)
            place = U + 4 * ((row - start) * width + inside)
            store_six(place, step, LANES, evaluate_kernel(g0[0], g1[0], g2[0]))
            store_six(place + line, step, LANES, evaluate_kernel(g0[1], g1[1], g2[1]))
            store_six(place + 2 * line, step, LANES, evaluate_kernel(g0[2], g1[2], g2[2]))
            store_six(place + 3 * line, step, LANES, evaluate_kernel(g0[3], g1[3], g2[3]))
            store_six(place + 4 * line, step, LANES, evaluate_kernel(g0[4], g1[4], g2[4]))
            store_six(place + 5 * line, step, LANES, evaluate_kernel(g0[5], g1[5], g2[5]))


@compiled
def kernel_gradient_row(place: int, step: int, n: int) -> Vectors:
    """G' times six positions."""
    return interpolate_kernel_gradient(*load_six(place, step, n))


@external(INT, INT, INT, PAIR, INT)
def store_kernel_gradient(dU: int, step: int, c: int, size: Pair, gw: int) -> None:
    """gw[:, c] (K, C, 3, 3) = G' dU G from the rows dU (K) of the 36 positions; size: (K, C)."""
    K, C = size
    line, filter_step = 6 * step, 4 * 9 * C
    for k in range(0, K, LANES):
        n = min(K - k, LANES)
        place, out = dU + 4 * k, gw + 4 * 9 * (k * C + c)
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
            scatter(out + 4 * j, filter_step, taps[0], n)
            scatter(out + 4 * (3 + j), filter_step, taps[1], n)
            scatter(out + 4 * (6 + j), filter_step, taps[2], n)
