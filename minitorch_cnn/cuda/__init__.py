"""GPUs, by torch.cuda's names. CuPy is loaded by the first call that needs it.

>>> import minitorch_cnn as mt
>>> mt.cuda.is_available() in (True, False)
True

`streams.py` has streams and events, `memory.py` what CuPy's memory pool knows, `graphs.py` the
recording of a whole training step. Without CuPy or a GPU, `is_available`, `device_count`,
`empty_cache` and the statistics of memory answer False, 0 or nothing, as in torch; everything else
raises RuntimeError and says what is missing.
"""

from __future__ import annotations

from typing import Any

from .. import backend, random
from ..autograd.deferred import settle
from ..missing import refuse_missing as _refuse_missing
from ..ops.breadth.legacy_constructors import constructor
from ..ops.copy import TYPE_NAMES
from . import amp
from .graphs import CUDAGraph, graph
from .memory import (
    empty_cache,
    max_memory_allocated,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    reset_peak_memory_stats,
)
from .state import (
    get_arch_list,
    get_device_properties,
    get_rng_state,
    get_rng_state_all,
    init,
    initial_seed,
    ipc_collect,
    is_bf16_supported,
    is_initialized,
    memory_stats,
    memory_summary,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)
from .streams import (
    Event,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    set_stream,
    stream,
)

__all__ = [
    "CUDAGraph",
    "Event",
    "Stream",
    "StreamContext",
    "amp",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_arch_list",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "graph",
    "init",
    "initial_seed",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_tf32_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_cached",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_cached",
    "memory_reserved",
    "memory_stats",
    "memory_summary",
    "reset_max_memory_allocated",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "set_stream",
    "stream",
    "synchronize",
]


def is_available() -> bool:
    """True where CuPy is installed and sees a GPU. Never raises."""
    return backend.is_cupy_available()


def device_count() -> int:
    """The number of GPUs, 0 without CuPy or a driver."""
    return backend.import_cupy().cuda.runtime.getDeviceCount() if is_available() else 0


def current_device() -> int:
    """The number of the GPU in use by this thread."""
    return backend.gpu_number()


def set_device(device: Any) -> None:
    """Makes a GPU ("cuda:1", 1) the one that this thread computes on."""
    settle()  # what was put off is computed where it was asked for
    backend.import_cupy().cuda.Device(backend.gpu_number(device)).use()


class device:
    """Inside, this thread computes on another GPU: ``with mt.cuda.device(1):``

    CuPy computes on the thread's current GPU, wherever the arrays lie. So with several GPUs in one
    program, tensors on "cuda:1" belong into such a block (or after `set_device`).
    """

    def __init__(self, device: Any) -> None:
        self.idx = backend.gpu_number(device)
        self._before: list[int] = []

    def __enter__(self) -> None:
        self._before.append(current_device())
        set_device(self.idx)

    def __exit__(self, *exc: object) -> None:
        set_device(self._before.pop())


def get_device_name(device: Any = None) -> str:
    """The name of a GPU, such as "NVIDIA H100 PCIe"."""
    index = backend.gpu_number(device)
    name = backend.import_cupy().cuda.runtime.getDeviceProperties(index)["name"]
    return name.decode() if isinstance(name, bytes) else name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """(major, minor) of the GPU's generation: (8, 0) is Ampere, (9, 0) Hopper."""
    digits = backend.import_cupy().cuda.Device(backend.gpu_number(device)).compute_capability
    return int(digits[:-1]), int(digits[-1])


def is_tf32_supported() -> bool:
    """Whether the GPU has TF32 (compute capability 8.0 and up); False without a GPU."""
    return backend.is_cupy_available() and get_device_capability() >= (8, 0)


def synchronize(device: Any = None) -> None:
    """Waits until the GPU has done all that it was given."""
    settle()  # what was put off is given to it now
    backend.import_cupy().cuda.Device(backend.gpu_number(device)).synchronize()


def manual_seed(seed: int) -> None:
    """Seeds the random numbers: the same generator serves the CPU and all GPUs."""
    random.manual_seed(seed)


manual_seed_all = manual_seed
memory_cached, max_memory_cached = memory_reserved, max_memory_reserved  # their older names
reset_max_memory_allocated = reset_peak_memory_stats

# mt.cuda.FloatTensor and its like: tensors of one dtype, on a GPU.
for _name, _kind in TYPE_NAMES.items():
    globals()[_name] = constructor(_name, _kind, is_cuda=True)

_refuse_missing(globals())
