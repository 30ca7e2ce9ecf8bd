"""How images lie in memory, and memory that is used again instead of being given back."""

from __future__ import annotations

import math
import mmap
import sys
from types import ModuleType
from typing import Any

import numpy as np

from ..backend import Array, array_module, axes_as_in_memory, inverse_order
from .geometry import slices

# ---------------------------------------------------------------------------- channels-last

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


# --------------------------------------------------------------------- memory that is used again
#
# A training step makes the same arrays over and over. The operating system clears every page of
# fresh memory before it hands it out, which takes three times as long as writing to memory that
# the program has already; NumPy gives arrays of this size back as soon as nobody holds them. So
# here their buffers are kept: a buffer is free when nobody but this module refers to it (every
# view of an array refers to the buffer at its end), and the next array of a similar size gets it.

SMALLEST = 1 << 16  # bytes; smaller arrays are left to NumPy

# Straight from the operating system: memory that begins with a page, and consists of pages of the
# usual size. NumPy asks for large ones, which take longer to clear than they save later.
_PRIVATE = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}

_buffers: dict[int, list[np.ndarray]] = {}  # by size


def _count_references() -> int:
    """How many references a free buffer has: that of the list, of the loop that looks at it, and
    in most versions of Python one of getrefcount's own."""
    held = [np.empty(0)]
    for index in range(len(held)):
        buffer = held[index]
        count = sys.getrefcount(buffer)
    return count


_held_here = _count_references()


def _size_class(size: int) -> int:
    """The size rounded up, by an eighth at most: buffers that differ little are exchangeable."""
    step = 1 << max(size.bit_length() - 4, 12)
    return -(-size // step) * step


def _buffer(size: int) -> np.ndarray:
    held = _buffers.setdefault(size, [])
    for index in range(len(held)):
        buffer = held[index]
        if sys.getrefcount(buffer) == _held_here:
            # To the end: the longest unused is then found first, and what lives long stays behind.
            del held[index]
            held.append(buffer)
            return buffer
    buffer = np.frombuffer(mmap.mmap(-1, size, **_PRIVATE), np.uint8)
    held.append(buffer)
    return buffer


def empty(shape: tuple[int, ...], dtype: Any = np.float32, xp: ModuleType = np) -> Array:
    """xp.empty(shape, dtype), for NumPy in memory that is used again (CuPy has its own pool)."""
    if xp is not np:
        return xp.empty(shape, dtype)
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, _buffer(_size_class(size)))


def new_like(array: Array, dtype: np.typing.DTypeLike | None = None) -> Array:
    """An array of the same shape and memory order, not initialised; dtype: the array's own."""
    dtype = array.dtype if dtype is None else dtype
    if not isinstance(array, np.ndarray):
        return array_module(array).empty_like(array, dtype)
    order = axes_as_in_memory(array)
    shape = tuple(array.shape[axis] for axis in order)
    return empty(shape, dtype).transpose(inverse_order(order))


def held_bytes() -> int:
    """Bytes of all buffers, in use or free."""
    return sum(buffer.nbytes for held in _buffers.values() for buffer in held)


def release() -> None:
    """Gives the free buffers back to the operating system."""
    for held in _buffers.values():
        for index in reversed(range(len(held))):
            buffer = held[index]
            if sys.getrefcount(buffer) == _held_here:
                del held[index]
