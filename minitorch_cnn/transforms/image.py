"""What the transforms share: the two kinds of image, their sizes, and the way through Pillow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np
from PIL import Image

from ..backend import to_device, to_numpy
from ..ops.arguments import as_int
from ..tensor import Tensor, wrap


class InterpolationMode(Enum):
    """How pixels between pixels are computed; Pillow's filters by torchvision's names.

    For images of any size. Raises ValueError for another name.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.InterpolationMode("bilinear")
    <InterpolationMode.BILINEAR: 'bilinear'>
    """

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"

    def pillow(self) -> Image.Resampling:
        """Pillow's constant for it, which has one kind of nearest, the exact one.

        >>> InterpolationMode.NEAREST_EXACT.pillow().name
        'NEAREST'
        """
        # Pillow has one kind of nearest, the exact one.
        return Image.Resampling[self.name.removesuffix("_EXACT")]


def as_interpolation(mode: InterpolationMode | int) -> InterpolationMode:
    """The mode, also from one of Pillow's numbers. Raises ValueError for another number.

    >>> as_interpolation(2)
    <InterpolationMode.BILINEAR: 'bilinear'>
    """
    if isinstance(mode, InterpolationMode):
        return mode
    return InterpolationMode[Image.Resampling(mode).name]


def is_pil(img: Any) -> bool:
    """True for a PIL image, False for a tensor (..., H, W). Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> is_pil(Image.new("L", (2, 2))), is_pil(mt.ones(1, 2, 2))
    (True, False)
    """
    if isinstance(img, Image.Image):
        return True
    if isinstance(img, Tensor):
        if img.ndim < 2:
            raise TypeError(f"an image tensor has shape (..., H, W), got shape {tuple(img.shape)}")
        return False
    raise TypeError(f"img should be a PIL Image or a Tensor, got {type(img).__name__}")


def array_of(img: Tensor) -> Any:
    """The bare array of an image tensor.

    The transforms make new images by array operations that autograd does not see, so a tensor that
    requires a gradient is refused with NotImplementedError rather than cut from its graph.

    >>> import minitorch_cnn as mt
    >>> array_of(mt.ones(1, 1, 2))
    array([[[1., 1.]]], dtype=float32)
    """
    if img.requires_grad:
        raise NotImplementedError(
            "this transform has no gradient: use img.detach(), or operations on tensors"
        )
    return img.array


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width] of a PIL image or of a tensor (..., C, H, W); (H, W) has 1 channel.

    Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> get_dimensions(Image.new("RGB", (8, 4))), get_dimensions(mt.ones(3, 4, 8))
    ([3, 4, 8], [3, 4, 8])
    """
    if is_pil(img):
        return [len(img.getbands()), img.height, img.width]
    channels = img.shape[-3] if img.ndim > 2 else 1
    return [channels, img.shape[-2], img.shape[-1]]


def get_image_size(img: Any) -> list[int]:
    """[width, height], Pillow's order, of a PIL image or a tensor (..., H, W).

    Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> get_image_size(mt.ones(3, 4, 8))
    [8, 4]
    """
    _, height, width = get_dimensions(img)
    return [width, height]


def fill_for(img: Image.Image, fill: Any) -> Any:
    """A colour with as many numbers as the image has channels, as Pillow wants it.

    Raises ValueError for another number of them.

    >>> fill_for(Image.new("RGB", (1, 1)), 7.0), fill_for(Image.new("L", (1, 1)), 7)
    ((7, 7, 7), 7)
    """
    channels = len(img.getbands())
    if isinstance(fill, (int, float, np.number)):
        fill = [fill] * channels
    fill = list(fill) * channels if len(fill) == 1 else list(fill)
    if len(fill) != channels:
        raise ValueError(f"fill={fill} has {len(fill)} numbers, the image has {channels} channels")
    if img.mode != "F":
        fill = [int(value) for value in fill]
    return fill[0] if channels == 1 else tuple(fill)


def through_pillow(img: Tensor, function: Callable[[Image.Image, int], Image.Image]) -> Tensor:
    """Apply `function(plane, channel)` to every (H, W) plane of a tensor, as a Pillow image.

    uint8 planes stay 8 bit (mode "L"): the values are those of a PIL image. All others become
    32-bit floats for Pillow (mode "F"), and integers are rounded afterwards. Raises
    NotImplementedError for a tensor that requires a gradient.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[1, 2, 3]]], dtype=mt.uint8)
    >>> through_pillow(image, lambda plane, channel: plane.rotate(180)).tolist()
    [[[3, 2, 1]]]
    """
    array = to_numpy(array_of(img))
    planes = array.reshape(-1, *array.shape[-2:])
    if array.dtype != np.uint8:
        planes = planes.astype(np.float32)
    channels = array.shape[-3] if array.ndim > 2 else 1
    done = [
        np.asarray(function(Image.fromarray(plane), number % channels))
        for number, plane in enumerate(planes)
    ]
    result = np.stack(done).reshape(*array.shape[:-2], *done[0].shape)
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        result = np.rint(result).clip(limits.min, limits.max)
    return wrap(to_device(result.astype(array.dtype), img.device))


def pair(value: int | Sequence[int], name: str) -> tuple[int, int]:
    """(height, width) from one number or two. Raises ValueError for another number of them.

    Raises TypeError for what is no number, and for two that are no ints.

    >>> pair(3, "size"), pair([4, 5], "size")
    ((3, 3), (4, 5))
    """
    if isinstance(value, (int, float, np.number)):
        return int(value), int(value)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} should be one number or (height, width), got {value!r:.60}")
    if len(value) not in (1, 2):
        raise ValueError(f"{name} should be one number or (height, width), got {value}")
    height, width = (as_int(name, name, each) for each in (value[0], value[-1]))
    return height, width
