"""The gradient of the weights of a 1x1 convolution: gw (K, C) = gy' (K, P) @ x (P, C).

The sums go over all pixels, whose channels lie a long step apart in both matrices. So of a block of
pixels the channels that are multiplied next are brought together first. And there are as many sums
as weights: only so many at a time stay in the cache. Other gradients need less care, because
im2col has brought the patches together already.
"""

from __future__ import annotations

from ...backend import Array
from ...backend.arrays import empty, on_cache_lines
from .arrays import channels_last
from .jit.product import PANEL, PANEL_ROWS, panel_width, product
from .jit.threads import address, get_num_threads, kernel, parts_for, run, share
from .jit.vector import LANES, copy, fill_zeros, load_some, odd_lines, store_some

# A panel of x stays in the first-level cache, the rest of a block and its sums in the second.
PIXELS = min(PANEL_ROWS, 192)
FILTERS = 384
CHANNELS = 512


@kernel
def weight_gradient_pixels(
    part: int, parts: int, gy: Array, x: Array, sums: Array, filters: int, left: Array,
    right: Array,
) -> None:  # fmt: skip
    """sums (parts, K, C): this part's share of gy (P, K)' @ x (P, C), so many filters at a time.

    left (parts, pixels, line), right (parts, panels, pixels, width): workspaces for the two.
    """
    (P, K), C = gy.shape, x.shape[1]
    _, panels, pixels, width = right.shape
    line, columns = left.shape[2], panels * width
    start, stop = share(P, part, parts)
    if start == stop:
        fill_zeros(address(sums[part]), K * C)
    for k in range(0, K, filters):
        for c in range(0, C, columns):
            rows, n = min(filters, K - k), min(columns, C - c)
            out = address(sums) + 4 * ((part * K + k) * C + c)
            for first in range(start, stop, pixels):
                count = min(pixels, stop - first)
                a, b = address(left[part]), address(right[part])
                for pixel in range(count):
                    copy(address(gy) + 4 * ((first + pixel) * K + k), a + 4 * pixel * line, rows)
                if width == C:
                    b = address(x) + 4 * first * C  # is such a panel
                else:
                    for pixel in range(count):
                        source = address(x) + 4 * ((first + pixel) * C + c)
                        for panel in range(0, n, width):
                            place = b + 4 * (panel * pixels + pixel * width)
                            if n - panel >= PANEL:
                                copy(source + 4 * panel, place, PANEL)  # unrolled
                            else:
                                copy(source + 4 * panel, place, n - panel)
                begin, step = (out, 4 * C) if first > start else (0, 0)
                product(
                    a, 4, 0, 4 * line, b, 0, 4 * width, 4 * pixels * width, out, 4 * C, rows, n, 1,
                    count, begin, step, 1, 0,
                )  # fmt: skip


@kernel
def add_parts(part: int, parts: int, sums: Array, gw: Array) -> None:
    """gw (K, C) = the sum of the parts of sums (parts, K, C)."""
    all_parts, step = len(sums), 4 * gw.size
    start, stop = share((gw.size + LANES - 1) // LANES, part, parts)
    for i in range(start * LANES, stop * LANES, LANES):
        source, n = address(sums) + 4 * i, gw.size - i
        total = load_some(source, n)
        for other in range(1, all_parts):
            total = total + load_some(source + other * step, n)
        store_some(address(gw) + 4 * i, total, n)


# ----------------------------------------------------------------------------------- the entries


def weight_grad(x: Array, gy: Array) -> Array:
    """gw (K, C, 1, 1) from x (N, C, H, W) and gy (N, K, H, W), both float32."""
    K, C, parts, width = gy.shape[1], x.shape[1], get_num_threads(), panel_width(x.shape[1])
    filters, gw = min(K, FILTERS), empty((K, C, 1, 1))
    left = on_cache_lines((parts, PIXELS, odd_lines(filters)))
    right = on_cache_lines((parts, -(-min(C, CHANNELS) // width), PIXELS, width))
    sums = on_cache_lines((parts, K, C))
    rows = [channels_last(array).reshape(-1, array.shape[1]) for array in (gy, x)]
    run(weight_gradient_pixels, *rows, sums, filters, left, right)
    run(add_parts, sums, gw, parts=parts_for(gw.size))
    return gw
