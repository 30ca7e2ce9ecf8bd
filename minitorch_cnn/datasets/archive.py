"""Unpacking archives from strangers: nothing is ever written outside the target folder.

An archive can hold names like "../../.bashrc" or "/etc/passwd", links that lead out of the folder
and are then written through, and device files. An archive that holds any of these is refused, and
nothing of it is kept.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

# What the readers raise for a damaged or truncated archive (OSError also for a full disk).
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError)


def extract_archive(
    from_path: str | os.PathLike[str], to_path: str | os.PathLike[str] | None = None
) -> str:
    """Unpack a .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz or .zip into the folder `to_path`.

    `to_path` is by default the folder in which the archive lies. Everything is unpacked into a
    temporary folder first and then moved, one top-level name at a time: an interrupted or damaged
    archive leaves nothing half done. A name that exists already is not overwritten.

    Returns `to_path`. Raises RuntimeError if the archive is damaged or holds an unsafe member,
    FileExistsError if a top-level name exists already, ValueError for an unknown kind of archive.

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
    staging = tempfile.mkdtemp(prefix=".extracting-", dir=to_path)
    try:
        if zipfile.is_zipfile(from_path):
            files = _zip_files(from_path)
        elif from_path.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")):
            files = _tar_files(from_path)
        else:
            raise ValueError(f"{from_path}: not a kind of archive that is known here (tar, zip)")
        try:
            for name, content in files:
                _write(staging, name, content)
        except DAMAGE as error:
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
    return to_path


def _tar_files(path: str) -> Iterator[tuple[str, IO[bytes] | None]]:
    """(name, content) of every member; content is None for a folder."""
    with tarfile.open(path) as archive:
        for member in archive:
            _check_name(path, member.name)
            if member.isdir():
                yield member.name, None
            elif member.isreg():
                yield member.name, archive.extractfile(member)
            else:
                # Links are not needed by any data set here, so none is followed or made.
                kind = "a link" if member.issym() or member.islnk() else "a device or pipe"
                raise RuntimeError(f"{path} holds {member.name!r}, {kind}: refused as unsafe")
        # The checksum of a .gz stands behind the last byte that tarfile has a use for.
        while archive.fileobj is not None and archive.fileobj.read(1 << 20):
            continue


def _zip_files(path: str) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _check_name(path, member.filename)
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise RuntimeError(
                    f"{path} holds {member.filename!r}, a link or device: refused as unsafe"
                )
            yield member.filename, None if member.is_dir() else archive.open(member)


def _check_name(path: str, name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise RuntimeError(f"{path} holds {name!r}, a path outside the folder: refused as unsafe")


def _write(folder: str, name: str, content: IO[bytes] | None) -> None:
    target = os.path.join(folder, name)
    if content is None:
        os.makedirs(target, exist_ok=True)
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with content, open(target, "xb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
