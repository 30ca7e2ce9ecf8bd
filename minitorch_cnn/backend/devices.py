"""Where arrays are: devices, copies between them, and what a CUDA graph may not contain."""

from __future__ import annotations

import functools
import numbers
import threading
from types import ModuleType
from typing import Any

import numpy as np

from .arrays import (
    Array,
    axes_as_in_memory,
    import_cupy,
    inverse_order,
)
from .transfer import is_pinned, upload

_SYNONYMS = {"cpu": "cpu", "numpy": "cpu", "cuda": "cuda", "cupy": "cuda"}


class device:
    """Where a tensor lives: ``device("cpu")``, ``device("cuda")``, ``device("cuda:1")``.

    "numpy" and "cupy" are accepted as synonyms. Making one does not need a GPU; using it does.
    Raises RuntimeError for a name that is neither.

    >>> import minitorch_cnn as mt
    >>> mt.device("cuda:1").index
    1
    >>> mt.device("numpy")
    device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | device | int, index: int | None = None) -> None:
        text = f"cuda:{type}" if isinstance(type, numbers.Integral) else str(type)
        name, colon, number = text.partition(":")
        if name == "meta":
            raise NotImplementedError(
                "the device 'meta' is not supported: every tensor has values; skip_init() makes a "
                "layer without filling it, and shapes show in a run with a single image"
            )
        if name not in _SYNONYMS or (colon and not number.isdecimal()):
            raise RuntimeError(f"unknown device {type!r}: use 'cpu', 'cuda' or 'cuda:N'")
        if colon and index is not None:
            raise RuntimeError(f"device {type!r} names an index already; leave out index={index}")
        self.type: str = _SYNONYMS[name]
        self.index: int | None = int(number) if colon else index

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, device):
            return NotImplemented
        return self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __reduce__(self) -> tuple:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        """``with mt.device("cuda"):`` makes it the home of new tensors, for the block."""
        _before.append(_default_device)
        set_backend(self)
        return self

    def __exit__(self, *exc: object) -> None:
        set_backend(_before.pop())


CPU = device("cpu")
_default_device = CPU
_before: list[device] = []  # the default devices outside of the blocks that run


def set_backend(name: str | device) -> None:
    """Makes "numpy" (or "cpu") or "cupy" (or "cuda", "cuda:1") the home of new tensors.

    Raises RuntimeError if CuPy or a GPU is asked for and missing, saying which.

    >>> import minitorch_cnn as mt
    >>> mt.set_backend("numpy")
    >>> mt.get_backend()
    'numpy'
    """
    global _default_device
    chosen = device(name)
    if chosen.type == "cuda":
        cupy = import_cupy()
        if chosen.index is not None:
            gpu_number(chosen)
            cupy.cuda.Device(chosen.index).use()  # CuPy computes on the thread's current GPU
    _default_device = chosen


def get_backend() -> str:
    """The library of new tensors: "numpy" or "cupy"."""
    return "cupy" if _default_device.type == "cuda" else "numpy"


def default_device() -> device:
    """The device of new tensors that name none; see `set_backend`."""
    return _default_device


def device_of(array: Array) -> device:
    """The device on which a bare array lies."""
    return CPU if isinstance(array, np.ndarray) else device("cuda", array.device.id)


def module_of(where: device) -> ModuleType:
    """The array library for a device: numpy for cpu, cupy for cuda."""
    return np if where.type == "cpu" else import_cupy()


def gpu_number(where: device | str | int | None = None) -> int:
    """The number of a GPU: the current one for None and "cuda". Raises RuntimeError if missing."""
    cupy = import_cupy()
    chosen = device("cuda" if where is None else where)
    if chosen.type != "cuda":
        raise ValueError(f"expected a GPU such as 'cuda:0', but got device {chosen}")
    count = cupy.cuda.runtime.getDeviceCount()
    index = cupy.cuda.Device().id if chosen.index is None else chosen.index
    if index >= count:
        raise RuntimeError(f"there is no GPU {index}: CuPy sees {count}, numbered from 0")
    return index


def to_device(array: Array, where: device | str | None, non_blocking: bool = False) -> Array:
    """`array` on that device: itself if it is there already, a copy otherwise.

    The order of the axes in memory stays. non_blocking: an array in pinned memory travels while
    the GPU computes; do not write to it before the GPU has it.
    """
    where = _default_device if where is None else device(where)
    if where.type == "cpu":
        return to_numpy(array)
    index = gpu_number(where)
    if not isinstance(array, np.ndarray) and array.device.id == index:
        return array
    order = axes_as_in_memory(array)
    packed = array.transpose(order)  # contiguous, if the array has no gaps
    cupy = import_cupy()
    with cupy.cuda.Device(index):
        if non_blocking and is_pinned(array):
            copied = upload(packed, index)
        else:
            copied = cupy.asarray(packed)
    return copied.transpose(inverse_order(order))


def to_numpy(array: Array) -> np.ndarray:
    """`array` on the host: itself if it is NumPy's, a copy from the GPU otherwise."""
    if isinstance(array, np.ndarray):
        return array
    order = axes_as_in_memory(array)
    return array.transpose(order).get().transpose(inverse_order(order))


def get_tf32() -> bool:
    """Do float32 matrix products on the GPU use TF32?"""
    linalg = import_cupy()._core._routines_linalg
    return linalg.get_compute_type(np.float32) == linalg.COMPUTE_TYPE_TF32


def set_tf32(on: bool) -> None:
    """Switches TF32 on or off for this process."""
    # CuPy 13 and 14 have no public function for it, but the environment variable CUPY_TF32.
    linalg = import_cupy()._core._routines_linalg
    linalg.set_compute_type(
        np.float32, linalg.COMPUTE_TYPE_TF32 if on else linalg.COMPUTE_TYPE_DEFAULT
    )


def check_old_device(given: Any, expected: str, of_tensor: bool) -> None:
    """Raises RuntimeError where torch's old constructors, `Tensor(...)`, take no such device.

    expected: the kind of device that the class is for. of_tensor: whether a tensor is given, too.
    """
    if given is None:
        return
    if of_tensor:
        raise RuntimeError("a tensor of a tensor takes no device: use as_tensor(x, device=...)")
    kind = str(given).partition(":")[0]
    if kind != expected:
        raise RuntimeError(
            f"legacy constructor expects device type: {expected} but device type: {kind} was passed"
        )


# --------------------------------------------------------------------------- CUDA graphs


class _Recording(threading.local):
    on = False  # is this thread recording a CUDA graph? See cuda/graphs.py.
    constants: list[Array] = []  # that the graph uses


recording = _Recording()


def refuse_in_graph(what: str) -> None:
    """Raises RuntimeError while a CUDA graph is recorded.

    For what the host works out: the graph would hold the number, the same in every replay.
    """
    if recording.on:
        raise RuntimeError(
            f"{what} come from the host, so that a CUDA graph would repeat the same in every "
            "replay: keep this out of the graph"
        )


def constant(table: Any, like: Array, dtype: np.typing.DTypeLike | None = None) -> Array:
    """A small table of numbers that the host knows, beside `like`; not to be written to.

    GPUs keep them, so that steps of training that need the same numbers copy nothing.
    """
    table = np.asarray(table, dtype)
    if isinstance(like, np.ndarray):
        return table
    copied = _constant(table.tobytes(), table.shape, table.dtype.str, like.device.id)
    if recording.on:
        recording.constants.append(copied)  # a graph reads it in every replay
    return copied


@functools.lru_cache(maxsize=256)
def _constant(numbers: bytes, shape: tuple[int, ...], dtype: str, index: int) -> Array:
    table = np.frombuffer(numbers, dtype).reshape(shape)
    return to_device(table, device("cuda", index))
