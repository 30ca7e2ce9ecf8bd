"""Arrays of NumPy or CuPy: which library, which order in memory, and memory for new ones.

    xp = array_module(x)

and then `xp.exp(x)`: that is all that a kernel has to know of two libraries.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import math
import mmap
import sys
from collections import deque
from collections.abc import Sequence
from ctypes import addressof, c_char
from types import ModuleType
from typing import Any

import numpy as np

from . import ahead

Array = Any  # numpy.ndarray or cupy.ndarray

# ---------------------------------------------------------------------------------- CuPy

EXTRAS = "pip install 'minitorch-cnn[cupy13x]' for CUDA 13, or 'minitorch-cnn[cupy12x]' for CUDA 12"


@functools.cache
def import_cupy() -> ModuleType:
    """CuPy with at least one usable GPU, or a RuntimeError that says what is missing."""
    if not is_cupy_installed():
        raise RuntimeError(f"the cupy backend needs CuPy, which is not installed: {EXTRAS}")
    import cupy

    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(
            f"CuPy {cupy.__version__} is installed, but it finds no usable NVIDIA GPU or driver "
            f"({error}). Check with nvidia-smi, or use the numpy backend."
        ) from error
    if count == 0:
        raise RuntimeError("CuPy is installed, but there is no GPU. Use the numpy backend.")
    return cupy


def cupy_special() -> ModuleType:
    """CuPy's special functions: erf and its relatives."""
    return importlib.import_module("cupyx.scipy.special")


def cupy_nccl() -> ModuleType:
    """CuPy's NCCL; its `available` is False where the library is missing."""
    return importlib.import_module("cupy.cuda.nccl")


def is_cupy_installed() -> bool:
    """True where CuPy is installed, with or without a GPU."""
    return importlib.util.find_spec("cupy") is not None


def is_cupy_available() -> bool:
    """True where CuPy is installed and sees a GPU. Never raises."""
    try:
        import_cupy()
    except (RuntimeError, ImportError):
        return False
    return True


def array_module(array: Array) -> ModuleType:
    """The library that `array` belongs to: the module numpy or cupy.

    >>> array_module(np.zeros(3)).__name__
    'numpy'
    """
    return np if isinstance(array, np.ndarray) else import_cupy()


def is_array(value: Any) -> bool:
    """True for a NumPy or CuPy array (also without CuPy installed)."""
    return isinstance(value, np.ndarray) or type(value).__module__.partition(".")[0] == "cupy"


# ------------------------------------------------------------------------------- order in memory


def axes_as_in_memory(array: Array) -> list[int]:
    """The axes from the widest step in memory to the narrowest: (0, 2, 3, 1) for channels-last."""
    if array.flags.c_contiguous:
        return list(range(array.ndim))
    if 0 not in array.strides:
        return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return _order_of_expanded([abs(step) for step in array.strides])


def _order_of_expanded(steps: list[int]) -> list[int]:
    """As torch sorts axes, by insertion: one that is expanded, with a step of 0, stays in place."""
    order = list(range(len(steps)))
    for first in reversed(order[:-1]):
        here = first
        for place in range(first + 1, len(order)):
            wide, narrow = steps[order[here]], steps[order[place]]
            if wide > narrow > 0:
                break
            if 0 < wide < narrow:
                order[here], order[place] = order[place], order[here]
                here = place
    return order


def inverse_order(order: Sequence[int]) -> list[int]:
    """The axes that undo a transposition by `order`."""
    return [order.index(axis) for axis in range(len(order))]


def concatenate(arrays: list[Array], axis: int) -> Array:
    """The arrays, of one type, one after the other along an axis."""
    if isinstance(arrays[0], np.ndarray):
        return np.concatenate(arrays, axis)
    # CuPy's own function copies a list of addresses to the GPU if there are many arrays, and its
    # result is row-major: images that are channels-last would have to be converted afterwards.
    order = axes_as_in_memory(arrays[0])
    lengths = [each.shape[axis] for each in arrays]
    shape = [sum(lengths) if i == axis else arrays[0].shape[i] for i in order]
    joined = import_cupy().empty(shape, arrays[0].dtype).transpose(inverse_order(order))
    before, start = (slice(None),) * axis, 0
    for array, length in zip(arrays, lengths, strict=True):
        piece = (*before, slice(start, start + length))
        joined[piece] = array
        start += length
    return joined


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
    length, step = x.shape[0], max(budget * x.shape[0] // max(x.nbytes, 1), 1)
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


# --------------------------------------------------------------------- memory that is used again
#
# A training step makes the same arrays over and over. The operating system clears every page of
# fresh memory before it hands it out, which takes three times as long as writing to memory that
# the program has already; NumPy gives arrays of this size back as soon as nobody holds them. So
# here their buffers are kept: a buffer is free when nobody but this module refers to it (every
# view of an array refers to the buffer at its end), and the next array of a similar size gets it.

SMALLEST = 1 << 16  # bytes; smaller arrays are left to NumPy

# Memory comes straight from the operating system, on Linux in pages of 2 MiB instead of 4 KiB. A
# processor remembers where some two thousand pages lie, 8 MiB of small ones: of larger arrays it
# has to look up every page, which in a virtual machine can take longer than to read it.
LARGE_PAGE = 2 << 20
SLAB = 4 * LARGE_PAGE  # buffers smaller than a large page are pieces of one of these
_PRIVATE = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}

# The slabs of which something is left, and how much of each has been given away.
_slabs: deque[tuple[mmap.mmap, int]] = deque()

# By size, the longest unused first. To take one out and to put it back are single steps that no
# other thread comes between: so two threads never look at the same buffer at a time, and nothing
# has to be locked (a lock would be held for ever in a process that is forked meanwhile).
_buffers: dict[int, deque[np.ndarray]] = {}


def _count_references() -> int:
    """How many references a free buffer has that was taken out: that of the variable, and in most
    versions of Python one of getrefcount's own."""
    held = deque([np.empty(0)])
    buffer = held.popleft()
    return sys.getrefcount(buffer)


_held_here = _count_references()


@functools.lru_cache(1024)  # a training step asks for the same sizes again and again
def _size_class(size: int) -> int:
    """The size rounded up, by an eighth at most: buffers that differ little are exchangeable."""
    step = 1 << max(size.bit_length() - 4, 12)
    return -(-size // step) * step


def _buffer(size: int) -> np.ndarray:
    """A free buffer of this size, or else, if it is a large one, of up to about twice the size.

    Without these a network whose images shrink step by step would keep buffers of every size: of
    DenseNet-121's memory they were a third.
    """
    buffer, larger = _free_buffer(size), size
    while buffer is None and LARGE_PAGE <= larger < 2 * size:
        larger = _size_class(larger + 1)
        buffer = _free_buffer(larger)
    if buffer is None:
        buffer = _piece(size) if size < LARGE_PAGE else np.frombuffer(_pages(size), np.uint8)
        _buffers.setdefault(size, deque()).append(buffer)
    return buffer


def _free_buffer(size: int) -> np.ndarray | None:
    """A buffer of exactly this size that nobody uses."""
    held = _buffers.get(size) or deque()
    for _ in range(len(held)):
        try:
            buffer = held.popleft()
        except IndexError:  # other threads look at what is left
            break
        free = sys.getrefcount(buffer) == _held_here
        held.append(buffer)
        if free:
            return buffer
    return None


def _pages(size: int) -> mmap.mmap:
    memory = mmap.mmap(-1, size, **_PRIVATE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # this Linux has no large pages: small ones do as well
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def _piece(size: int) -> np.ndarray:
    """The next bytes of a slab, or the first ones of a new one."""
    try:
        slab, used = _slabs.pop()
    except IndexError:  # there is none, or another thread is at it
        slab, used = _pages(SLAB), 0
    if used + size > SLAB:
        slab, used = _pages(SLAB), 0
    _slabs.append((slab, used + size))
    return np.frombuffer(slab, np.uint8, size, used)


def empty(shape: tuple[int, ...], dtype: Any = np.float32, xp: ModuleType = np) -> Array:
    """xp.empty(shape, dtype), for NumPy in memory that is used again (CuPy has its own pool).

    Raises MemoryError if there is not so much memory, even without the buffers that are free.
    """
    if xp is not np:
        return xp.empty(shape, dtype)
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    try:
        buffer = _buffer(_size_class(size))
    except (OSError, OverflowError):
        release()
        try:
            buffer = _buffer(_size_class(size))
        except (OSError, OverflowError) as error:
            raise MemoryError(
                f"out of memory: {size / 2**30:.2f} GiB asked for, for an array of shape "
                f"{tuple(shape)} and type {dtype}. Use smaller batches or images, or end other "
                "programs."
            ) from error
    return np.ndarray(shape, dtype, buffer)


def on_cache_lines(shape: tuple[int, ...]) -> Array:
    """A float32 array that begins with a line of the cache: numbers in two lines are read twice."""
    size = math.prod(shape)
    room = empty((size + 16,))
    first = -addressof(c_char.from_buffer(room)) // 4 % 16
    return room[first : first + size].reshape(shape)


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
    return sum(size * len(held) for size, held in list(_buffers.items()))


def release() -> None:
    """Gives the free buffers back to the operating system: those of a slab when all are free."""
    ahead.wait()  # what kernels may still use
    _slabs.clear()
    for held in list(_buffers.values()):
        for _ in range(len(held)):
            try:
                buffer = held.popleft()
            except IndexError:
                break
            if sys.getrefcount(buffer) != _held_here:
                held.append(buffer)
            del buffer  # or the last one would live on until the next is taken out
