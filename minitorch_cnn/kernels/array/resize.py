"""Resizing one axis at a time, each as a matrix with few numbers in it.

Every output row of an interpolation is a weighted sum of a few input rows, with weights that
depend on the row numbers only. Written as a matrix A (OH, H), and the same for columns B (OW, W):

    y = A x B^T,        and so        gx = A^T gy B

The weights are all that distinguishes nearest, bilinear, bicubic and adaptive average pooling.
Most of them are 0, and only the others are used: that is less work, and a NaN stays among its
neighbours instead of spreading along its row and column (0 times NaN is NaN).
"""

from __future__ import annotations

import numpy as np

from ...backend import Array, array_module, constant, inverse_order
from ...backend.arrays import axes_as_in_memory, compute_type
from ..geometry import adaptive_bins


def resize_axis(x: Array, axis: int, matrix: np.ndarray) -> Array:
    """matrix (OL, L) applied to one axis, of length L, of x (N, C, ...): (N, C, ..., OL, ...)."""
    xp = array_module(x)
    x_last = xp.moveaxis(x, 1, -1).astype(compute_type(x), copy=False)  # (N, ..., C)
    axis -= 1
    shape = (-1, *[1] * (x.ndim - 1 - axis))
    indices, weights = nonzero_taps(matrix)
    y: Array = None
    for t in range(indices.shape[1]):
        weight = constant(weights[:, t].reshape(shape), x, x_last.dtype)
        tap = xp.take(x_last, constant(indices[:, t], x), axis=axis)
        tap *= weight
        y = tap if t == 0 else xp.add(y, tap, out=y)
    unread = np.flatnonzero((matrix == 0).all(1))
    if len(unread):
        rows = (*[slice(None)] * axis, constant(unread, x))
        y[rows] = 0
    return xp.moveaxis(y.astype(x.dtype, copy=False), -1, 1)


def resize_bytes(x: Array, axis: int, matrix: np.ndarray) -> Array:
    """As `resize_axis`, of uint8: weights are whole numbers of 16 bits, as torch has them there.

    They are multiplied by the largest power of 2 with which they fit, at most 2^22, and the sum is
    divided by it again, rounded to the nearest byte.
    """
    xp = array_module(x)
    power = 0
    while power < 22 and int(matrix.max() * 2 ** (power + 1) + 0.5) < 2**15:
        power += 1
    whole = np.trunc(matrix * 2.0**power + np.where(matrix < 0, -0.5, 0.5))
    indices, weights = nonzero_taps(whole)
    order = axes_as_in_memory(x)  # which the result keeps
    x, axis = x.transpose(order), order.index(axis)
    shape = (-1, *[1] * (x.ndim - 1 - axis))
    y = xp.asarray(2**power // 2)
    for t in range(indices.shape[1]):
        tap = xp.take(x, constant(indices[:, t], x), axis=axis).astype(np.int32)
        y = y + tap * constant(weights[:, t].reshape(shape), x, np.int32)
    return xp.clip(y >> power, 0, 255).astype(np.uint8).transpose(inverse_order(order))


def nonzero_taps(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of each row that are not 0: their columns and themselves, both (rows, taps).

    A row with fewer than the others repeats its first column with weight 0.

    >>> nonzero_taps(np.array([[0.0, 2.0, 3.0], [4.0, 0.0, 0.0]]))
    (array([[1, 2],
           [0, 0]]), array([[2., 3.],
           [4., 0.]]))
    """
    counts = (matrix != 0).sum(1, keepdims=True)
    taps = max(int(counts.max(initial=1)), 1)
    columns = np.argsort(matrix == 0, axis=1, kind="stable")[:, :taps]  # the others first
    columns = np.where(np.arange(taps) < counts, columns, columns[:, :1])
    weights = np.where(np.arange(taps) < counts, np.take_along_axis(matrix, columns, 1), 0.0)
    return columns, weights


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


def _cubic(distance: np.ndarray, a: float = -0.75) -> np.ndarray:
    """Keys' cubic convolution kernel (R. Keys, 1981), for 0 <= distance <= 2."""
    d = distance
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, far)


def antialias_matrix(
    length: int, out_length: int, mode: str, align_corners: bool, scale: float | None
) -> np.ndarray:
    """As `resize_matrix`, but where the image shrinks the weights reach over `scale` pixels.

    A pixel of the output then sees all pixels of the input that fall onto it, as in Pillow.
    """
    if align_corners:
        scale = (length - 1) / (out_length - 1) if out_length > 1 else 0.0
    elif scale is None:
        scale = length / out_length
    stretch = max(scale, 1.0)
    # With align_corners too the centres are where they are without it, as in torch.
    centre = (np.arange(out_length) + 0.5) * scale - 0.5
    distance = np.abs(np.arange(length) - centre[:, None]) / stretch
    if mode == "linear":
        weights = np.maximum(1 - distance, 0)
    else:
        weights = np.where(distance < 2, _cubic(distance, a=-0.5), 0)
    return weights / weights.sum(1, keepdims=True)


def nearest_indices(length: int, out_length: int, exact: bool, scale: float | None) -> np.ndarray:
    """The input pixel that each output pixel copies, int64.

    Calculated in float32 because torch does, and rounding decides at the border of two pixels.
    Like torch, "nearest" takes no notice of the scale where the length doubles or stays.
    """
    if not exact and out_length in (length, 2 * length):
        return np.arange(out_length) * length // out_length
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
