"""Images put together channel by channel, as DenseNet, GoogLeNet and U-Net do with all they have.

In channels-last memory the channels of a pixel are a row, so each array is copied into a stripe of
the rows of the result.
"""

from __future__ import annotations

from typing import Any

from ...backend import Array
from ...backend.arrays import empty
from .arrays import channels_first, copy_rows, pixel_rows, takes
from .jit.threads import SMALL, counter, parts_for, run
from .jit.vector import may_stream

LINE = 16  # floats in a line of the cache


def cat(arrays: list[Array], axis: int) -> Any:
    total = sum([array.size for array in arrays])
    if axis != 1 or total < SMALL or arrays[0].ndim != 4 or not takes(*arrays):
        return NotImplemented
    rows = []
    for array in arrays:
        row = pixel_rows(array)
        if row is None:
            return NotImplemented
        rows.append(row)
    N, _, H, W = arrays[0].shape
    widths = [array.shape[1] for array in arrays]
    y = empty((N, H, W, sum(widths)))
    numbers, C, start = y.reshape(-1), y.shape[3], 0
    streaming = may_stream(y) and not any([width % LINE for width in widths])
    for width, (values, step) in zip(widths, rows, strict=True):
        stripe = numbers[start : numbers.size - C + start + width]
        run(copy_rows, counter(), values, step, stripe, C, width, streaming, parts=parts_for(total))
        start += width
    return channels_first(y)
