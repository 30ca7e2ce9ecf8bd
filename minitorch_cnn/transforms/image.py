"""What the transforms share: the two kinds of image, their sizes, and the way through Pillow."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np
from PIL import Image

from ..backend import array_module, to_device, to_numpy
from ..ops.arguments import as_int
from ..tensor import Tensor, wrap
from ..tv_tensors import BoundingBoxes

# The types of one real number, Python's and NumPy's.
NUMBER = (int, float, np.integer, np.floating)


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
    """The mode, also from one of Pillow's numbers.

    Raises ValueError for another number, TypeError for anything else.

    >>> as_interpolation(2)
    <InterpolationMode.BILINEAR: 'bilinear'>
    """
    if isinstance(mode, InterpolationMode):
        return mode
    if not isinstance(mode, numbers.Integral):
        raise TypeError(
            f"interpolation should be an InterpolationMode or one of Pillow's numbers, got {mode!r}"
        )
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


def with_channels(name: str, img: Tensor, fewest_dimensions: int = 2) -> Any:
    """The bare array of an image tensor of 1 or 3 channels; `name`: who asks for it.

    Raises TypeError for other channels and for fewer dimensions, NotImplementedError as `array_of`.

    >>> import minitorch_cnn as mt
    >>> with_channels("invert", mt.ones(4, 2, 2))
    Traceback (most recent call last):
        ...
    TypeError: invert takes tensors (..., C, H, W) of 1 or 3 channels, got shape (4, 2, 2)
    """
    if img.ndim < fewest_dimensions or get_dimensions(img)[0] not in (1, 3):
        raise TypeError(
            f"{name} takes tensors (..., C, H, W) of 1 or 3 channels, got shape {tuple(img.shape)}"
        )
    return array_of(img)


def white(kind: np.dtype) -> float:
    """What white is in an image of that type: the largest integer, 1 for floats and bools.

    >>> white(np.dtype("uint8")), white(np.dtype("float32"))
    (255, 1)
    """
    return int(np.iinfo(kind).max) if kind.kind in "iu" else 1


def as_floats(array: Any) -> Any:
    """The same values as floats to compute with: float32 holds integers of up to 24 bits.

    >>> as_floats(np.array([1], np.uint8)).dtype, as_floats(np.array([1], np.int32)).dtype
    (dtype('float32'), dtype('float64'))
    """
    if array.dtype.kind == "f":
        return array
    return array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)


def rounded(array: Any, kind: np.dtype) -> Any:
    """The array with another type; for integers rounded, and within their range.

    >>> rounded(np.array([1.7, 300.0]), np.dtype("uint8"))
    array([  2, 255], dtype=uint8)
    """
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        array = array_module(array).rint(array).clip(limits.min, limits.max)
    return array.astype(kind)


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width] of a PIL image or of a tensor (..., C, H, W); (H, W) has 1 channel.

    Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> get_dimensions(Image.new("RGB", (8, 4))), get_dimensions(mt.ones(3, 4, 8))
    ([3, 4, 8], [3, 4, 8])
    """
    if is_pil(img):
        return [len(img.getbands()), img.height, img.width]
    if isinstance(img, BoundingBoxes):
        return [0, *img.canvas_size]
    channels = img.shape[-3] if img.ndim > 2 else 1
    return [channels, img.shape[-2], img.shape[-1]]


def get_image_num_channels(img: Any) -> int:
    """How many channels a PIL image or a tensor (..., C, H, W) has; (H, W) has 1.

    Raises TypeError for anything else.

    >>> get_image_num_channels(Image.new("RGB", (8, 4)))
    3
    """
    return get_dimensions(img)[0]


def get_image_size(img: Any) -> list[int]:
    """[width, height], Pillow's order, of a PIL image or a tensor (..., H, W).

    Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> get_image_size(mt.ones(3, 4, 8))
    [8, 4]
    """
    _, height, width = get_dimensions(img)
    return [width, height]


def fill_per_channel(fill: Any, channels: int) -> list[float]:
    """One number for each channel, from one number (None is 0) or as many as there are channels.

    Raises ValueError for another number of them, TypeError for anything else.

    >>> fill_per_channel(7, 2), fill_per_channel((1, 2), 2)
    ([7, 7], [1, 2])
    """
    fill = 0 if fill is None else fill
    listed = [fill] if isinstance(fill, NUMBER) else fill
    if not isinstance(listed, list | tuple) or not all(isinstance(each, NUMBER) for each in listed):
        raise TypeError(f"fill should be a number or one number per channel, got {fill!r}")
    listed = list(listed) * channels if len(listed) == 1 else list(listed)
    if len(listed) != channels:
        raise ValueError(
            f"fill={fill} has {len(listed)} numbers, the image has {channels} channels"
        )
    return listed


def fill_for(img: Image.Image, fill: Any) -> Any:
    """A colour with as many numbers as the image has channels, as Pillow wants it.

    Raises what `fill_per_channel` raises.

    >>> fill_for(Image.new("RGB", (1, 1)), 7.0), fill_for(Image.new("L", (1, 1)), 7)
    ((7, 7, 7), 7)
    """
    kind: type = float if img.mode == "F" else int
    colour = tuple(kind(value) for value in fill_per_channel(fill, len(img.getbands())))
    return colour[0] if len(colour) == 1 else colour


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
    return wrap(to_device(rounded(result, array.dtype), img.device))


def pair(value: int | Sequence[int], name: str) -> tuple[int, int]:
    """(height, width) from one number or two.

    Raises ValueError for another number of them, TypeError for anything but integers.

    Raises TypeError for what is no number, and for two that are no ints.

    >>> pair(3, "size"), pair([4, 5], "size")
    ((3, 3), (4, 5))
    """
    listed = [value] if isinstance(value, numbers.Integral) else value
    if not isinstance(listed, list | tuple):
        raise TypeError(f"{name} should be one integer or (height, width), got {value!r}")
    if len(listed) not in (1, 2):
        raise ValueError(f"{name} should be one number or (height, width), got {value}")
    first, last = (as_int("image", name, each) for each in (listed[0], listed[-1]))
    return first, last
