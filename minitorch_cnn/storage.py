"""torch's storages: the memory of tensors as a row of bytes, or of elements of one type.

>>> import minitorch_cnn as mt
>>> x = mt.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> x[1].storage().tolist()  # a tensor's views have one memory together
[1.0, 2.0, 3.0, 4.0]
>>> x.untyped_storage().nbytes()
16
>>> mt.FloatStorage([1, 2]).double().tolist()
[1.0, 2.0]
"""

from __future__ import annotations

import copy
import mmap
import os
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import backend, dtypes
from .missing import refuse_missing
from .tensor import Memory, Tensor, wrap

# What torch calls a storage of each type.
NAMES = {
    dtypes.bool: "BoolStorage",
    dtypes.uint8: "ByteStorage",
    dtypes.int8: "CharStorage",
    dtypes.int16: "ShortStorage",
    dtypes.int32: "IntStorage",
    dtypes.int64: "LongStorage",
    dtypes.float16: "HalfStorage",
    dtypes.float32: "FloatStorage",
    dtypes.float64: "DoubleStorage",
}

__all__ = [
    "BoolStorage", "ByteStorage", "CharStorage", "DoubleStorage", "FloatStorage", "HalfStorage",
    "IntStorage", "LongStorage", "ShortStorage", "Storage", "TypedStorage", "UntypedStorage",
]  # fmt: skip


# ------------------------------------------------------------------ where arrays lie in memory


def address_of(array: Any) -> int:
    """Of the first element, in bytes."""
    return array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr


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
        raw = flat.view(np.uint8) if flat.size else flat.astype(np.uint8)
        flat = raw[: raw.size - raw.size % array.itemsize].view(array.dtype)  # bytes left over
    return flat, (address_of(array) - address_of(owner)) // array.itemsize


class MappedFile(mmap.mmap):
    """Memory that processes share: of a file, or of no file."""

    filename: str | None = None


def mapping_of(array: Any) -> MappedFile | None:
    """What an array lies in, if that is memory that processes share, or a file."""
    while hasattr(array, "base"):  # also what NumPy's as_strided puts between two arrays
        array = array.base
    memory = getattr(array, "obj", array)
    return memory if isinstance(memory, MappedFile) else None


def is_mapped(array: Any) -> bool:
    """Whether an array lies in memory that processes share, or in a file."""
    return mapping_of(array) is not None


# -------------------------------------------------------------------------------- the classes


class _Row:
    """What both kinds of storages have in common: `array`, a vector that a tensor may share."""

    array: Any
    of_tensor = False  # whether the memory is a tensor's, which must not be taken from it
    _kind: dtypes.dtype

    def _like(self, array: Any) -> Any:
        """Another storage of the same kind."""
        raise NotImplementedError

    @property
    def device(self) -> backend.device:
        return backend.device_of(self.array)

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    def size(self) -> int:
        """The number of elements."""
        return self.array.size

    __len__ = size

    def nbytes(self) -> int:
        return self.array.nbytes

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    def data_ptr(self) -> int:
        """The address of the first element, 0 if there is none."""
        return address_of(self.array) if self.array.size else 0

    _cdata = property(data_ptr)  # by which programs tell storages apart

    def tolist(self) -> list:
        return self.array.tolist()

    def __iter__(self) -> Iterator:
        return iter(self.tolist())

    def __getitem__(self, index: Any) -> Any:
        """An element as a number, or, of bytes, a part of the memory as a storage."""
        if isinstance(index, slice):
            if not isinstance(self, UntypedStorage):
                raise RuntimeError(
                    "slices are only supported in UntypedStorage.__getitem__; use .untyped()"
                )
            if index.step not in (None, 1):
                raise RuntimeError(f"slices of a storage have the step 1, got {index.step}")
            return self._like(self.array[index])
        return self.array[self._place(index)].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, _Row):
            raise RuntimeError(f"cannot set item with value type {type(value).__name__}")
        self.array[index if isinstance(index, slice) else self._place(index)] = value

    def _place(self, index: Any) -> Any:
        if not isinstance(index, int | np.integer):
            raise TypeError(f"can't index a {type(self).__name__} with {type(index).__name__}")
        if not -self.array.size <= index < self.array.size:
            raise IndexError(f"index {index} out of range for storage of size {self.array.size}")
        return index

    def fill_(self, value: Any) -> Any:
        self[0 : len(self)] = value
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> Any:
        """Takes over the elements of another storage, converted. Raises RuntimeError if there are
        not as many."""
        if len(source) != len(self):
            raise RuntimeError(f"size mismatch: {len(source)} elements for {len(self)}")
        self.array[...] = backend.to_device(source.array, self.device)
        return self

    def clone(self) -> Any:
        return self._like(self.array.copy())

    __copy__ = clone

    def __deepcopy__(self, memo: dict) -> Any:
        """Shares its memory with the copies of tensors that share this one's."""
        owner = owner_of(self.array)
        values = memory_of(copy.deepcopy(owner, memo).view(self.array.dtype))[0]
        start = (address_of(self.array) - address_of(owner)) // self.array.itemsize
        result = self._like(values[start : start + self.array.size])
        memo[id(self)] = result
        return result

    def __reduce__(self) -> tuple:
        return wrapped, (self.array, self._kind if isinstance(self, TypedStorage) else None)

    def cpu(self) -> Any:
        return self._like(backend.to_device(self.array, backend.CPU))

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Any:
        where = backend.device("cuda" if device is None else device)
        return self._like(backend.to_device(self.array, where))

    def resizable(self) -> bool:
        """Whether `resize_` works."""
        return not self.of_tensor

    def resize_(self, size: int) -> Any:
        """Another number of elements, in a new memory. Raises NotImplementedError for a tensor's
        memory, which does not grow under it."""
        if self.of_tensor:
            raise NotImplementedError(
                f"resize_({size}): the memory of a tensor cannot change its size; make a new "
                "tensor of the elements, or give the tensor itself another shape by x.resize_()"
            )
        grown = backend.array_module(self.array).empty(size, self.array.dtype)
        count = min(size, self.array.size)
        grown[:count] = self.array[:count]
        self.array = grown
        return self

    def is_shared(self) -> bool:
        return self.is_cuda or is_mapped(self.array)

    def share_memory_(self) -> Any:
        """Moves the elements to memory that processes share which are forked later.

        Raises RuntimeError for a tensor's memory: use x.share_memory_()."""
        if self.is_shared():
            return self
        if self.of_tensor:
            raise RuntimeError("share_memory_: this is a tensor's memory; use x.share_memory_()")
        memory = MappedFile(-1, max(self.array.nbytes, 1))
        shared = np.frombuffer(memory, self.array.dtype, self.array.size)
        shared[...] = self.array
        self.array = shared
        return self

    def __repr__(self) -> str:
        if isinstance(self, UntypedStorage):
            kind = f"torch.storage.UntypedStorage(device={self.device})"
        else:
            kind = f"torch.storage.TypedStorage(dtype={self._kind}, device={self.device})"
        return "".join(f" {each}\n" for each in self.tolist()) + f"[{kind} of size {len(self)}]"


class UntypedStorage(_Row):
    """A row of bytes: ``UntypedStorage(4)`` are four, uninitialised, or as a list says.

    Raises TypeError for other arguments, RuntimeError for a device that is not there.

    >>> import minitorch_cnn as mt
    >>> mt.UntypedStorage([1, 0, 0, 0])[0:2].tolist()
    [1, 0]
    """

    _kind = dtypes.uint8
    owner: Any = None  # the array that has a tensor's memory

    def __init__(self, *args: Any, device: Any = None) -> None:
        self.array = _new(type(self).__name__, args, dtypes.uint8, device)

    def _like(self, array: Any) -> UntypedStorage:
        return wrapped(array, None)

    @property
    def filename(self) -> str | None:
        """The file that writing to the storage is writing to, if it is one."""
        return getattr(mapping_of(self.array), "filename", None)

    def untyped(self) -> UntypedStorage:
        return self

    def new(self) -> UntypedStorage:
        return UntypedStorage(device=self.device)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        return (
            "torch.storage.UntypedStorage"
            if dtype is None
            else wrapped(self.array, _type_of(dtype))
        )

    def byteswap(self, dtype: dtypes.dtype) -> None:
        """Turns the order of the bytes of each element of that type."""
        size = dtype.itemsize // (2 if dtype.is_complex else 1)  # both parts by themselves
        self.array[...] = self.array.view(f"u{size}").byteswap().view(np.uint8)

    @classmethod
    def from_buffer(cls, *args: Any, **kwargs: Any) -> UntypedStorage:
        """As `TypedStorage.from_buffer`; bytes unless a dtype is given."""
        kind = kwargs.pop("dtype", dtypes.uint8)
        return wrapped(_from_buffer(kind, *args, **kwargs).view(np.uint8), None)

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The bytes of a file; shared: the file itself, made or lengthened if need be."""
        return wrapped(mapped(filename, shared, nbytes, dtypes.uint8), None)


class _OfOneType(type):
    """FloatStorage and its kin: called, they make a `TypedStorage` of their type."""

    _own: dtypes.dtype | None

    def __instancecheck__(cls, value: object) -> bool:
        own = cls._own
        if own is None:
            return type.__instancecheck__(cls, value)
        return type.__instancecheck__(TypedStorage, value) and value._kind is own  # type: ignore[attr-defined]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        own = cls._own
        if own is None:
            return type.__call__(cls, *args, **kwargs)
        for name in ("device", "dtype"):
            if name in kwargs:
                raise RuntimeError(f"'{name}' cannot be specified for {cls.__name__}")
        return TypedStorage(*args, **kwargs, dtype=own)


class TypedStorage(_Row, metaclass=_OfOneType):
    """A row of elements of one dtype: ``TypedStorage(4, dtype=mt.float32)``, or of a list.

    wrap_storage: an `UntypedStorage` whose bytes they are. Raises RuntimeError for arguments that
    do not go together, TypeError for wrong ones.

    >>> import minitorch_cnn as mt
    >>> mt.TypedStorage([1, 2], dtype=mt.int16).untyped().tolist()
    [1, 0, 2, 0]
    """

    _own = None

    def __init__(
        self, *args: Any, wrap_storage: Any = None, dtype: Any = None, device: Any = None
    ) -> None:
        if dtype is None:
            if wrap_storage is not None:
                raise RuntimeError("Argument 'dtype' must be specified with 'wrap_storage'")
            dtype = dtypes.get_default_dtype()
        if not isinstance(dtype, dtypes.dtype | dtypes.NamedType):
            raise TypeError(f"Argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
        self._kind = kind = dtypes.as_dtype(dtype)
        if wrap_storage is None:
            self.array = _new(type(self).__name__, args, kind, device)
            return
        if args:
            raise RuntimeError("No positional arguments should be given when using 'wrap_storage'")
        if device is not None:
            raise RuntimeError("Argument 'device' should not be specified with 'wrap_storage'")
        if not isinstance(wrap_storage, UntypedStorage):
            raise TypeError(
                "Argument 'wrap_storage' must be UntypedStorage, but got "
                f"{type(wrap_storage).__name__}"
            )
        self.array, self.of_tensor = wrap_storage.array.view(kind.numpy), wrap_storage.of_tensor

    def _like(self, array: Any) -> TypedStorage:
        return wrapped(array, self._kind)

    @property
    def dtype(self) -> dtypes.dtype:
        return self._kind

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return wrapped(self.array.view(np.uint8), None, self.of_tensor)

    _untyped_storage = property(untyped)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """torch's name of its class, "torch.FloatStorage", or it converted to another type."""
        if dtype is None:
            return f"torch.{'cuda.' if self.is_cuda else ''}{NAMES[self._kind]}"
        return self._to(_type_of(dtype))

    def pickle_storage_type(self) -> str:
        return NAMES[self._kind]

    def _to(self, kind: Any) -> TypedStorage:
        kind = dtypes.as_dtype(kind)
        return wrapped(self.array.astype(kind.numpy), kind)

    def bool(self) -> TypedStorage:
        return self._to(dtypes.bool)

    def byte(self) -> TypedStorage:
        return self._to(dtypes.uint8)

    def char(self) -> TypedStorage:
        return self._to(dtypes.int8)

    def short(self) -> TypedStorage:
        return self._to(dtypes.int16)

    def int(self) -> TypedStorage:
        return self._to(dtypes.int32)

    def long(self) -> TypedStorage:
        return self._to(dtypes.int64)

    def half(self) -> TypedStorage:
        return self._to(dtypes.float16)

    def float(self) -> TypedStorage:
        return self._to(dtypes.float32)

    def double(self) -> TypedStorage:
        return self._to(dtypes.float64)

    @classmethod
    def from_buffer(
        cls, buffer: Any, byte_order: str = "native", count: Any = -1, offset: Any = 0,
        *, dtype: Any = None,
    ) -> TypedStorage:  # fmt: skip
        """A copy of the bytes of a buffer as elements; byte_order: "native", "little" or "big".

        Raises ValueError for another order and a length that does not fit.
        """
        kind = cls._own or dtypes.as_dtype(dtype)
        return wrapped(_from_buffer(kind, buffer, byte_order, count, offset), kind)

    @classmethod
    def from_file(cls, filename: Any, shared: Any = False, size: Any = 0) -> TypedStorage:
        """The elements of a file; shared: the file itself, made or lengthened if need be.

        Raises RuntimeError for the class without a type."""
        kind = cls._own
        if kind is None:
            raise RuntimeError("from_file can only be called on a class like FloatStorage")
        return wrapped(mapped(filename, shared, size, kind), kind)


# ------------------------------------------------------------------------------ making them


def wrapped(array: Any, kind: dtypes.dtype | None, of_tensor: bool = False) -> Any:
    """The storage whose elements lie in that vector, which is not copied; kind None: bytes."""
    storage = object.__new__(UntypedStorage if kind is None else TypedStorage)
    storage.array, storage.of_tensor = array, of_tensor
    if kind is not None:
        storage._kind = kind
    return storage


def _type_of(dtype: Any) -> dtypes.dtype:
    """A dtype, or what a name such as "torch.FloatStorage" stands for."""
    if isinstance(dtype, str):
        for kind, name in NAMES.items():
            if name == dtype.rpartition(".")[2]:
                return kind
        raise ValueError(f"type: there is no storage {dtype!r}")
    return dtypes.as_dtype(getattr(dtype, "dtype", dtype))


def _new(name: str, args: tuple, kind: dtypes.dtype, device: Any) -> Any:
    """A new vector: of a number of elements, or with those of a list."""
    if len(args) > 1:
        raise RuntimeError(f"Too many positional arguments for {name}(): {len(args)}, expected 1")
    given = args[0] if args else 0
    if isinstance(given, Tensor):
        raise TypeError(f"{name}(): Argument type not recognized: Tensor; use x.storage()")
    try:
        where = None if device is None else backend.device(device)
    except (RuntimeError, NotImplementedError) as error:
        raise RuntimeError(f"Storage device not recognized: {device}") from error
    if isinstance(given, int | np.integer):
        array = np.empty(int(given), kind.numpy)
    elif isinstance(given, str) or not hasattr(given, "__len__"):
        raise TypeError(f"{name}(): invalid data type {type(given).__name__}")
    else:
        array = np.array(list(given)).astype(kind.numpy) if len(given) else np.empty(0, kind.numpy)
    return backend.to_device(array, where)


def of_tensor(source: Tensor, kind: dtypes.dtype | None) -> Any:
    """The memory of a tensor, typed, or as bytes if kind is None."""
    source._show_outside()
    if kind is not None:
        return wrapped(memory_of(source.array)[0], kind, True)
    owner = owner_of(source.array)  # which stays, and with it its id, while a storage is in use
    found = _in_use.get(id(owner))
    if found is None:
        flat, _ = memory_of(source.array)
        flat = flat.view(np.uint8) if flat.size else np.empty(0, np.uint8)
        found = wrapped(flat, None, True)
        _belongs(found, source, owner)
    return found


def _belongs(storage: UntypedStorage, tensor: Tensor, owner: Any) -> None:
    """Says that a storage is the one of a tensor's memory, and lives as long as that is in use."""
    storage.owner = owner
    _in_use[id(owner)] = storage
    _kept[tensor._memory] = storage


_in_use: weakref.WeakValueDictionary[int, UntypedStorage] = weakref.WeakValueDictionary()
_kept: weakref.WeakKeyDictionary[Memory, UntypedStorage] = weakref.WeakKeyDictionary()


def tensor_of(storage: Any, kind: dtypes.dtype) -> Tensor:
    """A vector of that type, in the memory of a storage.

    Raises RuntimeError for a typed storage of another type.
    """
    tensor = wrap(elements_of(storage, kind))
    if isinstance(storage, UntypedStorage):
        _belongs(storage, tensor, owner_of(tensor.array))
    return tensor


def elements_of(storage: Any, kind: dtypes.dtype) -> Any:
    """The elements of a storage for a tensor of that type, which shares its memory from now on.

    Raises RuntimeError for a typed storage of another type.
    """
    if isinstance(storage, TypedStorage) and storage._kind is not kind:
        raise RuntimeError(
            f"Expected a Storage of type {kind} or an UntypedStorage, but got type {storage._kind}"
        )
    storage.of_tensor = True
    array = storage.array
    return array[: array.size - array.nbytes % kind.itemsize].view(kind.numpy)  # bytes left over


def _from_buffer(
    kind: Any, buffer: Any, byte_order: str = "native", count: int = -1, offset: int = 0
) -> np.ndarray:
    if byte_order not in ("native", "little", "big"):
        raise ValueError(f"byte_order is 'native', 'little' or 'big', not {byte_order!r}")
    numpy_kind = dtypes.as_dtype(kind).numpy
    raw = np.frombuffer(buffer, np.uint8, offset=offset)
    if count < 0 and len(raw) % numpy_kind.itemsize:
        raise ValueError(
            f"a buffer of {len(raw)} bytes is no multiple of the element's {numpy_kind.itemsize}"
        )
    if kind is dtypes.bool:
        return raw[: len(raw) if count < 0 else count] != 0
    found = np.frombuffer(buffer, numpy_kind, count, offset)
    turned = byte_order not in ("native", sys.byteorder)
    return found.byteswap() if turned else found.copy()


def mapped(filename: Any, shared: Any, size: Any, kind: dtypes.dtype) -> np.ndarray:
    """The first elements of a file as a vector. shared: writing to it is writing to the file."""
    length = int(size) * kind.itemsize
    if not shared:
        found = np.fromfile(filename, kind.numpy, int(size) or -1)
        if found.size < size:
            raise RuntimeError(f"{filename} holds {found.size} elements of {kind}, not {size}")
        return found
    descriptor = os.open(filename, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        length = length or os.fstat(descriptor).st_size
        if os.fstat(descriptor).st_size < length:
            os.truncate(descriptor, length)
        memory = MappedFile(descriptor, length)
        memory.filename = os.fspath(filename)
    finally:
        os.close(descriptor)
    return np.frombuffer(memory, kind.numpy)


def _class(kind: dtypes.dtype) -> Any:
    """The storage class of one type."""
    name = NAMES[kind]
    text = f"A `TypedStorage` of {kind}: ``{name}(4)``, ``{name}([1, 0])``. Raises as that does."
    namespace = {"_own": kind, "dtype": kind, "__doc__": text, "__module__": __name__}
    return _OfOneType(name, (TypedStorage,), namespace)


def class_of(kind: dtypes.dtype) -> type[TypedStorage]:
    """FloatStorage of float32."""
    return globals()[NAMES[kind]]


BoolStorage = _class(dtypes.bool)
ByteStorage = _class(dtypes.uint8)
CharStorage = _class(dtypes.int8)
ShortStorage = _class(dtypes.int16)
IntStorage = _class(dtypes.int32)
LongStorage = _class(dtypes.int64)
HalfStorage = _class(dtypes.float16)
FloatStorage = Storage = _class(dtypes.float32)
DoubleStorage = _class(dtypes.float64)

refuse_missing(globals())
