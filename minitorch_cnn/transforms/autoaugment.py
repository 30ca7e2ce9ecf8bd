"""Augmentation by a few random distortions of random strength, and by mixtures of them.

AutoAugment         two distortions that were found to help (Cubuk et al., "AutoAugment", 2018)
RandAugment         num_ops of them, all of strength `magnitude` (Cubuk et al., "RandAugment", 2019)
TrivialAugmentWide  one distortion (Müller and Hutter, "TrivialAugment", 2021)
AugMix              the mean of several chains of them (Hendrycks et al., "AugMix", 2019)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from ..backend import array_module
from ..nn import Module
from ..tensor import wrap
from . import draws, functional as F
from .image import InterpolationMode, array_of, get_dimensions, is_pil


class Distortion(NamedTuple):
    """The strengths to choose from, weakest first, and whether they are as well negative.

    strengths is None for a distortion that has none.

    >>> Distortion(np.linspace(0.0, 30.0, 4), signed=True).strengths.tolist()  # degrees
    [0.0, 10.0, 20.0, 30.0]
    """

    strengths: np.ndarray | None
    signed: bool


PLAIN = Distortion(None, False)
GEOMETRY = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
COLOURS = ("Brightness", "Color", "Contrast", "Sharpness")


def evenly(first: float, last: float, bins: int) -> np.ndarray:
    """Numbers from first to last, float32, as torch.linspace rounds them: from both ends.

    (A strength of 16 pixels that is a little less moves by 15.)

    >>> float(evenly(0.0, 32.0, 31)[15]) < 16
    True
    """
    start, end = np.float32(first), np.float32(last)
    step = float((end - start) / np.float32(bins - 1))
    number = np.arange(bins)
    low, high = float(start) + step * number, float(end) - step * (bins - 1 - number)
    return np.where(number < bins // 2, low, high).astype(np.float32)


def space(
    bins: int,
    move: tuple[float, float],
    shear: float = 0.3,
    turn: float = 30.0,
    colour: float = 0.9,
    bits: tuple[int, int] = (8, 4),
) -> dict[str, Distortion]:
    """All distortions by their names, each with so many strengths from none to the strongest.

    move: the furthest, in pixels, along x and y; shear: the steepest slope; turn: degrees; colour:
    how far factors are from 1; bits: the most and the fewest.

    >>> space(3, (8.0, 4.0))["TranslateX"].strengths.tolist()
    [0.0, 4.0, 8.0]
    """
    furthest = dict(zip(GEOMETRY, (shear, shear, *move, turn), strict=True))
    furthest |= dict.fromkeys(COLOURS, colour)
    found = {name: Distortion(evenly(0.0, most, bins), True) for name, most in furthest.items()}
    fewer = np.round(
        np.arange(bins, dtype=np.float32) / np.float32((bins - 1) / (bits[0] - bits[1]))
    )
    found["Posterize"] = Distortion(bits[0] - fewer, False)
    found["Solarize"] = Distortion(evenly(255.0, 0.0, bins), False)
    return found | dict.fromkeys(("Identity", "AutoContrast", "Equalize", "Invert"), PLAIN)


def _of_picture(height: int, width: int) -> tuple[float, float]:
    """How far pictures are moved, in pixels, where their networks were found with 331x331."""
    return 150.0 / 331.0 * width, 150.0 / 331.0 * height


# The order in which a number that is drawn finds a distortion.
ALL = ("Identity", *GEOMETRY, *COLOURS, "Posterize", "Solarize", "AutoContrast", "Equalize")


def _strength(distortion: Distortion, at: int | None) -> float:
    if distortion.strengths is None or at is None:
        return 0.0
    return float(distortion.strengths[at])


def _negative(distortion: Distortion) -> bool:
    """Draws, for a distortion with two directions, which one."""
    return distortion.signed and draws.integer(0, 2) == 1


def distort(
    img: Any,
    name: str,
    strength: float,
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    fill: float | Sequence[float] | None = None,
) -> Any:
    """One distortion, by its name, of a PIL image or a uint8 tensor (..., C, H, W).

    name: one of those in `space`; strength: degrees for "Rotate", a slope for "ShearX", -1 to 1
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
    if name == "Invert":
        return F.invert(img)
    return img


class _Automatic(Module):
    """What the transforms below share: interpolation and fill, which are those of `rotate`."""

    interpolation: InterpolationMode | int
    fill: float | Sequence[float] | None

    def _distort(self, img: Any, name: str, strength: float) -> Any:
        return distort(img, name, strength, self.interpolation, self.fill)


class AutoAugmentPolicy(Enum):
    """The data set on which the pairs of distortions were found; for images of any size.

    Raises ValueError for another name.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.AutoAugmentPolicy("cifar10")
    <AutoAugmentPolicy.CIFAR10: 'cifar10'>
    """

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


# The paper's tables 7 to 9, a pair of distortions in each line: name, probability, strength 0..9.
POLICIES = {
    AutoAugmentPolicy.IMAGENET: """
        Posterize 0.4 8 Rotate 0.6 9
        Solarize 0.6 5 AutoContrast 0.6 -
        Equalize 0.8 - Equalize 0.6 -
        Posterize 0.6 7 Posterize 0.6 6
        Equalize 0.4 - Solarize 0.2 4
        Equalize 0.4 - Rotate 0.8 8
        Solarize 0.6 3 Equalize 0.6 -
        Posterize 0.8 5 Equalize 1 -
        Rotate 0.2 3 Solarize 0.6 8
        Equalize 0.6 - Posterize 0.4 6
        Rotate 0.8 8 Color 0.4 0
        Rotate 0.4 9 Equalize 0.6 -
        Equalize 0 - Equalize 0.8 -
        Invert 0.6 - Equalize 1 -
        Color 0.6 4 Contrast 1 8
        Rotate 0.8 8 Color 1 2
        Color 0.8 8 Solarize 0.8 7
        Sharpness 0.4 7 Invert 0.6 -
        ShearX 0.6 5 Equalize 1 -
        Color 0.4 0 Equalize 0.6 -
        Equalize 0.4 - Solarize 0.2 4
        Solarize 0.6 5 AutoContrast 0.6 -
        Invert 0.6 - Equalize 1 -
        Color 0.6 4 Contrast 1 8
        Equalize 0.8 - Equalize 0.6 -
    """,
    AutoAugmentPolicy.CIFAR10: """
        Invert 0.1 - Contrast 0.2 6
        Rotate 0.7 2 TranslateX 0.3 9
        Sharpness 0.8 1 Sharpness 0.9 3
        ShearY 0.5 8 TranslateY 0.7 9
        AutoContrast 0.5 - Equalize 0.9 -
        ShearY 0.2 7 Posterize 0.3 7
        Color 0.4 3 Brightness 0.6 7
        Sharpness 0.3 9 Brightness 0.7 9
        Equalize 0.6 - Equalize 0.5 -
        Contrast 0.6 7 Sharpness 0.6 5
        Color 0.7 7 TranslateX 0.5 8
        Equalize 0.3 - AutoContrast 0.4 -
        TranslateY 0.4 3 Sharpness 0.2 6
        Brightness 0.9 6 Color 0.2 8
        Solarize 0.5 2 Invert 0 -
        Equalize 0.2 - AutoContrast 0.6 -
        Equalize 0.2 - Equalize 0.6 -
        Color 0.9 9 Equalize 0.6 -
        AutoContrast 0.8 - Solarize 0.2 8
        Brightness 0.1 3 Color 0.7 0
        Solarize 0.4 5 AutoContrast 0.9 -
        TranslateY 0.9 9 TranslateY 0.7 9
        AutoContrast 0.9 - Solarize 0.8 3
        Equalize 0.8 - Invert 0.1 -
        TranslateY 0.7 9 AutoContrast 0.9 -
    """,
    AutoAugmentPolicy.SVHN: """
        ShearX 0.9 4 Invert 0.2 -
        ShearY 0.9 8 Invert 0.7 -
        Equalize 0.6 - Solarize 0.6 6
        Invert 0.9 - Equalize 0.6 -
        Equalize 0.6 - Rotate 0.9 3
        ShearX 0.9 4 AutoContrast 0.8 -
        ShearY 0.9 8 Invert 0.4 -
        ShearY 0.9 5 Solarize 0.2 6
        Invert 0.9 - AutoContrast 0.8 -
        Equalize 0.6 - Rotate 0.9 3
        ShearX 0.9 4 Solarize 0.3 3
        ShearY 0.8 8 Invert 0.7 -
        Equalize 0.9 - TranslateY 0.6 6
        Invert 0.9 - Equalize 0.6 -
        Contrast 0.3 3 Rotate 0.8 4
        Invert 0.8 - TranslateY 0 2
        ShearY 0.7 6 Solarize 0.4 8
        Invert 0.6 - Rotate 0.8 4
        ShearY 0.3 7 TranslateX 0.9 3
        ShearX 0.1 6 Invert 0.6 -
        Solarize 0.7 2 TranslateY 0.6 7
        ShearY 0.8 4 Invert 0.8 -
        ShearX 0.7 9 TranslateY 0.8 3
        ShearY 0.8 5 AutoContrast 0.7 -
        ShearX 0.7 2 Invert 0.1 -
    """,
}


def _read(text: str) -> list[tuple[tuple[str, float, int | None], ...]]:
    pairs = []
    for line in text.strip().splitlines():
        words = line.split()
        pair = [
            (name, float(p), None if at == "-" else int(at))
            for name, p, at in zip(words[0::3], words[1::3], words[2::3], strict=True)
        ]
        pairs.append(tuple(pair))
    return pairs


class AutoAugment(_Automatic):
    """Two distortions with probabilities and strengths that a search found to help.

        policy  on which data set it searched
        interpolation, fill  of the distortions that move pixels; see `rotate`

    For uint8 tensors (..., C, H, W) with 1 or 3 channels and PIL images, which keep their size and
    kind. Raises ValueError for another policy, NotImplementedError, for some distortions, for a
    tensor of another dtype. Cubuk et al., "AutoAugment: Learning Augmentation Strategies from
    Data", 2018.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> T = mt.transforms
    >>> image = T.AutoAugment(T.AutoAugmentPolicy.CIFAR10)(Image.new("RGB", (8, 4), "red"))
    >>> image.size, image.mode
    ((8, 4), 'RGB')
    """

    def __init__(
        self,
        policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: float | Sequence[float] | None = None,
    ):
        super().__init__()
        if policy not in POLICIES:
            raise ValueError(f"The provided policy {policy} is not recognized.")
        self.policy = policy
        self.interpolation = interpolation
        self.fill = fill
        self.policies = _read(POLICIES[policy])

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, Any, Any]:
        """(which pair, two random numbers for the probabilities, two for the signs).

        >>> AutoAugment.get_params(1)[0]
        0
        """
        chosen = draws.integer(0, transform_num)
        return chosen, draws.uniforms((2,)), draws.integers(2, 2)

    def forward(self, img: Any) -> Any:
        _, height, width = get_dimensions(img)
        found = space(10, _of_picture(height, width))
        chosen, chances, signs = self.get_params(len(self.policies))
        pair = zip(self.policies[chosen], chances.tolist(), signs, strict=True)
        for (name, p, at), chance, sign in pair:
            if chance <= p:
                strength = _strength(found[name], at)
                img = self._distort(
                    img, name, -strength if found[name].signed and sign == 0 else strength
                )
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(policy={self.policy}, fill={self.fill})"


class TrivialAugmentWide(_Automatic):
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
        super().__init__()
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation = interpolation
        self.fill = fill

    def forward(self, img: Any) -> Any:
        found = space(self.num_magnitude_bins, (32.0, 32.0), 0.99, 135.0, 0.99, bits=(8, 2))
        name = ALL[draws.integer(0, len(ALL))]
        chosen = found[name]
        at = None if chosen.strengths is None else draws.integer(0, len(chosen.strengths))
        strength = _strength(chosen, at)
        return self._distort(img, name, -strength if _negative(chosen) else strength)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


class RandAugment(_Automatic):
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
        super().__init__()
        if not 0 <= magnitude < num_magnitude_bins:
            raise ValueError(f"magnitude={magnitude} is not between 0 and {num_magnitude_bins - 1}")
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation = interpolation
        self.fill = fill

    def forward(self, img: Any) -> Any:
        _, height, width = get_dimensions(img)
        found = space(self.num_magnitude_bins, _of_picture(height, width))
        for _ in range(self.num_ops):
            name = ALL[draws.integer(0, len(ALL))]
            strength = _strength(found[name], self.magnitude)
            img = self._distort(img, name, -strength if _negative(found[name]) else strength)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_ops={self.num_ops}, magnitude={self.magnitude}, "
            f"num_magnitude_bins={self.num_magnitude_bins}, interpolation={self.interpolation}, "
            f"fill={self.fill})"
        )


class AugMix(_Automatic):
    """A random mean of the image and of several chains of random distortions of it.

        severity       1 to 10: how strong the distortions may be
        mixture_width  how many chains
        chain_depth    distortions in each; below 1: 1 to 3 at random
        alpha          how even the parts of the mean are
        all_ops        brightness, colour, contrast and sharpness too

    interpolation, fill: of the distortions that move pixels; see `rotate`. For uint8 tensors
    (..., C, H, W) and PIL images, which keep their size and kind. Raises ValueError for another
    severity. Hendrycks et al., "AugMix: A Simple Data Processing Method to Improve Robustness and
    Uncertainty", 2019.

    >>> import minitorch_cnn as mt
    >>> image = mt.full((3, 4, 4), 100, dtype=mt.uint8)
    >>> y = mt.transforms.AugMix()(image)
    >>> y.shape, y.dtype
    (minitorch_cnn.Size([3, 4, 4]), minitorch_cnn.uint8)
    """

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        fill: float | Sequence[float] | None = None,
    ):
        super().__init__()
        if not 1 <= severity <= 10:
            raise ValueError(f"The severity must be between [1, 10]. Got {severity} instead.")
        self.severity = severity
        self.mixture_width = mixture_width
        self.chain_depth = chain_depth
        self.alpha = alpha
        self.all_ops = all_ops
        self.interpolation = interpolation
        self.fill = fill
        plain = (*GEOMETRY, "Posterize", "Solarize", "AutoContrast", "Equalize")
        self._names: tuple[str, ...] = (*plain, *COLOURS) if all_ops else plain

    def forward(self, img: Any) -> Any:
        picture = F.pil_to_tensor(img) if is_pil(img) else img
        _, height, width = get_dimensions(picture)
        found = space(10, (width / 3.0, height / 3.0), bits=(4, 0))
        count = 1 if picture.ndim < 4 else picture.shape[0]  # each of a batch has its own parts
        # In float32, as torchvision's: the sum is cut to integers, so its last bit counts.
        alphas, own_alphas = [self.alpha] * self.mixture_width, [self.alpha] * 2
        own = np.array([draws.shares(own_alphas) for _ in range(count)], np.float32)
        parts = np.array([draws.shares(alphas) for _ in range(count)], np.float32)
        xp = array_module(array_of(picture))

        def weighted(image: Any, weights: np.ndarray) -> Any:
            shape = (count, *[1] * (image.ndim - 1)) if image.ndim > 3 else (1,) * image.ndim
            return xp.asarray(weights.reshape(shape)) * image.array

        mixed = weighted(picture, own[:, 0])
        for chain in range(self.mixture_width):
            distorted = picture
            depth = self.chain_depth if self.chain_depth > 0 else draws.integer(1, 4)
            for _ in range(depth):
                name = self._names[draws.integer(0, len(self._names))]
                chosen = found[name]
                at = None if chosen.strengths is None else draws.integer(0, self.severity)
                strength = _strength(chosen, at)
                strength = -strength if _negative(chosen) else strength
                distorted = self._distort(distorted, name, strength)
            mixed = mixed + weighted(distorted, parts[:, chain] * own[:, 1])
        result = wrap(mixed.astype(picture.array.dtype))
        return F.to_pil_image(result) if is_pil(img) else result

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(severity={self.severity}, mixture_width={self.mixture_width}, "
            f"chain_depth={self.chain_depth}, alpha={self.alpha}, all_ops={self.all_ops}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )
