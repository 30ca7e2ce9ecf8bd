"""Batches of images as one picture: torchvision.utils' make_grid and save_image."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from ..backend import array_module, to_numpy
from ..io import write_picture
from ..ops.arguments import as_int
from ..tensor import Tensor, wrap


def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images (N, C, H, W), or a list of images of one size, side by side: (3, height, width).

        nrow         images in a row
        padding      pixels between them
        normalize    map their values to 0..1, the smallest to 0 and the largest to 1
        value_range  (smallest, largest) for that
        scale_each   find them for each image by itself
        pad_value    the value between the images

    A single image comes back without a border. Raises TypeError for anything but tensors,
    ValueError for other dimensions, an nrow of 0 and a value_range without normalize, RuntimeError
    for integers that are to be normalized.

    >>> import minitorch_cnn as mt
    >>> mt.utils.make_grid(mt.zeros(5, 1, 8, 8), nrow=4).shape
    minitorch_cnn.Size([3, 22, 42])
    """
    nrow, padding = as_int("make_grid", "nrow", nrow), as_int("make_grid", "padding", padding)
    if nrow < 1 or padding < 0:
        raise ValueError(f"nrow={nrow} should be at least 1, padding={padding} at least 0")
    listed = [tensor] if isinstance(tensor, Tensor) else tensor
    if not isinstance(listed, list | tuple) or not all(isinstance(x, Tensor) for x in listed):
        kinds = {type(x).__name__ for x in listed} if isinstance(listed, list | tuple) else ""
        raise TypeError(
            f"tensor or list of tensors expected, got {type(tensor).__name__} {kinds or ''}"
        )
    if len(listed) == 0:
        raise ValueError("make_grid needs at least one image, got an empty list")
    arrays = [each.array for each in listed]
    images = arrays[0] if isinstance(tensor, Tensor) else array_module(arrays[0]).stack(arrays)
    xp = array_module(images)
    if images.ndim not in (2, 3, 4):
        raise ValueError(f"make_grid needs images of 2 to 4 dimensions, got {images.shape}")
    if images.ndim == 2:
        images = images[None]
    if images.ndim == 3:
        images = images[None]
    if images.shape[1] == 1:
        images = xp.concatenate([images] * 3, axis=1)
    if normalize and images.dtype.kind != "f":
        raise RuntimeError(f"only floats can be normalized, got {images.dtype}: use x.float()")
    if normalize:
        axes = (1, 2, 3) if scale_each else None
        if value_range is None:
            low, high = images.min(axes, keepdims=True), images.max(axes, keepdims=True)
        else:
            low, high = (xp.asarray(each, images.dtype) for each in value_range)
        images = (images.clip(low, high) - low) / xp.maximum(high - low, 1e-5)
    elif value_range is not None:
        raise ValueError(f"value_range={value_range} needs normalize=True")
    N, C, H, W = images.shape
    if N == 1:
        return wrap(images[0])
    columns = min(nrow, N)
    rows = math.ceil(N / columns)
    height, width = H + padding, W + padding
    grid = xp.full((C, rows * height + padding, columns * width + padding), pad_value, images.dtype)
    for index, image in enumerate(images):
        top = index // columns * height + padding
        left = index % columns * width + padding
        grid[:, top : top + H, left : left + W] = image
    return wrap(grid)


def save_image(
    tensor: Tensor | Sequence[Tensor], fp: Any, format: str | None = None, **options: Any
) -> None:
    """Writes images of values 0..1 as one picture; the options are those of `make_grid`.

    fp: a path or an open file; format: Pillow's name of the format where fp has no ending. Raises
    RuntimeError for integers, and what `make_grid` raises.
    """
    grid = to_numpy(make_grid(tensor, **options).array)
    if grid.dtype.kind != "f":
        raise RuntimeError(
            f"save_image takes floats of 0..1, got {grid.dtype}: divide by 255, or use io.write_png"
        )
    pixels = (grid * 255 + 0.5).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if format is None and isinstance(fp, str | os.PathLike):
        ending = os.path.splitext(fp)[1].lower()
        format = Image.registered_extensions().get(ending)
        if format is None:
            raise ValueError(f"unknown file extension {ending!r} of {os.fspath(fp)}: give a format")
    write_picture(picture, fp, format=format)
