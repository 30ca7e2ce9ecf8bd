"""Products of any size out of register tiles.

The tiles are a lot of code, so they are compiled once. For the kernels `product` is a function of
another library, known by a name.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from numba import types
from numba.core.ccallback import CFunc

from .threads import disk_cache
from .tile import WIDEST, rows_product_1, rows_product_2, rows_product_widest
from .vector import LANES

PANEL = WIDEST * LANES  # the columns that a tile can take


def panel_width(columns: int) -> int:
    """Columns of the panels in which the right side of a product is kept: those of a register
    tile, or fewer if there are not so many."""
    return min(PANEL, -(-columns // LANES) * LANES)


def _product(
    a, a_row, a_j, a_k, b, b_j, b_k, b_panel, c, c_row, rows, columns, J, K, start, start_row
):  # fmt: skip
    """c (rows, columns) = start + sum over j and k of a[row, j, k] * b[j, k, column].

    Addresses and steps as in tile.rows_product; b_panel is the step in bytes from one panel of
    PANEL columns to the next.
    """
    for first in range(0, columns, PANEL):
        n = min(columns - first, PANEL)
        if n <= LANES:
            rows_product_1(
                a, a_row, a_j, a_k, b, b_j, b_k, c, c_row, rows, n, J, K, start, start_row
            )
        elif n <= 2 * LANES:
            rows_product_2(
                a, a_row, a_j, a_k, b, b_j, b_k, c, c_row, rows, n, J, K, start, start_row
            )
        else:
            rows_product_widest(
                a, a_row, a_j, a_k, b, b_j, b_k, c, c_row, rows, n, J, K, start, start_row
            )
        b += b_panel
        c += 4 * PANEL
        start += 4 * PANEL


_signature = types.void(*[types.int64] * 16)
_compiled: Any = CFunc(_product, (_signature.args, types.void), {}, {"error_model": "numpy"})
_compiled._cache = disk_cache(_product)
_compiled.compile()
llvm.add_symbol("minitorch_cnn_product", _compiled.address)
product = types.ExternalFunction("minitorch_cnn_product", _signature)
