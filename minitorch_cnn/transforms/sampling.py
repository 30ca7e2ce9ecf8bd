"""Tensors turned, sheared and resized: each pixel of the result asks where it comes from.

A point is measured in pixels from the middle of the image, x to the right and y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import array_module
from ..nn.functional import interpolate
from ..tensor import Tensor, wrap
from .image import (
    InterpolationMode,
    array_of,
    as_floats,
    fill_per_channel,
    get_dimensions,
    rounded,
)


def sampled(
    img: Tensor,
    matrix: np.ndarray,
    size: tuple[int, int],
    mode: InterpolationMode,
    fill: float | Sequence[float] | None,
) -> Tensor:
    """The tensor image (..., C, H, W) whose points come from `matrix` @ (x, y, 1), of that size.

        matrix  (2, 3)
        size    (height, width) of the result
        fill    what is outside of the image, one number or one per channel; None is black

    Raises ValueError for modes other than nearest and bilinear, RuntimeError for an image without
    pixels, NotImplementedError for one that requires a gradient.

    >>> import minitorch_cnn as mt
    >>> right = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # each from the pixel to its left
    >>> sampled(mt.tensor([[[1, 2, 3]]]), right, (1, 3), InterpolationMode.NEAREST, fill=9)
    tensor([[[9, 1, 2]]])
    """
    _, height, width = get_dimensions(img)
    with np.errstate(divide="ignore", invalid="ignore"):  # no pixels: refused with the rest
        columns, rows = _sources(matrix, size, (height, width))
    return sampled_at(img, columns, rows, mode, fill)


def sampled_at(
    img: Tensor,
    columns: np.ndarray,
    rows: np.ndarray,
    mode: InterpolationMode,
    fill: float | Sequence[float] | None,
) -> Tensor:
    """The tensor image (..., C, OH, OW) whose pixels come from columns and rows (OH, OW) of img.

    img: (..., C, H, W); whole numbers are the middles of its pixels. fill and errors: see
    `sampled`.

    >>> import minitorch_cnn as mt
    >>> where = np.array([[1.0, 0.5]], np.float32), np.zeros((1, 2), np.float32)
    >>> sampled_at(mt.tensor([[[1.0, 2.0, 3.0]]]), *where, InterpolationMode.BILINEAR, None)
    tensor([[[2.0000, 1.5000]]])
    """
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(f"Interpolation mode {mode.value!r} is unsupported with Tensor input")
    array = array_of(img)
    channels, height, width = get_dimensions(img)
    colour = np.array(fill_per_channel(fill, channels), np.float64)
    if height == 0 or width == 0:
        raise RuntimeError(f"an image without pixels, of shape {tuple(img.shape)}")
    xp = array_module(array)
    colour = xp.asarray(colour.reshape(-1, 1, 1) if array.ndim > 2 else colour)
    # What comes from infinitely far away is outside.
    x, y = (xp.asarray(np.where(np.isfinite(each), each, -9)) for each in (columns, rows))
    if mode is InterpolationMode.NEAREST:
        found, inside = _pixels(array, xp.rint(y), xp.rint(x))
        return wrap(xp.where(inside, found, rounded(colour, array.dtype)))
    left, top = xp.floor(x), xp.floor(y)
    right, below = x - left, y - top
    values = as_floats(array)
    total = xp.zeros((*array.shape[:-2], *x.shape), values.dtype)
    covered = xp.zeros(x.shape, values.dtype)
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        found, inside = _pixels(values, top + down, left + across)
        share = (below if down else 1 - below) * (right if across else 1 - right) * inside
        total = total + found * share.astype(values.dtype)
        covered = covered + share.astype(values.dtype)
    if fill is not None:
        total = total * covered + (1 - covered) * colour.astype(values.dtype)
    return wrap(rounded(total, array.dtype))


def middles(n: int) -> np.ndarray:
    """Where the middles of n pixels are, if the first begins at -1 and the last ends at 1.

    >>> middles(2)
    array([-0.5,  0.5], dtype=float32)
    """
    end = (n - 1) / n if n else 0.0
    return np.linspace(-end, end, n).astype(np.float32)


def _sources(
    matrix: np.ndarray, size: tuple[int, int], source: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """(columns, rows) of `source` pixels for every pixel of the result, in float32 as in torch.

    Relative to half the image, as torch samples: so pixels halfway between two are rounded alike.
    """
    across, down = ((np.arange(n, dtype=np.float32) - (n - 1) / 2) for n in size[::-1])
    half = np.array(source[::-1], np.float32) / 2
    turned = matrix.astype(np.float32) / half[:, np.newaxis]
    places = []
    for (a, b, c), n in zip(turned, source[::-1], strict=True):
        relative = across * a + (down * b)[:, np.newaxis] + c
        places.append(((relative + 1) * np.float32(n) - 1) / 2)
    return places[0], places[1]


def _pixels(array: Any, rows: Any, columns: Any) -> tuple[Any, Any]:
    """(array[..., rows, columns], which of them are inside of the image)."""
    height, width = array.shape[-2:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    row = rows.clip(0, height - 1).astype(np.int64)
    column = columns.clip(0, width - 1).astype(np.int64)
    return array[..., row, column], inside


def turned_size(matrix: np.ndarray, height: int, width: int) -> tuple[int, int]:
    """(height, width) of the pixels that an image covers that `matrix` (2, 3) turns.

    >>> turned_size(np.eye(2, 3), 2, 3)
    (2, 3)
    """
    corners = np.array([[-width, -width, width, width], [-height, height, height, -height]]) / 2
    moved = matrix[:, 2:] + np.array([[width], [height]]) / 2
    places = (matrix[:, :2] @ corners + moved).astype(np.float32)
    # What is within a ten-thousandth of a whole number counts as that number.
    low, high = (np.trunc(find(axis=1) / 1e-4) * 1e-4 for find in (places.min, places.max))
    columns, rows = np.ceil(high) - np.floor(low)
    return int(rows), int(columns)


def nearest(img: Tensor, height: int, width: int) -> Tensor:
    """The tensor image (..., H, W) at another size, each pixel from the one at or before its place.

    >>> import minitorch_cnn as mt
    >>> nearest(mt.tensor([[[1, 2, 3]]]), 1, 2)
    tensor([[[1, 2]]])
    """
    array = array_of(img)
    xp = array_module(array)
    places = []
    for new, old in zip((height, width), array.shape[-2:], strict=True):
        step = np.float32(old / new)
        index = (np.arange(new, dtype=np.float32) * step).astype(np.int64).clip(0, old - 1)
        places.append(xp.asarray(index))
    return wrap(array[..., places[0][:, None], places[1]])


def not_smoothed(img: Tensor, height: int, width: int, mode: InterpolationMode) -> Tensor:
    """The tensor image (..., H, W) at another size, by `interpolate` without antialias.

    >>> import minitorch_cnn as mt
    >>> not_smoothed(mt.tensor([[[0.0, 1.0, 5.0, 9.0]]]), 1, 2, InterpolationMode.BILINEAR)
    tensor([[[0.5000, 7.0000]]])
    """
    planes = wrap(as_floats(array_of(img)).reshape(-1, 1, *img.shape[-2:]))
    result = interpolate(planes, (height, width), mode=mode.value).array
    return wrap(rounded(result, img.array.dtype).reshape(*img.shape[:-2], height, width))
