"""More transforms as objects: random crops and distortions, and choices among transforms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..backend import default_generator
from ..dtypes import dtype
from ..tensor import Tensor
from . import functional as F
from .image import InterpolationMode, get_dimensions, pair


def chance(p: float) -> bool:
    """True with probability p."""
    return bool(default_generator.rng.random() < p)


class RandomResizedCrop:
    """A random part of the image at size (height, width): how ImageNet's networks are trained.

        scale  the part's share of the image's area, (min, max)
        ratio  its width by its height, (min, max)

    Szegedy et al., "Going deeper with convolutions", 2014, section 6.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ):
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            raise ValueError(f"Scale and ratio should be (min, max), got {scale} and {ratio}")
        self.size = pair(size, "size")
        self.scale = scale
        self.ratio = ratio
        self.interpolation = interpolation
        self.antialias = antialias

    @staticmethod
    def get_params(
        img: Any, scale: Sequence[float], ratio: Sequence[float]
    ) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a random part; the middle one if ten tries do not fit."""
        rng = default_generator.rng
        _, height, width = get_dimensions(img)
        for _ in range(10):
            area = height * width * rng.uniform(scale[0], scale[1])
            aspect = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
            w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < w <= width and 0 < h <= height:
                top = int(rng.integers(height - h + 1))
                left = int(rng.integers(width - w + 1))
                return top, left, h, w
        w, h = width, height
        if width / height < min(ratio):
            h = round(width / min(ratio))
        elif width / height > max(ratio):
            w = round(height * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def __call__(self, img: Any) -> Any:
        part = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *part, self.size, self.interpolation, self.antialias)

    def __repr__(self) -> str:
        ratio = tuple(round(each, 4) for each in self.ratio)
        scale = tuple(round(each, 4) for each in self.scale)
        return (
            f"RandomResizedCrop(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation}, antialias={self.antialias})"
        )


class RandomAffine:
    """The image turned, moved, scaled and sheared at random; see `affine`.

    degrees    angles from [-degrees, degrees] or (min, max)
    translate  (a, b): up to a * width to each side, b * height up and down
    scale      (min, max)
    shear      degrees along x from [-s, s] or (min, max), or four limits for x and y
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: float | Sequence[float] = 0,
        center: Sequence[float] | None = None,
    ):
        self.degrees = _limits("degrees", degrees, (2,))
        if translate is not None and not all(0.0 <= each <= 1.0 for each in translate):
            raise ValueError(f"translation values should be between 0 and 1, got {translate}")
        if scale is not None and min(scale) <= 0:
            raise ValueError(f"scale values should be positive, got {scale}")
        self.translate = translate
        self.scale = scale
        self.shear = None if shear is None else _limits("shear", shear, (2, 4))
        self.interpolation = interpolation
        self.fill = fill
        self.center = center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """(angle, translation, scale, shear) for an image of img_size (width, height)."""
        rng = default_generator.rng
        angle = float(rng.uniform(degrees[0], degrees[1]))
        moved = (0, 0)
        if translate is not None:
            across, down = translate[0] * img_size[0], translate[1] * img_size[1]
            moved = round(rng.uniform(-across, across)), round(rng.uniform(-down, down))
        scale = 1.0
        if scale_ranges is not None:
            scale = float(rng.uniform(scale_ranges[0], scale_ranges[1]))
        shear_x = shear_y = 0.0
        if shears is not None:
            shear_x = float(rng.uniform(shears[0], shears[1]))
            shear_y = float(rng.uniform(shears[2], shears[3])) if len(shears) == 4 else 0.0
        return angle, moved, scale, (shear_x, shear_y)

    def __call__(self, img: Any) -> Any:
        _, height, width = get_dimensions(img)
        limits = self.degrees, self.translate, self.scale, self.shear
        chosen = self.get_params(*limits, (width, height))
        return F.affine(img, *chosen, self.interpolation, self.fill, self.center)

    def __repr__(self) -> str:
        text = f"RandomAffine(degrees={self.degrees}"
        for name in ("translate", "scale", "shear"):
            if getattr(self, name) is not None:
                text += f", {name}={getattr(self, name)}"
        return text + ")"


def _limits(name: str, value: float | Sequence[float], lengths: tuple[int, ...]) -> tuple:
    """(-value, value), or the limits as they are given."""
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive, got {value}")
        return (-float(value), float(value))
    if len(value) not in lengths:
        raise ValueError(f"{name} should be a sequence of length {lengths}, got {value}")
    return tuple(float(each) for each in value)


class GaussianBlur:
    """`gaussian_blur` with a random sigma from (min, max), or with the one that is given."""

    def __init__(
        self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)
    ):
        self.kernel_size = pair(kernel_size, "kernel_size")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError(f"Kernel size value should be an odd and positive, got {kernel_size}")
        self.sigma = (sigma, sigma) if isinstance(sigma, (int, float)) else tuple(sigma)
        if not 0.0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma values should be positive and (min, max). Got {sigma}.")

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """A random sigma."""
        return float(default_generator.rng.uniform(sigma_min, sigma_max))

    def __call__(self, img: Any) -> Any:
        return F.gaussian_blur(img, self.kernel_size, self.get_params(*self.sigma))

    def __repr__(self) -> str:
        return f"GaussianBlur(kernel_size={self.kernel_size}, sigma={self.sigma})"


class FiveCrop:
    """A tuple of the four corners and the middle; see `five_crop`."""

    def __init__(self, size: int | Sequence[int]):
        self.size = pair(size, "size")

    def __call__(self, img: Any) -> tuple[Any, ...]:
        return F.five_crop(img, self.size)

    def __repr__(self) -> str:
        return f"FiveCrop(size={self.size})"


class TenCrop:
    """A tuple of the `FiveCrop` of the image and of its mirror image."""

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False):
        self.size = pair(size, "size")
        self.vertical_flip = vertical_flip

    def __call__(self, img: Any) -> tuple[Any, ...]:
        return F.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"TenCrop(size={self.size}, vertical_flip={self.vertical_flip})"


class ConvertImageDtype:
    """A tensor image with another type; see `convert_image_dtype`."""

    def __init__(self, dtype: dtype):
        self.dtype = dtype

    def __call__(self, image: Tensor) -> Tensor:
        return F.convert_image_dtype(image, self.dtype)


# --------------------------------------------------------------------- with a probability


class _WithProbability:
    """Does with probability p what `change` does."""

    def __init__(self, p: float = 0.5):
        self.p = p

    def change(self, img: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no change()")

    def __call__(self, img: Any) -> Any:
        return self.change(img) if chance(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomGrayscale(_WithProbability):
    """The image without colours, with as many channels, with probability `p`."""

    def __init__(self, p: float = 0.1):
        super().__init__(p)

    def change(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, get_dimensions(img)[0])


class RandomInvert(_WithProbability):
    """`invert` with probability `p`."""

    def change(self, img: Any) -> Any:
        return F.invert(img)


class RandomAutocontrast(_WithProbability):
    """`autocontrast` with probability `p`."""

    def change(self, img: Any) -> Any:
        return F.autocontrast(img)


class RandomEqualize(_WithProbability):
    """`equalize` with probability `p`."""

    def change(self, img: Any) -> Any:
        return F.equalize(img)


class RandomPosterize(_WithProbability):
    """`posterize` to `bits` bits with probability `p`."""

    def __init__(self, bits: int, p: float = 0.5):
        super().__init__(p)
        self.bits = bits

    def change(self, img: Any) -> Any:
        return F.posterize(img, self.bits)

    def __repr__(self) -> str:
        return f"RandomPosterize(bits={self.bits},p={self.p})"


class RandomSolarize(_WithProbability):
    """`solarize` from `threshold` on with probability `p`."""

    def __init__(self, threshold: float, p: float = 0.5):
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: Any) -> Any:
        return F.solarize(img, self.threshold)

    def __repr__(self) -> str:
        return f"RandomSolarize(threshold={self.threshold},p={self.p})"


class RandomAdjustSharpness(_WithProbability):
    """`adjust_sharpness` by `sharpness_factor` with probability `p`."""

    def __init__(self, sharpness_factor: float, p: float = 0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Any) -> Any:
        return F.adjust_sharpness(img, self.sharpness_factor)

    def __repr__(self) -> str:
        return f"RandomAdjustSharpness(sharpness_factor={self.sharpness_factor},p={self.p})"


# --------------------------------------------------------------------- choices of transforms


def _check_transforms(transforms: Any) -> list[Callable[[Any], Any]]:
    if not isinstance(transforms, Sequence):
        raise TypeError(
            f"Argument transforms should be a sequence, got {type(transforms).__name__}"
        )
    return list(transforms)


class RandomApply(_WithProbability):
    """Several transforms one after the other, with probability `p`."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5):
        super().__init__(p)
        self.transforms = _check_transforms(transforms)

    def change(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform!r}" for transform in self.transforms)
        return f"RandomApply(\n    p={self.p}{lines}\n)"


class RandomChoice:
    """One of several transforms; p: how likely each is, by default all alike."""

    def __init__(
        self, transforms: Sequence[Callable[[Any], Any]], p: Sequence[float] | None = None
    ):
        self.transforms = _check_transforms(transforms)
        if p is not None and len(p) != len(self.transforms):
            raise ValueError(
                f"p has {len(p)} probabilities for {len(self.transforms)} transforms: p={p}"
            )
        self.p = p

    def __call__(self, img: Any) -> Any:
        share = None if self.p is None else [each / sum(self.p) for each in self.p]
        chosen = default_generator.rng.choice(len(self.transforms), p=share)
        return self.transforms[int(chosen)](img)

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform!r}" for transform in self.transforms)
        return f"RandomChoice({lines}\n)(p={self.p})"


class RandomOrder:
    """All of several transforms, in random order."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]):
        self.transforms = _check_transforms(transforms)

    def __call__(self, img: Any) -> Any:
        for index in default_generator.rng.permutation(len(self.transforms)).tolist():
            img = self.transforms[index](img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform!r}" for transform in self.transforms)
        return f"RandomOrder({lines}\n)"
