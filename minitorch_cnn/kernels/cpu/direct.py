"""A convolution of few channels, straight from the image: a product without a matrix of patches.

With few channels it would take as long to copy the patches as to multiply them. The register tile
only wants to know how far apart its numbers are: in channels-last memory the pixels of a patch's
row, KW * C numbers, lie side by side, and the next row of the patch is one image row on. So the
tile walks over the image itself: j goes down the patch, k along it, and the tile's rows are
neighbouring outputs, sw * C numbers apart. Only the padding has to be copied: a band of rows at a
time gets its border of zeros in a workspace that stays in the cache.
"""

from __future__ import annotations

from ..memory import empty
from .compiling import INT, SHAPE, compiled, external
from .product import PANEL, product
from .threads import address, counter, get_num_threads, kernel, run, share, take
from .vector import LANES, copy, fill_zeros, keep_positive

BAND_BYTES = 192 << 10  # of the rows of an image that are worked on at a time


def applies(w_shape, geometry) -> bool:
    """Whether a row of a patch is so short that copying it does not pay."""
    _, _, dilation, groups = geometry
    return groups == 1 and dilation == (1, 1) and w_shape[1] * w_shape[3] < 2 * LANES


@compiled
def band_rows(band, columns, C, KH, sh):
    """How many output rows can be made from the image rows that a band has room for."""
    return max((band.shape[1] // (columns * C) - KH) // sh + 1, 1)


@external(INT, SHAPE, *[INT] * 5, result=INT)
def padded_band(image, shape, top, left, rows, columns, band):
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
def convolve_bands(part, parts, work, x, w, bias, relu, y, taps, stride, padding, columns, band):
    """y (N, OH, OW, K) from x (N, H, W, C); w (panels, KH KW C, width), see `arrange_weights`.

    relu: at least 0. columns: of the image that the outputs see. band: one workspace for each part.
    """
    N, _, _, C = x.shape
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
                product(
                    source + r * sh * line, 4 * sw * C, line, 4,
                    address(w) + 4 * panel * depth * width, 4 * KW * C * width, 4 * width, 0,
                    out, 4 * K, OW, min(width, K - channel), KH, KW * C,
                    address(bias) + 4 * channel, 0,
                )  # fmt: skip
                out += 4 * OW * K
        if relu:
            keep_positive(address(y) + 4 * (n * OH + i) * OW * K, count * OW * K)
        index = take(work, 1)


@kernel
def weight_gradient_bands(part, parts, x, gy, sums, taps, stride, padding, columns, band):
    """sums (parts, KH KW C, K): this part's share of sum over pixels of x gy."""
    N, _, _, C = x.shape
    _, OH, OW, K = gy.shape
    (KH, KW), (sh, sw), (ph, pw) = taps, stride, padding
    most = band_rows(band, columns, C, KH, sh)
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
        # Tap and channel are the tile's rows, and the pixels are summed over.
        for u in range(KH):
            out = address(sums[part]) + 4 * u * KW * C * K
            product(
                source + u * line, 4, sh * line, 4 * sw * C,
                address(gy) + 4 * (n * OH + i) * OW * K, 4 * OW * K, 4 * K, 4 * PANEL,
                out, 4 * K, KW * C, K, count, OW, out, 4 * K,
            )  # fmt: skip
        start += count


def _columns_and_band(x, w_shape, stride, OW):
    """The columns of the image that outputs see, and a workspace for each thread."""
    _, C, KH, KW = w_shape
    columns = (OW - 1) * stride[1] + KW
    return columns, empty((get_num_threads(), max(BAND_BYTES // 4, KH * columns * C)))


def forward(x, weights, bias, w_shape, stride, padding, relu, y) -> None:
    """y (N, OH, OW, K) from x (N, H, W, C), arranged weights and bias (K)."""
    columns, band = _columns_and_band(x, w_shape, stride, y.shape[2])
    run(
        convolve_bands, counter(), x, weights, bias, relu, y, w_shape[2:], stride, padding,
        columns, band,
    )  # fmt: skip


def weight_gradient(x, gy, sums, w_shape, stride, padding) -> None:
    """sums (parts, KH KW C, K), of whose parts the sum is the gradient."""
    columns, band = _columns_and_band(x, w_shape, stride, gy.shape[2])
    run(weight_gradient_bands, x, gy, sums, w_shape[2:], stride, padding, columns, band)
