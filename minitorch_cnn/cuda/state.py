"""The rest of what programs ask torch.cuda: its generators, and figures of a device."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

from .. import backend, random
from ..tensor import Tensor
from .memory import memory_allocated, memory_reserved


def init() -> None:
    """Nothing has to be done. Raises RuntimeError where CuPy or a GPU is missing."""
    backend.import_cupy()


def is_initialized() -> bool:
    """True where there is a GPU: nothing has to be done before it is used."""
    return backend.is_cupy_available()


def get_rng_state(device: Any = "cuda") -> Tensor:
    """The state of the generator that serves the CPU and all GPUs."""
    return random.get_rng_state()


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Puts that generator into a state that `get_rng_state` gave, if there is a GPU."""
    if backend.is_cupy_available():
        random.set_rng_state(new_state)


def get_rng_state_all() -> list[Tensor]:
    """A state for each GPU: the same one, since they share it; none without a GPU."""
    cupy = backend.import_cupy() if backend.is_cupy_available() else None
    count = cupy.cuda.runtime.getDeviceCount() if cupy else 0
    return [random.get_rng_state() for _ in range(count)]


def set_rng_state_all(new_states: Any) -> None:
    """Puts the generator into the last of these states; nothing happens without a GPU."""
    for state in new_states:
        set_rng_state(state)


def initial_seed() -> int:
    """The seed of the generator that serves the CPU and all GPUs."""
    return random.initial_seed()


def seed() -> None:
    """Seeds the GPUs with a number that nobody can foresee; nothing happens without a GPU."""
    if backend.is_cupy_available():
        random.seed()


seed_all = seed


def ipc_collect() -> None:
    """Nothing has to be done: no memory of a GPU is shared with other processes."""


def get_arch_list() -> list[str]:
    """No names: kernels are compiled for the GPU that is there."""
    return []


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: there is no bfloat16 here."""
    return False


def get_device_properties(device: Any = None) -> Any:
    """A GPU's name, major, minor, total_memory (bytes), multi_processor_count and warp_size.

    Raises RuntimeError where CuPy or a GPU is missing.
    """
    found = backend.import_cupy().cuda.runtime.getDeviceProperties(backend.gpu_number(device))
    name = found["name"]
    return SimpleNamespace(
        name=name.decode() if isinstance(name, bytes) else name,
        major=found["major"],
        minor=found["minor"],
        total_memory=found["totalGlobalMem"],
        multi_processor_count=found["multiProcessorCount"],
        warp_size=found["warpSize"],
    )


def memory_stats(device: Any = None) -> OrderedDict[str, int]:
    """Bytes in use and bytes reserved, by torch's names of them; empty without a GPU."""
    if not backend.is_cupy_available():
        return OrderedDict()
    used, held = memory_allocated(device), memory_reserved(device)
    return OrderedDict({"allocated_bytes.all.current": used, "reserved_bytes.all.current": held})


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """The same as text, in MiB."""
    used, held = memory_allocated(device), memory_reserved(device)
    return f"allocated {used / 2**20:.1f} MiB, reserved {held / 2**20:.1f} MiB"
