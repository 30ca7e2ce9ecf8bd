"""Reading torch's .pth and .pt files without torch, and without trusting them.

`torch.save` writes a pickle in which each tensor is a call

    torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)

A storage is one run of memory, and only named in the pickle; several tensors may be views of the
same one. Where its bytes are depends on the format:

    zip (since torch 1.6)   name/data.pkl, name/byteorder, and name/data/0, name/data/1, ...
    legacy                  four pickles (a magic number, a version, facts about the machine, the
                            object), a pickled list of the storages' keys, and for each of them
                            its number of elements (8 bytes) and its elements, little-endian
"""

from __future__ import annotations

import enum
import io
import math
import os
import sys
from typing import IO, Any

import numpy as np

from .. import backend, dtypes
from ..storage import TypedStorage, UntypedStorage, mapping_of, wrapped
from ..tensor import Size, Tensor, wrap
from .files import (
    ByteOrder,
    Source,
    as_elements,
    check_counts,
    damage_reported,
    opened,
    place_of,
    read_archive,
    widen_bfloat16,
)
from .numpy_pickle import ARRAY_NAMES, ArrayUnpickler
from .unpickle import PLAIN_NAMES, Callee, Unpickler, Unsupported

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001
_MOST_DIMENSIONS = 64  # NumPy's limit, and more than any tensor has


class ElementType:
    """What a storage's class says: the type in the file, and the type of the tensors."""

    def __init__(self, name: str, stored: str, kind: dtypes.dtype) -> None:
        self.name, self.stored, self.kind = name, stored, kind

    @property
    def itemsize(self) -> int:
        return np.dtype(self.stored).itemsize

    def decode(self, raw: np.ndarray, order: ByteOrder) -> np.ndarray:
        """The elements in the file's bytes."""
        if self.name == "BFloat16Storage":
            return widen_bfloat16(raw, order)
        return as_elements(raw, np.dtype(self.stored).newbyteorder(order))


_ELEMENT_TYPES = [
    ElementType("BoolStorage", "?", dtypes.bool),
    ElementType("ByteStorage", "u1", dtypes.uint8),
    ElementType("CharStorage", "i1", dtypes.int8),
    ElementType("ShortStorage", "i2", dtypes.int16),
    ElementType("IntStorage", "i4", dtypes.int32),
    ElementType("LongStorage", "i8", dtypes.int64),
    ElementType("HalfStorage", "f2", dtypes.float16),
    ElementType("FloatStorage", "f4", dtypes.float32),
    ElementType("DoubleStorage", "f8", dtypes.float64),
    ElementType("BFloat16Storage", "u2", dtypes.float32),
    ElementType("UntypedStorage", "u1", dtypes.uint8),
]


def load_torch(f: str | os.PathLike | IO[bytes], map_location: Any = None) -> Any:
    """What torch.save wrote (zip or legacy format), with our tensors in the place of torch's.

    Read are tensors, Parameters, storages, dtypes, devices and Sizes, NumPy's arrays of numbers,
    numbers, text, bytes, None, lists, tuples, sets, dicts and OrderedDicts; bfloat16 becomes
    float32, which holds every bfloat16 exactly. Tensors that shared memory share it again. They
    come to the CPU, or to map_location.

    Raises FileNotFoundError; ValueError for a damaged file; RefusedGlobal (a ValueError and a
    pickle.UnpicklingError), naming it, for anything that is not plain data, such as a whole
    module; NotImplementedError for element types that we do not have.

    >>> import minitorch_cnn as mt, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.pth")
    >>> mt.save({"weight": mt.ones(2)}, path)
    >>> load_torch(path)
    {'weight': tensor([1., 1.])}
    """
    where = place_of(map_location)
    with opened(f) as source, damage_reported(source.name, "torch file"):
        return read_torch(source, where)


def read_torch(source: Source, where: backend.device, encoding: str = "utf-8") -> Any:
    """Reads a torch file of either format, which its first bytes tell apart.

    encoding: of the text in old files that Python 2 wrote; "bytes" leaves it as it is.
    """
    start = source.peek(4)
    if start == b"PK\x03\x04":
        return read_zip(read_archive(source), source.name, where)
    if start[:1] == b"\x80":
        return _read_legacy(source, where, encoding)
    raise ValueError(f"it starts with {start!r}, neither with a zip record nor with a pickle")


# ------------------------------------------------------------------------ the two formats


def read_zip(records: dict[str, np.ndarray], name: str, where: backend.device) -> Any:
    """Reads the object in the records of a zip archive, name -> bytes."""
    pickles = [each for each in records if each.endswith("/data.pkl") and each.count("/") == 1]
    if len(pickles) != 1:
        raise ValueError(f"it has {len(pickles)} records NAME/data.pkl, where torch writes one")
    prefix = pickles[0].removesuffix("data.pkl")
    if prefix + "constants.pkl" in records:
        raise NotImplementedError(
            f"{name} is a TorchScript program (torch.jit.save), which cannot be run here; save "
            "the module's state_dict() with torch.save"
        )
    order = _byte_order(records.get(prefix + "byteorder"))
    storages: dict[str, tuple[ElementType, Any]] = {}

    def find_storage(identity: Any) -> Any:
        element, key, count = _parse_identity(identity, 5)
        if key not in storages:
            raw = records.get(f"{prefix}data/{key}")
            if raw is None or len(raw) // element.itemsize != count:
                found = "none" if raw is None else f"{len(raw)} bytes"
                raise ValueError(f"storage {key} has {count} elements in the pickle, {found} here")
            array = element.decode(raw[: count * element.itemsize], order)
            storages[key] = element, backend.to_device(array, where)
        return _storage(_of_type(storages[key], element, key), element)

    source = Source(io.BytesIO(records[pickles[0]].tobytes()), name)
    return ArrayUnpickler(source, _NAMES, find_storage).load()


class LoadEndianness(enum.Enum):
    """Which order of bytes a file has that does not say it."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


_load_endianness: LoadEndianness | None = None


def get_default_load_endianness() -> LoadEndianness | None:
    """What `set_default_load_endianness` has set, None at first."""
    return _load_endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """The order of bytes of files that do not say theirs (torch before 2.1); None: little.

    Raises TypeError for anything but a `LoadEndianness` or None.
    """
    global _load_endianness
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError(f"Invalid argument type in function set_default_load_endianness: "
                        f"{endianness!r:.60}")  # fmt: skip
    _load_endianness = endianness


def _byte_order(record: np.ndarray | None) -> ByteOrder:
    orders: dict[str, ByteOrder] = {"little": "<", "big": ">"}
    if record is None:  # torch before 2.1
        if _load_endianness is LoadEndianness.NATIVE:
            return "<" if sys.byteorder == "little" else ">"
        return ">" if _load_endianness is LoadEndianness.BIG else "<"
    text = record.tobytes().decode("ascii")
    if text not in orders:
        raise ValueError(f"its byte order is {text!r}")
    return orders[text]


def _read_legacy(source: Source, where: backend.device, encoding: str) -> Any:
    magic = Unpickler(source, {}).load()
    if magic != LEGACY_MAGIC or type(magic) is not int:
        raise ValueError("it is a pickle, but not one of torch.save")
    version = Unpickler(source, {}).load()
    if version != LEGACY_VERSION:
        raise ValueError(f"its version is {version!r}, not {LEGACY_VERSION}")
    Unpickler(source, {}).load()  # sizes of C's types on the machine that wrote it: of no use

    storages: dict[str, tuple[ElementType, Any]] = {}
    claimed = 0

    def find_storage(identity: Any) -> Any:
        nonlocal claimed
        element, key, count = _parse_identity(identity, 6)
        if key not in storages:
            # The elements come later in the file; until then only their number is known.
            claimed += count * element.itemsize
            if claimed > source.left:
                raise ValueError(f"its storages have {claimed} bytes or more, the file fewer")
            xp = backend.module_of(where)
            storages[key] = element, backend.to_device(xp.empty(count, element.kind.numpy), where)
        storage = _of_type(storages[key], element, key)
        view = identity[5]
        if view is None:
            return _storage(storage, element)
        _, offset, length = view
        if not 0 <= offset <= offset + length <= storage.size:
            raise ValueError(f"part {offset}:{offset + length} of storage {key} is outside it")
        return _storage(storage[offset : offset + length], element)

    unpickler = ArrayUnpickler(source, _NAMES, find_storage)
    unpickler.encoding = encoding
    result = unpickler.load()
    keys = Unpickler(source, {}).load()
    if sorted(keys) != sorted(storages):
        raise ValueError(f"its pickle names the storages {list(storages)}, its list {keys}")
    for key in keys:
        element, array = storages[key]
        count = int.from_bytes(source.take(8), "little", signed=True)
        if count != array.size:
            raise ValueError(f"storage {key} has {array.size} elements in the pickle, {count} here")
        raw = source.take_array(count * element.itemsize)
        array[...] = backend.to_device(element.decode(raw, "<"), where)
    if source.left:
        raise ValueError(f"{source.left} bytes follow its last storage")
    return result


def _parse_identity(identity: Any, length: int) -> tuple[ElementType, str, int]:
    """Element type, key and number of elements of a storage, from what the pickle says of it."""
    if type(identity) is not tuple or len(identity) != length:
        raise ValueError("its pickle names something other than a storage")
    name, key = (each.decode() if isinstance(each, bytes) else each for each in identity[::2][:2])
    if name != "storage":
        raise ValueError("its pickle names something other than a storage")
    element, count = identity[1], identity[4]
    if not isinstance(element, ElementType) or not isinstance(key, str):
        raise ValueError(f"its pickle has a storage of type {element!r} with the key {key!r}")
    check_counts((count,))
    return element, key, count


def _of_type(storage: tuple[ElementType, Any], element: ElementType, key: str) -> Any:
    if storage[0] is not element:
        raise ValueError(f"storage {key} is a {storage[0].name} and a {element.name}")
    return storage[1]


def _storage(array: Any, element: ElementType) -> TypedStorage | UntypedStorage:
    return wrapped(array, None if element.name == "UntypedStorage" else element.kind)


# --------------------------------------------------------- what the names in a pickle mean


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any) -> Tensor:
    """A tensor that is a view of a storage. Offset and strides count elements, not bytes."""
    if not isinstance(storage, TypedStorage):
        raise ValueError(f"its pickle makes a tensor of a {type(storage).__name__}")
    storage.of_tensor, storage = True, storage.array
    check_counts((offset, *size, *stride))
    if len(size) != len(stride) or len(size) > _MOST_DIMENSIONS:
        raise ValueError(f"a tensor has the size {list(size)} and the stride {list(stride)}")
    itemsize = storage.itemsize
    if math.prod(max(length, 1) for length in size) * itemsize >= 2**63:
        raise ValueError(f"a tensor has the size {list(size)}")
    if 0 in size:
        return wrap(backend.array_module(storage).empty(tuple(size), storage.dtype))
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= storage.size:
        raise ValueError(
            f"a tensor of size {list(size)}, stride {list(stride)} and offset {offset} is outside "
            f"its storage of {storage.size} elements"
        )
    # The stride of an axis of length 1 says nothing, and may be too large for a machine integer.
    steps = [
        (step if n > 1 or step <= storage.size else 1) * itemsize
        for n, step in zip(size, stride, strict=True)
    ]
    tricks = backend.array_module(storage).lib.stride_tricks
    tensor = wrap(tricks.as_strided(storage[offset:], tuple(size), tuple(steps)))
    # Whoever else has mapped the file writes to it unseen.
    tensor._memory.outside = int(mapping_of(storage) is not None)
    return tensor


def _rebuild_tensor_v2(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    metadata: Any = None,
) -> Tensor:
    if hooks or metadata:
        raise ValueError("a tensor has hooks, or is kept negated or conjugated")
    return _rebuild_tensor(storage, offset, size, stride).requires_grad_(_truth(requires_grad))


def _rebuild_parameter(data: Any, requires_grad: Any, hooks: Any) -> Tensor:
    from ..nn.parameter import Parameter  # nn is above serialization in the order of imports

    if not isinstance(data, Tensor) or hooks:
        raise ValueError(f"a Parameter is made of a {type(data).__name__}, or has hooks")
    return Parameter(data, requires_grad=_truth(requires_grad))


def _rebuild_parameter_with_state(
    data: Any, requires_grad: Any, hooks: Any, attributes: Any
) -> Tensor:
    return _with_attributes(_rebuild_parameter(data, requires_grad, hooks), attributes)


def _rebuild_from_type(function: Any, kind: Any, args: Any, attributes: Any) -> Tensor:
    """A tensor with attributes: function is `_rebuild_tensor_v2`, and has not been called yet."""
    if function is not _NAMES["torch._utils _rebuild_tensor_v2"] or kind is not _TENSOR:
        raise ValueError("its pickle makes a tensor in a way of its own")
    if type(args) is not tuple or any(
        type(each) in (tuple, list) and len(each) > _MOST_DIMENSIONS for each in args
    ):
        raise ValueError("its pickle makes a tensor of other arguments than torch does")
    return _with_attributes(function.function(*args), attributes)


def _with_attributes(tensor: Tensor, attributes: Any) -> Tensor:
    """Sets what a program has set, which cannot take the place of anything that tensors have."""
    if type(attributes) is not dict:
        raise ValueError(f"the attributes of a tensor are a {type(attributes).__name__}")
    for name, value in attributes.items():
        if type(name) is not str or hasattr(type(tensor), name):
            raise ValueError(f"a tensor has an attribute {name!r} of its own")
        tensor.__dict__[name] = value
    return tensor


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(f"requires_grad is {value!r}")
    return value


def _rebuild_size(lengths: Any) -> Size:
    check_counts(lengths)
    return Size(lengths)


def _rebuild_device(*parts: Any) -> backend.device:
    if not parts or type(parts[0]) is not str:  # a device of ours may also be made of a number
        raise ValueError(f"a device is made of {parts!r}")
    return backend.device(*parts)


_UNSUPPORTED = {
    "torch ComplexHalfStorage": "complex numbers",
    "torch ComplexFloatStorage": "complex numbers",
    "torch ComplexDoubleStorage": "complex numbers",
    "torch QInt8Storage": "quantized numbers",
    "torch QUInt8Storage": "quantized numbers",
    "torch QInt32Storage": "quantized numbers",
    "torch bfloat16": "the dtype bfloat16 as a value (tensors of it are read as float32)",
    "torch complex64": "the dtype complex64",
    "torch complex128": "the dtype complex128",
    "torch._utils _rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils _rebuild_qtensor": "a quantized tensor",
    "torch._utils _rebuild_tensor_v3": "a tensor of a type such as uint16 or float8",
}

_TENSOR = object()  # what the name torch.Tensor means: an argument, and no more

_NAMES: dict[str, Any] = {
    **PLAIN_NAMES,
    **ARRAY_NAMES,
    **{name: Unsupported(what) for name, what in _UNSUPPORTED.items()},
    **{f"torch {each.name}": each for each in _ELEMENT_TYPES},
    "torch.storage UntypedStorage": _ELEMENT_TYPES[-1],
    **{f"torch {each.name}": each for each in dtypes.ALL_DTYPES},
    "torch Size": Callee("Size", _rebuild_size),
    "torch device": Callee("device", _rebuild_device),
    "torch._utils _rebuild_tensor": Callee("_rebuild_tensor", _rebuild_tensor),
    "torch._utils _rebuild_tensor_v2": Callee("_rebuild_tensor_v2", _rebuild_tensor_v2),
    "torch._utils _rebuild_parameter": Callee("_rebuild_parameter", _rebuild_parameter),
    "torch Tensor": _TENSOR,
    "torch._tensor _rebuild_from_type_v2": Callee("_rebuild_from_type_v2", _rebuild_from_type),
    "torch._utils _rebuild_parameter_with_state": Callee(
        "_rebuild_parameter_with_state", _rebuild_parameter_with_state
    ),
}
