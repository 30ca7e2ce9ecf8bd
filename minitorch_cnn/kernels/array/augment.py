"""Augmentation of a batch of images: crop, mirror and normalise, from bytes to numbers."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from ...backend import Array, array_module, constant
from ..philox import philox


def augment(
    images: Array,
    key: int,
    padding: int,
    flip: bool,
    mode: str,
    scale: np.ndarray,
    shift: np.ndarray,
) -> Array:
    """x * scale + shift of random crops of images (N, H, W, C) in uint8: float32, (N, H, W, C).

    Each image is framed by `padding` pixels (mode "constant": black, or "reflect"), and H x W
    pixels are cut out anywhere. flip: half of the images are mirrored. What happens to image n is
    a function of n and the key, see `choices`. scale, shift: NumPy arrays (C,).
    """
    xp = array_module(images)
    N, H, W, C = images.shape
    top, left, mirrored = choices(xp, N, key, padding)
    if padding:
        border = ((0, 0), (padding, padding), (padding, padding), (0, 0))
        framed = xp.pad(images, border, mode=mode)
        # All crops of all images, as a view: (N, top, left, C, H, W) -> (..., H, W, C)
        crops = xp.lib.stride_tricks.sliding_window_view(framed, (H, W), axis=(1, 2))
        images = crops.transpose(0, 1, 2, 4, 5, 3)[xp.arange(N), top, left]  # (N, H, W, C)
    if flip:
        images = xp.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
    # A row of the picture as one axis: long inner loops instead of many of length C.
    rows = images.reshape(N, H, W * C) * constant(np.tile(scale, W), images, np.float32)
    rows += constant(np.tile(shift, W), images, np.float32)
    return rows.reshape(N, H, W, C)


def choices(xp: ModuleType, count: int, key: int, padding: int) -> tuple[Array, Array, Array]:
    """For image n: top and left of the crop, 0 to 2 padding, and whether to mirror it.

    They come from the first three of the four numbers philox((n, 0, 0, 0), key).
    """
    draws = philox((xp.arange(count, dtype=np.uint64), 0, 0, 0), key)
    # u / 2^32 is in [0, 1); times the number of places, rounded down, it is one of them
    top, left = ((word * (2 * padding + 1) >> 32).astype(np.int64) for word in draws[:2])
    return top, left, draws[2] >= 2**31
