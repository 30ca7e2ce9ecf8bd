"""Resizing as two matrix products, one for the rows and one for the columns.

Every output row of an interpolation is a weighted sum of input rows, with weights that depend on
the row numbers only. Written as a matrix A (OH, H), and the same for columns B (OW, W):

    y = A x B^T,        and so        gx = A^T gy B

The weights are all that distinguishes nearest, bilinear, bicubic and adaptive average pooling.
Most of them are 0, so this does more arithmetic than needed; but it is arithmetic at full speed.
"""

from __future__ import annotations

import numpy as np

from ..backend import Array, array_module
from .layout import channels_first, channels_last


def resize_separable(x: Array, rows: Array, columns: Array) -> Array:
    """rows (OH, H) and columns (OW, W) applied to x (N, C, H, W): (N, C, OH, OW)."""
    xp = array_module(x)
    N, C, H, W = x.shape
    OH, OW = rows.shape[0], columns.shape[0]
    x_last = channels_last(x)  # (N, H, W, C)
    rows = xp.asarray(rows, x_last.dtype)
    columns = xp.asarray(columns, x_last.dtype)
    # (OH, H) @ (N, H, W*C) -> (N, OH, W*C)
    stretched = xp.matmul(rows, x_last.reshape(N, H, W * C))
    # (OW, W) @ (N*OH, W, C) -> (N*OH, OW, C)
    y = xp.matmul(columns, stretched.reshape(N * OH, W, C))
    return channels_first(y.reshape(N, OH, OW, C), x.dtype)


def resize_matrix(
    length: int, out_length: int, mode: str, align_corners: bool, scale: float | None
) -> np.ndarray:
    """The weights (out_length, length) of one axis for 'linear' or 'cubic'; a NumPy array.

    scale: pixels of the input for one of the output; None takes it from the two lengths.
    """
    position = source_positions(length, out_length, align_corners, scale)
    first = np.floor(position).astype(np.int64)
    t = position - first  # how far to the next pixel, 0 <= t < 1
    if mode == "linear":
        taps = {0: 1 - t, 1: t}
    else:
        taps = {-1: _cubic(1 + t), 0: _cubic(t), 1: _cubic(1 - t), 2: _cubic(2 - t)}
    matrix = np.zeros((out_length, length))
    for offset, weight in taps.items():
        # Beyond the border, the border's pixel is repeated.
        source = np.clip(first + offset, 0, length - 1)
        np.add.at(matrix, (np.arange(out_length), source), weight)
    return matrix


def source_positions(
    length: int, out_length: int, align_corners: bool, scale: float | None
) -> np.ndarray:
    """Where in the input the centre of each output pixel lies, in pixels.

    align_corners puts the centres of the corner pixels on each other; otherwise the corners of
    the corner pixels, so that the centre of pixel i is at i + 1/2.
    """
    centre = np.arange(out_length, dtype=np.float64)
    if align_corners:
        return centre * ((length - 1) / (out_length - 1) if out_length > 1 else 0.0)
    step = length / out_length if scale is None else scale
    return (centre + 0.5) * step - 0.5


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution kernel with a = -0.75 (R. Keys, 1981), for 0 <= distance <= 2."""
    a, d = -0.75, distance
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, far)


def nearest_indices(length: int, out_length: int, exact: bool, scale: float | None) -> np.ndarray:
    """The input pixel that each output pixel copies, int64.

    Calculated in float32 because torch does, and rounding decides at the border of two pixels.
    """
    step = np.float32(length) / np.float32(out_length) if scale is None else np.float32(scale)
    position = np.arange(out_length, dtype=np.float32)
    if exact:
        position += np.float32(0.5)
    return np.minimum(np.floor(position * step).astype(np.int64), length - 1)


def selection_matrix(indices: np.ndarray, length: int) -> np.ndarray:
    """Copying pixels as a matrix: row i has a 1 at indices[i]."""
    matrix = np.zeros((len(indices), length))
    matrix[np.arange(len(indices)), indices] = 1.0
    return matrix


def averaging_matrix(length: int, bins: int) -> np.ndarray:
    """Adaptive average pooling of one axis: row i averages the pixels of bin i."""
    matrix = np.zeros((bins, length))
    starts, ends = adaptive_bins(length, bins)
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        matrix[i, start:end] = 1.0 / (end - start)
    return matrix


def adaptive_bins(length: int, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """First pixel and end of each bin: floor(i L / bins) and ceil((i + 1) L / bins).

    Bins overlap by a pixel where `bins` does not divide the length.

    >>> adaptive_bins(5, 2)
    (array([0, 2]), array([3, 5]))
    """
    i = np.arange(bins)
    return i * length // bins, -(-(i + 1) * length // bins)
