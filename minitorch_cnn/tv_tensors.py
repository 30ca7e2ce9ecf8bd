"""Tensors that say what they are to `transforms.v2`: an image, a mask or boxes of it.

Operations on them give plain tensors; the transforms give what they were given. KeyPoints and
rotated boxes are not here.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
from PIL import Image as PIL

from .missing import refuse_missing as _refuse_missing
from .ops import as_tensor
from .tensor import Tensor

__all__ = ["BoundingBoxFormat", "BoundingBoxes", "Image", "Mask", "TVTensor", "Video", "wrap"]


class TVTensor(Tensor):
    """What the classes below share; it shares the memory of the tensor it is made of."""

    def __init__(
        self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None
    ) -> None:
        source = as_tensor(self._pixels(data), dtype=dtype, device=device)
        self._set_array(source.array)
        self._memory = source._memory
        self.requires_grad_(source.requires_grad if requires_grad is None else requires_grad)

    def __repr__(self, tensor_contents: Any = None) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self._facts().items())
        return f"{super().__repr__()[:-1]}, {facts})"

    def _facts(self) -> dict[str, Any]:
        """What is printed behind the numbers."""
        return {}

    @staticmethod
    def _pixels(data: Any) -> Any:
        """A PIL image as an array (C, H, W), anything else as it is."""
        if not isinstance(data, PIL.Image):
            return data
        array = np.array(data)
        return array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)


class Image(TVTensor):
    """An image (..., C, H, W); a PIL image, or (H, W), becomes one. ValueError for (N,).

    >>> Image([[0, 255]]).shape
    minitorch_cnn.Size([1, 1, 2])
    """

    def __init__(self, data: Any, **settings: Any) -> None:
        super().__init__(data, **settings)
        if self.ndim < 2:
            raise ValueError(f"an image has 2 dimensions or more, got shape {tuple(self.shape)}")
        if self.ndim == 2:
            self._set_array(self.array[np.newaxis])


class Video(TVTensor):
    """Images one after the other, (..., T, C, H, W). ValueError for fewer dimensions.

    >>> Video(np.zeros((5, 3, 8, 8))).shape
    minitorch_cnn.Size([5, 3, 8, 8])
    """

    def __init__(self, data: Any, **settings: Any) -> None:
        super().__init__(data, **settings)
        if self.ndim < 4:
            raise ValueError(f"a video has 4 dimensions or more, got shape {tuple(self.shape)}")


class Mask(TVTensor):
    """Which pixel belongs to what, (..., H, W): resized without mixing, left alone by colours.

    >>> Mask([[0, 1]]).shape
    minitorch_cnn.Size([1, 2])
    """

    @staticmethod
    def _pixels(data: Any) -> Any:
        return np.array(data) if isinstance(data, PIL.Image) else data


class BoundingBoxFormat(Enum):
    """What the four numbers of a box are; see `ops.box_convert`."""

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"


class BoundingBoxes(TVTensor):
    """Boxes (N, 4), or (4,), in an image of canvas_size (height, width).

    format: a `BoundingBoxFormat` or its name. Raises ValueError for another shape, KeyError for
    another format.

    >>> boxes = BoundingBoxes([0.0, 0.0, 2.0, 1.0], format="XYXY", canvas_size=(4, 8))
    >>> boxes.shape, boxes.format.name
    (minitorch_cnn.Size([1, 4]), 'XYXY')
    """

    format: BoundingBoxFormat
    canvas_size: tuple[int, int]

    def __init__(
        self,
        data: Any,
        *,
        format: BoundingBoxFormat | str,
        canvas_size: tuple[int, int],
        **settings: Any,
    ) -> None:
        super().__init__(data, **settings)
        if self.ndim == 1:
            self._set_array(self.array[np.newaxis])
        if self.ndim != 2 or self.shape[-1] != 4:
            raise ValueError(f"Expected a 2D tensor (N, 4), got shape {tuple(self.shape)}")
        self.format = BoundingBoxFormat[format.upper()] if isinstance(format, str) else format
        self.canvas_size = canvas_size[0], canvas_size[1]

    def _facts(self) -> dict[str, Any]:
        return {"format": self.format, "canvas_size": self.canvas_size}


def wrap(wrappee: Tensor, *, like: TVTensor, **settings: Any) -> Any:
    """A tensor as the same kind as `like`; settings: another format or canvas_size of boxes.

    >>> type(wrap(Mask([[1]]) * 2, like=Mask([[1]]))).__name__
    'Mask'
    """
    if isinstance(like, BoundingBoxes):
        settings = {"format": like.format, "canvas_size": like.canvas_size} | settings
    return type(like)(wrappee, **settings)


_refuse_missing(globals())
