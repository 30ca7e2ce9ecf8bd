"""Arrays one after the other, and one in another order of memory."""

from __future__ import annotations

from ...backend import Array, concatenate


def cat(arrays: list[Array], axis: int) -> Array:
    """The arrays, of one type, one after the other along an axis, in the first one's memory order.

    Images (N, C, H, W) and (N, D, H, W) along axis 1 give (N, C + D, H, W).
    """
    return concatenate(arrays, axis)


def contiguous(x: Array) -> Array:
    """x as it lies in memory row by row: itself or a copy."""
    return x if x.flags.c_contiguous else x.copy(order="C")
