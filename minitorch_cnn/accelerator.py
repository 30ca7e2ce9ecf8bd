"""The device beside the CPU, whatever its make, by torch.accelerator's names: a GPU, or none.

>>> import minitorch_cnn as mt
>>> device = mt.accelerator.current_accelerator() if mt.accelerator.is_available() else "cpu"

What it gives is `minitorch_cnn.cuda`'s. Without CuPy or a GPU, `is_available`, `device_count`,
`current_accelerator`, `empty_cache` and the statistics of memory answer False, 0, None or nothing;
everything else raises RuntimeError and says what is missing.
"""

from __future__ import annotations

from . import cuda
from .backend import device as _device
from .cuda import (
    current_device as current_device_index,
    current_stream,
    device as device_index,
    device_count,
    empty_cache,
    get_device_capability,
    is_available,
    max_memory_allocated,
    max_memory_reserved,
    mem_get_info as get_memory_info,
    memory_allocated,
    memory_reserved,
    reset_peak_memory_stats,
    set_device as set_device_index,
    set_stream,
    synchronize,
)
from .missing import refuse_missing as _refuse_missing

__all__ = [
    "current_accelerator",
    "current_device_idx",
    "current_device_index",
    "current_stream",
    "device_count",
    "device_index",
    "empty_cache",
    "get_device_capability",
    "get_memory_info",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device_idx",
    "set_device_index",
    "set_stream",
    "synchronize",
]

current_device_idx, set_device_idx = current_device_index, set_device_index  # their older names


def current_accelerator(check_available: bool = False) -> _device | None:
    """device("cuda") where there is a GPU, else None. Never raises.

    check_available: torch can be built for a GPU that is not there; here both are the same.

    >>> import minitorch_cnn as mt
    >>> mt.accelerator.current_accelerator() is None or mt.cuda.is_available()
    True
    """
    return _device("cuda") if cuda.is_available() else None


_refuse_missing(globals())
