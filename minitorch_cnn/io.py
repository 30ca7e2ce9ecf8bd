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
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from .backend import to_numpy
from .dtypes import uint8
from .missing import refuse_missing as _refuse_missing
from .serialization.files import write
from .tensor import Tensor, wrap

__all__ = [
    "ImageReadMode",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_jpeg",
    "encode_png",
    "read_file",
    "read_image",
    "write_file",
    "write_jpeg",
    "write_png",
]


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
UNREADABLE = (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError)


def open_picture(
    path: Any, mode: str | None = None, upright: bool = False, short_side: int | None = None
) -> Image.Image:
    """The picture in a file, of 8 bits a channel; `path` may be an open file too.

    mode: L, LA, RGB or RGBA; None takes that of them which the file comes nearest to. upright:
    turned as the camera noted. short_side: so many pixels are enough; then a large JPEG is read at
    1/2, 1/4 or 1/8 of its size, which is up to ten times as fast. Of 16 bits the upper 8 are kept,
    of several pictures the first. Raises FileNotFoundError without the file, ValueError for numbers
    that are no colours, and what is in `UNREADABLE` for what cannot be read; the message names the
    file.

    >>> file = BytesIO()
    >>> Image.fromarray(np.array([[0x1234]], np.uint16)).save(file, "png")
    >>> picture = open_picture(file)
    >>> picture.mode, hex(picture.getpixel((0, 0)))
    ('L', '0x12')
    """
    try:
        with Image.open(path) as file:
            if short_side is not None:
                file.draft(None, (short_side, short_side))
            turned: Image.Image = ImageOps.exif_transpose(file) if upright else file
            picture = _of_8_bits(turned, deep=file.format in ("PNG", "PPM"))
            if mode is None:
                mode = picture.mode if picture.mode in _PILLOW.values() else "RGB"
            if "transparency" in picture.info:  # a colour, which only this way becomes an alpha
                picture = picture.convert("RGBA")
            return picture.convert(mode)
    except UNREADABLE as error:
        if getattr(error, "filename", None) is not None:  # the system's, which names the file
            raise
        named = str(path) in str(error)  # by Pillow
        raise type(error)(str(error) if named else f"{path}: {error}") from error


def _of_8_bits(picture: Image.Image, deep: bool) -> Image.Image:
    """deep: numbers of mode I have 16 bits. (Pillow itself would make all above 255 white.)"""
    if picture.mode == "1":
        return picture.convert("L")
    if picture.mode.startswith("I;16") or (picture.mode == "I" and deep):
        return Image.fromarray((np.asarray(picture).astype(np.int32) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        low, high = np.asarray(picture).min(initial=0), np.asarray(picture).max(initial=0)
        if not (low >= 0 and high <= 255) or (picture.mode == "F" and 0 < high <= 1):
            raise ValueError(
                f"holds numbers from {low:g} to {high:g}, and it is not known which of them is "
                "white: save it with colours of 0 to 255, or read it with a function of your own"
            )
    return picture


def read_image(
    path: str | os.PathLike[str] | Any,
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """The picture in a file, uint8 (C, H, W).

    mode: an `ImageReadMode` or its name. A palette and CMYK are resolved to RGB, of 16 bits the
    upper 8 are kept, of several pictures the first. apply_exif_orientation: turned as the camera
    noted. Raises RuntimeError for a file that is no picture, FileNotFoundError for none.
    """
    mode = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    try:
        picture = open_picture(path, _PILLOW.get(mode), apply_exif_orientation)
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise RuntimeError(f"no picture can be read: {error}") from error
    pixels = np.array(picture)
    pixels = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
    return wrap(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def read_file(path: str | os.PathLike[str]) -> Tensor:
    """The bytes of a file as a uint8 tensor of one dimension, for `decode_image`.

    Raises FileNotFoundError without the file.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(b"abc")
    ...     file.flush()
    ...     read_file(file.name).tolist()
    [97, 98, 99]
    """
    return wrap(np.fromfile(path, np.uint8))


def decode_image(
    input: Tensor | str | os.PathLike[str],
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """As `read_image`, from the bytes of a file in a uint8 tensor of one dimension, or a path.

    Raises RuntimeError for another tensor and for what is no picture, OSError for no file.

    >>> import minitorch_cnn as mt
    >>> file = BytesIO()
    >>> mt.io.write_png(mt.zeros(3, 2, 4, dtype=mt.uint8), file)
    >>> mt.io.decode_image(mt.tensor(list(file.getvalue()), dtype=mt.uint8)).shape
    minitorch_cnn.Size([3, 2, 4])
    """
    file = input if isinstance(input, str | os.PathLike) else BytesIO(_bytes_in(input))
    return read_image(file, mode, apply_exif_orientation)


def decode_png(
    input: Tensor,
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """`decode_image`, which sees by itself that a file is a PNG."""
    return decode_image(input, mode, apply_exif_orientation)


def decode_jpeg(
    input: Tensor,
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    device: Any = "cpu",
    apply_exif_orientation: bool = False,
) -> Tensor:
    """`decode_image`, which sees by itself that a file is a JPEG; device: of the result."""
    return decode_image(input, mode, apply_exif_orientation).to(device)


def write_file(filename: Any, data: Tensor) -> None:
    """Writes the bytes in a uint8 tensor of one dimension to a file; RuntimeError for another.

    >>> import tempfile
    >>> import minitorch_cnn as mt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_file(f"{folder}/x", mt.tensor([97, 98], dtype=mt.uint8))
    ...     read_file(f"{folder}/x").tolist()
    [97, 98]
    """
    content = _bytes_in(data)
    write(filename, lambda file: file.write(content))


def _bytes_in(input: Tensor) -> bytes:
    if input.dtype is not uint8 or input.ndim != 1:
        raise RuntimeError(
            f"a file's bytes are uint8 of one dimension, got {input.dtype} of shape "
            f"{tuple(input.shape)}"
        )
    return to_numpy(input.array).tobytes()


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """uint8 (1 or 3, H, W) as the bytes of a PNG file, a uint8 tensor of one dimension.

    compression_level: 0 (large) to 9 (slow). Raises RuntimeError for another one, or another
    tensor.

    >>> import minitorch_cnn as mt
    >>> content = encode_png(mt.full((3, 2, 4), 7, dtype=mt.uint8))
    >>> decode_png(content).unique()
    tensor([7], dtype=minitorch_cnn.uint8)
    """
    if not 0 <= compression_level <= 9:
        raise RuntimeError(f"Compression level should be between 0 and 9, got {compression_level}")
    content = BytesIO()
    write_png(input, content, compression_level)
    return wrap(np.frombuffer(content.getvalue(), np.uint8).copy())


def encode_jpeg(input: Tensor | list[Tensor], quality: int = 75) -> Tensor | list[Tensor]:
    """uint8 (1 or 3, H, W) as the bytes of a JPEG file; of a list of images, a list.

    quality: 1 to 100, else ValueError. Raises RuntimeError for another tensor.

    >>> import minitorch_cnn as mt
    >>> encode_jpeg(mt.zeros(3, 2, 4, dtype=mt.uint8))[:3].tolist()
    [255, 216, 255]
    """
    if not 1 <= quality <= 100:
        raise ValueError(
            f"Image quality should be a positive number between 1 and 100, got {quality}"
        )
    if isinstance(input, list):
        return [wrap(_jpeg(each, quality)) for each in input]
    return wrap(_jpeg(input, quality))


def _jpeg(input: Tensor, quality: int) -> np.ndarray:
    content = BytesIO()
    write_jpeg(input, content, quality)
    return np.frombuffer(content.getvalue(), np.uint8).copy()


def _picture(input: Tensor) -> Image.Image:
    if not isinstance(input, Tensor):
        raise TypeError(f"a picture is written from a tensor, got {type(input).__name__}")
    if input.dtype is not uint8 or input.ndim != 3 or input.shape[0] not in (1, 3):
        raise RuntimeError(
            "a picture is written from uint8 of shape (1 or 3, H, W), got "
            f"{input.dtype} of shape {tuple(input.shape)}"
        )
    pixels = to_numpy(input.array).transpose(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if len(input) == 1 else pixels))


def write_png(input: Tensor, filename: Any, compression_level: int = 6) -> None:
    """Writes uint8 (1 or 3, H, W) as a PNG file; compression_level: 0 (large) to 9 (slow)."""
    write_picture(_picture(input), filename, format="png", compress_level=compression_level)


def write_jpeg(input: Tensor, filename: Any, quality: int = 75) -> None:
    """Writes uint8 (1 or 3, H, W) as a JPEG file; quality: 1 to 100."""
    write_picture(_picture(input), filename, format="jpeg", quality=quality)


def write_picture(picture: Image.Image, f: Any, **options: Any) -> None:
    """Writes a picture to a path, whole or not at all, or to an open file."""
    content = BytesIO()  # Pillow itself takes a file that was written in part for a success
    picture.save(content, **options)
    write(f, lambda file: file.write(content.getvalue()))


_refuse_missing(globals())
