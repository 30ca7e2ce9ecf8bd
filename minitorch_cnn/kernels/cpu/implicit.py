"""A convolution of few channels as an implicit matrix product: nobody writes the patches down.

With few channels it would take as long to copy the patches as to multiply them. The register tile
only wants to know how far apart its numbers are: in channels-last memory the pixels of a patch's
row, KW * C numbers, lie side by side, and the next row of the patch is one image row on. So the
tile walks over the image itself: j goes down the patch, k along it, and the tile's rows are
neighbouring outputs, sw * C numbers apart. Only the padding has to be copied: a band of rows at a
time gets its border of zeros in a workspace that stays in the cache.
"""

from __future__ import annotations

from typing import Any

from ...backend import Array
from ...backend.arrays import empty, on_cache_lines
from ..geometry import ConvGeometry, Lengths, Pair, output_size
from .arrays import bias_or_zeros, channels_first, channels_last, contiguous, takes
from .conv import arranged_weights, gradient_of_sums
from .jit.compiling import INT, SHAPE, compiled, external
from .jit.product import PANEL, product
from .jit.threads import address, counter, get_num_threads, kernel, run, share, take
from .jit.vector import copy, fill_zeros, keep_positive

# Of the rows of an image that are worked on at a time. Each is read for every row of the kernel and
# every panel of filters: together with the rows of gy they shall stay in the first-level cache.
BAND_BYTES = 16 << 10


@compiled
def band_rows(band: Array, columns: int, C: int, KH: int, sh: int) -> int:
    """How many output rows can be made from the image rows that a band has room for."""
    return max((band.shape[1] // (columns * C) - KH) // sh + 1, 1)


@external(INT, SHAPE, *[INT] * 5, result=INT)
def padded_band(
    image: int, shape: Lengths, top: int, left: int, rows: int, columns: int, band: int
) -> int:
    """Copies rows x columns pixels of an image, from (top, left) on, with zeros outside, to band.

    The address of the band; or of the pixels in the image itself where nothing is outside.
    shape: (N, H, W, C).
    """
    _, H, W, C = shape
    if top >= 0 and top + rows <= H and left == 0 and columns == W:
        return image + 4 * top * W * C
    first, last = max(-left, 0), min(columns, W - left)  # the columns that are inside
    for r in range(rows):
        h, line = top + r, band + 4 * r * columns * C
        if 0 <= h < H and first < last:
            source = image + 4 * (h * W + first + left) * C
            fill_zeros(line, first * C)
            copy(source, line + 4 * first * C, (last - first) * C)
            fill_zeros(line + 4 * last * C, (columns - last) * C)
        else:
            fill_zeros(line, columns * C)
    return band


@kernel
def convolve_bands(
    part: int, parts: int, work: Array, x: Array, w: Array, bias: Array, relu: bool, y: Array,
    taps: Pair, stride: Pair, padding: Pair, columns: int, band: Array,
) -> None:  # fmt: skip
    """y (N, OH, OW, K) from x (N, H, W, C); w (panels, KH KW C, width), see `arrange_weights`.

    relu: at least 0. columns: of the image that the outputs see. band: one workspace for each part.
    """
    N, H, _, C = x.shape
    _, OH, OW, K = y.shape
    panels, depth, width = w.shape
    (KH, KW), (sh, sw), (ph, pw) = taps, stride, padding
    most = band_rows(band, columns, C, KH, sh)
    bands = (OH + most - 1) // most  # of an image, as equal as can be
    most = (OH + bands - 1) // bands
    line = 4 * columns * C
    index = take(work, 1)
    while index < N * bands:
        n, i = index // bands, index % bands * most
        count = min(most, OH - i)
        source = padded_band(
            address(x[n]), x.shape, i * sh - ph, -pw, (count - 1) * sh + KH, columns,
            address(band[part]),
        )  # fmt: skip
        for panel in range(panels):
            channel = panel * width
            out = address(y) + 4 * ((n * OH + i) * OW * K + channel)
            for r in range(count):
                # The kernel's rows above or below the image meet zeros: they are left out, but one.
                top = (i + r) * sh - ph
                first = min(max(-top, 0), KH - 1)
                rows = max(min(H - top, KH) - first, 1)
                product(
                    source + (r * sh + first) * line, 4 * sw * C, line, 4,
                    address(w) + 4 * (panel * depth + first * KW * C) * width,
                    4 * KW * C * width, 4 * width, 0,
                    out, 4 * K, OW, min(width, K - channel), rows, KW * C,
                    address(bias) + 4 * channel, 0, 1, 0,
                )  # fmt: skip
                out += 4 * OW * K
        if relu:
            keep_positive(address(y) + 4 * (n * OH + i) * OW * K, count * OW * K)
        index = take(work, 1)


@kernel
def weight_gradient_bands(
    part: int, parts: int, x: Array, gy: Array, sums: Array, taps: Pair, stride: Pair,
    padding: Pair, columns: int, band: Array,
) -> None:  # fmt: skip
    """sums (parts, KH KW C, K): this part's share of sum over pixels of x gy."""
    N, _, _, C = x.shape
    _, OH, OW, K = gy.shape
    (KH, KW), (sh, sw), (ph, pw) = taps, stride, padding
    most = min(band_rows(band, columns, C, KH, sh), max(BAND_BYTES // (4 * OW * K), 1))
    line = 4 * columns * C
    fill_zeros(address(sums[part]), sums[part].size)
    start, stop = share(N * OH, part, parts)
    while start < stop:
        n, i = start // OH, start % OH
        count = min(most, OH - i, stop - start)
        source = padded_band(
            address(x[n]), x.shape, i * sh - ph, -pw, (count - 1) * sh + KH, columns,
            address(band[part]),
        )  # fmt: skip
        stop_here = (n * OH + i + count) * OW * K
        padded = 1 if stop_here + PANEL <= gy.size else 0  # more of gy lies behind what is wanted
        # Tap and channel are the tile's rows, and the pixels are summed over.
        for u in range(KH):
            out = address(sums[part]) + 4 * u * KW * C * K
            product(
                source + u * line, 4, sh * line, 4 * sw * C,
                address(gy) + 4 * (n * OH + i) * OW * K, 4 * OW * K, 4 * K, 4 * PANEL,
                out, 4 * K, KW * C, K, count, OW, out, 4 * K, padded, 0,
            )  # fmt: skip
        start += count


# ----------------------------------------------------------------------------------- the entries


def _columns_and_band(w_shape: Lengths, geometry: ConvGeometry, OW: int) -> tuple[int, Array]:
    """The columns of the image that outputs see, and a workspace for each thread."""
    _, C, KH, KW = w_shape
    columns = (OW - 1) * geometry.stride[1] + KW
    return columns, empty((get_num_threads(), max(BAND_BYTES // 4, KH * columns * C)))


def forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False) -> Any:
    if not takes(x, w, b):
        return NotImplemented
    N, _, H, W = x.shape
    K, _, KH, KW = w.shape
    y = empty((N, *output_size((H, W), (KH, KW), geometry), K))
    weights = arranged_weights(contiguous(w), 1, KH)[0, 0]
    run(
        convolve_bands, counter(), channels_last(x), weights, bias_or_zeros(b, K), relu, y,
        (KH, KW), geometry.stride, geometry.before,
        *_columns_and_band(w.shape, geometry, y.shape[2]),
    )  # fmt: skip
    return channels_first(y)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(x, gy):
        return NotImplemented
    gw = empty((gy.shape[1], x.shape[1], *kernel_size))
    sums = on_cache_lines((get_num_threads(), gw.size // len(gw), len(gw)))  # (parts, KH KW C, K)
    run(
        weight_gradient_bands, channels_last(x), channels_last(gy), sums, kernel_size,
        geometry.stride, geometry.before, *_columns_and_band(gw.shape, geometry, gy.shape[3]),
    )  # fmt: skip
    return gradient_of_sums(sums, gw, 1)
