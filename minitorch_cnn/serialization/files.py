"""Opening, reading and writing files that may be damaged, or made to do harm.

The rule of this folder: no number that stands in a file is believed before it was compared with
the size of the file. So a file of n bytes costs memory in proportion to n, whatever it claims.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import struct
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from .. import backend

ByteOrder = Literal["<", ">"]  # little-endian, big-endian

# What reading nonsense raises here and in the standard library, all of it meaning "damaged".
DAMAGE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    OSError,
    EOFError,
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
)


class Source:
    """An open file, its name for messages, and `left`: how many bytes there are still to read."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file, self.name = file, name
        start = file.tell()
        self.left = file.seek(0, os.SEEK_END) - start
        file.seek(start)

    def take(self, count: int) -> bytes:
        """The next `count` bytes. Raises EOFError, before reading, if there are fewer."""
        self._count_off(count)
        return self.file.read(count)

    def take_array(self, count: int) -> np.ndarray:
        """The next `count` bytes as a writable uint8 array. Raises EOFError if there are fewer."""
        self._count_off(count)
        array = np.empty(count, np.uint8)
        fill(array, self.file)
        return array

    def take_line(self) -> bytes:
        """The next bytes up to the next newline, without it; at most a thousand of them."""
        line = self.file.readline(min(1000, self.left))
        self.left -= len(line)
        if not line.endswith(b"\n"):
            raise EOFError("a line in it does not end")
        return line[:-1]

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, or as many as there are; they stay to be read."""
        start = self.file.tell()
        data = self.file.read(count)
        self.file.seek(start)
        return data

    def _count_off(self, count: int) -> None:
        if not 0 <= count <= self.left:
            raise EOFError(f"it should have {count} more bytes but has {self.left}")
        self.left -= count


def fill(array: np.ndarray, file: Any) -> None:
    """Reads exactly as many bytes from the file as the uint8 array has."""
    place = 0
    while place < array.size:  # in pieces: zipfile makes a copy of each
        count = file.readinto(array.data[place : place + 2**20])
        if not count:
            raise EOFError(f"it ends {array.size - place} bytes too early")
        place += count


@contextlib.contextmanager
def opened(f: str | os.PathLike | IO[bytes]) -> Iterator[Source]:
    """A `Source` for a path, or for a seekable binary file from its current position."""
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            yield Source(file, os.fspath(f))
        return
    name = str(getattr(f, "name", "the file"))
    try:
        source = Source(f, name)
    except (AttributeError, io.UnsupportedOperation) as error:
        raise type(error)(
            f"{error}. You can only torch.load from a file that is seekable. Please pre-load the "
            "data into a buffer like io.BytesIO and try to load from it instead."
        ) from error
    if not hasattr(f, "seekable") or not hasattr(f, "readinto"):  # which zipfile asks for
        source = Source(io.BytesIO(_all_of(f, source.left)), name)
    yield source


def _all_of(f: Any, count: int) -> bytes | bytearray:
    """The rest of a file, of `count` bytes: into memory of ours, if it can do that."""
    if not hasattr(f, "readinto"):
        return f.read()
    data = bytearray(count)
    fill(np.frombuffer(data, np.uint8), f)
    return data


@contextlib.contextmanager
def damage_reported(name: str, kind: str) -> Iterator[None]:
    """Turns whatever reading a damaged file raises into one ValueError that names the file.

    NotImplementedError (an element type that we do not have) and `Refused` pass as they are.
    """
    try:
        yield
    except (NotImplementedError, Refused):
        raise
    except DAMAGE as error:
        raise ValueError(
            f"{name} is not a readable {kind}: {error}. It may be truncated, damaged, or written "
            "by another program."
        ) from error


class Refused(ValueError):
    """A file asks for something that is never done for a file, such as calling a function."""


def read_archive(source: Source) -> dict[str, np.ndarray]:
    """All records of a zip archive, name -> writable bytes, after checking their checksums.

    Only uncompressed records are read, which is how torch and NumPy write them. A compressed
    record can grow a thousandfold; and records that overlap in the file could name the same bytes
    again and again. So the records together must not be longer than the file.
    """
    try:
        return _read_records(source)
    except NotImplementedError as error:  # zipfile's word for an unknown version or flag
        raise ValueError(str(error)) from error


def _read_records(source: Source) -> dict[str, np.ndarray]:
    records: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(source.file) as archive:
        entries = checked_entries(archive, source.left)
        # torch writes 0 everywhere for `set_crc32_options(False)`; zipfile does not compare None.
        without_checksums = all(entry.CRC == 0 for entry in entries)
        for entry in entries:
            if without_checksums:
                entry.CRC = None  # type: ignore[assignment]
            records[entry.filename] = np.empty(entry.file_size, np.uint8)
            with archive.open(entry) as record:
                fill(records[entry.filename], record)
                record.read(1)  # zipfile compares the checksum at the end, if somebody reads there
    return records


def checked_entries(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The records that an archive of `size` bytes lists. Raises ValueError as `read_archive`."""
    entries, names = archive.infolist(), set()
    total = sum(entry.file_size for entry in entries)
    if total > size:
        raise ValueError(f"its records have {total} bytes together, but the file only {size}")
    for entry in entries:
        name = entry.filename
        if entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"its record {name!r} is compressed; torch and NumPy do not do so")
        if entry.flag_bits & 1:
            raise ValueError(f"its record {name!r} is encrypted")
        if name in names:
            raise ValueError(f"it has two records named {name!r}")
        names.add(name)
    return entries


def check_counts(values: Iterable[Any]) -> None:
    """Raises ValueError unless all values are lengths, offsets or strides: from 0 to 2^63 - 1."""
    for value in values:
        if type(value) is not int or not 0 <= value < 2**63:
            raise ValueError(f"{value!r} is no length, offset or stride")


def as_elements(raw: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Bytes seen as elements of that type, in this machine's byte order."""
    elements = raw.view(kind)
    if kind == np.bool_ and (raw > 1).any():
        raise ValueError("a truth value in it is neither 0 nor 1")
    native = kind.newbyteorder("=")
    if kind != native:
        return elements.astype(native)
    return elements if elements.flags.aligned else elements.copy()


def widen_bfloat16(raw: np.ndarray, order: ByteOrder) -> np.ndarray:
    """bfloat16 as float32: the same number, since bfloat16 is the upper half of a float32."""
    upper = as_elements(raw, np.dtype(order + "u2")).astype(np.uint32)
    return (upper << 16).view(np.float32)


class _Storage:
    """What a function as map_location gets and gives back: torch's storage, of which only the
    device matters."""

    def __init__(self, device: backend.device) -> None:
        self.device = device

    def cpu(self) -> _Storage:
        return _Storage(backend.CPU)

    def cuda(self, device: Any = None) -> _Storage:
        return _Storage(backend.device("cuda" if device is None else device))


def place_of(map_location: Any) -> backend.device:
    """The device that `map_location` means. None is the CPU, wherever the tensors came from.

    Raises RuntimeError for a GPU that is not there.
    """
    if isinstance(map_location, dict) and set(map(str, map_location.values())) != {"cpu"}:
        raise NotImplementedError(
            f"map_location={map_location!r}: dicts are not supported; give a device such as 'cpu' "
            "or 'cuda:0' (tensors come to the CPU if you give none)"
        )
    if isinstance(map_location, dict):
        return backend.CPU
    if callable(map_location):
        moved = map_location(_Storage(backend.CPU), "cpu")
        return backend.CPU if moved is None else moved.device
    if map_location is None:
        return backend.CPU
    where = backend.device(map_location)
    backend.module_of(where)  # without a GPU the error is of the device, not of the file
    return where


def write(f: str | os.PathLike | IO[bytes], writer: Callable[[IO[bytes]], Any]) -> None:
    """Calls writer(file) on an open file, or on a new one at the path: whole or not at all."""
    if isinstance(f, str | os.PathLike):
        write_atomically(f, writer)
    elif hasattr(f, "seekable"):
        writer(f)
    else:  # all that is known of it is that it can be written to
        buffer = io.BytesIO()
        writer(buffer)
        f.write(buffer.getvalue())


def write_atomically(path: str | os.PathLike, writer: Callable[[IO[bytes]], Any]) -> None:
    """Calls writer(file) on a temporary file beside path, and renames it to path at the end.

    A link is followed; what is no ordinary file, such as /dev/null, is written to as it is.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file() and not path.is_dir():
        with open(path, "wb") as file:
            writer(file)
        return
    prefix = f".{path.name}.new-"
    remove_strays(path.parent, prefix)
    descriptor, temporary = tempfile.mkstemp(prefix=prefix, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            lock(descriptor)
            writer(file)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)  # mkstemp makes private files; give it the rights that open() would
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and not error.filename:  # a full disk, say
            error.filename = os.fspath(path)
        raise


def lock(descriptor: int, wait: bool = False) -> bool:
    """Takes the lock of an open file or folder, which ends with its process. False if another has
    it (and is not waited for), or the system has no such locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (ImportError, OSError):
        return False
    return True


def remove_strays(folder: Path, prefix: str) -> None:
    """Removes temporary files and folders with that prefix whose processes were killed.

    Whoever writes one holds its lock. One that is a second old may not have it yet.
    """
    for stray in folder.iterdir() if folder.is_dir() else ():
        if not stray.name.startswith(prefix):
            continue
        with contextlib.suppress(OSError):  # somebody else removes it, or it is not ours
            descriptor = os.open(stray, os.O_RDONLY)
            try:
                if time.time() - os.fstat(descriptor).st_ctime > 1 and lock(descriptor):
                    shutil.rmtree(stray) if stray.is_dir() else stray.unlink()
            finally:
                os.close(descriptor)
