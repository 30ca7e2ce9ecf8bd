"""Writing torch's zip format without torch, such that torch.load(weights_only=True) reads it.

The file is the one that torch_file.py describes, and its pickle is made here, instruction by
instruction. What is saved as a view stays a view: tensors that overlap in memory go into one
storage, with their offsets and strides.
"""

from __future__ import annotations

import argparse
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from typing import IO, Any

import numpy as np

from .. import backend, dtypes
from ..storage import NAMES, TypedStorage, UntypedStorage
from ..tensor import Size, Tensor, wrap
from .files import write

_ALIGNMENT = 64  # of the storages in the file, so that torch.load(mmap=True) can use them there
_NUMBERS = {kind.numpy.str[1:] for kind in dtypes.ALL_DTYPES} | {"u2", "u4", "u8"}  # of NumPy
_LOCAL_HEADER = 30  # bytes of a zip record before its name


def save_torch(obj: Any, f: str | os.PathLike | IO[bytes]) -> None:
    """Writes a .pth file that torch.load reads, also with weights_only=True.

    obj: tensors, Parameters, storages, Sizes, dtypes, devices, numbers, text, bytes, None, in
    lists, tuples, sets, dicts and OrderedDicts; and NumPy's arrays of numbers and argparse's
    Namespace (which torch reads with weights_only=False only).
    Tensors that share memory share it again after loading, and strides are kept; a tensor for which
    torch has no strides (a flipped one) is saved as its values. As in torch, the memory between the
    elements of a view is saved too. Everything is loaded to the CPU.

    Raises TypeError, naming the place, for anything else, and RuntimeError for tensors of
    different types in the same memory, which torch refuses too.

    >>> import minitorch_cnn as mt, io
    >>> file = io.BytesIO()
    >>> save_torch({"weight": mt.ones(2), "epoch": 3}, file)
    >>> start = file.seek(0)
    >>> mt.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    write(f, lambda file: write_torch(obj, file))


def write_torch(obj: Any, file: IO[bytes]) -> None:
    """Writes the object to an open file."""
    pickler = Pickler()
    pickler.put(obj, "the object")
    text, storages = pickler.finish()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, data: Any) -> None:
            # A fixed date: the same object gives the same file. The padding before the data
            # is an extra field as torch makes it: FB, its length, and anything.
            entry = zipfile.ZipInfo(f"archive/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            padding = -(file.tell() + _LOCAL_HEADER + len(entry.filename) + 4) % _ALIGNMENT
            entry.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
            archive.writestr(entry, data)
            if not _crc32:
                entry.CRC = 0  # in the list of records, which is what readers go by

        add("data.pkl", text)
        add("byteorder", b"little")
        for key, array in enumerate(storages):
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            add(f"data/{key}", little.view(np.uint8).data)
        add("version", b"3\n")


# ----------------------------------------------------------------------- storages of tensors


class Run:
    """A run of memory, and the tensors in it: (number of the tensor, its first byte)."""

    def __init__(self, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        self.members: list[tuple[int, int]] = []

    def elements(self, arrays: list[Any]) -> np.ndarray:
        """All elements of the run, also those between the tensors' own."""
        kinds = {arrays[number].dtype for number, _ in self.members}
        first = arrays[self.members[0][0]]  # it starts where the run starts
        itemsize = first.itemsize
        if len(kinds) > 1 or any((start - self.start) % itemsize for _, start in self.members):
            names = ", ".join(sorted(kind.name for kind in kinds))
            raise RuntimeError(
                f"Cannot save multiple tensors that view the same data as different types: {names}"
            )
        count = (self.stop - self.start) // itemsize
        tricks = backend.array_module(first).lib.stride_tricks
        return backend.to_numpy(tricks.as_strided(first, (count,), (itemsize,)))


def find_runs(arrays: list[Any]) -> list[Run]:
    """The runs of memory that the arrays lie in: arrays that overlap are in the same run."""
    spans = []
    for number, array in enumerate(arrays):
        start = wrap(array).data_ptr()
        reach = sum((n - 1) * step for n, step in zip(array.shape, array.strides, strict=True))
        stop = start + (reach + array.itemsize if array.size else 0)
        spans.append((str(backend.device_of(array)), start, stop, number))

    runs: list[Run] = []
    device_before = None
    for device, start, stop, number in sorted(spans):
        if device != device_before or start >= runs[-1].stop:
            runs.append(Run(start, stop))
        device_before = device
        runs[-1].stop = max(runs[-1].stop, stop)
        runs[-1].members.append((number, start))
    return sorted(runs, key=lambda run: min(run.members))  # as they come in the object


def with_torch_strides(array: Any) -> Any:
    """The array, copied if torch cannot express its strides: negative, or not whole elements."""
    used = [step for n, step in zip(array.shape, array.strides, strict=True) if n > 1]
    if all(step >= 0 and step % array.itemsize == 0 for step in used):
        return array
    return backend.array_module(array).ascontiguousarray(array)


# ------------------------------------------------------------------------------- the pickle


class Pickler:
    """Builds the pickle: `put` values, then `finish`.

    A tensor's storage and offset are known only when all tensors are, so its call is a gap in
    `parts`, the tensor's number, until then.
    """

    def __init__(self) -> None:
        self.parts: list[bytes | int] = [pickle.PROTO + b"\x02"]
        self.arrays: list[Any] = []
        self.needs_grad: list[bool] = []
        self.storages: set[int] = set()  # the numbers of those that are no tensors
        self.untyped: set[int] = set()  # and have no type either
        self.apart: set[int] = set()  # of those with attributes: the call is somebody else's

    def finish(self) -> tuple[bytes, list[np.ndarray]]:
        """The pickle, and the storages that it names "0", "1", ..."""
        storages = []
        calls: dict[int, bytes] = {}
        for key, run in enumerate(find_runs(self.arrays)):
            storages.append(run.elements(self.arrays))
            for number, start in run.members:
                offset = (start - run.start) // storages[-1].itemsize
                calls[number] = self._tensor(number, str(key), len(storages[-1]), offset)
        text = b"".join(calls[part] if isinstance(part, int) else part for part in self.parts)
        return text + pickle.STOP, storages

    def _tensor(self, number: int, key: str, count: int, offset: int) -> bytes:
        array = self.arrays[number]
        storage = _name("torch", NAMES[dtypes.as_dtype(array.dtype)])
        if number in self.untyped:
            storage = _name("torch.storage", "UntypedStorage")
        identity = [_text("storage"), storage, _text(key), _text("cpu"), _int(count)]
        if number in self.storages:
            return _tuple(identity) + pickle.BINPERSID
        strides = [max(step, 0) // array.itemsize for step in array.strides]
        rebuild = _name("torch._utils", "_rebuild_tensor_v2")
        args = (
            _tuple(identity) + pickle.BINPERSID,
            _int(offset),
            _tuple([_int(n) for n in array.shape]),
            _tuple([_int(step) for step in strides]),
            pickle.NEWTRUE if self.needs_grad[number] else pickle.NEWFALSE,
            _EMPTY_ORDERED_DICT,
        )
        if number in self.apart:
            return rebuild + _name("torch", "Tensor") + _tuple(list(args))
        return _call(rebuild, *args)

    def put(self, value: Any, place: str) -> None:
        """Appends one value. `place` says in errors where it stands."""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, Tensor):
            self._put_tensor(value, place)
        elif isinstance(value, TypedStorage | UntypedStorage):
            self._put_storage(value)
        elif isinstance(value, Size):
            self.parts.append(_call(_name("torch", "Size"), _tuple([_int(n) for n in value])))
        elif isinstance(value, dtypes.dtype):
            self.parts.append(_name("torch", value.name))
        elif isinstance(value, backend.device):
            number = [] if value.index is None else [_int(value.index)]
            self.parts.append(_call(_name("torch", "device"), _text(value.type), *number))
        elif isinstance(value, dict):
            self._put_dict(value, place)
        elif type(value) is np.ndarray and value.dtype.str[1:] in _NUMBERS:
            self._put_array(value)
        elif type(value) is argparse.Namespace:
            self.parts.append(_name("argparse", "Namespace") + pickle.EMPTY_TUPLE + pickle.NEWOBJ)
            self._put_dict(vars(value), place)
            self.parts.append(pickle.BUILD)
        elif type(value) in (set, bytearray):
            parts = sorted(value, key=repr) if type(value) is not bytearray else bytes(value)
            self.parts.append(_name("builtins", type(value).__name__))
            self.put((parts,), place)
            self.parts.append(pickle.REDUCE)
        elif type(value) in (list, tuple):
            opening = pickle.EMPTY_LIST + pickle.MARK if type(value) is list else pickle.MARK
            self.parts.append(opening)
            for index, item in enumerate(value):
                self.put(item, f"{place}[{index}]")
            self.parts.append(pickle.APPENDS if type(value) is list else pickle.TUPLE)
        else:
            self.parts.append(_scalar(value, place))

    def _put_storage(self, storage: TypedStorage | UntypedStorage) -> None:
        number = len(self.arrays)
        self.parts.append(number)
        self.arrays.append(storage.array)
        self.needs_grad.append(False)
        self.storages.add(number)
        if isinstance(storage, UntypedStorage):
            self.untyped.add(number)

    def _put_tensor(self, tensor: Tensor, place: str) -> None:
        self.arrays.append(with_torch_strides(tensor.array))
        parameter = type(tensor).__name__ == "Parameter"
        self.needs_grad.append(tensor.requires_grad and not parameter)
        number = len(self.arrays) - 1
        attributes, call = tensor.__dict__, pickle.TUPLE + pickle.REDUCE
        if not parameter and not attributes:
            self.parts.append(number)
        elif not parameter:
            self.apart.add(number)
            opening = _name("torch._tensor", "_rebuild_from_type_v2") + pickle.MARK
            self.parts.extend((opening, number))
            self._put_dict(attributes, place)
            self.parts.append(call)
        else:
            rebuild = "_rebuild_parameter" + ("_with_state" if attributes else "")
            grad = pickle.NEWTRUE if tensor.requires_grad else pickle.NEWFALSE
            opening = _name("torch._utils", rebuild) + pickle.MARK
            self.parts.extend((opening, number, grad + _EMPTY_ORDERED_DICT))
            if attributes:
                self._put_dict(attributes, place)
            self.parts.append(call)

    def _put_array(self, array: np.ndarray) -> None:
        """As NumPy pickles an array: the call for an empty one, and its state; and so its type."""
        nothing = _tuple([_int(0)])
        empty = _call(_name("numpy._core.multiarray", "_reconstruct"), _name("numpy", "ndarray"),
                      nothing, _scalar(b"b", ""))  # fmt: skip
        order, code = array.dtype.str[0], array.dtype.str[1:]
        element = _call(_name("numpy", "dtype"), _text(code), pickle.NEWFALSE, pickle.NEWTRUE)
        swap = [_int(3), _text(order), *[pickle.NONE] * 3, _int(-1), _int(-1), _int(0)]
        shape = _tuple([_int(n) for n in array.shape])
        content = _scalar(array.tobytes(), "")
        state = [_int(1), shape, element + _tuple(swap) + pickle.BUILD, pickle.NEWFALSE, content]
        self.parts.append(empty + _tuple(state) + pickle.BUILD)

    def _put_dict(self, value: dict, place: str) -> None:
        ordered = isinstance(value, OrderedDict)
        self.parts.append((_EMPTY_ORDERED_DICT if ordered else pickle.EMPTY_DICT) + pickle.MARK)
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | tuple | type(None)):
                raise TypeError(f"cannot save {place}: its key {key!r} is a {type(key).__name__}")
            self.put(key, f"{place}'s key {key!r}")
            self.put(item, f"{place}[{key!r}]")
        self.parts.append(pickle.SETITEMS)
        metadata = getattr(value, "_metadata", None)
        if ordered and metadata is not None:  # the modules' version numbers, of a state_dict
            self.put({"_metadata": metadata}, f"{place}._metadata")
            self.parts.append(pickle.BUILD)


def _scalar(value: Any, place: str) -> bytes:
    if value is None:
        return pickle.NONE
    if isinstance(value, bool):
        return pickle.NEWTRUE if value else pickle.NEWFALSE
    if isinstance(value, int):
        return _int(value)
    if isinstance(value, float):
        return pickle.BINFLOAT + struct.pack(">d", value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):  # as protocol 2 has them
        return _call(_name("_codecs", "encode"), _text(value.decode("latin1")), _text("latin1"))
    raise TypeError(
        f"cannot save {place}: a {type(value).__name__} is not plain data. Save numbers, text, "
        "None, lists, tuples, dicts and tensors; for a module its state_dict()."
    )


def _int(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return pickle.BININT + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    if len(data) > 255:
        raise ValueError(f"cannot save an integer of {value.bit_length()} bits")
    return pickle.LONG1 + bytes([len(data)]) + data


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return pickle.BINUNICODE + struct.pack("<I", len(data)) + data


def _name(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def _tuple(items: list[bytes]) -> bytes:
    return pickle.MARK + b"".join(items) + pickle.TUPLE


def _call(callee: bytes, *args: bytes) -> bytes:
    return callee + _tuple(list(args)) + pickle.REDUCE


_EMPTY_ORDERED_DICT = _call(_name("collections", "OrderedDict"))


# ------------------------------------------------------------------------------------ checksums

_crc32 = True


def set_crc32_options(compute_crc32: bool) -> None:
    """Whether torch files that are written carry checksums; without, damage cannot be noticed."""
    global _crc32
    _crc32 = compute_crc32


def get_crc32_options() -> bool:
    """What `set_crc32_options` was told last; True at first."""
    return _crc32
