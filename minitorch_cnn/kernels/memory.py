"""Memory that is used again instead of being given back.

A training step makes the same arrays over and over. The operating system clears every page of
fresh memory before it hands it out, which takes three times as long as writing to memory that the
program has already; NumPy gives arrays of this size back as soon as nobody holds them. So here
their buffers are kept: a buffer is free when nobody but this module refers to it (every view of an
array refers to the buffer at its end), and the next array of a similar size gets it.
"""

from __future__ import annotations

import math
import mmap
import sys
from types import ModuleType

import numpy as np

from ..backend import Array, array_module, axes_as_in_memory, inverse_order

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


def empty(shape: tuple[int, ...], dtype: np.typing.DTypeLike = np.float32) -> np.ndarray:
    """A C-contiguous array of this shape, not initialised."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, _buffer(_size_class(size)))


def new_array(xp: ModuleType, shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> Array:
    """xp.empty(shape, dtype), for NumPy in memory that is used again (CuPy has its own pool)."""
    return empty(shape, dtype) if xp is np else xp.empty(shape, dtype)


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
