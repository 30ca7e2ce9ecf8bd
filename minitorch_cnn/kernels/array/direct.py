"""Convolution by its definition, one number at a time: to read and to check by, not to train with.

    y[n, k, i, j] = b[k] + sum over c, u, v of w[k, c, u, v] x[n, c, i sh + u dh, j sw + v dw]

Each product w x of that sum also stands in the two gradients: what y[n, k, i, j] has to say, gy,
goes to every pixel that it looked at, times the weight in between (`input_grad`), and to every
weight, times the pixel (`weight_grad`). So all three are the same walk over the places of the
window; only what is done there differs.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...backend import Array, array_module
from ...backend.arrays import compute_type
from ..geometry import ConvGeometry, Pair, output_size


def forward(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False
) -> Array:
    """y (N, K, OH, OW) from x (N, C, H, W), w (K, C/G, KH, KW) and b (K) or None."""
    xp = array_module(x)
    N, K = x.shape[0], w.shape[0]
    OH, OW = output_size((x.shape[2], x.shape[3]), (w.shape[2], w.shape[3]), geometry)
    padded = _with_border(x, geometry)
    y = xp.zeros((N, K, OH, OW), padded.dtype)
    for n, k, i, j, window in _places(y.shape, w.shape, geometry):
        y[n, k, i, j] = (padded[window] * w[k]).sum()
    if b is not None:
        y += b.reshape(1, K, 1, 1)
    return (xp.maximum(y, 0) if relu else y).astype(x.dtype, copy=False)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Array:
    """gx (N, C, H, W) from gy (N, K, OH, OW) and w (K, C/G, KH, KW); input_size: (H, W)."""
    (top, left), (H, W) = geometry.before, input_size
    shape = (gy.shape[0], w.shape[1] * geometry.groups, H, W)
    padded = _with_border(array_module(gy).zeros(shape, gy.dtype), geometry)
    for n, k, i, j, window in _places(gy.shape, w.shape, geometry):
        padded[window] += gy[n, k, i, j] * w[k]
    return padded[:, :, top : top + H, left : left + W].astype(gy.dtype, copy=False)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    """gw (K, C/G, KH, KW) from x (N, C, H, W) and gy (N, K, OH, OW)."""
    padded = _with_border(x, geometry)
    shape = (gy.shape[1], x.shape[1] // geometry.groups, *kernel_size)
    gw = array_module(x).zeros(shape, padded.dtype)
    for n, k, i, j, window in _places(gy.shape, shape, geometry):
        gw[k] += gy[n, k, i, j] * padded[window]
    return gw.astype(x.dtype, copy=False)


def _with_border(x: Array, geometry: ConvGeometry) -> Array:
    """x with its border of zeros, in the type to calculate in."""
    (top, left), (bottom, right) = geometry.before, geometry.after
    border = ((0, 0), (0, 0), (top, bottom), (left, right))
    return array_module(x).pad(x, border).astype(compute_type(x), copy=False)


def _places(
    out_shape: tuple[int, ...], w_shape: tuple[int, ...], geometry: ConvGeometry
) -> Iterator[tuple]:
    """For every output number y[n, k, i, j]: n, k, i, j, and its window (Cg, KH, KW) of the image.

    Filter k sees the channels of its group only: Cg of them, from the group's first on.
    """
    (sh, sw), _, _, (dh, dw), G = geometry
    N, K, OH, OW = out_shape
    _, Cg, KH, KW = w_shape
    for n in range(N):
        for k in range(K):
            first = k // (K // G) * Cg
            channels = slice(first, first + Cg)
            for i in range(OH):
                rows = slice(i * sh, i * sh + dh * (KH - 1) + 1, dh)
                for j in range(OW):
                    columns = slice(j * sw, j * sw + dw * (KW - 1) + 1, dw)
                    yield n, k, i, j, (n, channels, rows, columns)
