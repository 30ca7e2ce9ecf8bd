"""NumPy or CuPy: the only file that knows there are two array libraries.

An array says by its type where it lives, so a tensor needs no device field, and a kernel writes

    xp = array_module(x)

and then `xp.exp(x)` for either library. What differs between the two (copies between host and
GPU, scatter-add, how a missing GPU is reported) is here and nowhere else.

Random numbers are always drawn on the host, by a counter-based generator (Philox), and copied
to the device: the same seed gives the same weights and the same dropout masks on both backends.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import math
import threading
from collections import deque
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor

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


# ------------------------------------------------------------------------------- devices

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
        text = f"cuda:{type}" if isinstance(type, int) else str(type)
        name, colon, number = text.partition(":")
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


CPU = device("cpu")
_default_device = CPU


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


def axes_as_in_memory(array: Array) -> list[int]:
    """The axes from the widest step in memory to the narrowest: (0, 2, 3, 1) for channels-last."""
    if array.flags.c_contiguous:
        return list(range(array.ndim))
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))


def inverse_order(order: Sequence[int]) -> list[int]:
    """The axes that undo a transposition by `order`."""
    return [order.index(axis) for axis in range(len(order))]


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


def scatter_add(array: Array, index: Any, values: Array) -> None:
    """``array[index] += values``, where repeated indices add up instead of overwriting."""
    array_module(array).add.at(array, index, values)


def scatter_extreme(array: Array, index: Any, values: Array, choose: str) -> None:
    """``array[index] = max(array[index], values)`` ("amax", or "amin"), repeated ones compared.

    Where a NaN comes, it stays.
    """
    xp = array_module(array)
    at = (xp.maximum if choose == "amax" else xp.minimum).at
    if xp is np:
        at(array, index, values)
        return
    # CuPy 13 and 14 compare float64 here by float32's digits, ignore NaN, and take few types. Of
    # 64-bit integers they find the right one.
    ranks = _ranks(array, choose)
    at(ranks, index, _ranks(values, choose))
    if array.dtype.kind == "f":
        ranks = _mirror_negative(ranks).view(np.float64)
    array[...] = ranks.astype(array.dtype)


def _ranks(array: Array, choose: str) -> Array:
    """int64 numbers in the same order as those of the array; NaN is at the end that is chosen."""
    if array.dtype.kind != "f":
        return array.astype(np.int64)
    xp = array_module(array)
    nan = math.copysign(math.nan, 1 if choose == "amax" else -1)
    wide = array.astype(np.float64)
    return _mirror_negative(xp.where(xp.isnan(wide), nan, wide).view(np.int64))


def _mirror_negative(bits: Array) -> Array:
    """Bits of floats as integers grow with the float, but for negative ones; so turn those over.

    Doing it twice changes nothing.
    """
    return bits ^ ((bits >> 63) & np.int64(2**63 - 1))


def scatter_multiply(array: Array, index: tuple, values: Array, axis: int) -> None:
    """``array[index] *= values``, where repeated indices multiply all of their values.

    index: an array for each axis; all but the one for `axis` count up, so that indices repeat along
    that axis only.
    """
    if isinstance(array, np.ndarray):
        np.multiply.at(array, index, values)
        return
    # CuPy has no multiply.at. Here each step multiplies a slice, in which no index comes twice.
    for k in range(values.shape[axis]):
        part = (*[slice(None)] * axis, slice(k, k + 1))
        place = (*index[:axis], index[axis][part], *index[axis + 1 :])
        array[place] = array[place] * values[part]


# -------------------------------------------------- uploads that run beside the computation


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


# ------------------------------------------------------------------------ random numbers


class Generator:
    """A stream of random numbers with a state that can be saved and restored.

    Behind it is NumPy's Philox, a counter-based generator (Salmon et al., "Parallel random
    numbers: as easy as 1, 2, 3", 2011). It is not to be used while a CUDA graph is recorded:
    RuntimeError.

    >>> import minitorch_cnn as mt
    >>> g = mt.Generator().manual_seed(7)
    >>> state = g.get_state()
    >>> a = mt.rand(3, generator=g)
    >>> g.set_state(state)
    >>> bool((mt.rand(3, generator=g) == a).all())
    True
    """

    def __init__(self, device: str | device = "cpu") -> None:
        self.device = CPU  # all numbers are drawn on the host, whatever the backend
        self.manual_seed(0)

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream that belongs to `seed` (any int) and returns the generator."""
        self._seed = int(seed)
        self._rng = np.random.Generator(np.random.Philox(self._seed % 2**64))
        return self

    @property
    def rng(self) -> np.random.Generator:
        """The NumPy generator that draws the numbers."""
        refuse_in_graph("random numbers (of dropout, for instance)")
        return self._rng

    def initial_seed(self) -> int:
        return self._seed

    def seed(self) -> int:
        """Seeds from the operating system's entropy, and returns that seed."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> 1))
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor, for `set_state` and for checkpoints."""
        from .tensor import wrap  # the one upward import: torch's API wants a tensor here

        state = self._rng.bit_generator.state
        words = [self._seed % 2**64, *state["state"]["counter"], *state["state"]["key"]]
        words += [*state["buffer"], state["buffer_pos"], state["has_uint32"], state["uinteger"]]
        return wrap(np.array([int(word) for word in words], np.uint64).view(np.uint8))

    def set_state(self, new_state: Tensor) -> None:
        """Goes back to a state from `get_state`."""
        data = np.asarray(new_state)
        if data.dtype != np.uint8 or data.shape != (14 * 8,):
            raise RuntimeError(
                f"not the state of a Generator: need 112 bytes of uint8, got shape {data.shape} "
                f"of {data.dtype}"
            )
        words = np.ascontiguousarray(data).view(np.uint64)
        self.manual_seed(int(words[0]))
        self._rng.bit_generator.state = {
            "bit_generator": "Philox",
            "state": {"counter": words[1:5], "key": words[5:7]},
            "buffer": words[7:11],
            "buffer_pos": int(words[11]),
            "has_uint32": int(words[12]),
            "uinteger": int(words[13]),
        }


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seeds the default generator, from which all random functions draw, and returns it."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seeds the default generator from the operating system, and returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Restores the default generator's state."""
    default_generator.set_state(new_state)
