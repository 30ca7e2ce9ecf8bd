"""Transforms of colour: grey, brightness, contrast, saturation, hue.

On PIL images Pillow's ImageEnhance does the work; on tensors the same formulas do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from ..backend import array_module
from ..nn import Module
from ..random import default_generator
from ..tensor import wrap
from . import draws
from .image import NUMBER, as_floats, get_dimensions, is_pil, white, with_channels
from .kinds import for_all_kinds

# Weights of red, green and blue in brightness as the eye sees it (ITU-R BT.601).
RED, GREEN, BLUE = 0.2989, 0.587, 0.114


@for_all_kinds
def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """The image without colours, with one channel or with three equal ones.

    img: a PIL image, or a tensor (..., C, H, W) of 1 or 3 channels; the result has its type. Grey
    is 0.2989 red + 0.587 green + 0.114 blue. Raises ValueError for another num_output_channels,
    TypeError for a tensor of other channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.to_grayscale(mt.tensor([[[1.0]], [[0.0]], [[0.0]]]))  # a red pixel
    tensor([[[0.2989]]])
    """
    array = None if is_pil(img) else with_channels("rgb_to_grayscale", img, fewest_dimensions=3)
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels should be 1 or 3, got {num_output_channels}")
    if array is None:
        grey = img.convert("L")
        return grey if num_output_channels == 1 else Image.merge("RGB", [grey] * 3)
    grey_array = _grey(array) if array.shape[-3] == 3 else array
    return wrap(array_module(array).repeat(grey_array, num_output_channels, axis=-3))


rgb_to_grayscale = to_grayscale


def _grey(array: Any) -> Any:
    """(..., 3, H, W) -> (..., 1, H, W), of the same type."""
    red, green, blue = (as_floats(array[..., c : c + 1, :, :]) for c in range(3))
    return (RED * red + GREEN * green + BLUE * blue).astype(array.dtype)


def blend(array: Any, other: Any, factor: float) -> Any:
    """factor * array + (1 - factor) * other, within the range of the type.

    array: an image, other: one of the same shape or one that broadcasts to it.

    >>> blend(np.array([100, 200], np.uint8), 0, 1.5)
    array([150, 255], dtype=uint8)
    """
    factor = float(factor)
    mixed = factor * as_floats(array) + (1.0 - factor) * other
    return mixed.clip(0, white(array.dtype)).astype(array.dtype)


def check_factor(name: str, factor: float) -> None:
    """Raises ValueError for a negative factor.

    >>> check_factor("contrast", 0.5)
    """
    if factor < 0:
        raise ValueError(f"{name}_factor ({factor}) is not non-negative.")


@for_all_kinds
def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """All values times the factor: 0 is black, 1 the image itself, 2 twice as bright.

    img: a PIL image or a tensor (..., C, H, W) of 1 or 3 channels, uint8 0..255 or float 0..1;
    values stay in that range. Raises, for a tensor, ValueError for a negative factor and TypeError
    for other channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.adjust_brightness(mt.tensor([[[0.1, 0.3, 0.8]]]), 2.0)
    tensor([[[0.2000, 0.6000, 1.0000]]])
    """
    if is_pil(img):
        return ImageEnhance.Brightness(img).enhance(brightness_factor)
    check_factor("brightness", brightness_factor)
    array = with_channels("adjust_brightness", img)
    return wrap(blend(array, 0.0, brightness_factor))


@for_all_kinds
def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """Distances from the image's mean grey times the factor: 0 is plain grey, 1 the image.

    img: a PIL image or a tensor (..., C, H, W) of 1 or 3 channels, uint8 0..255 or float 0..1;
    values stay in that range. Raises, for a tensor, ValueError for a negative factor and TypeError
    for other channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.adjust_contrast(mt.tensor([[[0.25, 0.75]]]), 0.5)  # the mean is 0.5
    tensor([[[0.3750, 0.6250]]])
    """
    if is_pil(img):
        return ImageEnhance.Contrast(img).enhance(contrast_factor)
    check_factor("contrast", contrast_factor)
    array = with_channels("adjust_contrast", img)
    if array.size == 0:
        return img  # nothing has no mean
    grey = array if get_dimensions(img)[0] == 1 else _grey(array)
    mean = as_floats(grey).mean(axis=(-3, -2, -1) if array.ndim > 2 else None, keepdims=True)
    return wrap(blend(array, mean, contrast_factor))


@for_all_kinds
def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """Distances from grey times the factor: 0 is without colour, 1 the image.

    img: a PIL image or a tensor (..., C, H, W) of 1 or 3 channels, uint8 0..255 or float 0..1;
    values stay in that range. Raises, for a tensor, ValueError for a negative factor and TypeError
    for other channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.adjust_saturation(mt.tensor([[[1.0]], [[0.0]], [[0.0]]]), 0.0).flatten()
    tensor([0.2989, 0.2989, 0.2989])
    """
    if is_pil(img):
        return ImageEnhance.Color(img).enhance(saturation_factor)
    check_factor("saturation", saturation_factor)
    array = with_channels("adjust_saturation", img)
    if get_dimensions(img)[0] == 1:
        return img  # grey already
    return wrap(blend(array, as_floats(_grey(array)), saturation_factor))


@for_all_kinds
def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain * value^gamma, of values 0..1: above 1 shadows become darker, below 1 lighter.

    img: a PIL image or a tensor (..., C, H, W) of 1 or 3 channels, uint8 0..255 (seen as 0..1) or
    float 0..1; values stay in that range. Raises ValueError for a negative gamma, TypeError for a
    tensor of other channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.adjust_gamma(mt.tensor([[[0.0, 0.5, 1.0]]]), 2.0)
    tensor([[[0.0000, 0.2500, 1.0000]]])
    """
    if gamma < 0:
        raise ValueError(f"Gamma should be a non-negative real number, got {gamma}")
    if is_pil(img):
        picture = img.convert("RGB") if img.mode not in ("L", "RGB") else img
        levels = [(255 + 1 - 1e-3) * gain * (v / 255) ** gamma for v in range(256)]
        curve = [int(min(max(level, 0), 255)) for level in levels]
        return picture.point(curve * len(picture.getbands())).convert(img.mode)
    array = with_channels("adjust_gamma", img)
    if array.dtype.kind == "f":
        return wrap((gain * array**gamma).clip(0, 1).astype(array.dtype))
    limit = white(array.dtype)
    changed = (gain * (as_floats(array) / limit) ** gamma).clip(0, 1)
    return wrap((changed * (limit + 1 - 1e-3)).astype(array.dtype))


@for_all_kinds
def adjust_hue(img: Any, hue_factor: float) -> Any:
    """All colours moved along the circle of hues by `hue_factor` turns, from -0.5 to 0.5.

    img: a PIL image or a tensor (..., C, H, W) of 1 or 3 channels, uint8 0..255 or float 0..1. Grey
    images are returned as they are. Raises ValueError for a factor outside of [-0.5, 0.5],
    TypeError for other channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> red = mt.tensor([[[1.0]], [[0.0]], [[0.0]]])
    >>> F.adjust_hue(red, 1 / 3).round(decimals=4).flatten()  # a third of the circle on: green
    tensor([0., 1., 0.])
    """
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if is_pil(img):
        if img.mode in ("L", "1", "I", "F"):
            return img  # no colour, no hue
        hue, saturation, value = img.convert("HSV").split()
        # 8 bits are one turn, so the sum wraps around by itself.
        moved = (np.asarray(hue).astype(np.int32) + int(hue_factor * 255)).astype(np.uint8)
        return Image.merge("HSV", (Image.fromarray(moved), saturation, value)).convert(img.mode)
    array = with_channels("adjust_hue", img)
    if get_dimensions(img)[0] == 1:
        return img
    if array.dtype.kind == "f":
        return wrap(_hue_moved(array, hue_factor).astype(array.dtype))
    limit = white(array.dtype)
    moved = _hue_moved(as_floats(array) / limit, hue_factor)
    # Every integer gets an equal part of 0..1, as torchvision converts images to integers.
    return wrap((moved * (limit + 1 - 1e-3)).astype(array.dtype))


def _hue_moved(array: Any, turns: float) -> Any:
    """RGB (..., 3, H, W) of 0..1 -> HSV -> other hue -> RGB."""
    xp = array_module(array)
    red, green, blue = (array[..., channel, :, :] for channel in range(3))
    value = array.max(axis=-3)
    chroma = value - array.min(axis=-3)
    safe = xp.where(chroma == 0, 1, chroma)
    # Which channel is the largest says in which third of the circle the colour lies.
    sixth = xp.where(
        value == red,
        (green - blue) / safe,
        xp.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = (sixth / 6 + turns) % 1
    # Going round the circle, each channel rises and falls as a trapezoid of width 1.
    planes = []
    for peak in (0, 1 / 3, 2 / 3):
        distance = xp.abs((hue - peak + 0.5) % 1 - 0.5)  # from the hue at which it is largest
        share = (2 - 6 * distance).clip(0, 1)
        planes.append(value - chroma * (1 - share))
    return xp.stack(planes, axis=-3)


class Grayscale(Module):
    """Removes the colours; `num_output_channels=3` repeats the grey channel.

    For PIL images and tensors (..., C, H, W) of 1 or 3 channels. Raises, when called, what
    `to_grayscale` raises.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.Grayscale()(mt.ones(3, 2, 2)).shape
    minitorch_cnn.Size([1, 2, 2])
    """

    def __init__(self, num_output_channels: int = 1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        return to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"Grayscale(num_output_channels={self.num_output_channels})"


Range = tuple[float, float] | None


class ColorJitter(Module):
    """Changes brightness, contrast, saturation and hue at random, in random order.

        brightness, contrast, saturation   b: factor from [max(0, 1 - b), 1 + b], or (min, max)
        hue                                h <= 0.5: turns from [-h, h], or (min, max)

    For PIL images and tensors (..., C, H, W) of 1 or 3 channels, uint8 0..255 or float 0..1. Raises
    ValueError for values out of range, TypeError for other than one or two of them.

    >>> import minitorch_cnn as mt
    >>> darker = mt.transforms.ColorJitter(brightness=(0.5, 0.5))
    >>> darker(mt.tensor([[[0.2, 1.0]]]))
    tensor([[[0.1000, 0.5000]]])
    """

    def __init__(
        self,
        brightness: float | Sequence[float] = 0,
        contrast: float | Sequence[float] = 0,
        saturation: float | Sequence[float] = 0,
        hue: float | Sequence[float] = 0,
    ):
        super().__init__()
        self.brightness = _factor_range("brightness", brightness)
        self.contrast = _factor_range("contrast", contrast)
        self.saturation = _factor_range("saturation", saturation)
        self.hue = _factor_range("hue", hue, neutral=0, lowest=-0.5, highest=0.5)

    @staticmethod
    def get_params(
        brightness: Range, contrast: Range, saturation: Range, hue: Range
    ) -> tuple[list[int], float | None, float | None, float | None, float | None]:
        """(order of the four changes, then a factor for each; None leaves that one out).

        >>> order, *factors = ColorJitter.get_params((0.5, 0.5), None, None, None)
        >>> sorted(order), factors
        ([0, 1, 2, 3], [0.5, None, None, None])
        """
        rng = default_generator.rng
        order = rng.permutation(4).tolist()
        factors = [
            None if limits is None else draws.between(*limits)
            for limits in (brightness, contrast, saturation, hue)
        ]
        return order, factors[0], factors[1], factors[2], factors[3]

    def forward(self, img: Any) -> Any:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        changes = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
        for which in order:
            factor = factors[which]
            if factor is not None:
                img = changes[which](img, factor)
        return img

    def __repr__(self) -> str:
        return (
            f"ColorJitter(brightness={self.brightness}, contrast={self.contrast}, "
            f"saturation={self.saturation}, hue={self.hue})"
        )


def _factor_range(
    name: str,
    value: float | Sequence[float],
    neutral: float = 1,
    lowest: float = 0,
    highest: float = float("inf"),
) -> Range:
    """(min, max), or None if nothing but the neutral factor is in it."""
    if isinstance(value, NUMBER):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative; got {value}")
        low, high = neutral - value, neutral + value
        if name != "hue":
            low = max(low, 0.0)
    elif len(value) == 2:
        low, high = (float(limit) for limit in value)
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2: {value}")
    if not lowest <= low <= high <= highest:
        raise ValueError(f"{name} values should be between {lowest} and {highest}, got {value}")
    return None if low == high == neutral else (low, high)
