"""How images lie in memory: channels-last, in blocks that fit the cache."""

from __future__ import annotations

import numpy as np

from ..backend import Array, array_module
from .geometry import slices

# Bytes of an array to work on at a time when several passes go over it: on a CPU it then stays in
# the cache from one pass to the next. On a GPU it only bounds the memory.
BLOCK_BYTES = {"numpy": 1 << 20, "cupy": 256 << 20}


def compute_type(x: Array) -> np.dtype:
    """The NumPy dtype to calculate in: x's own, but float32 for float16.

    A sum of a few thousand float16 numbers has hardly a correct digit left; the processor has no
    float16 arithmetic either.
    """
    return np.dtype(np.float32) if x.dtype == np.float16 else x.dtype


def channels_last(x: Array) -> Array:
    """(N, C, H, W) -> (N, H, W, C), contiguous, in `compute_type`; a view if it is so in memory."""
    return array_module(x).ascontiguousarray(x.transpose(0, 2, 3, 1), compute_type(x))


def channels_first(y: Array, dtype: np.dtype) -> Array:
    """(N, H, W, C) -> (N, C, H, W): a view, the memory stays as it is."""
    return y.astype(dtype, copy=False).transpose(0, 3, 1, 2)


def image_blocks(x: Array) -> list[slice]:
    """Slices of the first axis of x, each of about BLOCK_BYTES."""
    budget = BLOCK_BYTES[array_module(x).__name__]
    return slices(x.shape[0], max(budget * x.shape[0] // max(x.nbytes, 1), 1))
