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

    A single image comes back without a border.

    >>> import minitorch_cnn as mt
    >>> mt.utils.make_grid(mt.zeros(5, 1, 8, 8), nrow=4).shape
    minitorch_cnn.Size([3, 22, 42])
    """
    if not isinstance(tensor, Tensor):
        arrays = [each.array for each in tensor]
        images = array_module(arrays[0]).stack(arrays)
    else:
        images = tensor.array
    xp = array_module(images)
    if images.ndim not in (2, 3, 4):
        raise ValueError(f"make_grid needs images of 2 to 4 dimensions, got {images.shape}")
    if images.ndim == 2:
        images = images[None]
    if images.ndim == 3:
        images = images[None]
    if images.shape[1] == 1:
        images = xp.concatenate([images] * 3, axis=1)
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

    fp: a path or an open file; format: Pillow's name of the format where fp has no ending.
    """
    grid = to_numpy(make_grid(tensor, **options).array)
    pixels = (grid * 255 + 0.5).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if format is None and isinstance(fp, str | os.PathLike):
        ending = os.path.splitext(fp)[1].lower()
        format = Image.registered_extensions().get(ending)
        if format is None:
            raise ValueError(f"unknown file extension {ending!r} of {os.fspath(fp)}: give a format")
    write_picture(picture, fp, format=format)
