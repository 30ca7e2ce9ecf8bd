"""Unpacking archives from strangers: nothing is ever written outside the target folder.

An archive can hold names like "../../.bashrc" or "/etc/passwd", links that lead out of the folder
and are then written through, and device files. An archive that holds any of these is refused, and
nothing of it is kept.
"""

from __future__ import annotations

import importlib
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..serialization.files import lock, remove_strays

_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bz2", b"\xfd7": "lzma"}  # how the files begin
_FILE_COST = 4096  # bytes that a file takes on a disk, if it is empty too
_DEEPEST = 64  # folders in folders


def unpacked_limit(packed: int) -> int:
    """How many bytes may come out of so many: pictures and labels do not shrink to a hundredth.

    >>> unpacked_limit(10), unpacked_limit(170_000_000)
    (100000000, 17000000000)
    """
    return 100 * max(packed, 1_000_000)


class _Refused(RuntimeError):
    """An archive is not unpacked for what it holds."""


class _Budget:
    """How much may still be unpacked."""

    def __init__(self, path: str) -> None:
        self.path, self.limit = path, unpacked_limit(os.path.getsize(path))
        self.left = self.limit

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise _Refused(
                f"{self.path} has {os.path.getsize(self.path)} bytes and would take more than "
                f"{self.limit} unpacked: refused as unsafe. If you trust it, unpack it yourself."
            )


class _Counted:
    """A file to read from; what is read is taken from the budget."""

    def __init__(self, file: IO[bytes], budget: _Budget) -> None:
        self.file, self.budget = file, budget

    def read(self, count: int = 1 << 20) -> bytes:
        data = self.file.read(count)
        self.budget.spend(len(data))
        return data


def extract_archive(
    from_path: str | os.PathLike[str], to_path: str | os.PathLike[str] | None = None
) -> str:
    """Unpack a .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz or .zip into the folder `to_path`.

    `to_path` is by default the folder in which the archive lies. Everything is unpacked into a
    temporary folder first and then moved, one top-level name at a time: an interrupted or damaged
    archive leaves nothing half done. A name that exists already is not overwritten.

    Returns `to_path`. Raises RuntimeError if the archive is damaged, holds an unsafe member or
    takes more than a hundred times its size (100 MB are always allowed), FileExistsError if a
    top-level name exists already, ValueError for an unknown kind of archive.

    >>> import os, tempfile, zipfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "pictures.zip")
    ...     with zipfile.ZipFile(path, "w") as archive:
    ...         archive.writestr("cat/1.txt", "meow")
    ...     _ = extract_archive(path)
    ...     sorted(os.listdir(folder))
    ['cat', 'pictures.zip']
    """
    from_path = os.fspath(from_path)
    to_path = os.path.dirname(os.path.abspath(from_path)) if to_path is None else os.fspath(to_path)
    os.makedirs(to_path, exist_ok=True)
    # Beside the target, so that moving is a rename within one file system.
    remove_strays(Path(to_path), ".extracting-")
    staging = tempfile.mkdtemp(prefix=".extracting-", dir=to_path)
    handle = os.open(staging, os.O_RDONLY) if os.name == "posix" else None
    if handle is not None:
        lock(handle)
    try:
        budget = _Budget(from_path)
        if zipfile.is_zipfile(from_path):
            files = _zip_files(from_path, budget)
        elif from_path.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")):
            files = _tar_files(from_path, budget)
        else:
            raise ValueError(f"{from_path}: not a kind of archive that is known here (tar, zip)")
        try:
            for name, content in files:
                budget.spend(_FILE_COST)
                _write(staging, name, content)
        except _Refused:
            raise
        except Exception as error:  # a damaged archive can raise nearly anything
            reason = str(error) or type(error).__name__
            raise RuntimeError(f"{from_path} could not be unpacked: {reason}") from error
        names = sorted(os.listdir(staging))
        for name in names:
            if os.path.lexists(os.path.join(to_path, name)):
                raise FileExistsError(
                    f"{os.path.join(to_path, name)} exists already; remove or rename it to unpack "
                    f"{from_path} there"
                )
        for name in names:
            os.rename(os.path.join(staging, name), os.path.join(to_path, name))
    finally:
        shutil.rmtree(staging)
        if handle is not None:
            os.close(handle)
    return to_path


def _tar_files(path: str, budget: _Budget) -> Iterator[tuple[str, Any]]:
    """(name, content) of every member; content is None for a folder."""
    with open(path, "rb") as file:
        kind = _COMPRESSED.get(file.read(2))
    # Some builds of Python lack a kind of compression.
    opener = open if kind is None else importlib.import_module(kind).open
    with opener(path, "rb") as file:
        # Counted is all that is decompressed: headers and padding can be long, too.
        source: Any = _Counted(file, budget)
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                _check_name(path, member.name)
                if member.isdir():
                    yield member.name, None
                elif member.isreg() and not member.issparse():
                    yield member.name, archive.extractfile(member)
                else:
                    # Links are not needed by any data set here, so none is followed or made.
                    kind = "a link" if member.issym() or member.islnk() else "no ordinary file"
                    raise _Refused(f"{path} holds {member.name!r}, {kind}: refused as unsafe")
        # The checksum of a .gz stands behind the last byte that tarfile has a use for.
        while source.read():
            continue


def _zip_files(path: str, budget: _Budget) -> Iterator[tuple[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _check_name(path, member.filename)
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _Refused(
                    f"{path} holds {member.filename!r}, a link or device: refused as unsafe"
                )
            if member.is_dir():
                yield member.filename, None
            else:
                with archive.open(member) as content:
                    yield member.filename, _Counted(content, budget)


def _check_name(path: str, name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise _Refused(f"{path} holds {name!r}, a path outside the folder: refused as unsafe")
    if len(parts) > _DEEPEST:
        raise _Refused(f"{path} holds {name[:80]!r}..., {len(parts)} folders deep: refused")


def _write(folder: str, name: str, content: Any) -> None:
    target = os.path.join(folder, name)
    if content is None:
        os.makedirs(target, exist_ok=True)
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "xb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
