"""The safetensors format: a flat dict of tensors, and nothing that could be run.

    8 bytes    length of the header, little-endian
    header     JSON: {"weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...},
               and under "__metadata__" a dict of text; padded with spaces to a multiple of 8
    data       the elements, row by row, little-endian; the offsets count from here

Source: https://github.com/huggingface/safetensors (the section "Format"). The format has no
checksum; `save_safetensors` adds one to the metadata, and `load_safetensors` compares it.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from typing import IO, Any

import numpy as np

from .. import backend, dtypes
from ..tensor import Tensor, wrap
from .files import (
    Source,
    as_elements,
    check_counts,
    damage_reported,
    opened,
    place_of,
    widen_bfloat16,
    write,
)

_CODES = {
    dtypes.bool: "BOOL",
    dtypes.uint8: "U8",
    dtypes.int8: "I8",
    dtypes.int16: "I16",
    dtypes.int32: "I32",
    dtypes.int64: "I64",
    dtypes.float16: "F16",
    dtypes.float32: "F32",
    dtypes.float64: "F64",
}
_DTYPES = {code: kind.numpy.newbyteorder("<") for kind, code in _CODES.items()}
_DTYPES["BF16"] = np.dtype("<u2")
_LONGEST_HEADER = 100_000_000  # bytes; the limit of the package safetensors
_CHECKSUM = "minitorch_cnn.crc32"


def save_safetensors(tensors: dict[str, Tensor], f: str | os.PathLike | IO[bytes]) -> None:
    """Writes a dict of names and tensors, such as a state_dict, for any program that reads it.

    Views are saved as their values. Raises TypeError for anything but a dict of names and tensors.

    >>> import minitorch_cnn as mt, io
    >>> file = io.BytesIO()
    >>> save_safetensors({"weight": mt.ones(2)}, file)
    >>> start = file.seek(0)
    >>> load_safetensors(file)
    {'weight': tensor([1., 1.])}
    """
    write(f, lambda file: write_safetensors(tensors, file))


def write_safetensors(tensors: dict[str, Tensor], file: IO[bytes]) -> None:
    """Writes the tensors to an open file."""
    if not isinstance(tensors, dict):
        raise TypeError(f"safetensors holds a dict of tensors, got a {type(tensors).__name__}")
    arrays: dict[str, np.ndarray] = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise TypeError(f"safetensors needs names of text, other than __metadata__: {name!r}")
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"safetensors holds only tensors, but {name!r} is a {type(tensor).__name__}; "
                "an .npz or .pth file holds nested plain data"
            )
        array = backend.to_numpy(tensor.array)
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        arrays[name] = np.ascontiguousarray(little).reshape(array.shape)

    header: dict[str, Any] = {"__metadata__": {_CHECKSUM: _checksum(arrays)}}
    for name, array in arrays.items():  # the names stand in the dict's order
        code = _CODES[dtypes.as_dtype(array.dtype)]
        header[name] = {"dtype": code, "shape": list(array.shape)}
    # The data stand with large elements first: so all are aligned, without gaps, which are illegal.
    in_file = sorted(arrays, key=lambda name: -arrays[name].itemsize)
    offset = 0
    for name in in_file:
        header[name]["data_offsets"] = [offset, offset + arrays[name].nbytes]
        offset += arrays[name].nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in in_file:
        file.write(_bytes(arrays[name]).data)


def load_safetensors(
    f: str | os.PathLike | IO[bytes], map_location: Any = None
) -> dict[str, Tensor]:
    """Reads a safetensors file; bfloat16 becomes float32, which holds every bfloat16 exactly.

    Raises FileNotFoundError, ValueError for a damaged file, and NotImplementedError for element
    types that we do not have. A changed bit in the data of a file that another program wrote
    cannot be noticed: only our own files carry a checksum.
    """
    where = place_of(map_location)
    with opened(f) as source, damage_reported(source.name, "safetensors file"):
        return read_safetensors(source, where)


def read_safetensors(source: Source, where: backend.device) -> dict[str, Tensor]:
    """Reads the tensors from an open file."""
    length = int.from_bytes(source.take(8), "little")
    if length > _LONGEST_HEADER:
        raise ValueError(f"its header has {length} bytes, more than {_LONGEST_HEADER}")
    header = json.loads(source.take(length), object_pairs_hook=_without_repetition)
    metadata = header.pop("__metadata__", {})
    arrays: dict[str, np.ndarray] = {}
    offset = 0
    for name, entry in sorted(header.items(), key=lambda each: each[1]["data_offsets"]):
        start, stop = entry["data_offsets"]
        check_counts((start, stop, *entry["shape"]))
        if start != offset or stop < start:
            raise ValueError(f"the data of {name!r} is at {start}:{stop}, not from {offset} on")
        arrays[name] = _read_array(source, name, entry["dtype"], entry["shape"], stop - start)
        offset = stop
    if source.left:
        raise ValueError(f"{source.left} bytes follow its last tensor")
    if _CHECKSUM in metadata and metadata[_CHECKSUM] != _checksum(arrays):
        raise ValueError("its checksum does not fit")
    return {name: wrap(backend.to_device(arrays[name], where)) for name in header}


def _read_array(source: Source, name: str, code: str, shape: list[int], size: int) -> np.ndarray:
    if code not in _DTYPES:
        known = ", ".join(_DTYPES)
        raise NotImplementedError(
            f"{source.name}: {name!r} has elements of type {code}, which are not supported; "
            f"there are {known}"
        )
    kind = _DTYPES[code]
    if math.prod(shape) * kind.itemsize != size:
        raise ValueError(f"{name!r} has {size} bytes for the shape {shape} of {code}")
    raw = source.take_array(size)
    elements = widen_bfloat16(raw, "<") if code == "BF16" else as_elements(raw, kind)
    return elements.reshape(shape)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("its header names something twice")
    return result


def _checksum(arrays: dict[str, np.ndarray]) -> str:
    """CRC-32 over names, types, shapes and values, in the order of the names."""
    checksum = 0
    for name in sorted(arrays):
        array = arrays[name]
        label = f"{name} {_CODES[dtypes.as_dtype(array.dtype)]} {list(array.shape)}"
        checksum = zlib.crc32(_bytes(array).data, zlib.crc32(label.encode(), checksum))
    return f"{checksum:08x}"


def _bytes(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1).view(np.uint8)
