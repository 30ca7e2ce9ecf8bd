"""A tensor's memory: torch's storages, to look at, and memory that other processes share."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ... import backend, dtypes
from ...storage import (
    MappedFile,
    TypedStorage,
    UntypedStorage,
    address_of,
    class_of,
    is_mapped,
    mapped,
    memory_of,
    of_tensor,
    tensor_of,
)
from ...tensor import Size, Tensor, wrap
from ..creation import empty, finish, tensor

__all__ = ["from_file", "frombuffer"]


def storage_offset(input: Tensor) -> int:
    """Where the first element lies in the memory of the tensor, of any shape; in elements.

    Never raises. 0 but for views.

    >>> import minitorch_cnn as mt
    >>> mt.arange(6).reshape(2, 3)[1].storage_offset()
    3
    """
    return memory_of(input.array)[1]


def storage(input: Tensor) -> TypedStorage:
    """The memory of a tensor of any shape, as a `TypedStorage` of its dtype. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2, 3).storage().size()
    6
    """
    return of_tensor(input, input.dtype)


def storage_type(input: Tensor) -> type:
    """The class of the storage of a tensor, of any shape. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2).storage_type() is mt.FloatStorage
    True
    """
    return class_of(input.dtype)


def untyped_storage(input: Tensor) -> UntypedStorage:
    """The memory of a tensor of any shape, as an `UntypedStorage` of bytes. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2, 3).untyped_storage().size()
    24
    """
    return of_tensor(input, None)


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
    result._show_outside(2)
    return result.requires_grad_() if requires_grad else result


def from_file(
    filename: Any,
    shared: bool = False,
    size: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A vector (size,) of the first elements of a file, of that dtype (float32 if None).

    shared: writing to it is writing to the file, which is made or lengthened if need be; else it is
    read. Raises RuntimeError for a file that is too short.

    >>> import minitorch_cnn as mt, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "numbers")
    >>> x = mt.from_file(path, shared=True, size=2).fill_(1.5)
    >>> mt.from_file(path, size=2)
    tensor([1.5000, 1.5000])
    """
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    result = finish(mapped(filename, shared, size, kind), device, requires_grad)
    result._show_outside()
    return result


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
    memory = MappedFile(-1, max(input.array.nbytes, 1))
    shared = np.frombuffer(memory, input.array.dtype, input.array.size).reshape(input.shape)
    shared[...] = input.array
    input._before_write()
    input._set_array(shared)
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
    return is_mapped(input.array)


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
    dtype or device, RuntimeError for a device of another kind than this tensor's, or of a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1]).new(2, 3).shape, mt.tensor([1]).new([1.5, 2.5])
    (minitorch_cnn.Size([2, 3]), tensor([1, 2]))
    """
    copied = any(isinstance(each, Tensor) for each in data)
    backend.check_old_device(device, input.device.type, copied)
    where = input.device if device is None else device
    data = data if size is None else (Size(size),)
    given = data[0] if len(data) == 1 else None
    if isinstance(given, Tensor):
        if given.dtype is not input.dtype or given.device != input.device:
            raise TypeError(
                f"new(): expected {input.dtype} on {input.device}, got {given.dtype} on "
                f"{given.device}"
            )
        return given.view_as(given)
    if isinstance(given, TypedStorage | UntypedStorage):
        return tensor_of(given, input.dtype)
    if given is not None and not isinstance(given, int | Size):
        return tensor(given, dtype=input.dtype, device=where)
    return empty(*data or (0,), dtype=input.dtype, device=where)
