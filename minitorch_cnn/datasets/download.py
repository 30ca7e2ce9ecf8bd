"""Downloads that can be trusted: checked, resumed, and never in the place of a good file."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

from ..serialization.files import lock

CHUNK = 1 << 16  # bytes read at a time
TIMEOUT = 30  # seconds without a byte before a server is given up


def file_checksum(path: str | os.PathLike[str], algorithm: str = "md5") -> str:
    """The checksum of a file in hexadecimal; algorithm: "md5", "sha256" or another of hashlib's.

    Raises FileNotFoundError without the file, ValueError for an unknown algorithm.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:  # an empty file
    ...     file_checksum(file.name)
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def check_file(path: str | os.PathLike[str], md5: str | None, sha256: str | None) -> str | None:
    """None if the file has the checksums that are given, else what is wrong with it.

    A checksum of None is not looked at. Raises FileNotFoundError without the file.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     print(check_file(file.name, md5="d41d8cd98f00b204e9800998ecf8427e", sha256=None))
    ...     print(check_file(file.name, md5="0" * 32, sha256=None).split(", ")[1])
    None
    expected 00000000000000000000000000000000: it is truncated or was changed
    """
    for algorithm, expected in (("md5", md5), ("sha256", sha256)):
        if expected is None:
            continue
        actual = file_checksum(path, algorithm)
        if actual != expected.lower():
            return (
                f"{os.fspath(path)} ({os.path.getsize(path)} bytes) has {algorithm} {actual}, "
                f"expected {expected}: it is truncated or was changed"
            )
    return None


def download(
    urls: str | Sequence[str],
    path: str | os.PathLike[str],
    md5: str | None = None,
    sha256: str | None = None,
    progress: bool = True,
) -> None:
    """Download a file to `path`, from the first of `urls` (mirrors) that gives the right one.

    - If `path` exists with the right checksum, nothing is done.
    - The bytes go to `path + ".part"`, which becomes `path` in one step once the checksum is right.
      A file that was at `path` before stays untouched until then.
    - If a `.part` file is left from an earlier try, only the rest is asked for (HTTP Range). That
      needs a checksum, which proves that the pieces belong together.
    - `progress` shows a bar if tqdm is installed (the extra `progress`).

    - Another process that downloads to the same `path` is waited for.
    - A url of another kind than http, https and ftp needs a checksum: a file or text of this
      machine (`file://`, `data:`) passes for a download only if it is known what it is.

    Raises RuntimeError if no mirror gives the file, with the reason for each; if a checksum was
    wrong, with the file's name and both checksums. Raises ValueError if `path` is a folder.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     there, here = Path(folder, "there.txt"), Path(folder, "here.txt")
    ...     _ = there.write_text("hello")
    ...     download(there.as_uri(), here, md5="5d41402abc4b2a76b9719d911017c592", progress=False)
    ...     here.read_text()
    'hello'
    """
    path = os.fspath(path)
    mirrors = [urls] if isinstance(urls, str) else list(urls)
    checked = md5 is not None or sha256 is not None
    reasons = []
    if os.path.isdir(path) or os.path.basename(path) in ("", ".", ".."):
        raise ValueError(f"{path!r} is a folder, not the name of a file to download to")
    if os.path.isfile(path):
        problem = check_file(path, md5, sha256)
        if problem is None:
            return
        reasons.append(f"the file that is there: {problem}")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    part = path + ".part"
    with _alone(part):
        if os.path.isfile(path) and checked and check_file(path, md5, sha256) is None:
            return  # another process has downloaded it meanwhile
        if _download_part(mirrors, part, md5, sha256, progress, reasons):
            os.replace(part, path)
            return
    raise RuntimeError(f"could not download {path}:\n  " + "\n  ".join(reasons))


def _is_still(path: str, descriptor: int) -> bool:
    """Whether the file at `path` is the open one."""
    return os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(descriptor))


@contextlib.contextmanager
def _alone(part: str) -> Iterator[None]:
    """Waits until no other process downloads to this part file. An empty one is removed."""
    while True:
        with open(part, "ab") as file:
            if not lock(file.fileno(), wait=True):
                file.close()  # a system without such locks, where open files cannot be renamed
            # Who had the lock before may have renamed or removed the file meanwhile.
            elif not _is_still(part, file.fileno()):
                continue
            try:
                yield
            finally:
                if os.path.exists(part) and os.path.getsize(part) == 0:
                    os.remove(part)
            return


def _download_part(
    mirrors: list[str],
    part: str,
    md5: str | None,
    sha256: str | None,
    progress: bool,
    reasons: list[str],
) -> bool:
    """True if the part file is complete and right, else the reasons say why not."""
    checked = md5 is not None or sha256 is not None
    for url in mirrors:
        # The second try is for a part file that did not belong to this server's file.
        for _ in range(2):
            resumed = checked and os.path.getsize(part) > 0
            try:
                fetch(url, part, resumed, progress, checked)
            except (OSError, ValueError, http.client.HTTPException) as error:
                reasons.append(f"{url}: {error or type(error).__name__}")
                break
            problem = check_file(part, md5, sha256)
            if problem is None:
                return True
            # Bytes that are known to be wrong are no start for the next try.
            os.truncate(part, 0)
            if not resumed:
                reasons.append(f"{url}: {problem}")
                break
    return False


def name_in_url(url: str) -> str:
    """The last part of a url, as a file's name. Raises ValueError if it is none.

    >>> name_in_url("https://example.org/pictures.zip")
    'pictures.zip'
    """
    name = os.path.basename(url)
    if name in ("", ".", ".."):
        raise ValueError(f"the url {url!r} does not end with a file's name; give one")
    return name


def fetch(url: str, part: str, resume: bool, progress: bool, checked: bool) -> None:
    """Write the bytes behind `url` to the file `part`, after those that are there if `resume`.

    checked: a checksum will be compared; without, only http, https and ftp are allowed.

    Raises OSError if the connection fails or ends early; what has arrived stays in `part`. Raises
    ValueError for a url that is none, or not allowed.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     there, part = Path(folder, "there.txt"), Path(folder, "here.txt.part")
    ...     _ = there.write_text("hello")
    ...     fetch(there.as_uri(), str(part), resume=False, progress=False, checked=True)
    ...     part.read_text()
    'hello'
    """
    kind = url.partition(":")[0].lower()
    if not checked and kind not in ("http", "https", "ftp"):
        raise ValueError(f"a url of the kind {kind[:20]!r} needs a checksum (md5, sha256)")
    start = os.path.getsize(part) if resume else 0
    request = urllib.request.Request(url, headers={"User-Agent": "minitorch_cnn"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            if start and error.code == 416:
                return  # nothing after `start`: the part file was complete already
            raise
    with response:
        if start and not _continues_at(response, start):
            start = 0  # the server sends the whole file
        total = response.headers.get("Content-Length")
        if total is not None and not (total.isascii() and total.isdigit()):
            raise OSError(f"the server says Content-Length: {total[:40]!r}")
        expected = None if total is None else start + int(total)
        with (
            open(part, "ab" if start else "wb") as file,
            _bar(part, start, expected, progress) as bar,
        ):
            received = start
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
                received += len(chunk)
    if expected is not None and received < expected:
        raise OSError(f"connection closed after {received} of {expected} bytes (kept in {part})")


def _continues_at(response: Any, start: int) -> bool:
    content_range = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return response.status == 206 and content_range is not None and int(content_range[1]) == start


class _NoBar:
    """Stands in for the progress bar where none is shown."""

    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def update(self, count: int) -> None:
        return None


def _bar(part: str, start: int, total: int | None, progress: bool) -> Any:
    if not progress:
        return _NoBar()
    try:
        from tqdm import tqdm
    except ImportError:
        return _NoBar()
    name = os.path.basename(part).removesuffix(".part")
    return tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True, unit_divisor=1024)
