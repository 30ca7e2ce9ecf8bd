"""Augmentation of a batch of images; see ../array/augment.py for the definition."""

from __future__ import annotations

import numpy as np

from ...backend import Array, array_module
from ..philox import MASK
from .loader import launch_elementwise

# As in source/augment.cu
MOST_CHANNELS = 8
CHANNELS = np.dtype([("scale", np.float64, MOST_CHANNELS), ("shift", np.float64, MOST_CHANNELS)])


def augment(
    images: Array,
    key: int,
    padding: int,
    flip: bool,
    mode: str,
    scale: np.ndarray,
    shift: np.ndarray,
) -> Array:
    N, H, W, C = images.shape
    repeats = mode == "reflect" and padding >= min(H, W)  # mirrored more than once
    if images.dtype != np.uint8 or C > MOST_CHANNELS or repeats:
        return NotImplemented
    xp = array_module(images)
    channels = np.zeros((), CHANNELS)
    channels["scale"][:C], channels["shift"][:C] = scale, shift
    out = xp.empty((N, H, W, C), np.float32)
    numbers = key & MASK, key >> 32, padding, int(flip), int(mode == "reflect"), H, W, C
    args = xp.ascontiguousarray(images), out, channels, *numbers
    launch_elementwise("augment.cu", "augment", out.dtype, out.size, *args)
    return out
