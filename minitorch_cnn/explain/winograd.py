"""Winograd's convolution, step by step: fewer multiplications, more additions.

A correlation of r weights g with m + r - 1 pixels d gives m outputs. As a product of polynomials
it can be done by values: evaluate both at n = m + r - 1 points, multiply the n values, and
interpolate. So n multiplications are enough where the definition needs m r. In matrices,

    y = A^T [ (G g) * (B^T d) ]                       one row; * is elementwise
    y = A^T [ (G g G^T) * (B^T d B) ] A               a tile, rows and columns

F(2x2, 3x3) needs 16 multiplications for 2x2 outputs instead of 36, F(4x4, 3x3) needs 36 instead
of 144. The price: additions for the transforms, and rounding errors that grow with the points.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .drawing import mark_window, new_figure, signed_image, write_numbers
from .explanation import Explanation

if TYPE_CHECKING:
    from .convolution import Convolution

# The points of the paper, whose matrices are easy to read; one more is infinity.
POINTS = {2: (0, 1, -1), 4: (0, 1, -1, 2, -2)}
# The points of the layers that train, which always take F(4x4, 3x3): their powers differ less, so
# that float32 loses half as many digits. They are not written with few digits, so they teach less.
TRAINING_POINTS = (0, 0.5**0.5, -(0.5**0.5), 2**0.5, -(2**0.5))


class Transforms(NamedTuple):
    """The exact matrices of F(m, 3): AT (m, n), G (n, 3), BT (n, n), arrays of Fractions."""

    AT: np.ndarray
    G: np.ndarray
    BT: np.ndarray

    def as_type(self, dtype: Any) -> Transforms:
        """The same, rounded to a NumPy dtype."""
        return Transforms(*(matrix.astype(dtype) for matrix in self))


def winograd_transforms(m: int, r: int = 3, points: Sequence[Any] | None = None) -> Transforms:
    """The matrices of F(m, r) for m + r - 2 different points; infinity is always one more.

    Row p of G holds the powers of point a_p over the product of its distances to the others, row
    p of BT the coefficients of the polynomial that is 0 at all other points, column p of AT the
    powers of a_p. The last ones stand for infinity. Raises ValueError for a wrong number of points.

    >>> AT, G, BT = winograd_transforms(2).as_type(float)
    >>> AT
    array([[ 1.,  1.,  1.,  0.],
           [ 0.,  1., -1.,  1.]])
    >>> d, g = np.array([1, 2, 3, 4]), np.array([10, 20, 30])
    >>> AT @ ((G @ g) * (BT @ d))  # 1*10 + 2*20 + 3*30 and 2*10 + 3*20 + 4*30
    array([140., 200.])
    """
    if points is None:
        if m not in POINTS or r != 3:
            raise ValueError(f"winograd_transforms: give the points of F({m}, {r})")
        points = POINTS[m]
    finite = [Fraction(point) for point in points]
    n = m + r - 1
    if len(set(finite)) != n - 1:
        raise ValueError(f"F({m}, {r}) needs {n - 1} different points, got {list(points)}")
    AT = np.full((m, n), Fraction(0))
    G = np.full((n, r), Fraction(0))
    BT = np.full((n, n), Fraction(0))
    for p, point in enumerate(finite):
        others = finite[:p] + finite[p + 1 :]
        distance = Fraction(1)
        for other in others:
            distance *= point - other
        sign = 1
        if point == 0 and distance < 0:
            distance, sign = -distance, -1  # as the paper writes it; the two signs cancel
        AT[:, p] = [point**power for power in range(m)]
        G[p] = [point**power / distance for power in range(r)]
        BT[p, : n - 1] = [sign * c for c in _polynomial(others)]
    AT[m - 1, n - 1] = G[n - 1, r - 1] = Fraction(1)
    BT[n - 1] = _polynomial(finite)
    return Transforms(AT, G, BT)


def _polynomial(roots: Sequence[Fraction]) -> list[Fraction]:
    """The coefficients, lowest first, of the product of (x - root)."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *coefficients]  # times x
        scaled = [-root * c for c in coefficients] + [Fraction(0)]
        coefficients = [a + b for a, b in zip(shifted, scaled, strict=True)]
    return coefficients


def why_not(convolution: Convolution) -> str | None:
    """Why Winograd cannot do this convolution; None if it can."""
    if convolution.weight.shape[2:] != (3, 3):
        return "only for 3x3 kernels"
    if convolution.stride != (1, 1) or convolution.dilation != (1, 1):
        return "only for stride 1 and dilation 1"
    return "only for one group" if convolution.groups != 1 else None


def winograd_convolution(padded: np.ndarray, weight: np.ndarray, m: int) -> np.ndarray:
    """y (N, K, OH, OW) from padded (N, C, Hp, Wp) and weight (K, C, 3, 3), all at once."""
    AT, G, BT = winograd_transforms(m).as_type(padded.dtype)
    N, C, height, width = padded.shape
    OH, OW = height - 2, width - 2
    TH, TW = -(-OH // m), -(-OW // m)  # tiles down and across; the last ones may reach too far
    n = m + 2
    framed = np.zeros((N, C, TH * m + 2, TW * m + 2), padded.dtype)
    framed[:, :, :height, :width] = padded
    rows = np.arange(TH)[:, None] * m + np.arange(n)
    columns = np.arange(TW)[:, None] * m + np.arange(n)
    d = framed[:, :, rows[:, None, :, None], columns[None, :, None, :]]  # (N, C, TH, TW, n, n)
    V = BT @ d @ BT.T
    U = G @ weight @ G.T  # (K, C, n, n)
    # For each of the n*n positions a matrix product over the channels.
    V = V.transpose(4, 5, 0, 2, 3, 1).reshape(n, n, N * TH * TW, C)
    M = V @ U.transpose(2, 3, 1, 0)  # (n, n, tiles, K)
    Y = AT @ M.reshape(n, n, N, TH, TW, -1).transpose(2, 5, 3, 4, 0, 1) @ AT.T
    # (N, K, TH, TW, m, m) -> (N, K, TH, m, TW, m)
    y = Y.transpose(0, 1, 2, 4, 3, 5).reshape(N, -1, TH * m, TW * m)
    return y[:, :, :OH, :OW]


class WinogradTile(Explanation):
    """One tile of m x m outputs, by Winograd; made by `winograd_tile`.

    d (C, n, n) pixels, g (C, 3, 3) weights, U = G g G^T, V = B^T d B, M = U * V (C, n, n),
    Y (m, m) = A^T (sum of M over the channels) A + bias, expected: the layer's own outputs.
    """

    def __init__(
        self, convolution: Convolution, n: int, k: int, tile_row: int, tile_column: int, m: int
    ) -> None:
        self.convolution, self.m, self.k = convolution, m, k
        self.top, self.left = tile_row * m, tile_column * m
        self.AT, self.G, self.BT = winograd_transforms(m).as_type(np.float64)
        size = m + 2
        C = convolution.x.shape[1]
        excerpt = convolution.padded[n, :, self.top : self.top + size, self.left : self.left + size]
        self.d = np.zeros((C, size, size))  # beyond the image a tile sees zeros
        self.d[:, : excerpt.shape[1], : excerpt.shape[2]] = excerpt
        self.g = convolution.weight[k]
        self.V = self.BT @ self.d @ self.BT.T
        self.U = self.G @ self.g @ self.G.T
        self.M = self.U * self.V
        self.sum = self.M.sum(axis=0)
        self.Y = self.AT @ self.sum @ self.AT.T + convolution.bias[k]
        self.expected = convolution.output[n, k, self.top : self.top + m, self.left : self.left + m]

    def text(self) -> str:
        m, size = self.m, self.m + 2
        rows, columns = self.expected.shape
        error = np.abs(self.Y[:rows, :columns] - self.expected).max()
        steps = (
            ("B^T", self.BT),
            ("G", self.G),
            ("A^T", self.AT),
            ("d: the pixels of channel 0", self.d[0]),
            ("g: the weights of channel 0", self.g[0]),
            ("V = B^T d B", self.V[0]),
            ("U = G g G^T (once for all tiles)", self.U[0]),
            (f"M = U * V: {size * size} multiplications", self.M[0]),
            (f"sum of M over {len(self.d)} channels", self.sum),
            ("Y = A^T M A + bias: the outputs", self.Y),
        )
        lines = [
            f"F({m}x{m}, 3x3): outputs ({self.top}, {self.left}) to "
            f"({self.top + m - 1}, {self.left + m - 1}) of filter {self.k}",
            f"{size * size} multiplications for each channel instead of {9 * m * m}",
        ]
        for title, values in steps:
            lines += ["", title]
            lines += ["  " + " ".join(f"{value:9.4g}" for value in row) for row in values]
        lines += ["", f"largest difference from the layer: {error:.1e}"]
        finite = ", ".join(map(str, POINTS[m]))
        return "\n".join(
            [
                *lines,
                f"The points are {finite} and infinity. Layers that train take F(4x4, 3x3) with",
                "0, +-sqrt(1/2), +-sqrt(2) and infinity, which lose fewer digits in float32.",
            ]
        )

    def figure(self) -> Any:
        figure = new_figure(13, 6.6)
        panels = figure.subplots(2, 4)
        steps = (
            ("d: pixels of channel 0", self.d[0]),
            ("$V = B^T d\\, B$", self.V[0]),
            ("$M = U * V$, channel 0", self.M[0]),
            ("M, summed over channels", self.sum),
            ("g: weights of channel 0", self.g[0]),
            ("$U = G\\, g\\, G^T$", self.U[0]),
            ("$Y = A^T M A$ + bias", self.Y),
        )
        for axes, (title, values) in zip(panels.flat, steps, strict=False):
            signed_image(axes, values)
            write_numbers(axes, values, max(np.abs(values).max(), 1e-12), 40 / len(values))
            axes.set_title(title)
        where = panels[1, 3]
        where.imshow(self.convolution.output[0, self.k], cmap="gray")
        height, width = self.expected.shape
        mark_window(
            where, np.arange(self.top, self.top + height), np.arange(self.left, self.left + width)
        )
        where.set_axis_off()
        where.set_title(f"y, filter {self.k}: the tile")
        size = self.m + 2
        figure.suptitle(
            f"Winograd F({self.m}x{self.m}, 3x3): {size * size} multiplications for each channel "
            f"instead of {9 * self.m * self.m}"
        )
        return figure


def winograd_tile(
    convolution: Convolution,
    n: int = 0,
    k: int = 0,
    tile_row: int = 0,
    tile_column: int = 0,
    m: int = 2,
) -> WinogradTile:
    """The tile of outputs from (tile_row m, tile_column m) on, by Winograd's F(m x m, 3x3).

    m: 2 or 4. Raises ValueError for a convolution that is not 3x3 with stride 1, IndexError for a
    tile outside the image.
    """
    reason = why_not(convolution)
    if reason is not None:
        raise ValueError(f"Winograd is {reason}, got {convolution.layer}")
    if m not in POINTS:
        raise ValueError(f"winograd_tile: m must be 2 or 4, got {m}")
    N, K, OH, OW = convolution.output.shape
    index = (n, k, tile_row, tile_column)
    convolution.check_index(index, (N, K, -(-OH // m), -(-OW // m)), "n k tile_row tile_column")
    return WinogradTile(convolution, n, k, tile_row, tile_column, m)
