"""More transforms as objects: random crops and distortions, and choices among transforms."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from ..dtypes import dtype
from ..nn import Module, ModuleList
from ..random import default_generator
from ..tensor import Tensor
from . import draws, functional as F
from .image import NUMBER, InterpolationMode, get_dimensions, pair


def chance(p: float) -> bool:
    """True with probability p, drawn from the default generator.

    >>> chance(0.0), chance(1.0)
    (False, True)
    """
    return draws.fraction() < p


class RandomResizedCrop(Module):
    """A random part of the image at size (height, width): how ImageNet's networks are trained.

        scale  the part's share of the image's area, (min, max)
        ratio  its width by its height, (min, max)

    For PIL images and tensors (..., H, W). interpolation, antialias: of `resize`. Raises ValueError
    for limits that fall. Szegedy et al., "Going deeper with convolutions", 2014, section 6.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.RandomResizedCrop(8)(mt.rand(3, 20, 30)).shape
    minitorch_cnn.Size([3, 8, 8])
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ):
        super().__init__()
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
        """(top, left, height, width) of a random part; the middle one if ten tries do not fit.

        >>> import minitorch_cnn as mt
        >>> RandomResizedCrop.get_params(mt.ones(3, 4, 6), scale=(1.0, 1.0), ratio=(1.5, 1.5))
        (0, 0, 4, 6)
        """
        rng = default_generator.rng
        _, height, width = get_dimensions(img)
        for _ in range(10):
            area = height * width * draws.between(scale[0], scale[1])
            aspect = math.exp(draws.between(math.log(ratio[0]), math.log(ratio[1])))
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

    def forward(self, img: Any) -> Any:
        part = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *part, self.size, self.interpolation, self.antialias)

    def __repr__(self) -> str:
        ratio = tuple(round(each, 4) for each in self.ratio)
        scale = tuple(round(each, 4) for each in self.scale)
        return (
            f"RandomResizedCrop(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation}, antialias={self.antialias})"
        )


class RandomAffine(Module):
    """The image turned, moved, scaled and sheared at random; see `affine`.

        degrees    angles from [-degrees, degrees] or (min, max)
        translate  (a, b): up to a * width to each side, b * height up and down
        scale      (min, max)
        shear      degrees along x from [-s, s] or (min, max), or four limits for x and y

    For PIL images and tensors (..., C, H, W), whose size stays. Raises ValueError for a negative
    number of degrees, a translation outside [0, 1], a scale that is not positive or another number
    of limits.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.RandomAffine(degrees=10, translate=(0.1, 0.1))(mt.rand(3, 8, 8)).shape
    minitorch_cnn.Size([3, 8, 8])
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
        super().__init__()
        self.degrees = _limits("degrees", degrees, (2,))
        for name, given in (("translate", translate), ("scale", scale), ("center", center)):
            if given is not None and len(given) != 2:
                raise ValueError(f"{name} should be a sequence of length 2, got {given}")
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
        """(angle, translation, scale, shear) for an image of img_size (width, height).

        >>> RandomAffine.get_params((5.0, 5.0), None, (2.0, 2.0), None, img_size=(8, 8))
        (5.0, (0, 0), 2.0, (0.0, 0.0))
        """
        angle = draws.between(degrees[0], degrees[1])
        moved = (0, 0)
        if translate is not None:
            across, down = translate[0] * img_size[0], translate[1] * img_size[1]
            moved = round(draws.between(-across, across)), round(draws.between(-down, down))
        scale = 1.0
        if scale_ranges is not None:
            scale = draws.between(scale_ranges[0], scale_ranges[1])
        shear_x = shear_y = 0.0
        if shears is not None:
            shear_x = draws.between(shears[0], shears[1])
            shear_y = draws.between(shears[2], shears[3]) if len(shears) == 4 else 0.0
        return angle, moved, scale, (shear_x, shear_y)

    def forward(self, img: Any) -> Any:
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
    if isinstance(value, NUMBER):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive, got {value}")
        return (-float(value), float(value))
    if len(value) not in lengths:
        raise ValueError(f"{name} should be a sequence of length {lengths}, got {value}")
    return tuple(float(each) for each in value)


class GaussianBlur(Module):
    """`gaussian_blur` with a random sigma from (min, max), or with the one that is given.

    For PIL images and tensors (..., H, W). Raises ValueError for an even kernel_size or limits of
    sigma that are not positive or fall.

    >>> import minitorch_cnn as mt
    >>> blur = mt.transforms.GaussianBlur(3, sigma=(0.1, 1.0))
    >>> blur(mt.rand(3, 8, 8)).shape
    minitorch_cnn.Size([3, 8, 8])
    """

    def __init__(
        self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)
    ):
        super().__init__()
        self.kernel_size = pair(kernel_size, "kernel_size")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError(f"Kernel size value should be an odd and positive, got {kernel_size}")
        self.sigma = (sigma, sigma) if isinstance(sigma, NUMBER) else tuple(sigma)
        if not 0.0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma values should be positive and (min, max). Got {sigma}.")

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """A random sigma.

        >>> GaussianBlur.get_params(0.5, 0.5)
        0.5
        """
        return draws.between(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        return F.gaussian_blur(img, self.kernel_size, self.get_params(*self.sigma))

    def __repr__(self) -> str:
        return f"GaussianBlur(kernel_size={self.kernel_size}, sigma={self.sigma})"


class FiveCrop(Module):
    """A tuple of the four corners and the middle.

    Shapes and errors, when called, are those of `five_crop`.

    >>> import minitorch_cnn as mt
    >>> T = mt.transforms
    >>> five = T.Compose([T.FiveCrop(2), T.Lambda(mt.stack)])
    >>> five(mt.rand(3, 8, 8)).shape
    minitorch_cnn.Size([5, 3, 2, 2])
    """

    def __init__(self, size: int | Sequence[int]):
        super().__init__()
        self.size = pair(size, "size")

    def forward(self, img: Any) -> tuple[Any, ...]:
        return F.five_crop(img, self.size)

    def __repr__(self) -> str:
        return f"FiveCrop(size={self.size})"


class TenCrop(Module):
    """A tuple of the `FiveCrop` of the image and of its mirror image (vertical_flip: upside down).

    Shapes and errors, when called, are those of `five_crop`.

    >>> import minitorch_cnn as mt
    >>> len(mt.transforms.TenCrop(2)(mt.rand(3, 8, 8)))
    10
    """

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False):
        super().__init__()
        self.size = pair(size, "size")
        self.vertical_flip = vertical_flip

    def forward(self, img: Any) -> tuple[Any, ...]:
        return F.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"TenCrop(size={self.size}, vertical_flip={self.vertical_flip})"


class ConvertImageDtype(Module):
    """A tensor image with another type, its values in that type's range.

    Shapes and errors, when called, are those of `convert_image_dtype`.

    >>> import minitorch_cnn as mt
    >>> to_float = mt.transforms.ConvertImageDtype(mt.float32)
    >>> to_float(mt.tensor([[[0, 51, 255]]], dtype=mt.uint8))
    tensor([[[0.0000, 0.2000, 1.0000]]])
    """

    def __init__(self, dtype: dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Tensor) -> Tensor:
        return F.convert_image_dtype(image, self.dtype)


# --------------------------------------------------------------------- with a probability


class _WithProbability(Module):
    """Does with probability p what `change` does."""

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p

    def change(self, img: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no change()")

    def forward(self, img: Any) -> Any:
        return self.change(img) if chance(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomGrayscale(_WithProbability):
    """The image without colours, with as many channels, with probability `p`.

    For PIL images and tensors (..., C, H, W) of 1 or 3 channels. Raises, when it happens, what
    `to_grayscale` raises.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[1.0]], [[0.0]], [[0.0]]])
    >>> mt.transforms.RandomGrayscale(p=1.0)(image).flatten()
    tensor([0.2989, 0.2989, 0.2989])
    """

    def __init__(self, p: float = 0.1):
        super().__init__(p)

    def change(self, img: Any) -> Any:
        """The image in grey."""
        return F.rgb_to_grayscale(img, get_dimensions(img)[0])


class RandomInvert(_WithProbability):
    """`invert` with probability `p`.

    Shapes and errors are those of `invert`.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.RandomInvert(p=1.0)(mt.tensor([[[0.0, 0.25]]]))
    tensor([[[1.0000, 0.7500]]])
    """

    def change(self, img: Any) -> Any:
        """The negative of the image."""
        return F.invert(img)


class RandomAutocontrast(_WithProbability):
    """`autocontrast` with probability `p`.

    Shapes and errors are those of `autocontrast`.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[100, 110, 120]]], dtype=mt.uint8)
    >>> mt.transforms.RandomAutocontrast(p=1.0)(image).tolist()
    [[[0, 127, 255]]]
    """

    def change(self, img: Any) -> Any:
        """The image with its range stretched."""
        return F.autocontrast(img)


class RandomEqualize(_WithProbability):
    """`equalize` with probability `p`.

    Shapes and errors are those of `equalize`.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([100, 101, 102, 103], dtype=mt.uint8).repeat(1, 256, 1)
    >>> mt.transforms.RandomEqualize(p=1.0)(image)[0, 0].tolist()
    [0, 85, 171, 255]
    """

    def change(self, img: Any) -> Any:
        """The image with an even histogram."""
        return F.equalize(img)


class RandomPosterize(_WithProbability):
    """`posterize` to `bits` bits with probability `p`.

    Shapes and errors are those of `posterize`.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[255, 130, 100]]], dtype=mt.uint8)
    >>> mt.transforms.RandomPosterize(bits=1, p=1.0)(image).tolist()
    [[[128, 128, 0]]]
    """

    def __init__(self, bits: int, p: float = 0.5):
        super().__init__(p)
        self.bits = bits

    def change(self, img: Any) -> Any:
        """The image with fewer bits."""
        return F.posterize(img, self.bits)

    def __repr__(self) -> str:
        return f"RandomPosterize(bits={self.bits},p={self.p})"


class RandomSolarize(_WithProbability):
    """`solarize` from `threshold` on with probability `p`.

    Shapes and errors are those of `solarize`.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.RandomSolarize(threshold=0.5, p=1.0)(mt.tensor([[[0.25, 0.75, 1.0]]]))
    tensor([[[0.2500, 0.2500, 0.0000]]])
    """

    def __init__(self, threshold: float, p: float = 0.5):
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: Any) -> Any:
        """The image with the negative of its light parts."""
        return F.solarize(img, self.threshold)

    def __repr__(self) -> str:
        return f"RandomSolarize(threshold={self.threshold},p={self.p})"


class RandomAdjustSharpness(_WithProbability):
    """`adjust_sharpness` by `sharpness_factor` with probability `p`.

    Shapes and errors are those of `adjust_sharpness`.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[0, 0, 0], [0, 130, 0], [0, 0, 0]]], dtype=mt.uint8)
    >>> mt.transforms.RandomAdjustSharpness(0.0, p=1.0)(image)[0, 1].tolist()
    [0, 50, 0]
    """

    def __init__(self, sharpness_factor: float, p: float = 0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Any) -> Any:
        """The image sharper or smoother."""
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
    """Several transforms one after the other, with probability `p`, or none of them.

    For images of any size and kind that they take. Raises TypeError for transforms that are no
    sequence.

    >>> import minitorch_cnn as mt
    >>> T = mt.transforms
    >>> T.RandomApply([T.RandomInvert(1.0), T.RandomInvert(1.0)], p=1.0)(mt.tensor([[[0.0, 0.25]]]))
    tensor([[[0.0000, 0.2500]]])
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5):
        super().__init__(p)
        self.transforms = transforms
        if not isinstance(transforms, ModuleList):
            self.transforms = _check_transforms(transforms)

    def change(self, img: Any) -> Any:
        """The image after all of the transforms."""
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform!r}" for transform in self.transforms)
        return f"RandomApply(\n    p={self.p}{lines}\n)"


class RandomChoice:
    """One of several transforms; p: how likely each is, by default all alike.

    Python's `random` draws which, as in torchvision.
    For images of any size and kind that they take. p need not add up to 1. Raises TypeError for
    transforms that are no sequence, ValueError for another number of probabilities.

    >>> import minitorch_cnn as mt
    >>> T = mt.transforms
    >>> T.RandomChoice([T.RandomInvert(1.0), T.Lambda(abs)], p=[1, 0])(mt.tensor([[[0.0, 0.25]]]))
    tensor([[[1.0000, 0.7500]]])
    """

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
        return random.choices(self.transforms, self.p)[0](img)

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform!r}" for transform in self.transforms)
        return f"RandomChoice({lines}\n)(p={self.p})"


class RandomOrder:
    """All of several transforms, in random order, which Python's `random` draws as in torchvision.

    For images of any size and kind that they take. Raises TypeError if they are no sequence.

    >>> import minitorch_cnn as mt
    >>> T = mt.transforms
    >>> add = T.RandomOrder([T.Lambda(lambda x: x + 1), T.Lambda(lambda x: x + 10)])
    >>> add(mt.zeros(2))
    tensor([11., 11.])
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]):
        self.transforms = _check_transforms(transforms)

    def __call__(self, img: Any) -> Any:
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for index in order:
            img = self.transforms[index](img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform!r}" for transform in self.transforms)
        return f"RandomOrder({lines}\n)"
