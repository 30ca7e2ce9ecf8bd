"""Winograd's convolution F(4x4, 3x3), blocked so that a tile's numbers never leave the cache.

Read ../array/winograd.py first, then winograd_tiles.py: the transforms of a tile. The input
gradient is a convolution of gy with the kernels turned by 180 degrees. The weights' gradient goes
backward through the same steps.

All arrays are channels-last, (N, H, W, C), float32, contiguous. Work goes by blocks of tiles which
stay in a core's cache from the first transform to the last.
"""

from __future__ import annotations

from typing import Any

from ...backend import Array
from ...backend.arrays import empty
from ..geometry import ConvGeometry, Pair, output_size, turned_geometry
from .arrays import channels_first, channels_last, contiguous, equal_share, takes
from .elementwise import add_to_rows, relu_
from .jit.compiling import compiled
from .jit.product import panel_width, product
from .jit.threads import address, counter, get_num_threads, kernel, parts_for, run, share, take
from .jit.vector import LANES, add_to, fill_zeros, may_stream
from .winograd_tiles import (
    store_kernel_gradient,
    transform_gradients,
    transform_inputs,
    transform_kernel_panel,
    transform_outputs,
)

DEPTH = 128  # channels that are summed up in one go: shorter sums lose fewer digits


@kernel
def transform_kernels(part: int, parts: int, w: Array, turned: bool, U: Array, width: int) -> None:
    """U (panels, 36, C*width and a gap) from w (K, C, 3, 3)."""
    size, step = (w.shape[0], w.shape[1]), 4 * U.shape[2]
    start, stop = share(size[0 if turned else 1], part, parts)
    for panel in range(U.shape[0]):
        u = address(U[panel]) + 4 * start * width
        transform_kernel_panel(address(w), size, turned, panel, start, stop, u, step, width)


@compiled
def multiply_panel(
    v: int, V_step: int, row: int, tiles: int, C: int, U_panel: Array, panel: int, width: int,
    m: int, M_step: int, K: int, more: bool,
) -> None:  # fmt: skip
    """A panel of columns of the 36 products M[p] = V[p] @ U[p]; more: added to what M has.

    row: bytes from one row of V[p] to the next.
    """
    first = panel * width
    columns = min(K - first, width)
    for p in range(36):
        u, out = address(U_panel[p]), m + p * M_step + 4 * first
        start, start_row = (out, 4 * K) if more else (0, 0)
        for c in range(0, C, DEPTH):
            product(
                v + p * V_step + 4 * c, row, 0, 4, u + 4 * c * width, 0, 4 * width, 0,
                out, 4 * K, tiles, columns, 1, min(DEPTH, C - c), start, start_row, 1,
                4 * DEPTH * width,  # U lies in the order in which it is read
            )  # fmt: skip
            start, start_row = out, 4 * K


@kernel
def convolve_blocks(
    part: int, parts: int, work: Array, x: Array, U: Array, width: int, y: Array, padding: Pair,
    block: int, V: Array, M: Array, streaming: bool,
) -> None:  # fmt: skip
    """y from x and U, `block` tiles at a time: transform, 36 products, transform back.

    U: see `transform_kernels`. V (parts, 36, at least block*C) and M (parts, 36, at least block*K)
    are workspaces.
    """
    _, OH, OW, K = y.shape
    C, V_step, M_step = x.shape[3], 4 * V.shape[2], 4 * M.shape[2]
    v, m = address(V[part]), address(M[part])
    tiles = y.shape[0] * ((OH + 3) // 4) * ((OW + 3) // 4)
    first = take(work, block)
    while first < tiles:
        count = min(block, tiles - first)
        transform_inputs(address(x), x.shape, padding, (OH, OW), first, count, v, V_step)
        rows = min((count + 3) // 4 * 4, block)  # a few rows too many: lower tiles are slower
        for panel in range(U.shape[0]):
            multiply_panel(
                v, V_step, 4 * C, rows, C, U[panel], panel, width, m, M_step, K, False
            )  # fmt: skip
        transform_outputs(m, M_step, address(y), y.shape, first, count, streaming)
        first = take(work, block)


# Many channels and few tiles: U is far larger than V and M, and would go to memory and back. So
# the tiles of all images are transformed first, and each panel of U is multiplied where it is made.


@kernel
def transform_all(
    part: int, parts: int, images: Array, padding: Pair, size: Pair, width: int, out: Array
) -> None:
    """V of all tiles of x (N, H, W, C), or dM of those of gy (N, OH, OW, K); size: (OH, OW).

    width: of the panels of dM; 0 for V.
    """
    N, _, _, C = images.shape
    tiles = N * ((size[0] + 3) // 4) * ((size[1] + 3) // 4)
    start, stop = share(tiles, part, parts)
    source, step, count = address(images), 4 * out.shape[1], stop - start
    place = address(out) + 4 * start * (width if width else C)
    if width:
        panel = 4 * tiles * width
        transform_gradients(source, images.shape, start, count, place, step, width, panel)
    else:
        transform_inputs(source, images.shape, padding, size, start, count, place, step)


@kernel
def multiply_all(
    part: int, parts: int, w: Array, turned: bool, V: Array, M: Array, U: Array, width: int,
    tiles: int, C: int, K: int, depth: int,
) -> None:  # fmt: skip
    """M (36, tiles*K) from V (36, tiles*C), `depth` channels at a time; U (parts, 36, depth*width
    and a gap) is a workspace."""
    size, step = (w.shape[0], w.shape[1]), 4 * U.shape[2]
    V_step, M_step = 4 * V.shape[1], 4 * M.shape[1]
    first, last = share((K + width - 1) // width, part, parts)
    for panel in range(first, last):
        for c in range(0, C, depth):
            stop, u = min(c + depth, C), address(U[part])
            transform_kernel_panel(address(w), size, turned, panel, c, stop, u, step, width)
            multiply_panel(
                address(V) + 4 * c, V_step, 4 * C, tiles, stop - c, U[part], panel, width,
                address(M), M_step, K, c > 0,
            )  # fmt: skip


@kernel
def transform_all_outputs(part: int, parts: int, M: Array, y: Array, streaming: bool) -> None:
    _, OH, OW, K = y.shape
    start, stop = share(y.shape[0] * ((OH + 3) // 4) * ((OW + 3) // 4), part, parts)
    m = address(M) + 4 * start * K
    transform_outputs(m, 4 * M.shape[1], address(y), y.shape, start, stop - start, streaming)


# --------------------------------------------------------------------- the weights' gradient


@kernel
def weight_gradient_blocks(
    part: int, parts: int, x: Array, gy: Array, padding: Pair, block: int, width: int, V: Array,
    D: Array, dU: Array,
) -> None:  # fmt: skip
    """dU (parts, 36, C, K) += V' dM over this part's tiles. V, D (parts, 36, ...): workspaces.

    width: of the panels of dM.
    """
    _, OH, OW, K = gy.shape
    C = x.shape[3]
    V_step, D_step = 4 * V.shape[2], 4 * D.shape[2]
    v, d = address(V[part]), address(D[part])
    mine = address(dU[part])
    start, stop = share(gy.shape[0] * ((OH + 3) // 4) * ((OW + 3) // 4), part, parts)
    fill_zeros(mine, dU[part].size)
    for first in range(start, stop, block):
        count = min(block, stop - first)
        transform_inputs(address(x), x.shape, padding, (OH, OW), first, count, v, V_step)
        panel = 4 * block * width
        transform_gradients(address(gy), gy.shape, first, count, d, D_step, width, panel)
        for p in range(36):
            product(
                v + p * V_step, 4, 0, 4 * C, d + p * D_step, 0, 4 * width, panel,
                mine + p * 4 * C * K, 4 * K, C, K, 1, count, mine + p * 4 * C * K, 4 * K, 1, 0,
            )  # fmt: skip


@kernel
def finish_weight_gradient(part: int, parts: int, dU: Array, gw: Array) -> None:
    """gw from the sum of all parts' dU."""
    _, _, C, K = dU.shape
    start, stop = share(C, part, parts)
    for c in range(start, stop):
        first, step = address(dU) + 4 * c * K, 4 * C * K
        for other in range(1, dU.shape[0]):
            for p in range(36):
                add_to(first + (other * 36 + p) * step, first + p * step, K)
        store_kernel_gradient(first, step, c, (K, C), address(gw))


@kernel
def weight_gradient_all(
    part: int, parts: int, V: Array, D: Array, tiles: int, width: int, dU: Array, gw: Array
) -> None:
    """gw, a few channels and filters at a time; dU (parts, 36, channels, filters): a workspace."""
    K, C = gw.shape[:2]
    V_step, D_step = 4 * V.shape[1], 4 * D.shape[1]
    _, _, channels, filters = dU.shape
    mine, row, pieces = address(dU[part]), 4 * filters, (K + filters - 1) // filters
    start, stop = share((C + channels - 1) // channels * pieces, part, parts)
    for index in range(start, stop):
        c, k = index // pieces * channels, index % pieces * filters
        rows, columns = min(channels, C - c), min(filters, K - k)
        for p in range(36):
            product(
                address(V) + p * V_step + 4 * c, 4, 0, 4 * C,
                address(D) + p * D_step + 4 * tiles * k, 0, 4 * width, 4 * tiles * width,
                mine + p * channels * row, row, rows, columns, 1, tiles, 0, 0, 1, 0,
            )  # fmt: skip
        for i in range(rows):
            place, out = mine + i * row, address(gw) + 4 * 9 * k * C
            store_kernel_gradient(place, channels * row, c + i, (columns, C), out)


# ----------------------------------------------------------------------------------- the entries


FEW_TILES = 96  # of which a panel of M fits beside a piece of U
BLOCK_BYTES = 768 << 10  # of V and M, of each thread: about a core's second-level cache
CHANNELS, FILTERS = 48, 64  # whose dU stays in that cache; a multiple of the panels' width


def _tiles(images: int, size: tuple[int, int]) -> int:
    return images * -(-size[0] // 4) * -(-size[1] // 4)


def _few(tiles: int, C: int, K: int) -> bool:
    """Whether the tiles of all images (V and M) are smaller than the kernels (U)."""
    return tiles * (C + K) < C * K


def _block(C: int, K: int) -> int:
    """Tiles in a block: whole register tiles, and enough that U need not be read too often."""
    return min(max(BLOCK_BYTES // (36 * 4 * (C + K)) // 12 * 12, 48), 96)


def _step(numbers: int) -> int:
    """Floats from one position to the next: never a multiple of 4096 bytes, which would put the
    36 positions of a tile into the same few lines of the cache."""
    return -(-numbers // LANES) * LANES + LANES


def convolve(x: Array, w: Array, turned: bool, before: Pair, y: Array) -> None:
    """y (N, OH, OW, K) from x (N, H, W, C) and w (K, C, 3, 3), or (C, K, 3, 3) if turned."""
    C = x.shape[3]
    N, OH, OW, K = y.shape
    tiles, width, parts = _tiles(N, (OH, OW)), panel_width(K), get_num_threads()
    if _few(tiles, C, K):
        V, M = empty((36, _step(tiles * C))), empty((36, _step(tiles * K)))
        depth = C if tiles > FEW_TILES else min(C, DEPTH)
        U = empty((parts, 36, _step(depth * width)))
        run(transform_all, x, before, (OH, OW), 0, V)
        run(multiply_all, w, turned, V, M, U, width, tiles, C, K, depth)
        run(transform_all_outputs, M, y, may_stream(y, tiles=True))
        return
    block = -(-equal_share(tiles, _block(C, K)) // 4) * 4
    U = empty((-(-K // width), 36, _step(C * width)))
    V, M = empty((parts, 36, _step(block * C))), empty((parts, 36, _step(block * K)))
    run(transform_kernels, w, turned, U, width, parts=parts_for(w.size))
    streaming = may_stream(y, tiles=True)
    run(convolve_blocks, counter(), x, U, width, y, before, block, V, M, streaming)


def forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False) -> Any:
    if not takes(x, w, b):
        return NotImplemented
    K = len(w)
    y = empty((len(x), *output_size(x.shape[2:], (3, 3), geometry), K))
    convolve(channels_last(x), contiguous(w), False, geometry.before, y)
    if b is not None:
        run(add_to_rows, y.reshape(-1, K), contiguous(b))
    return channels_first(relu_(y) if relu else y)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(gy, w):
        return NotImplemented
    gx = empty((len(gy), *input_size, w.shape[1]))
    before = turned_geometry((3, 3), geometry).before
    convolve(channels_last(gy), contiguous(w), True, before, gx)
    return channels_first(gx)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(x, gy):
        return NotImplemented
    (_, C, _, _), (N, K, OH, OW) = x.shape, gy.shape
    x, gy, gw = channels_last(x), channels_last(gy), empty((K, C, 3, 3))
    tiles, width, parts = _tiles(N, (OH, OW)), panel_width(K), get_num_threads()
    columns = -(-K // width) * width  # of all panels of dM
    if _few(tiles, C, K):
        V, D = empty((36, _step(tiles * C))), empty((36, _step(tiles * columns)))
        run(transform_all, x, geometry.before, (OH, OW), 0, V)
        run(transform_all, gy, geometry.before, (OH, OW), width, D)
        run(weight_gradient_all, V, D, tiles, width, empty((parts, 36, CHANNELS, FILTERS)), gw)
        return gw
    # Each block reads and writes all of dU: with many channels, larger blocks do so less often.
    block = 96 if C * K > 1 << 15 else _block(C, K)
    V, D = empty((parts, 36, _step(block * C))), empty((parts, 36, _step(block * columns)))
    dU = empty((parts, 36, C, K))
    run(weight_gradient_blocks, x, gy, geometry.before, block, width, V, D, dU)
    run(finish_weight_gradient, dU, gw, parts=parts_for(gw.size))
    return gw
