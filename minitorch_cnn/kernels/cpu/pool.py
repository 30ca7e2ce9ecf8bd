"""Pooling of channels-last images: for every window, over all channels at once."""

from __future__ import annotations

import numpy as np

from .threads import compiled, share


@compiled
def max_forward(part, parts, x, size, stride, padding, dilation, y, position):
    """y (N, OH, OW, C): the largest of each window; position: which tap it was, kh * KW + kw.

    Of equal numbers the first counts; NaN is larger than everything.
    """
    N, H, W, C = x.shape
    _, OH, OW, _ = y.shape
    (KH, KW), (sh, sw), (ph, pw), (dh, dw) = size, stride, padding, dilation
    start, stop = share(N * OH, part, parts)
    for row in range(start, stop):
        n, i = row // OH, row % OH
        for j in range(OW):
            best, where = y[n, i, j], position[n, i, j]
            first = True
            for u in range(KH):
                h = i * sh - ph + u * dh
                if h < 0 or h >= H:
                    continue
                for v in range(KW):
                    w = j * sw - pw + v * dw
                    if w < 0 or w >= W:
                        continue
                    pixel, tap = x[n, h, w], np.uint8(u * KW + v)
                    if first:
                        first = False
                        for c in range(C):
                            best[c] = pixel[c]
                            where[c] = tap
                        continue
                    for c in range(C):
                        # not <=: true also if pixel is NaN; a NaN that is there already stays
                        larger = not (pixel[c] <= best[c]) and best[c] == best[c]
                        best[c] = pixel[c] if larger else best[c]
                        where[c] = tap if larger else where[c]


@compiled
def max_scatter(part, parts, gy, position, size, stride, padding, dilation, gx):
    """gx (N, H, W, C): each gy is added to the pixel that its window's maximum came from."""
    N, H, W, C = gx.shape
    _, OH, OW, _ = gy.shape
    (KH, KW), (sh, sw), (ph, pw), (dh, dw) = size, stride, padding, dilation
    start, stop = share(N, part, parts)
    for n in range(start, stop):
        gx[n].fill(0)
        for i in range(OH):
            for j in range(OW):
                gradient, where = gy[n, i, j], position[n, i, j]
                for u in range(KH):
                    h = i * sh - ph + u * dh
                    if h < 0 or h >= H:
                        continue
                    for v in range(KW):
                        w = j * sw - pw + v * dw
                        if w < 0 or w >= W:
                            continue
                        pixel, tap = gx[n, h, w], np.uint8(u * KW + v)
                        for c in range(C):
                            pixel[c] += gradient[c] if where[c] == tap else np.float32(0)


@compiled
def average_forward(part, parts, x, size, stride, padding, scale, y):
    """y (N, OH, OW, C): the sum of each window times scale (OH, OW)."""
    N, H, W, C = x.shape
    _, OH, OW, _ = y.shape
    (KH, KW), (sh, sw), (ph, pw) = size, stride, padding
    start, stop = share(N * OH, part, parts)
    for row in range(start, stop):
        n, i = row // OH, row % OH
        for j in range(OW):
            total = y[n, i, j]
            for c in range(C):
                total[c] = 0
            for h in range(max(i * sh - ph, 0), min(i * sh - ph + KH, H)):
                for w in range(max(j * sw - pw, 0), min(j * sw - pw + KW, W)):
                    pixel = x[n, h, w]
                    for c in range(C):
                        total[c] += pixel[c]
            for c in range(C):
                total[c] *= scale[i, j]


@compiled
def average_backward(part, parts, gy, size, stride, padding, scale, gx):
    """gx (N, H, W, C): every pixel of a window gets gy times scale (OH, OW)."""
    N, H, W, C = gx.shape
    _, OH, OW, _ = gy.shape
    (KH, KW), (sh, sw), (ph, pw) = size, stride, padding
    start, stop = share(N, part, parts)
    for n in range(start, stop):
        gx[n].fill(0)
        for i in range(OH):
            for j in range(OW):
                gradient, factor = gy[n, i, j], scale[i, j]
                for h in range(max(i * sh - ph, 0), min(i * sh - ph + KH, H)):
                    for w in range(max(j * sw - pw, 0), min(j * sw - pw + KW, W)):
                        pixel = gx[n, h, w]
                        for c in range(C):
                            pixel[c] += gradient[c] * factor
