"""How the results of poolings and resizings lie in memory: as their input does.

Kernels make images pixel by pixel (channels-last), as convolutions do. Between convolutions that is
how the input lies too, and nothing is done here.
"""

from __future__ import annotations

from ..backend import Array, ahead
from ..tensor import Tensor, running
from .copy import channels_last, channels_last_3d, contiguous, contiguous_format, in_format


def lies_by_pixels(array: Array) -> bool:
    """Whether results of images in this memory lie pixel by pixel, as torch guesses: from steps of
    length 1 as well. A single picture of such a kind, made a batch by [None], does not count.
    """
    if array.ndim == 3:
        return not array.flags.c_contiguous
    least = 0
    for axis in (1, *range(array.ndim - 1, 1, -1), 0):
        step = array.strides[axis]
        if step == 0 or step < least or (axis == 0 and least == array.strides[1]):
            return False
        least = step * max(array.shape[axis], 1)
    return True


def laid_like(x: Tensor, y: Array) -> Tensor:
    """A kernel's y as a tensor in the memory format of the images x (N, C, H, W)."""
    if not lies_by_pixels(x.arriving):
        y = ahead.completed(in_format, y, contiguous_format)
    elif not y.transpose(0, 2, 3, 1).flags.c_contiguous:
        y = ahead.completed(in_format, y, channels_last)
    return running(y)


def like(x: Tensor, y: Tensor) -> Tensor:
    """y (N, C, ...) in the memory format of x (N, C, ...), differentiably; by rows without an N."""
    by_pixels = x.ndim > 3 and lies_by_pixels(x.array)
    last = channels_last if x.ndim == 4 else channels_last_3d
    return contiguous(y, last if by_pixels else contiguous_format)
