"""Winograd's convolution F(4x4, 3x3) in array code: a quarter of the multiplications.

Two polynomials can be multiplied by their values: evaluate both at enough points, multiply the
values, interpolate. A convolution is a product of polynomials, so the same works here: 4 outputs
of a kernel of 3 need 4 + 3 - 1 = 6 points, thus 6 multiplications instead of 12, and in two
dimensions 36 instead of 144 (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
2015). For a tile d of 6x6 pixels and a kernel g of 3x3, with ' for the transpose,

    y = A' [ (G g G') * (B' d B) ] A        4x4 outputs; * is elementwise

G g G' = U is computed once for a kernel, B' d B = V once for a tile; only the products between are
there for each pair of an input and an output channel. Summed over the input channels they are one
matrix product for each of the 36 positions: M (tiles, K) = V (tiles, C) @ U (C, K).

The points are 0, +-a, +-b and infinity. The usual 0, +-1, +-2 lose digits, because their powers
differ so much; a = sqrt(1/2), b = sqrt(2) lose about half as many.
"""

from __future__ import annotations

import numpy as np

from ...backend import Array, array_module, constant
from ...backend.arrays import channels_first, channels_last, compute_type
from ..geometry import ConvGeometry, Pair, output_size, slices, turned_geometry
from .conv import turned_weights

_POINTS = (0.0, 0.5**0.5, -(0.5**0.5), 2.0**0.5, -(2.0**0.5))
BLOCK_TILES = 4096  # tiles at a time: V and M take 36 numbers for each of them and each channel


def _matrices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A (6, 4), B (6, 6) and G (6, 3), by Lagrange's interpolation at the points."""
    A, B, G = np.zeros((6, 4)), np.zeros((6, 6)), np.zeros((6, 3))
    for row, point in enumerate(_POINTS):
        others = [other for other in _POINTS if other != point]
        A[row] = [point**power for power in range(4)]
        G[row] = [point**power for power in range(3)]
        G[row] /= np.prod([point - other for other in others])
        B[:5, row] = np.poly(others)[::-1]  # the polynomial that is 0 at all other points
    A[5, 3] = G[5, 2] = 1  # at infinity only the highest power counts
    B[:, 5] = np.poly(_POINTS)[::-1]
    return A, B, G


MATRIX_A, MATRIX_B, MATRIX_G = _matrices()


def _both_sides(matrix: np.ndarray, x: Array) -> Array:
    """matrix @ x @ matrix', over the first two axes of x (I, J, ...)."""
    xp = array_module(x)
    matrix = constant(matrix, x, x.dtype)
    x = xp.tensordot(matrix, x, (1, 0))  # (P, J, ...)
    return xp.tensordot(matrix, x, (1, 1)).swapaxes(0, 1)  # (P, Q, ...)


def _tiles(x: Array, top: int, left: int, counts: Pair, side: int) -> Array:
    """Tiles of side x side pixels of x (N, H, W, C), 4 apart from (top, left) on, zeros outside.

    (side, side, N*TH*TW, C) for counts (TH, TW).
    """
    xp = array_module(x)
    x = x[:, max(top, 0) :, max(left, 0) :]
    top, left = min(top, 0), min(left, 0)
    N, H, W, C = x.shape
    TH, TW = counts
    height, width = max(4 * TH + side - 4, H - top), max(4 * TW + side - 4, W - left)
    padded = xp.zeros((N, height, width, C), x.dtype)
    padded[:, -top : H - top, -left : W - left] = x
    image, row, column, channel = padded.strides
    tiles = xp.lib.stride_tricks.as_strided(
        padded,
        (side, side, N, TH, TW, C),
        (row, column, image, 4 * row, 4 * column, channel),
    )
    return tiles.reshape(side, side, N * TH * TW, C)


def forward(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False
) -> Array:
    """y (N, K, OH, OW) from x (N, C, H, W), w (K, C, 3, 3) and b (K) or None; stride 1.

    relu: max(y, 0).
    """
    xp = array_module(x)
    N, K, (OH, OW) = x.shape[0], w.shape[0], output_size(x.shape[2:], (3, 3), geometry)
    TH, TW = -(-OH // 4), -(-OW // 4)
    x_last = channels_last(x)
    # (K, C, 3, 3) -> (3, 3, C, K) -> U (6, 6, C, K)
    U = _both_sides(MATRIX_G, w.astype(compute_type(w)).transpose(2, 3, 1, 0))
    y = xp.empty((N, OH, OW, K), x_last.dtype)
    for images in slices(N, max(BLOCK_TILES // max(TH * TW, 1), 1)):
        tiles = _tiles(x_last[images], -geometry.before[0], -geometry.before[1], (TH, TW), 6)
        V = _both_sides(MATRIX_B.T, tiles)  # (6, 6, tiles, C)
        M = xp.matmul(V, U)  # (6, 6, tiles, K)
        out = _both_sides(MATRIX_A.T, M)  # (4, 4, tiles, K)
        out = out.reshape(4, 4, -1, TH, TW, K).transpose(2, 3, 0, 4, 1, 5)  # (B, TH, 4, TW, 4, K)
        y[images] = out.reshape(-1, 4 * TH, 4 * TW, K)[:, :OH, :OW]
    if b is not None:
        y += b
    if relu:
        xp.maximum(y, 0, out=y)
    return channels_first(y, x.dtype)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Array:
    """gx (N, C, H, W) from gy (N, K, OH, OW) and w: the convolution of gy with w turned around.

    input_size follows from gy with stride 1.
    """
    return forward(gy, turned_weights(w, 1), None, turned_geometry((3, 3), geometry))


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    """gw (K, C, 3, 3) from x (N, C, H, W) and gy (N, K, OH, OW), by the chain rule through
    `forward`: dM = A gy A', dU = V' dM, dw = G' dU G."""
    C, (N, K, OH, OW) = x.shape[1], gy.shape
    TH, TW = -(-OH // 4), -(-OW // 4)
    x_last, gy_last = channels_last(x), channels_last(gy)
    xp = array_module(x)
    dU = xp.zeros((6, 6, C, K), x_last.dtype)
    for images in slices(N, max(BLOCK_TILES // max(TH * TW, 1), 1)):
        tiles = _tiles(x_last[images], -geometry.before[0], -geometry.before[1], (TH, TW), 6)
        V = _both_sides(MATRIX_B.T, tiles)  # (6, 6, tiles, C)
        dM = _both_sides(MATRIX_A, _tiles(gy_last[images], 0, 0, (TH, TW), 4))  # (6, 6, tiles, K)
        dU += xp.matmul(V.swapaxes(2, 3), dM)
    gw = _both_sides(MATRIX_G.T, dU)  # (3, 3, C, K)
    return xp.ascontiguousarray(gw.transpose(3, 2, 0, 1), x.dtype)
