"""What CuPy's memory pool knows.

CuPy takes memory from the GPU in large pieces and hands it out again and again, since asking the
GPU makes it wait. "Allocated" is what arrays use now, "reserved" is what the pool holds.
All numbers are bytes, of the current GPU or the one that is named.
"""

from __future__ import annotations

from typing import Any

from ..backend import gpu_number, import_cupy, is_cupy_available


def _pool(device: Any, question: str) -> int:
    if not is_cupy_available():
        return 0
    cupy = import_cupy()
    with cupy.cuda.Device(gpu_number(device)):
        return getattr(cupy.get_default_memory_pool(), question)()


def memory_allocated(device: Any = None) -> int:
    """Bytes in use by arrays."""
    return _pool(device, "used_bytes")


def memory_reserved(device: Any = None) -> int:
    """Bytes that the pool holds, in use or not."""
    return _pool(device, "total_bytes")


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes that the pool held; the pool only shrinks in `empty_cache`."""
    return max(memory_reserved(device), _most_reserved.get(_number(device), 0))


def empty_cache() -> None:
    """Gives what the pool holds, but no array uses, back to the GPU."""
    if is_cupy_available():
        index = gpu_number()
        _most_reserved[index] = max_memory_reserved(index)
        cupy = import_cupy()
        cupy.get_default_memory_pool().free_all_blocks()
        cupy.get_default_pinned_memory_pool().free_all_blocks()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """(free, total) bytes of the GPU itself, whoever uses them."""
    return import_cupy().cuda.Device(gpu_number(device)).mem_info


# -------------------------------------------------------------------------------- the peak

_most_reserved: dict[int, int] = {}
_peaks: dict[int, Any] = {}  # the GPU's number -> what watches its allocations


def reset_peak_memory_stats(device: Any = None) -> None:
    """From now on, `max_memory_allocated` is exact, for allocations of this thread.

    CuPy does not keep the peak, so every allocation is watched from here on, which costs a
    microsecond or two each: for looking into memory, not for measuring speed.
    """
    index = gpu_number(device)
    _most_reserved.pop(index, None)
    if index in _peaks:
        _peaks[index].peak = memory_allocated(index)
        return
    cupy = import_cupy()

    class Watch(cupy.cuda.MemoryHook):  # type: ignore[name-defined]
        name = f"minitorch_cnn.cuda: peak of GPU {index}"
        peak = memory_allocated(index)

        def malloc_postprocess(self, **kwargs: Any) -> None:
            if kwargs["device_id"] == index:
                self.peak = max(self.peak, memory_allocated(index))

    _peaks[index] = Watch()
    _peaks[index].__enter__()


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes in use by arrays since `reset_peak_memory_stats`.

    Where that was never called, the most bytes reserved: never less than the peak.
    """
    watch = _peaks.get(_number(device))
    return max_memory_reserved(device) if watch is None else watch.peak


def _number(device: Any) -> int:
    return gpu_number(device) if is_cupy_available() else -1
