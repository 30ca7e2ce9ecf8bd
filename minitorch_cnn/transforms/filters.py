"""Transforms that look at neighbours or at the histogram: blur, sharpness, contrast, few colours.

PIL images go through Pillow's ImageOps and ImageEnhance; on tensors formulas give the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from ..backend import array_module, to_device, to_numpy
from ..ops.arguments import as_int
from ..tensor import wrap
from .color import blend, check_factor
from .conversion import to_pil_image
from .image import (
    NUMBER,
    array_of,
    as_floats,
    is_pil,
    pair,
    white,
    with_channels,
)
from .kinds import for_all_kinds


@for_all_kinds
def gaussian_blur(img: Any, kernel_size: int | Sequence[int], sigma: Any = None) -> Any:
    """Every pixel becomes the mean of those around it, weighted by a normal distribution.

    img: a PIL image or a tensor (..., H, W); the result has its type, integers are rounded.
    kernel_size: odd, one number or (width, height); sigma: the standard deviation in pixels, one
    number or (horizontal, vertical), by default 0.15 * kernel_size + 0.35. Edges are mirrored.
    Raises ValueError for an even kernel_size, a sigma that is not positive, and a PIL image whose
    numbers are no colours (of a palette); RuntimeError for a kernel that mirrors more than there
    is, TypeError for other types.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> point = mt.tensor([[[0.0, 0.0, 16.0, 0.0, 0.0]]])
    >>> F.gaussian_blur(point, (3, 1), sigma=0.85)  # weights of nearly 1/4, 1/2, 1/4
    tensor([[[0.0000, 4.0022, 7.9956, 4.0022, 0.0000]]])
    """
    sizes = pair(kernel_size, "kernel_size")
    if any(size <= 0 or size % 2 == 0 for size in sizes):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    if sigma is None:
        sigma = [0.15 * size + 0.35 for size in sizes]
    if not isinstance(sigma, (NUMBER, list, tuple)):
        raise TypeError(f"sigma should be one or two positive numbers, got {sigma!r}")
    widths = [sigma] * 2 if isinstance(sigma, NUMBER) else list(sigma)
    widths = widths * 2 if len(widths) == 1 else widths
    if len(widths) != 2 or not min(widths) > 0:
        raise ValueError(f"sigma should be one or two positive numbers. Got {sigma}")
    if is_pil(img):
        return to_pil_image(_blur(np.asarray(img), sizes, widths, axes=(1, 0)), img.mode)
    return wrap(_blur(array_of(img), sizes, widths, axes=(-1, -2)))


def _blur(array: Any, sizes: Sequence[int], widths: Sequence[Any], axes: tuple) -> Any:
    """First along the rows, then along the columns: a normal distribution is such a product."""
    xp = array_module(array)
    result = array if array.dtype.kind == "f" else array.astype(np.float32)
    for axis, size, width in zip(axes, sizes, widths, strict=True):
        reach, length = size // 2, result.shape[axis]
        if reach >= length:
            raise RuntimeError(f"a kernel of {size} pixels mirrors more than the image's {length}")
        border = [(0, 0)] * result.ndim
        border[axis] = (reach, reach)
        padded = xp.moveaxis(xp.pad(result, border, mode="reflect"), axis, 0)
        weights = np.exp(-0.5 * ((np.arange(size) - reach) / float(width)) ** 2)
        weights /= weights.sum()
        total = sum(float(w) * padded[k : k + length] for k, w in enumerate(weights))
        result = xp.moveaxis(total, 0, axis)
    if array.dtype.kind in "iu":
        result = xp.rint(result)
    return xp.ascontiguousarray(result.astype(array.dtype))


def _of_8_bits(name: str, img: Any) -> Any:
    """The array of a uint8 tensor (..., C, H, W) of 1 or 3 channels. TypeError for others."""
    if img.dtype.numpy != np.uint8:
        raise TypeError(f"{name} takes tensors of uint8, got {img.dtype}")
    return with_channels(name, img, fewest_dimensions=3)


@for_all_kinds
def invert(img: Any) -> Any:
    """The negative: white becomes black.

    img: a PIL image (L or RGB), or a tensor (..., C, H, W) of 1 or 3 channels. Raises TypeError for
    other channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.invert(mt.tensor([[[0.0, 0.25]]]))
    tensor([[[1.0000, 0.7500]]])
    >>> F.invert(mt.tensor([[[0, 55]]], dtype=mt.uint8)).tolist()
    [[[255, 200]]]
    """
    if is_pil(img):
        return ImageOps.invert(img)
    return wrap(_negative(with_channels("invert", img, fewest_dimensions=3)))


def _negative(array: Any) -> Any:
    return (white(array.dtype) - array).astype(array.dtype)


@for_all_kinds
def posterize(img: Any, bits: int) -> Any:
    """Only the highest `bits` bits, 0 to 8 (for a PIL image 1 to 8), of each number.

    img: a PIL image (L or RGB), or a uint8 tensor (..., C, H, W) of 1 or 3 channels. Raises
    ValueError for another number of bits, TypeError for other tensors.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.posterize(mt.tensor([[[255, 130, 100]]], dtype=mt.uint8), 1).tolist()
    [[[128, 128, 0]]]
    """
    bits = as_int("posterize", "bits", bits)
    if not 0 <= bits <= 8:
        raise ValueError(f"The number of bits should be between 0 and 8. Got {bits}")
    if is_pil(img):
        return ImageOps.posterize(img, bits)
    return wrap(_of_8_bits("posterize", img) & (256 - 2 ** (8 - bits)))


@for_all_kinds
def solarize(img: Any, threshold: float) -> Any:
    """The negative of the numbers from `threshold` on; the darker ones stay.

    img: a PIL image (L or RGB), or a tensor (..., C, H, W) of 1 or 3 channels. Raises TypeError for
    other channels, and for a tensor and a threshold above its white.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.solarize(mt.tensor([[[0.25, 0.5, 1.0]]]), 0.5)
    tensor([[[0.2500, 0.5000, 0.0000]]])
    """
    if is_pil(img):
        return ImageOps.solarize(img, threshold)  # type: ignore[arg-type]  # floats work
    array = with_channels("solarize", img, fewest_dimensions=3)
    if threshold > white(array.dtype):
        raise TypeError(f"threshold={threshold} should be at most the image's {white(array.dtype)}")
    return wrap(array_module(array).where(array >= float(threshold), _negative(array), array))


@for_all_kinds
def autocontrast(img: Any) -> Any:
    """Each channel stretched to the whole range from black to white.

    img: a PIL image (L or RGB), or a tensor (..., C, H, W) of 1 or 3 channels. Raises TypeError for
    other channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.autocontrast(mt.tensor([[[100, 110, 120]]], dtype=mt.uint8)).tolist()
    [[[0, 127, 255]]]
    """
    if is_pil(img):
        return ImageOps.autocontrast(img)
    array = with_channels("autocontrast", img, fewest_dimensions=3)
    if array.size == 0:
        return wrap(array.copy())
    xp, largest, values = array_module(array), white(array.dtype), as_floats(array)
    low = values.min(axis=(-2, -1), keepdims=True)
    spread = values.max(axis=(-2, -1), keepdims=True) - low
    # Multiplied by the reciprocal, as torch does it, so that the last bit is the same.
    scale = xp.where(spread == 0, 1, largest * (1 / xp.where(spread == 0, 1, spread)))
    stretched = (values - xp.where(spread == 0, 0, low)) * scale  # a flat channel stays
    return wrap(stretched.clip(0, largest).astype(array.dtype))


@for_all_kinds
def equalize(img: Any) -> Any:
    """Each channel with an even histogram: as many dark pixels as light ones.

    img: a PIL image (L or RGB), or a uint8 tensor (..., C, H, W) of 1 or 3 channels. Raises
    TypeError for other tensors.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.tensor([100, 101, 102, 103], dtype=mt.uint8).repeat(1, 256, 1)  # (1, 256, 4)
    >>> F.equalize(image)[0, 0].tolist()
    [0, 85, 171, 255]
    """
    if is_pil(img):
        return ImageOps.equalize(img)
    array = to_numpy(_of_8_bits("equalize", img)).copy()
    if array.size:
        for plane in array.reshape(-1, *array.shape[-2:]):  # views of the copy
            plane[...] = ImageOps.equalize(Image.fromarray(plane))
    return wrap(to_device(array, img.device))


@for_all_kinds
def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """0 is a smoothed image, 1 the image itself, 2 twice as sharp.

    img: a PIL image (L or RGB), or a tensor (..., C, H, W) of 1 or 3 channels. The pixels of the
    border stay. Raises, for a tensor, ValueError for a negative factor and TypeError for other
    channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.tensor([[[0, 0, 0], [0, 130, 0], [0, 0, 0]]], dtype=mt.uint8)
    >>> F.adjust_sharpness(image, 0.0).tolist()  # 5 * 130 / 13; the border stays
    [[[0, 0, 0], [0, 50, 0], [0, 0, 0]]]
    """
    if is_pil(img):
        return ImageEnhance.Sharpness(img).enhance(sharpness_factor)
    check_factor("sharpness", sharpness_factor)
    array = with_channels("adjust_sharpness", img, fewest_dimensions=3)
    height, width = array.shape[-2:]
    if height <= 2 or width <= 2:
        return img
    values = as_floats(array)
    smooth = values.copy()
    # The pixel itself counts five times, its eight neighbours once each.
    total = 4 * values[..., 1:-1, 1:-1]
    for row in range(3):
        for column in range(3):
            total = total + values[..., row : height - 2 + row, column : width - 2 + column]
    inner = total / 13
    smooth[..., 1:-1, 1:-1] = inner if array.dtype.kind == "f" else array_module(array).rint(inner)
    return wrap(blend(array, smooth, sharpness_factor))
