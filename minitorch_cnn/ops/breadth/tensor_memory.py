"""A tensor's memory: torch's storages, to look at, and memory that other processes share."""

from __future__ import annotations

import mmap
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import dtypes
from ...tensor import Size, Tensor, wrap
from ..creation import empty, tensor

__all__ = ["frombuffer"]


def owner_of(array: Any) -> Any:
    """The array whose memory a view looks into."""
    while True:
        base = array.base
        if type(base) is not type(array):  # as_strided of NumPy puts an object between the two
            base = getattr(base, "base", None)
        if type(base) is not type(array) or _is_raw(base):
            return array
        array = base


def _is_raw(array: Any) -> bool:
    """Whether it is a buffer of bytes that arrays are made of, and longer than they are."""
    memory = getattr(array.base, "obj", array.base)
    return array.dtype == np.uint8 and isinstance(memory, mmap.mmap)


def memory_of(array: Any) -> tuple[Any, int]:
    """All elements of the memory that an array looks into, as a vector, and its first's place."""
    owner = owner_of(array)
    order = sorted(range(owner.ndim), key=lambda axis: -abs(owner.strides[axis]))
    flat = owner.transpose(order).reshape(-1)  # a view: whoever owns memory fills it densely
    if flat.dtype != array.dtype:
        flat = flat.view(array.dtype) if flat.size else flat.astype(array.dtype)
    return flat, (address_of(array) - address_of(owner)) // array.itemsize


def storage_offset(input: Tensor) -> int:
    """Where the first element lies in the memory of the tensor, of any shape; in elements.

    Never raises. 0 but for views.

    >>> import minitorch_cnn as mt
    >>> mt.arange(6).reshape(2, 3)[1].storage_offset()
    3
    """
    return memory_of(input.array)[1]


def address_of(array: Any) -> int:
    """Of the first element, in bytes."""
    return array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr


class Storage:
    """The memory of a tensor as a row of elements; a tensor's views have one memory together.

    To look at: what is written through it is seen by the tensor, but a storage can neither grow
    nor be given to another tensor.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x[1].storage().tolist()
    [1.0, 2.0, 3.0, 4.0]
    >>> x.untyped_storage().nbytes()
    16
    """

    def __init__(self, source: Tensor, kind: dtypes.dtype) -> None:
        """source: the tensor; kind: the type of an element, uint8 for bytes."""
        source._show_outside()
        flat, _ = memory_of(source.array)
        self.array = flat.view(kind.numpy) if flat.size else np.empty(0, kind.numpy)
        self.dtype, self.device = kind, source.device

    def size(self) -> int:
        return self.array.size

    __len__ = size

    def nbytes(self) -> int:
        return self.array.nbytes

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()

    def is_shared(self) -> bool:
        return is_shared(wrap(self.array))

    def element_size(self) -> int:
        return self.array.itemsize

    def data_ptr(self) -> int:
        return address_of(self.array)

    def tolist(self) -> list:
        return self.array.tolist()

    def __getitem__(self, index: Any) -> Any:
        found = self.array[index]
        return found.tolist() if np.ndim(found) == 0 else list(found.tolist())

    def __setitem__(self, index: Any, value: Any) -> None:
        self.array[index] = value

    def __iter__(self) -> Iterator:
        return iter(self.tolist())

    def resize_(self, size: int) -> None:
        """Not supported: a tensor's memory does not grow under it."""
        raise NotImplementedError(
            f"resize_({size}): a storage cannot change its size; make a new tensor of the elements"
        )

    def __repr__(self) -> str:
        return f"[storage of {self.size()} elements of {self.dtype} on {self.device}]"


def storage(input: Tensor) -> Storage:
    """The memory of a tensor of any shape, as a `Storage` of its dtype. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2, 3).storage().size()
    6
    """
    return Storage(input, input.dtype)


def untyped_storage(input: Tensor) -> Storage:
    """The memory of a tensor of any shape, as a `Storage` of bytes. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2, 3).untyped_storage().size()
    24
    """
    return Storage(input, dtypes.uint8)


def frombuffer(
    buffer: Any,
    *,
    dtype: Any,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
) -> Tensor:
    """A vector (count,) that shares the memory of a bytearray, an array or an mmap.

    dtype: what its bytes are; offset: the byte where the first element begins; count: how many
    there are, all that follow by default. Raises ValueError if the buffer is too short or its
    length is no multiple, or for an object without memory; warns if that cannot be written to.

    >>> import minitorch_cnn as mt
    >>> mt.frombuffer(bytearray(b"abcd"), dtype=mt.uint8, offset=1)
    tensor([ 98,  99, 100], dtype=minitorch_cnn.uint8)
    """
    kind = dtypes.as_dtype(dtype).numpy
    try:
        memory = memoryview(buffer)
    except TypeError as error:
        raise ValueError(f"object does not implement Python buffer protocol. {error}") from None
    length = memory.nbytes
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({length} bytes) minus 1"
        )
    if count < 0 and (length - offset) % kind.itemsize:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({kind.itemsize})"
        )
    if count * kind.itemsize > length - offset:
        raise ValueError(
            f"requested buffer length ({count} * {kind.itemsize} bytes) after offset ({offset} "
            f"bytes) must not be greater than actual buffer length ({length} bytes)"
        )
    if memory.readonly:
        warnings.warn(
            "The given buffer is not writable. Writing to the tensor would be an error: copy it "
            "with .clone() to change it",
            stacklevel=3,
        )
    result = wrap(np.frombuffer(buffer, kind, count, offset))
    result._show_outside()
    return result.requires_grad_() if requires_grad else result


def share_memory_(input: Tensor) -> Tensor:
    """Moves the values to memory that processes share which are forked later. Returns the tensor.

    Any shape. A child process that is started by fork, and inherits the tensor, writes into the
    same memory; where it is pickled (processes started by spawn, queues) the values are copied.
    A tensor on a GPU stays as it is. Raises RuntimeError for a view: share the tensor behind it.

    >>> import minitorch_cnn as mt
    >>> x = mt.ones(2).share_memory_()
    >>> x, x.is_shared()
    (tensor([1., 1.]), True)
    """
    if is_shared(input):
        return input
    if input._view is not None:
        raise RuntimeError("share_memory_: a view has another tensor's memory; share that one")
    memory = mmap.mmap(-1, max(input.array.nbytes, 1))  # anonymous, MAP_SHARED
    shared = np.frombuffer(memory, input.array.dtype, input.array.size).reshape(input.shape)
    shared[...] = input.array
    input._before_write()
    input.array = shared
    input._show_outside()
    return input


def is_shared(input: Tensor) -> bool:
    """True after `share_memory_`, and for a tensor on a GPU; any shape. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2).is_shared()
    False
    """
    if input.is_cuda:
        return True
    base = input.array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap) or isinstance(getattr(base, "obj", None), mmap.mmap)


def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """True if both tensors, of any shape, are the same part of the same memory. Never raises.

    >>> import minitorch_cnn as mt
    >>> x = mt.ones(2)
    >>> x.is_set_to(x.detach()), x.is_set_to(x.clone())
    (True, False)
    """
    same = input.shape == tensor.shape and input.stride() == tensor.stride()
    return same and address_of(input.array) == address_of(tensor.array)


def new(input: Tensor, *data: Any, size: Any = None, device: Any = None) -> Tensor:
    """torch's old constructor: `new(2, 3)` is uninitialised of that shape, `new([1])` has values.

    With this tensor's dtype and device; without arguments of shape (0,), else of any shape. A
    tensor, or a storage, is not copied. Raises as `tensor` does, TypeError for a tensor of another
    dtype or device.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1]).new(2, 3).shape, mt.tensor([1]).new([1.5, 2.5])
    (minitorch_cnn.Size([2, 3]), tensor([1, 2]))
    """
    where = input.device if device is None else device
    data = data if size is None else (Size(size),)
    given = data[0] if len(data) == 1 else None
    if isinstance(given, Tensor | Storage):
        if given.dtype is not input.dtype or given.device != input.device:
            raise TypeError(
                f"new(): expected {input.dtype} on {input.device}, got {given.dtype} on "
                f"{given.device}"
            )
        return given.detach() if isinstance(given, Tensor) else wrap(given.array)
    if given is not None and not isinstance(given, int | Size):
        return tensor(given, dtype=input.dtype, device=where)
    return empty(*data or (0,), dtype=input.dtype, device=where)
