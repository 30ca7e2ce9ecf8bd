"""The helpers of `torchvision.datasets.utils`, for data sets of your own."""

from __future__ import annotations

import os

from .archive import extract_archive
from .download import check_file, download, file_checksum, name_in_url

__all__ = [
    "calculate_md5",
    "check_integrity",
    "download_and_extract_archive",
    "download_url",
    "extract_archive",
]


def calculate_md5(fpath: str | os.PathLike[str]) -> str:
    """The md5 of a file, in hexadecimal. Raises FileNotFoundError without the file.

    >>> import minitorch_cnn as mt
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:  # an empty file
    ...     mt.datasets.utils.calculate_md5(file.name)
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    return file_checksum(fpath, "md5")


def check_integrity(fpath: str | os.PathLike[str], md5: str | None = None) -> bool:
    """True if the file exists and, where `md5` is given, has it.

    >>> import minitorch_cnn as mt
    >>> mt.datasets.utils.check_integrity("no/such/file")
    False
    """
    return os.path.isfile(fpath) and check_file(fpath, md5, None) is None


def download_url(
    url: str,
    root: str | os.PathLike[str],
    filename: str | None = None,
    md5: str | None = None,
) -> None:
    """Download into the folder `root`, by default under the url's own file name; see `download`.

    Raises RuntimeError if the server does not give the file, or not with this md5, ValueError if
    the url ends with no name.

    >>> import minitorch_cnn as mt
    >>> import os, tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     there = Path(folder, "there.txt")
    ...     _ = there.write_text("hello")
    ...     md5 = mt.datasets.utils.calculate_md5(there)
    ...     mt.datasets.utils.download_url(there.as_uri(), f"{folder}/mine", md5=md5)
    ...     os.listdir(f"{folder}/mine")
    ['there.txt']
    """
    name = filename or name_in_url(url)
    download(url, os.path.join(os.path.expanduser(root), name), md5=md5)


def download_and_extract_archive(
    url: str,
    download_root: str | os.PathLike[str],
    extract_root: str | os.PathLike[str] | None = None,
    filename: str | None = None,
    md5: str | None = None,
) -> None:
    """Download an archive and unpack it safely; see `download` and `extract_archive`.

    extract_root: by default the folder of the download. Raises what those two raise.

    >>> import minitorch_cnn as mt
    >>> import os, tempfile, zipfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     there = Path(folder, "there.zip")
    ...     with zipfile.ZipFile(there, "w") as archive:
    ...         archive.writestr("cat/1.txt", "meow")
    ...     url, md5 = there.as_uri(), mt.datasets.utils.calculate_md5(there)
    ...     mt.datasets.utils.download_and_extract_archive(url, f"{folder}/mine", md5=md5)
    ...     sorted(os.listdir(f"{folder}/mine"))
    ['cat', 'there.zip']
    """
    name = filename or name_in_url(url)
    download_url(url, download_root, name, md5)
    folder = os.path.expanduser(download_root)
    extract_archive(os.path.join(folder, name), extract_root or folder)
