"""Transforms that look at neighbours or at the histogram: blur, sharpness, contrast, few colours.

PIL images go through Pillow's ImageOps and ImageEnhance; so do uint8 tensors, plane by plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from ..backend import array_module, to_device, to_numpy
from ..tensor import wrap
from .image import array_of, get_dimensions, is_pil, pair


def gaussian_blur(img: Any, kernel_size: int | Sequence[int], sigma: Any = None) -> Any:
    """Every pixel becomes the mean of those around it, weighted by a normal distribution.

    img: a PIL image or a tensor (..., H, W); the result has its type, integers are rounded.
    kernel_size: odd, one number or (width, height); sigma: the standard deviation in pixels, one
    number or (horizontal, vertical), by default 0.15 * kernel_size + 0.35. Edges are mirrored.
    Raises ValueError for an even kernel_size or a sigma that is not positive, and for a kernel that
    mirrors more than the image has.

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
    if isinstance(sigma, str):
        raise TypeError(f"sigma should be one or two positive numbers, got {sigma!r}")
    widths = (
        [float(sigma)] * 2
        if isinstance(sigma, (int, float, np.number))
        else [float(s) for s in sigma]
    )
    widths = widths * 2 if len(widths) == 1 else widths
    if len(widths) != 2 or min(widths) <= 0:
        raise ValueError(f"sigma should be one or two positive numbers. Got {sigma}")
    if is_pil(img):
        pixels = np.asarray(img)
        blurred = _blur(pixels, sizes, widths, axes=(1, 0))
        return Image.fromarray(blurred, img.mode)
    return wrap(_blur(array_of(img), sizes, widths, axes=(-1, -2)))


def _blur(array: Any, sizes: Sequence[int], widths: Sequence[float], axes: tuple) -> Any:
    """First along the rows, then along the columns: a normal distribution is such a product."""
    xp = array_module(array)
    result = array if array.dtype.kind == "f" else array.astype(np.float32)
    for axis, size, width in zip(axes, sizes, widths, strict=True):
        reach, length = size // 2, result.shape[axis]
        if reach >= length:
            raise ValueError(f"a kernel of {size} pixels mirrors more than the image's {length}")
        border = [(0, 0)] * result.ndim
        border[axis] = (reach, reach)
        padded = xp.moveaxis(xp.pad(result, border, mode="reflect"), axis, 0)
        weights = np.exp(-0.5 * ((np.arange(size) - reach) / width) ** 2)
        weights /= weights.sum()
        total = sum(float(w) * padded[k : k + length] for k, w in enumerate(weights))
        result = xp.moveaxis(total, 0, axis)
    if array.dtype.kind != "f":
        result = xp.rint(result)
    return xp.ascontiguousarray(result.astype(array.dtype))


def _through_pillow(name: str, img: Any, function: Any) -> Any:
    """function(PIL image) for a PIL image, or for a uint8 tensor (..., C, H, W) of 1 or 3 channels.

    Raises NotImplementedError for other tensors.
    """
    if is_pil(img):
        return function(img)
    array = to_numpy(array_of(img))
    channels = get_dimensions(img)[0]
    if array.dtype != np.uint8 or channels not in (1, 3) or array.ndim < 3:
        raise NotImplementedError(
            f"{name} of a tensor of {img.dtype} and shape {tuple(img.shape)}: use a PIL image, or "
            "uint8 of shape (..., C, H, W) with 1 or 3 channels"
        )
    images = array.reshape(-1, *array.shape[-3:])
    done = []
    for image in images:
        picture = Image.fromarray(image[0] if channels == 1 else image.transpose(1, 2, 0))
        pixels = np.asarray(function(picture))
        done.append(pixels[None] if channels == 1 else pixels.transpose(2, 0, 1))
    return wrap(to_device(np.stack(done).reshape(array.shape), img.device))


def invert(img: Any) -> Any:
    """The negative: white becomes black.

    img: a PIL image (L or RGB), a float tensor of 0..1, or a uint8 tensor (..., C, H, W) of 1 or 3
    channels. Raises NotImplementedError for other tensors.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.invert(mt.tensor([[[0.0, 0.25]]]))
    tensor([[[1.0000, 0.7500]]])
    >>> F.invert(mt.tensor([[[0, 55]]], dtype=mt.uint8)).tolist()
    [[[255, 200]]]
    """
    if not is_pil(img) and img.is_floating_point():
        return wrap(1.0 - array_of(img))
    return _through_pillow("invert", img, ImageOps.invert)


def posterize(img: Any, bits: int) -> Any:
    """Only the highest `bits` bits, 1 to 8, of each number.

    img: a PIL image (L or RGB), or a uint8 tensor (..., C, H, W) of 1 or 3 channels. Raises
    ValueError for another number of bits, NotImplementedError for other tensors.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.posterize(mt.tensor([[[255, 130, 100]]], dtype=mt.uint8), 1).tolist()
    [[[128, 128, 0]]]
    """
    if not 1 <= bits <= 8:
        raise ValueError(f"The number of bits should be between 1 and 8. Got {bits}")
    return _through_pillow("posterize", img, lambda picture: ImageOps.posterize(picture, bits))


def solarize(img: Any, threshold: float) -> Any:
    """The negative of the numbers from `threshold` on; the darker ones stay.

    img: a PIL image (L or RGB), a float tensor of 0..1, or a uint8 tensor (..., C, H, W) of 1 or 3
    channels. Raises NotImplementedError for other tensors.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.solarize(mt.tensor([[[0.25, 0.5, 1.0]]]), 0.5)
    tensor([[[0.2500, 0.5000, 0.0000]]])
    """
    if isinstance(threshold, str):
        raise TypeError(f"threshold should be a number, got {threshold!r}")
    if not is_pil(img) and img.is_floating_point():
        array = array_of(img)
        return wrap(array_module(array).where(array >= threshold, 1.0 - array, array))
    return _through_pillow(
        "solarize", img, lambda picture: ImageOps.solarize(picture, int(threshold))
    )


def autocontrast(img: Any) -> Any:
    """Each channel stretched to the whole range from black to white.

    img: a PIL image (L or RGB), or a uint8 tensor (..., C, H, W) of 1 or 3 channels. Raises
    NotImplementedError for other tensors.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.autocontrast(mt.tensor([[[100, 110, 120]]], dtype=mt.uint8)).tolist()
    [[[0, 127, 255]]]
    """
    return _through_pillow("autocontrast", img, ImageOps.autocontrast)


def equalize(img: Any) -> Any:
    """Each channel with an even histogram: as many dark pixels as light ones.

    img: a PIL image (L or RGB), or a uint8 tensor (..., C, H, W) of 1 or 3 channels. Raises
    NotImplementedError for other tensors.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.tensor([100, 101, 102, 103], dtype=mt.uint8).repeat(1, 256, 1)  # (1, 256, 4)
    >>> F.equalize(image)[0, 0].tolist()
    [0, 85, 171, 255]
    """
    return _through_pillow("equalize", img, ImageOps.equalize)


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """0 is a smoothed image, 1 the image itself, 2 twice as sharp.

    img: a PIL image (L or RGB), or a uint8 tensor (..., C, H, W) of 1 or 3 channels. Raises
    ValueError for a negative factor, NotImplementedError for other tensors.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.tensor([[[0, 0, 0], [0, 130, 0], [0, 0, 0]]], dtype=mt.uint8)
    >>> F.adjust_sharpness(image, 0.0).tolist()  # 5 * 130 / 13; the border stays
    [[[0, 0, 0], [0, 50, 0], [0, 0, 0]]]
    """
    if sharpness_factor < 0:
        raise ValueError(f"sharpness_factor ({sharpness_factor}) is not non-negative.")
    return _through_pillow(
        "adjust_sharpness",
        img,
        lambda picture: ImageEnhance.Sharpness(picture).enhance(sharpness_factor),
    )
