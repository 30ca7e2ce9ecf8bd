"""From the host's memory to a GPU's, while the GPU computes."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from .arrays import Array, axes_as_in_memory, import_cupy, inverse_order


def pin(array: np.ndarray) -> np.ndarray:
    """A copy in pinned memory: the GPU can read it by itself, while the host does other things."""
    memory = import_cupy().cuda.alloc_pinned_memory(max(array.nbytes, 1))
    order = axes_as_in_memory(array)
    packed = array.transpose(order)
    pinned = np.frombuffer(memory, array.dtype, array.size).reshape(packed.shape)
    pinned[...] = packed
    return pinned.transpose(inverse_order(order))


def is_pinned(array: Array) -> bool:
    """True for an array in memory from `pin`."""
    owner = array if isinstance(array, np.ndarray) else None
    while isinstance(owner, np.ndarray):
        owner = owner.base
    owner = owner.obj if isinstance(owner, memoryview) else owner
    return type(owner).__name__ == "PinnedMemoryPointer"


_copy_streams: dict[int, Any] = {}  # one for each GPU
_spares: dict[tuple, tuple] = {}  # memory for the next upload of a shape, and since when it is free
_in_flight: deque[tuple] = deque()  # host arrays that the GPU may still be reading


def upload(pinned: np.ndarray, index: int) -> Array:
    """A copy of a contiguous pinned array on GPU `index`, made on a stream of its own.

    The host waits for nothing, so three things have to be kept from going wrong:

    1. A kernel could read the copy before it has arrived. So the computing stream waits for it.
    2. The copy could overwrite memory that an earlier kernel still reads, for CuPy's pool hands
       out again at once what Python has freed. So the copy waits until the GPU has done what it
       was told before the memory was taken. That would be all of the step that is to run beside
       the copy, if the memory were taken now; it was taken at the upload before this one.
    3. The host array could be freed while the GPU reads it. So it is kept until the copy is done.
    """
    cuda = import_cupy().cuda
    computing = cuda.get_current_stream()
    copying = _copy_streams.get(index)
    if copying is None:
        copying = _copy_streams[index] = cuda.Stream(non_blocking=True)

    key = index, computing.ptr, pinned.shape, pinned.dtype.str
    array, free_since = _spares.pop(key, None) or _take_memory(pinned, computing)
    copying.wait_event(free_since)
    array.set(pinned, stream=copying)
    arrived = copying.record()
    computing.wait_event(arrived)
    while len(_spares) > 3:  # of shapes that did not come again
        _spares.pop(next(iter(_spares)))
    _spares[key] = _take_memory(pinned, computing)

    while _in_flight and _in_flight[0][0].done:
        _in_flight.popleft()
    _in_flight.append((arrived, pinned))
    return array


def _take_memory(like: np.ndarray, stream: Any) -> tuple[Array, Any]:
    return import_cupy().empty(like.shape, like.dtype), stream.record()
