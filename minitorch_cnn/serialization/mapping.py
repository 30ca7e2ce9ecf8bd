"""torch.load(mmap=True): the numbers of a file are not read, the file itself is their memory.

The system reads a page when somebody first looks at it. So a file larger than the memory can be
opened, and what is never used costs nothing; checksums are not compared, which would read it all.
"""

from __future__ import annotations

import mmap
import os
import struct
import zipfile
from typing import Any

import numpy as np

from ..storage import MappedFile
from .files import Source, checked_entries

_LOCAL_HEADER = 30  # bytes of a record before its name, at their end the lengths of two fields

# Windows has neither name.
MAP_SHARED, MAP_PRIVATE = getattr(mmap, "MAP_SHARED", None), getattr(mmap, "MAP_PRIVATE", None)
_flags = MAP_PRIVATE


def get_default_mmap_options() -> int | None:
    """`mmap.MAP_PRIVATE` at first, or what `set_default_mmap_options` has set."""
    return _flags


class set_default_mmap_options:
    """What writing to tensors of `load(..., mmap=True)` does: for good, or for a `with` block.

    ``mmap.MAP_PRIVATE``: the file stays as it is. ``mmap.MAP_SHARED``: the file changes, too.
    Raises ValueError for anything else, RuntimeError on Windows.

    >>> import mmap
    >>> with set_default_mmap_options(mmap.MAP_SHARED):
    ...     get_default_mmap_options() == mmap.MAP_SHARED
    True
    """

    def __init__(self, flags: int) -> None:
        global _flags
        if MAP_PRIVATE is None:
            raise RuntimeError("Changing the default mmap options is not supported on Windows")
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE "
                f"or mmap.MAP_SHARED, but got {flags!r:.60}"
            )
        self.before, _flags = _flags, flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        global _flags
        _flags = self.before


def mapped_file(path: str | os.PathLike) -> mmap.mmap:
    """The memory of a file, as `set_default_mmap_options` says. Raises OSError as `open` does."""
    shared = _flags is not None and _flags == MAP_SHARED
    with open(path, "r+b" if shared else "rb") as file:
        if not shared:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        memory = MappedFile(file.fileno(), 0, access=mmap.ACCESS_WRITE)
        memory.filename = os.fspath(path)
        return memory


def map_archive(source: Source, memory: mmap.mmap) -> dict[str, np.ndarray]:
    """As `read_archive`: all records of a zip archive, name -> bytes, which lie in the file."""
    records = {}
    with zipfile.ZipFile(source.file) as archive:
        for entry in checked_entries(archive, source.left):
            header = memory[entry.header_offset : entry.header_offset + _LOCAL_HEADER]
            name, extra = struct.unpack("<HH", header[-4:])
            start = entry.header_offset + _LOCAL_HEADER + name + extra
            if start + entry.file_size > len(memory):
                raise EOFError(f"its record {entry.filename!r} ends behind the file")
            records[entry.filename] = np.frombuffer(memory, np.uint8, entry.file_size, start)
    return records
