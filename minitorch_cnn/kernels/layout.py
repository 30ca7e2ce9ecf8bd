"""What the image kernels share: channels-last memory, blocks that fit the cache, windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array, array_module

Pair = tuple[int, int]

# Bytes of an array to work on at a time when several passes go over it: on a CPU it then stays in
# the cache from one pass to the next. On a GPU it only bounds the memory.
BLOCK_BYTES = {"numpy": 1 << 20, "cupy": 256 << 20}


def compute_type(x: Array) -> Any:
    """The NumPy dtype to calculate in: x's own, but float32 for float16.

    A sum of a few thousand float16 numbers has hardly a correct digit left; the processor has no
    float16 arithmetic either.
    """
    return np.dtype(np.float32) if x.dtype == np.float16 else x.dtype


def channels_last(x: Array) -> Array:
    """(N, C, H, W) -> (N, H, W, C), contiguous, in `compute_type`; a view if it is so in memory."""
    return array_module(x).ascontiguousarray(x.transpose(0, 2, 3, 1), compute_type(x))


def channels_first(y: Array, dtype: Any) -> Array:
    """(N, H, W, C) -> (N, C, H, W): a view, the memory stays as it is."""
    return y.astype(dtype, copy=False).transpose(0, 3, 1, 2)


def slices(length: int, step: int) -> Iterator[slice]:
    """0..length in pieces of `step`; the last one may be shorter."""
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


def image_blocks(x: Array) -> Iterator[slice]:
    """Slices of the first axis of x, each of about BLOCK_BYTES."""
    budget = BLOCK_BYTES[array_module(x).__name__]
    return slices(x.shape[0], max(budget * x.shape[0] // max(x.nbytes, 1), 1))


def kernel_positions(
    kernel_size: Pair, out_size: Pair, stride: Pair, dilation: Pair
) -> Iterator[tuple[Pair, slice, slice]]:
    """For each position in the kernel: itself, and the rows and columns of the image under it.

    The image is padded already. In a 3x3 kernel with stride 2 and 4 outputs a row, position
    (0, 1) lies over columns 1, 3, 5 and 7, one for each output.
    """
    (sh, sw), (dh, dw), (OH, OW) = stride, dilation, out_size
    for kh in range(kernel_size[0]):
        rows = slice(kh * dh, kh * dh + (OH - 1) * sh + 1, sh)
        for kw in range(kernel_size[1]):
            yield (kh, kw), rows, slice(kw * dw, kw * dw + (OW - 1) * sw + 1, sw)
