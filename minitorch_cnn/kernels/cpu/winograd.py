"""Winograd's convolution F(4x4, 3x3), blocked so that a tile's numbers never leave the cache.

Read kernels/winograd.py first, then winograd_tiles.py: the transforms of a tile. The input gradient
is a convolution of gy with the kernels turned by 180 degrees. The weights' gradient goes backward
through the same steps.

All arrays are channels-last, (N, H, W, C), float32, contiguous. Work goes by blocks of tiles which
stay in a core's cache from the first transform to the last.
"""

from __future__ import annotations

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
from .vector import LANES, may_stream
from .winograd_tiles import (
    store_kernel_gradient,
    transform_gradient_tile,
    transform_input_tile,
    transform_kernel_panel,
    transform_output_tile,
)

DEPTH = 128  # channels that are summed up in one go: shorter sums lose fewer digits


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
