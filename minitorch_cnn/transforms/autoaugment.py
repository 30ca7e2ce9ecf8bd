"""Augmentation without settings to search for: a few random distortions of random strength.

TrivialAugmentWide  one distortion (Müller and Hutter, "TrivialAugment", 2021)
RandAugment         num_ops of them, all of strength `magnitude` (Cubuk et al., "RandAugment", 2019)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..random import default_generator
from . import functional as F
from .image import InterpolationMode, get_dimensions
from .random import chance


class Distortion(NamedTuple):
    """The strengths to choose from, weakest first, and whether they are as well negative.

    >>> Distortion(np.linspace(0.0, 30.0, 4), signed=True).strengths.tolist()  # degrees
    [0.0, 10.0, 20.0, 30.0]
    """

    strengths: np.ndarray
    signed: bool


def _posterize_bits(bins: int, fewest: int) -> np.ndarray:
    """From 8 bits down to `fewest`."""
    return 8 - np.round(np.arange(bins) / ((bins - 1) / (8 - fewest)))


def _space(bins: int, width: int, height: int, wide: bool) -> dict[str, Distortion]:
    """All distortions: those of TrivialAugmentWide (wide) or of RandAugment."""

    def up_to(x: float) -> np.ndarray:
        return np.linspace(0.0, x, bins)

    shear, turn, colour = (0.99, 135.0, 0.99) if wide else (0.3, 30.0, 0.9)
    across, down = (32.0, 32.0) if wide else (150.0 / 331.0 * width, 150.0 / 331.0 * height)
    none = np.zeros(bins)
    return {
        "Identity": Distortion(none, False),
        "ShearX": Distortion(up_to(shear), True),
        "ShearY": Distortion(up_to(shear), True),
        "TranslateX": Distortion(up_to(across), True),
        "TranslateY": Distortion(up_to(down), True),
        "Rotate": Distortion(up_to(turn), True),
        "Brightness": Distortion(up_to(colour), True),
        "Color": Distortion(up_to(colour), True),
        "Contrast": Distortion(up_to(colour), True),
        "Sharpness": Distortion(up_to(colour), True),
        "Posterize": Distortion(_posterize_bits(bins, 2 if wide else 4), False),
        "Solarize": Distortion(np.linspace(255.0, 0.0, bins), False),
        "AutoContrast": Distortion(none, False),
        "Equalize": Distortion(none, False),
    }


def distort(
    img: Any,
    name: str,
    strength: float,
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    fill: float | Sequence[float] | None = None,
) -> Any:
    """One distortion, by its name, of a PIL image or a uint8 tensor (..., C, H, W).

    name: one of those in `_space`; strength: degrees for "Rotate", a slope for "ShearX", -1 to 1
    for "Brightness", ...; any other returns the image itself, as "Identity" does. fill: for what
    was outside. Raises what the transform of that name raises.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[100, 200]]], dtype=mt.uint8)
    >>> distort(image, "Brightness", -0.5).tolist()
    [[[50, 100]]]
    >>> distort(image, "Solarize", 150.0).tolist()  # the negative from 150 on
    [[[100, 55]]]
    """
    shear = math.degrees(math.atan(strength))
    moved = int(strength)
    geometry: dict[str, tuple] = {  # angle, translation, scale, shear, ..., centre
        "ShearX": (0.0, [0, 0], 1.0, [shear, 0.0], interpolation, fill, [0, 0]),
        "ShearY": (0.0, [0, 0], 1.0, [0.0, shear], interpolation, fill, [0, 0]),
        "TranslateX": (0.0, [moved, 0], 1.0, [0.0, 0.0], interpolation, fill),
        "TranslateY": (0.0, [0, moved], 1.0, [0.0, 0.0], interpolation, fill),
    }
    factors = {
        "Brightness": F.adjust_brightness,
        "Color": F.adjust_saturation,
        "Contrast": F.adjust_contrast,
        "Sharpness": F.adjust_sharpness,
    }
    if name in geometry:
        return F.affine(img, *geometry[name])
    if name in factors:
        return factors[name](img, 1.0 + strength)
    if name == "Rotate":
        return F.rotate(img, strength, interpolation, fill=fill)
    if name == "Posterize":
        return F.posterize(img, int(strength))
    if name == "Solarize":
        return F.solarize(img, strength)
    if name == "AutoContrast":
        return F.autocontrast(img)
    if name == "Equalize":
        return F.equalize(img)
    return img


class TrivialAugmentWide:
    """One random distortion of random strength; for uint8 tensors and PIL images.

        num_magnitude_bins  how many strengths there are, from none to the strongest
        interpolation, fill  of the distortions that move pixels; see `rotate`

    Tensors are (..., C, H, W) with 1 or 3 channels. The image keeps its size and kind. Raises
    NotImplementedError, for some of the distortions, for a tensor of another dtype. Müller and
    Hutter, "TrivialAugment", 2021.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[0, 100], [200, 255]]], dtype=mt.uint8)
    >>> y = mt.transforms.TrivialAugmentWide()(image)
    >>> y.shape, y.dtype
    (minitorch_cnn.Size([1, 2, 2]), minitorch_cnn.uint8)
    """

    def __init__(
        self,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: float | Sequence[float] | None = None,
    ):
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation = interpolation
        self.fill = fill

    def __call__(self, img: Any) -> Any:
        space = _space(self.num_magnitude_bins, 0, 0, wide=True)
        strength_at = int(default_generator.rng.integers(self.num_magnitude_bins))
        return _random_distortion(img, space, strength_at, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return (
            f"TrivialAugmentWide(num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


class RandAugment:
    """num_ops random distortions of the strength `magnitude`, of 0 to num_magnitude_bins - 1.

    For uint8 tensors (..., C, H, W) and PIL images, which keep their size and kind. interpolation,
    fill: of those that move pixels; see `rotate`. Raises ValueError for another magnitude,
    NotImplementedError, for some distortions, for a tensor of another dtype. Cubuk et al.,
    "RandAugment", 2019.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> image = mt.transforms.RandAugment(num_ops=1, magnitude=5)(Image.new("RGB", (8, 4), "red"))
    >>> image.size, image.mode
    ((8, 4), 'RGB')
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: float | Sequence[float] | None = None,
    ):
        if not 0 <= magnitude < num_magnitude_bins:
            raise ValueError(f"magnitude={magnitude} is not between 0 and {num_magnitude_bins - 1}")
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation = interpolation
        self.fill = fill

    def __call__(self, img: Any) -> Any:
        _, height, width = get_dimensions(img)
        space = _space(self.num_magnitude_bins, width, height, wide=False)
        for _ in range(self.num_ops):
            img = _random_distortion(img, space, self.magnitude, self.interpolation, self.fill)
        return img

    def __repr__(self) -> str:
        return (
            f"RandAugment(num_ops={self.num_ops}, magnitude={self.magnitude}, "
            f"num_magnitude_bins={self.num_magnitude_bins}, interpolation={self.interpolation}, "
            f"fill={self.fill})"
        )


def _random_distortion(
    img: Any, space: dict[str, Distortion], strength_at: int, interpolation: Any, fill: Any
) -> Any:
    name = list(space)[int(default_generator.rng.integers(len(space)))]
    strength = float(space[name].strengths[strength_at])
    if space[name].signed and chance(0.5):
        strength = -strength
    return distort(img, name, strength, interpolation, fill)
