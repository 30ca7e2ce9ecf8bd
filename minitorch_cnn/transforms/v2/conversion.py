"""From one kind of image, of numbers or of boxes to another."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image as PIL

from ...dtypes import dtype, float32
from ...tv_tensors import BoundingBoxes, BoundingBoxFormat, Image, Mask, TVTensor, Video
from ..boxes import boxes_of, convert_format, corners_of
from ..kinds import tv_plain
from . import functional as F
from .samples import ARRAYS, Transform, is_pure_tensor


class Identity(Transform):
    """The sample as it is.

    >>> Identity()(3)
    3
    """

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return inpt


class ToImage(Transform):
    """PIL images, arrays (H, W, C) and plain tensors (C, H, W) -> `Image`, values as they are.

    >>> ToImage()(PIL.new("RGB", (4, 2))).shape
    minitorch_cnn.Size([3, 2, 4])
    """

    _transformed_types = ARRAYS

    def chosen(self, flat: list[Any]) -> list[bool]:
        """Which parts are images that do not say so."""
        found = super().chosen(flat)
        return [yes and not isinstance(x, TVTensor) for yes, x in zip(found, flat, strict=True)]

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.to_image(inpt)


class ToPureTensor(Transform):
    """Images, masks and boxes -> plain tensors, in the same memory.

    >>> type(ToPureTensor()(Mask([[1]]))).__name__
    'Tensor'
    """

    _transformed_types = (TVTensor,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return tv_plain(inpt)


class PILToTensor(Transform):
    """PIL images -> tensors (C, H, W) of the same values.

    >>> PILToTensor()(PIL.new("L", (2, 1), 7)).tolist()
    [[[7, 7]]]
    """

    _transformed_types = (PIL.Image,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.pil_to_tensor(inpt)


class ToTensor(Transform):
    """PIL images and arrays (H, W, C) of 0..255 -> tensors (C, H, W) of 0..1.

    >>> ToTensor()(PIL.new("L", (2, 1), 51))
    tensor([[[0.2000, 0.2000]]])
    """

    _transformed_types = (PIL.Image, np.ndarray)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.to_tensor(inpt)


class ToPILImage(Transform):
    """Images, plain tensors (C, H, W) and arrays (H, W, C) -> PIL images; see `to_pil_image`.

    >>> ToPILImage()(Image([[0.0, 1.0]])).size
    (2, 1)
    """

    _transformed_types = ARRAYS

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def chosen(self, flat: list[Any]) -> list[bool]:
        """Which parts are images."""
        found = super().chosen(flat)
        others = (Mask, BoundingBoxes, PIL.Image)
        return [yes and not isinstance(x, others) for yes, x in zip(found, flat, strict=True)]

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        picture = tv_plain(inpt) if isinstance(inpt, TVTensor) else inpt
        return F.to_pil_image(picture, self.mode)


class ToDtype(Transform):
    """Tensors of another dtype; scale: the values of images in the range of the new type.

    dtype: for images alone, or {type: dtype} with the types of tv_tensors, Tensor and "others".

    >>> import minitorch_cnn as mt
    >>> image = mt.tv_tensors.Image(mt.tensor([[[0, 255]]], dtype=mt.uint8))
    >>> ToDtype(mt.float32, scale=True)(image).tolist()
    [[[0.0, 1.0]]]
    """

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        if not isinstance(dtype, DTYPES):
            raise ValueError(f"dtype must be a dict or a dtype, got {type(dtype)} instead")
        self.dtype = dtype
        self.scale = scale

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        image = is_pure_tensor(inpt) or isinstance(inpt, Image | Video)
        if not isinstance(self.dtype, dict):
            wanted = self.dtype if image else None
        elif type(inpt) in self.dtype:
            wanted = self.dtype[type(inpt)]
        elif "others" in self.dtype:
            wanted = self.dtype["others"]
        else:
            raise ValueError(f"No dtype was specified for type {type(inpt)}: {self.dtype}")
        if wanted is None or isinstance(inpt, PIL.Image):
            return inpt
        return F.to_dtype(inpt, wanted, scale=self.scale and image)


DTYPES = (dtype, dict)


class ConvertImageDtype(Transform):
    """Images of another dtype, their values in that type's range.

    >>> import minitorch_cnn as mt
    >>> ConvertImageDtype()(mt.tensor([[[0, 51, 255]]], dtype=mt.uint8))
    tensor([[[0.0000, 0.2000, 1.0000]]])
    """

    def __init__(self, dtype: dtype = float32) -> None:
        super().__init__()
        self.dtype = dtype

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.convert_image_dtype(inpt, self.dtype)


class RGB(Transform):
    """Grey images with three channels.

    >>> RGB()(Image([[1, 2]])).shape
    minitorch_cnn.Size([3, 1, 2])
    """

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.grayscale_to_rgb(inpt)


class ConvertBoundingBoxFormat(Transform):
    """Boxes in another `BoundingBoxFormat`, or its name. KeyError for another one.

    >>> boxes = BoundingBoxes([2, 1, 4, 2], format="XYWH", canvas_size=(9, 9))
    >>> ConvertBoundingBoxFormat("XYXY")(boxes).tolist()
    [[2, 1, 6, 3]]
    """

    _transformed_types = (BoundingBoxes,)

    def __init__(self, format: BoundingBoxFormat | str) -> None:
        super().__init__()
        self.format = format

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return convert_format(inpt, self.format)


class ClampBoundingBoxes(Transform):
    """Boxes cut off at the edges of their images.

    >>> boxes = BoundingBoxes([2, 1, 40, 2], format="XYXY", canvas_size=(9, 9))
    >>> ClampBoundingBoxes()(boxes).tolist()
    [[2, 1, 9, 2]]
    """

    _transformed_types = (BoundingBoxes,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return boxes_of(corners_of(inpt), inpt)
