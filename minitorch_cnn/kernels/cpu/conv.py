"""Any convolution, straight from the image: a matrix product that never writes its matrix down.

im2col copies every patch into a row of a matrix, because a matrix product wants rows. The register
tile only wants to know how far apart its numbers are. In channels-last memory the pixels of a
patch's row, KW*C numbers, lie side by side, and the next row of the patch is one image row on. So
the tile walks over the image itself: j goes down the patch, k along it, and the tile's rows are
neighbouring outputs, sw*C numbers apart. Only the padding has to be copied: a band of rows at a
time gets its border of zeros in a workspace that stays in the cache.

The gradients go the same way. With stride s the gradient of x is s*s ordinary convolutions of gy,
each with every s-th tap of the kernel, and each makes every s-th pixel of gx. For the weights'
gradient the roles change: tap and channel are the tile's rows, and the pixels are summed over.
"""

from __future__ import annotations

import numpy as np

from ..memory import empty
from .product import PANEL, panel_width, product
from .threads import address, compiled, counter, get_num_threads, kernel, parts_for, run, share, take
from .vector import LANES, load_some, splat, store_some

BAND_BYTES = 192 << 10  # of the rows of an image that are worked on at a time


@compiled
def copy(source, target, count):
    """`count` floats from one address to another."""
    for i in range(0, count, LANES):
        store_some(target + 4 * i, load_some(source + 4 * i, count - i), count - i)


@compiled
def fill_zeros(target, count):
    for i in range(0, count, LANES):
        store_some(target + 4 * i, splat(np.float32(0)), count - i)


@compiled
def padded_band(x, n, top, left, rows, columns, band):
    """Copies rows x columns pixels of image n, from (top, left) on, with zeros outside, to band."""
    _, H, W, C = x.shape
    first, last = max(-left, 0), min(columns, W - left)  # the columns that are inside
    for r in range(rows):
        h, line = top + r, address(band) + 4 * r * columns * C
        if 0 <= h < H and first < last:
            source = address(x) + 4 * ((n * H + h) * W + first + left) * C
            fill_zeros(line, first * C)
            copy(source, line + 4 * first * C, (last - first) * C)
            fill_zeros(line + 4 * last * C, (columns - last) * C)
        else:
            fill_zeros(line, columns * C)


@kernel
def correlate(
    part, parts, work, x, w, bias, y, size, y_steps, taps, groups, stride, dilation, top, left, band
):
    """y[n, i, j] = bias + sum over u, v of x[n, i sh + u dh + top, j sw + v dw + left] @ w[u, v]

    x (N, H, W, C); y: where output (0, 0, 0) lies, y_steps: the steps in bytes to the next image,
    row and column; size: (OH, OW); taps: (KH, KW). w (G, panels, KH, KW, C/G, width).
    band: one workspace for each part.
    """
    N, H, W, C = x.shape
    (OH, OW), (KH, KW), (sh, sw), (dh, dw) = size, taps, stride, dilation
    _, panels, _, _, Cg, width = w.shape
    Kg = bias.shape[0] // groups
    columns = (OW - 1) * sw + (KW - 1) * dw + 1  # of the image that the outputs see
    most = band.shape[1] // (columns * C)
    most = max((most - (KH - 1) * dh - 1) // sh + 1, 1)  # output rows of a band
    mine = band[part]
    y_image, y_row, y_column = y_steps
    w_tap, w_panel = 4 * Cg * width, 4 * KH * KW * Cg * width
    bands = (OH + most - 1) // most  # of an image, as equal as can be
    most = (OH + bands - 1) // bands
    index = take(work, 1)
    while index < N * bands:
        n, i = index // bands, index % bands * most
        count = min(most, OH - i)
        rows = (count - 1) * sh + (KH - 1) * dh + 1
        h = i * sh + top
        if h >= 0 and h + rows <= H and left >= 0 and left + columns <= W:
            source, line = address(x) + 4 * ((n * H + h) * W + left) * C, 4 * W * C
        else:
            padded_band(x, n, h, left, rows, columns, mine)
            source, line = address(mine), 4 * columns * C
        for g in range(groups):
            for panel in range(panels):
                channel = g * Kg + panel * width
                out_channels = min(width, Kg - panel * width)
                here = address(w) + (g * panels + panel) * w_panel
                for r in range(count):
                    out = y + n * y_image + (i + r) * y_row
                    pixel = source + r * sh * line + 4 * g * Cg
                    out += 4 * channel
                    # A patch of few numbers is one sum. Longer ones are summed up row by row, which
                    # loses fewer digits.
                    if groups == 1 and dw == 1 and C < 128:
                        product(
                            pixel, 4 * sw * C, dh * line, 4, here, KW * w_tap, 4 * width, 0,
                            out, y_column, OW, out_channels, KH, KW * C,
                            address(bias) + 4 * channel, 0,
                        )  # fmt: skip
                        continue
                    begin, begin_row = address(bias) + 4 * channel, 0
                    for u in range(KH):
                        product(
                            pixel + u * dh * line, 4 * sw * C, 4 * dw * C, 4,
                            here + u * KW * w_tap, w_tap, 4 * width, 0,
                            out, y_column, OW, out_channels, KW, Cg, begin, begin_row,
                        )  # fmt: skip
                        begin, begin_row = out, y_column
        index = take(work, 1)


@kernel
def weight_gradient_bands(part, parts, x, gy, sums, stride, padding, dilation, band):
    """sums (parts, G, KH, KW, C/G, K/G): this part's share of sum over pixels of x gy."""
    N, H, W, C = x.shape
    _, OH, OW, K = gy.shape
    _, groups, KH, KW, Cg, Kg = sums.shape
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    columns = (OW - 1) * sw + (KW - 1) * dw + 1
    most = band.shape[1] // (columns * C)
    most = max((most - (KH - 1) * dh - 1) // sh + 1, 1)
    mine, total = band[part], sums[part]
    total.fill(0)
    start, stop = share(N * OH, part, parts)
    while start < stop:
        n, i = start // OH, start % OH
        count = min(most, OH - i, stop - start)
        rows = (count - 1) * sh + (KH - 1) * dh + 1
        h = i * sh - ph
        if h >= 0 and h + rows <= H and pw == 0 and columns <= W:
            source, line = address(x) + 4 * (n * H + h) * W * C, 4 * W * C
        else:
            padded_band(x, n, h, -pw, rows, columns, mine)
            source, line = address(mine), 4 * columns * C
        gradient = address(gy) + 4 * (n * OH + i) * OW * K
        for g in range(groups):
            for u in range(KH):
                tap = source + u * dh * line + 4 * g * Cg
                out = address(total) + 4 * (g * KH + u) * KW * Cg * Kg
                if groups == 1 and dw == 1:
                    product(
                        tap, 4, sh * line, 4 * sw * C, gradient, 4 * OW * K, 4 * K, 4 * PANEL,
                        out, 4 * K, KW * C, K, count, OW, out, 4 * K,
                    )  # fmt: skip
                    continue
                for v in range(KW):
                    here = out + 4 * v * Cg * Kg
                    product(
                        tap + 4 * v * dw * C, 4, sh * line, 4 * sw * C,
                        gradient + 4 * g * Kg, 4 * OW * K, 4 * K, 4 * PANEL,
                        here, 4 * Kg, Cg, Kg, count, OW, here, 4 * Kg,
                    )  # fmt: skip
        start += count


@kernel
def finish_weight_gradient(part, parts, sums, gw):
    """gw (K, C/G, KH, KW) = the sum of the parts of sums (parts, G, KH, KW, C/G, K/G)."""
    all_parts, groups, KH, KW, Cg, Kg = sums.shape
    start, stop = share(groups * Kg, part, parts)
    for k in range(start, stop):
        g, inside = k // Kg, k % Kg
        for c in range(Cg):
            for u in range(KH):
                for v in range(KW):
                    total = sums[0, g, u, v, c, inside]
                    for other in range(1, all_parts):
                        total += sums[other, g, u, v, c, inside]
                    gw[k, c, u, v] = total


@kernel
def arrange_weights(part, parts, w, groups, first, step, turned, out):
    """Weights as `correlate` wants them: out (G, panels, KH, KW, rows, width) from w (K, Cg, ., .).

    Of the kernel's taps every `step`-th from `first` on is taken. turned: the channels change
    roles and the taps are taken in reverse, for the gradient of x.
    """
    G, panels, KH, KW, rows, width = out.shape
    Kg, Cg = w.shape[0] // groups, w.shape[1]
    columns = Cg if turned else Kg
    start, stop = share(G * panels, part, parts)
    for index in range(start, stop):
        g, panel = index // panels, index % panels
        for u in range(KH):
            for v in range(KW):
                tap_u = first[0] + step[0] * (KH - 1 - u if turned else u)
                tap_v = first[1] + step[1] * (KW - 1 - v if turned else v)
                for row in range(rows):
                    for column in range(width):
                        c = panel * width + column
                        value = np.float32(0)
                        if c < columns:
                            if turned:
                                value = w[g * Kg + row, c, tap_u, tap_v]
                            else:
                                value = w[g * Kg + c, row, tap_u, tap_v]
                        out[g, panel, u, v, row, column] = value


# ------------------------------------------------------------------------- what the tier calls


def _band(columns: int, rows: int, C: int):
    """A workspace for each thread that holds at least `rows` rows of the image."""
    numbers = max(BAND_BYTES // 4, columns * rows * C)
    return empty((get_num_threads(), numbers))


def forward(x, w, bias, geometry, y) -> None:
    """y (N, OH, OW, K) from x (N, H, W, C), w (K, C/G, KH, KW) and bias (K)."""
    stride, padding, dilation, groups = geometry
    K, Cg, KH, KW = w.shape
    _, OH, OW, _ = y.shape
    width = panel_width(K // groups)
    weights = empty((groups, -(-K // groups // width), KH, KW, Cg, width))
    run(arrange_weights, w, groups, (0, 0), (1, 1), False, weights, parts=parts_for(weights.size))
    columns = (OW - 1) * stride[1] + (KW - 1) * dilation[1] + 1
    band = _band(columns, (KH - 1) * dilation[0] + 1, x.shape[3])
    run(
        correlate, counter(), x, weights, bias, y.ctypes.data, (OH, OW), y.strides[:3], (KH, KW),
        groups, stride, dilation, -padding[0], -padding[1], band,
    )  # fmt: skip


def input_gradient(gy, w, geometry, gx) -> None:
    """gx (N, H, W, C) from gy (N, OH, OW, K) and w (K, C/G, KH, KW)."""
    (sh, sw), (ph, pw), (dh, dw), groups = geometry
    K, Cg, KH, KW = w.shape
    _, H, W, C = gx.shape
    width = panel_width(Cg)
    nothing = np.zeros(C, np.float32)
    for a in range(min(sh, H)):
        for b in range(min(sw, W)):
            # The pixels a, a + sh, a + 2 sh, ... meet the taps first, first + sh, ...
            first = (a + ph) % sh, (b + pw) % sw
            taps = -(-(KH - first[0]) // sh), -(-(KW - first[1]) // sw)
            pixels = gx[:, a::sh, b::sw]
            if min(taps) <= 0:
                pixels[...] = 0
                continue
            weights = empty((groups, -(-Cg // width), *taps, K // groups, width))
            args = w, groups, first, (sh, sw), True, weights
            run(arrange_weights, *args, parts=parts_for(weights.size))
            top = (a + ph - first[0]) // sh - (taps[0] - 1) * dh
            left = (b + pw - first[1]) // sw - (taps[1] - 1) * dw
            size = pixels.shape[1:3]
            band = _band(size[1] + (taps[1] - 1) * dw, (taps[0] - 1) * dh + 1, K)
            run(
                correlate, counter(), gy, weights, nothing, pixels.ctypes.data, size,
                pixels.strides[:3], taps, groups, (1, 1), (dh, dw), top, left, band,
            )  # fmt: skip


def weight_gradient(x, gy, geometry, gw) -> None:
    """gw (K, C/G, KH, KW) from x (N, H, W, C) and gy (N, OH, OW, K)."""
    stride, padding, dilation, groups = geometry
    K, Cg, KH, KW = gw.shape
    OW = gy.shape[2]
    sums = empty((get_num_threads(), groups, KH, KW, Cg, K // groups))
    columns = (OW - 1) * stride[1] + (KW - 1) * dilation[1] + 1
    band = _band(columns, (KH - 1) * dilation[0] + 1, x.shape[3])
    run(weight_gradient_bands, x, gy, sums, stride, padding, dilation, band)
    run(finish_weight_gradient, sums, gw, parts=parts_for(gw.size))
