"""Pictures in files as tensors, by torchvision.io's names.

>>> import io
>>> import minitorch_cnn as mt
>>> file = io.BytesIO()
>>> mt.io.write_png(mt.zeros(3, 2, 4, dtype=mt.uint8), file)
>>> mt.io.read_image(file).shape
minitorch_cnn.Size([3, 2, 4])
"""

from __future__ import annotations

import os
from enum import Enum
from typing import Any

import numpy as np
from PIL import Image

from .backend import to_numpy
from .dtypes import uint8
from .missing import refuse_missing as _refuse_missing
from .tensor import Tensor, wrap

__all__ = ["ImageReadMode", "read_image", "write_jpeg", "write_png"]


class ImageReadMode(Enum):
    """The channels that are wanted; UNCHANGED takes those of the file."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


_PILLOW = {
    ImageReadMode.GRAY: "L",
    ImageReadMode.GRAY_ALPHA: "LA",
    ImageReadMode.RGB: "RGB",
    ImageReadMode.RGB_ALPHA: "RGBA",
}


# What Pillow raises for a damaged file, or one that asks for more pixels than are safe.
_UNREADABLE = (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError)


def read_image(
    path: str | os.PathLike[str] | Any, mode: ImageReadMode | str = ImageReadMode.UNCHANGED
) -> Tensor:
    """The picture in a file, uint8 (C, H, W).

    mode: an `ImageReadMode` or its name. A palette is resolved to RGB. Raises RuntimeError for a
    file that is no picture, FileNotFoundError for none.
    """
    mode = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    try:
        with Image.open(path) as file:
            wanted = _PILLOW.get(mode, file.mode)
            picture = file.convert(wanted if wanted in _PILLOW.values() else "RGB")
    except FileNotFoundError:
        raise
    except _UNREADABLE as error:
        raise RuntimeError(f"{path} cannot be read as a picture: {error}") from error
    pixels = np.array(picture)
    pixels = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
    return wrap(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _picture(input: Tensor) -> Image.Image:
    if input.dtype is not uint8 or input.ndim != 3 or input.shape[0] not in (1, 3):
        raise RuntimeError(
            "a picture is written from uint8 of shape (1 or 3, H, W), got "
            f"{input.dtype} of shape {tuple(input.shape)}"
        )
    pixels = to_numpy(input.array).transpose(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if len(input) == 1 else pixels))


def write_png(input: Tensor, filename: Any, compression_level: int = 6) -> None:
    """Writes uint8 (1 or 3, H, W) as a PNG file; compression_level: 0 (large) to 9 (slow)."""
    _picture(input).save(filename, format="png", compress_level=compression_level)


def write_jpeg(input: Tensor, filename: Any, quality: int = 75) -> None:
    """Writes uint8 (1 or 3, H, W) as a JPEG file; quality: 1 to 100."""
    _picture(input).save(filename, format="jpeg", quality=quality)


_refuse_missing(globals())
