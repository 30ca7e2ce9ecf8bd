"""The functions by v2's names: those of `transforms.functional`, for all of `tv_tensors`."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image as PIL

from ...dtypes import dtype, float32
from ...missing import refuse_missing as _refuse_missing
from ...ops import as_tensor, randn_like
from ...tensor import Tensor
from ...tv_tensors import BoundingBoxes, Image, TVTensor
from ..boxes import boxes_of, convert_format as convert_bounding_box_format, corners_of
from ..functional import (
    InterpolationMode,
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
    affine,
    autocontrast,
    center_crop,
    convert_image_dtype,
    crop,
    elastic_transform,
    equalize,
    erase,
    five_crop,
    gaussian_blur,
    get_dimensions,
    get_image_num_channels,
    get_image_size,
    hflip,
    invert,
    normalize,
    pad,
    perspective,
    pil_to_tensor,
    posterize,
    resize,
    resized_crop,
    rgb_to_grayscale,
    rotate,
    solarize,
    ten_crop,
    to_grayscale,
    to_pil_image,
    to_tensor,
    vflip,
)
from ..kinds import for_all_kinds
from .samples import is_pure_tensor

__all__ = [
    "InterpolationMode",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "adjust_sharpness",
    "affine",
    "autocontrast",
    "center_crop",
    "clamp_bounding_boxes",
    "convert_bounding_box_format",
    "convert_image_dtype",
    "crop",
    "elastic",
    "elastic_transform",
    "equalize",
    "erase",
    "five_crop",
    "gaussian_blur",
    "gaussian_noise",
    "get_dimensions",
    "get_image_num_channels",
    "get_image_size",
    "get_num_channels",
    "get_size",
    "grayscale_to_rgb",
    "hflip",
    "horizontal_flip",
    "invert",
    "is_pure_tensor",
    "normalize",
    "pad",
    "permute_channels",
    "perspective",
    "pil_to_tensor",
    "posterize",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "solarize",
    "ten_crop",
    "to_dtype",
    "to_grayscale",
    "to_image",
    "to_pil_image",
    "to_tensor",
    "vertical_flip",
    "vflip",
]

elastic = elastic_transform
horizontal_flip = hflip
vertical_flip = vflip
get_num_channels = get_image_num_channels


def get_size(inpt: Any) -> list[int]:
    """[height, width] of an image, a mask or the canvas of boxes.

    >>> get_size(PIL.new("L", (4, 2)))
    [2, 4]
    """
    return get_dimensions(inpt)[1:]


def to_image(inpt: Any) -> Image:
    """A PIL image, an array (H, W, C) or a tensor (C, H, W) as an `Image`, values as they are.

    Raises TypeError for anything else.

    >>> to_image(np.zeros((2, 4, 3), np.uint8)).shape
    minitorch_cnn.Size([3, 2, 4])
    """
    if isinstance(inpt, PIL.Image):
        return Image(pil_to_tensor(inpt))
    if isinstance(inpt, np.ndarray):
        array = inpt[:, :, np.newaxis] if inpt.ndim == 2 else inpt
        return Image(as_tensor(np.ascontiguousarray(array.transpose(2, 0, 1))))
    if isinstance(inpt, Tensor):
        return Image(inpt)
    raise TypeError(f"Input can be a tensor, a numpy array or a PIL image, but got {type(inpt)}")


def to_dtype(inpt: Tensor, dtype: dtype = float32, scale: bool = False) -> Tensor:
    """The tensor with another dtype; scale: its values in the range of that type.

    >>> import minitorch_cnn as mt
    >>> to_dtype(mt.tensor([[[0, 255]]], dtype=mt.uint8), mt.float32, scale=True)
    tensor([[[0., 1.]]])
    """
    if scale:
        return convert_image_dtype(inpt, dtype)
    kept: Tensor = _as_type(inpt, dtype)
    if isinstance(inpt, TVTensor) and not isinstance(kept, TVTensor):
        from ...tv_tensors import wrap  # a mask's and boxes' kinds as well

        return wrap(kept, like=inpt)
    return kept


def _as_type(inpt: Tensor, kind: dtype) -> Tensor:
    return inpt.to(kind)


def grayscale_to_rgb(inpt: Any) -> Any:
    """A grey image with three channels; one with three as it is.

    >>> grayscale_to_rgb(PIL.new("L", (1, 1), 7)).getpixel((0, 0))
    (7, 7, 7)
    """
    if isinstance(inpt, PIL.Image):
        return inpt.convert("RGB")
    if not isinstance(inpt, Image) and isinstance(inpt, TVTensor):
        return inpt
    return to_grayscale(inpt, 3) if get_dimensions(inpt)[0] == 1 else inpt


@for_all_kinds
def permute_channels(inpt: Any, permutation: list[int]) -> Any:
    """An image with its channels in another order. Raises ValueError for another number of them.

    >>> import minitorch_cnn as mt
    >>> permute_channels(mt.tensor([[[1]], [[2]], [[3]]]), [2, 0, 1]).flatten().tolist()
    [3, 1, 2]
    """
    if isinstance(inpt, PIL.Image):
        return to_pil_image(permute_channels(pil_to_tensor(inpt), permutation), inpt.mode)
    if len(permutation) != inpt.shape[-3]:
        raise ValueError(
            f"Length of permutation does not match number of channels: {len(permutation)} != "
            f"{inpt.shape[-3]}"
        )
    return inpt[..., permutation, :, :]


@for_all_kinds
def gaussian_noise(inpt: Any, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Any:
    """A float image of 0..1 with normally distributed noise. ValueError for other numbers.

    >>> import minitorch_cnn as mt
    >>> gaussian_noise(mt.zeros(1, 1, 1), mean=0.5, sigma=0.0)
    tensor([[[0.5000]]])
    """
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    if not isinstance(inpt, Tensor) or not inpt.is_floating_point():
        raise ValueError(f"Input tensor is expected to be in float dtype, got {type(inpt)}")
    noisy = inpt + (mean + randn_like(inpt) * sigma)
    return noisy.clamp(0, 1) if clip else noisy


def clamp_bounding_boxes(inpt: BoundingBoxes) -> BoundingBoxes:
    """Boxes cut off at the edges of their images.

    >>> boxes = BoundingBoxes([2, 1, 40, 2], format="XYXY", canvas_size=(9, 9))
    >>> clamp_bounding_boxes(boxes).tolist()
    [[2, 1, 9, 2]]
    """
    return boxes_of(corners_of(inpt), inpt)


_refuse_missing(globals())
