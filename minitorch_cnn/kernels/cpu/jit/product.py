"""Products of any size out of register tiles.

The tiles are a lot of code, so `product` is compiled once, for all kernels.
"""

from __future__ import annotations

from .compiling import INT, external
from .tile import (
    FEW_LANES,
    WIDEST,
    rows_product_1,
    rows_product_2,
    rows_product_few,
    rows_product_widest,
)
from .vector import LANES

PANEL = WIDEST * LANES  # the columns that a tile can take
PANEL_ROWS = (24 << 10) // (4 * PANEL)  # of a panel that stays in the first-level cache


def panel_width(columns: int) -> int:
    """Columns of the panels in which the right side of a product is kept: those of a register
    tile, or fewer if there are not so many."""
    return min(PANEL, -(-columns // LANES) * LANES)


@external(*[INT] * 18)
def product(
    a: int, a_row: int, a_j: int, a_k: int, b: int, b_j: int, b_k: int, b_panel: int, c: int,
    c_row: int, rows: int, columns: int, J: int, K: int, start: int, start_row: int,
    padded: int, behind: int,
) -> None:  # fmt: skip
    """c (rows, columns) = start + sum over j and k of a[row, j, k] * b[j, k, column].

    Addresses and steps as in tile.rows_product; b_panel is the step in bytes from one panel of
    PANEL columns to the next. padded: 1 if b is panels that are filled up to `panel_width`.
    """
    for first in range(0, columns, PANEL):
        n = min(columns - first, PANEL)
        left, right = (a, a_row, a_j, a_k), (b, b_j, b_k)
        args = *left, *right, c, c_row, rows, n, J, K, start, start_row, padded, behind
        if n <= FEW_LANES:
            rows_product_few(*args)
        elif n <= LANES:
            rows_product_1(*args)
        elif n <= 2 * LANES:
            rows_product_2(*args)
        else:
            rows_product_widest(*args)
        b += b_panel
        c += 4 * PANEL
        if start:
            start += 4 * PANEL
