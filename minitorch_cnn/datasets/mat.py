"""Reads the arrays of numbers in MATLAB's files (version 5), in which some data sets come.

A file is a header of 128 bytes, then elements: type and length, 4 bytes each, and the content, up
to a multiple of 8 bytes. An element may be compressed, and then holds another one. An array is an
element of elements: flags, shape, name and numbers, column by column.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from .archive import unpacked_limit

_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_MATRIX, _COMPRESSED = 14, 15
# Of what kind the numbers of an array are, which may be stored in fewer bytes than they have.
_CLASSES = {
    6: "f8",
    7: "f4",
    8: "i1",
    9: "u1",
    10: "i2",
    11: "u2",
    12: "i4",
    13: "u4",
    14: "i8",
    15: "u8",
}


def read_mat(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of numbers in a file, by name, each of two or more axes.

    Texts, structures, complex and sparse arrays are left out. Raises RuntimeError for a file that
    is damaged, of another version, or too large when unpacked.
    """
    with open(path, "rb") as file:
        content = file.read()
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None or content[124:126][:: 1 if order == ">" else -1] != b"\x01\x00":
        raise RuntimeError(
            f"{path} is no .mat file of version 5 (it begins with {content[:20]!r}); files of "
            "version 7.3 are HDF5"
        )
    found = {}
    try:
        left = unpacked_limit(len(content))
        for kind, data in _elements(content[128:], order):
            if kind == _COMPRESSED:
                unpacker = zlib.decompressobj()
                packed, data = data, unpacker.decompress(data, max(left, 1))
                left -= len(data)
                if not unpacker.eof:
                    raise ValueError(f"{len(packed)} bytes are cut off, or too many unpacked")
                ((kind, data),) = _elements(data, order)
            if kind == _MATRIX and (named := _array(data, order)) is not None:
                found[named[0]] = named[1]
    except (struct.error, zlib.error, ValueError, KeyError, StopIteration) as error:
        raise RuntimeError(f"{path} is damaged: {error}") from error
    return found


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and content of each element."""
    place = 0
    while place < len(content):
        kind, length = struct.unpack_from(order + "II", content, place)
        place += 8
        if kind >> 16:  # of at most 4 bytes, which stand where the length would
            kind, length, data = kind & 0xFFFF, kind >> 16, content[place - 4 : place]
            data = data[:length]
        else:
            data = content[place : place + length]
            place += length if kind == _COMPRESSED else -(-length // 8) * 8
        if len(data) != length:
            raise ValueError(f"{len(data)} bytes where {length} should be")
        yield kind, data


def _array(content: bytes, order: str) -> tuple[str, np.ndarray] | None:
    parts = _elements(content, order)
    _, flags = next(parts)
    (word,) = struct.unpack_from(order + "I", flags)
    if word & 0xFF not in _CLASSES or word & 0x800:  # no numbers, or complex ones
        return None
    _, sizes = next(parts)
    shape = np.frombuffer(sizes, order + "i4").tolist()
    _, name = next(parts)
    kind, data = next(parts)
    values = np.frombuffer(data, order + _TYPES[kind])
    if len(values) != math.prod(shape):
        raise ValueError(f"{len(values)} numbers for the shape {shape}")
    return name.decode("latin-1"), values.reshape(shape, order="F").astype(_CLASSES[word & 0xFF])
