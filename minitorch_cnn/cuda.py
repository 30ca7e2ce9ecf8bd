"""Questions to the GPU, by torch.cuda's names. CuPy is loaded by the first of them.

>>> import minitorch_cnn as mt
>>> mt.cuda.is_available() in (True, False)
True
"""

from __future__ import annotations

from typing import Any

from . import backend


def is_available() -> bool:
    """True where CuPy is installed and sees a GPU. Never raises."""
    return backend.is_cupy_available()


def device_count() -> int:
    """The number of GPUs, 0 without CuPy or a driver."""
    return backend.import_cupy().cuda.runtime.getDeviceCount() if is_available() else 0


def current_device() -> int:
    """The number of the GPU in use by this thread."""
    return backend.import_cupy().cuda.Device().id


def get_device_name(device: Any = None) -> str:
    """The name of a GPU, such as "NVIDIA H100"."""
    index = current_device() if device is None else backend.device(device).index or 0
    name = backend.import_cupy().cuda.runtime.getDeviceProperties(index)["name"]
    return name.decode() if isinstance(name, bytes) else name


def synchronize(device: Any = None) -> None:
    """Waits until the GPU has done all that it was given."""
    index = current_device() if device is None else backend.device(device).index or 0
    backend.import_cupy().cuda.Device(index).synchronize()


def empty_cache() -> None:
    """Gives memory that CuPy's pools hold, but no array uses, back to the GPU."""
    if is_available():
        cupy = backend.import_cupy()
        cupy.get_default_memory_pool().free_all_blocks()
        cupy.get_default_pinned_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Bytes of GPU memory in use by arrays (of all GPUs; CuPy's pool counts them together)."""
    return backend.import_cupy().get_default_memory_pool().used_bytes() if is_available() else 0


def memory_reserved(device: Any = None) -> int:
    """Bytes of GPU memory that CuPy's pool holds, in use or not."""
    return backend.import_cupy().get_default_memory_pool().total_bytes() if is_available() else 0


def manual_seed(seed: int) -> None:
    """Seeds the random numbers: the same generator serves the CPU and all GPUs."""
    backend.manual_seed(seed)


manual_seed_all = manual_seed
