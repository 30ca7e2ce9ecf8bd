"""Matrix products of any strides out of register tiles.

NumPy's own product is as fast. But the threads of its BLAS library go on spinning for a while after
each product, in the way of the threads of the kernels that come next.
"""

from __future__ import annotations

from typing import Any

from ...backend import Array
from ...backend.arrays import empty
from .arrays import contiguous, takes
from .jit.product import PANEL, panel_width, product
from .jit.threads import address, counter, kernel, parts_for, run, share, take
from .jit.vector import LANES, gather, store

ROWS = 48  # of c at a time: a multiple of the heights of register tiles
DEPTH = 256  # terms of the sums at a time: DEPTH rows of a panel of b stay in the cache


@kernel
def pack_panels(
    part: int, parts: int, b: Array, row: int, column: int, N: int, packed: Array
) -> None:
    """packed (panels, K, width) = b (K, N), whose rows and columns are so many bytes apart."""
    panels, K, width = packed.shape
    start, stop = share(panels * (width // LANES), part, parts)
    for index in range(start, stop):
        first = index * LANES
        panel, inside = first // width, first % width
        count = min(N - first, LANES)
        for k in range(K):
            value = gather(address(b) + k * row + first * column, column, count)
            store(address(packed) + 4 * ((panel * K + k) * width + inside), value)


@kernel
def multiply(
    part: int, parts: int, work: Array, a: Array, a_row: int, a_k: int, b: Array, b_k: int,
    b_panel: int, padded: int, K: int, has_bias: bool, bias: Array, c: Array,
) -> None:  # fmt: skip
    """c (M, N) = a (M, K) @ b (K, N) [+ bias (N)].

    a_row, a_k: bytes from one row and column of a to the next; b_k, b_panel: from one row and panel
    of b to the next; padded: as in `product`.
    """
    M, N = c.shape
    panels = (N + PANEL - 1) // PANEL
    index, pieces = take(work, 1), panels * ((M + ROWS - 1) // ROWS)
    while index < pieces:
        panel, first = index % panels, index // panels * ROWS
        rows, columns = min(ROWS, M - first), min(PANEL, N - panel * PANEL)
        out = address(c) + 4 * (first * N + panel * PANEL)
        start, start_row = address(bias) + 4 * panel * PANEL if has_bias else 0, 0
        for k in range(0, K, DEPTH):
            product(
                address(a) + first * a_row + k * a_k, a_row, 0, a_k,
                address(b) + panel * b_panel + k * b_k, 0, b_k, 0,
                out, 4 * N, rows, columns, 1, min(DEPTH, K - k), start, start_row, padded, 0,
            )  # fmt: skip
            start, start_row = out, 4 * N
        index = take(work, 1)


# ----------------------------------------------------------------------------------- the entries


def matmul(a: Array, b: Array, bias: Array | None = None) -> Any:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0] or not takes(a, b, bias):
        return NotImplemented
    (M, K), N = a.shape, b.shape[1]
    if bias is not None and bias.shape != (N,):
        return NotImplemented
    a, b = _in_memory_order(a), _in_memory_order(b)
    a_row, a_k = a.strides
    b_k, column = b.strides
    b_panel, padded = 4 * PANEL, 0
    if column == 4:
        right = b.reshape(-1)
    else:
        width = panel_width(N)
        right = empty((-(-N // width), K, width))
        run(pack_panels, b.T.reshape(-1), b_k, column, N, right, parts=parts_for(K * N))
        right, b_k, b_panel, padded = right.reshape(-1), 4 * width, 4 * K * width, 1
    left = (a if a_k == 4 else a.T).reshape(-1)
    c = empty((M, N))
    has_bias, bias = bias is not None, right if bias is None else contiguous(bias)
    args = (left, a_row, a_k, right, b_k, b_panel, padded, K, has_bias, bias, c)
    run(multiply, counter(), *args, parts=parts_for(M * N * K // 16))
    return c


def _in_memory_order(matrix: Array) -> Array:
    """The matrix, if its rows or its columns lie in memory without gaps, otherwise a copy."""
    return matrix if matrix.T.flags.c_contiguous else contiguous(matrix)
