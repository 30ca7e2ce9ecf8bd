"""Files of weights from the network, kept in a cache: the part of `torch.hub` that models use.

The cache is torch's own, since the files are the same: what torchvision has downloaded is not
downloaded again, and a file that was put there by hand is found.

    $TORCH_HOME/hub/checkpoints            where TORCH_HOME is set
    $XDG_CACHE_HOME/torch/hub/checkpoints  otherwise; XDG_CACHE_HOME is ~/.cache where it is not set

Published files carry the beginning of their sha256 in their name (resnet18-f37072fd.pth), which is
checked before anything is read.
"""

from __future__ import annotations

import http.client
import os
import re
from typing import Any, NoReturn
from urllib.parse import urlparse

from .datasets.download import fetch, file_checksum, name_in_url
from .missing import missing
from .serialization import load as _load

HASH_REGEX = re.compile(r"-([0-9a-f]{8,})\.")

_chosen_dir: str | None = None  # what set_dir was given


def get_dir() -> str:
    """The folder of the cache; the weights are in `checkpoints` below it."""
    if _chosen_dir is not None:
        return _chosen_dir
    cache = os.getenv("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    home = os.getenv("TORCH_HOME", os.path.join(cache, "torch"))
    return os.path.join(os.path.expanduser(home), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Sets the folder of the cache for this program."""
    global _chosen_dir
    _chosen_dir = os.path.expanduser(d)


def load_state_dict_from_url(
    url: str,
    model_dir: str | os.PathLike[str] | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> dict[str, Any]:
    """The state dict in a file on the network, downloaded once.

        model_dir     the folder of the file; by default ``checkpoints`` in `get_dir()`
        map_location  the device of the tensors; by default the CPU
        progress      show a bar while it is downloaded, if tqdm is installed
        check_hash    the name must carry the beginning of the file's sha256, which is compared,
                      also for a file that is there already: a damaged one is replaced
        file_name     another name than the last part of the url
        weights_only  torch's: here nothing but tensors and plain data is ever read

    Raises RuntimeError if the file cannot be had or its hash is wrong, ValueError if check_hash
    finds no hash in the name, or the url ends with none.
    """
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else os.fspath(model_dir)
    path = os.path.join(folder, file_name or name_in_url(urlparse(url).path))
    expected = _hash_in_name(path) if check_hash else None
    if not os.path.isfile(path) or (expected and _hash_problem(path, expected)):
        os.makedirs(folder, exist_ok=True)
        download_url_to_file(url, path, expected, progress)
    return read_state_dict(path, map_location)


def download_url_to_file(
    url: str,
    dst: str | os.PathLike[str],
    hash_prefix: str | None = None,
    progress: bool = True,
) -> None:
    """Downloads a file to `dst`, which appears (or is replaced) only when it is complete.

    hash_prefix: the beginning of the file's sha256. With it, a download that was interrupted goes
    on where it stopped, since the hash proves that the pieces belong together.

    Raises RuntimeError if the server does not give the file or the hash is wrong.
    """
    dst = os.path.expanduser(dst)
    part = dst + ".part"
    resumed = hash_prefix is not None and os.path.isfile(part)
    try:
        fetch(url, part, resumed, progress, checked=hash_prefix is not None)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise RuntimeError(
            f"could not download {url}: {error or type(error).__name__}. Without a network, put "
            f"the file at {dst}"
        ) from error
    problem = _hash_problem(part, hash_prefix) if hash_prefix else None
    if problem is None:
        os.replace(part, dst)
        return
    os.remove(part)  # bytes that are known to be wrong are no start for the next try
    if not resumed:
        raise RuntimeError(f"{url}: {problem}")
    download_url_to_file(url, dst, hash_prefix, progress)


def _hash_in_name(path: str) -> str:
    found = HASH_REGEX.search(os.path.basename(path))
    if found is None:
        raise ValueError(
            f"check_hash: the name {os.path.basename(path)} carries no hash, as in "
            "resnet18-f37072fd.pth"
        )
    return found[1]


def _hash_problem(path: str, expected: str) -> str | None:
    """None if the sha256 of the file begins with `expected`, else what is wrong."""
    actual = file_checksum(path, "sha256")
    if actual.startswith(expected):
        return None
    return (
        f'invalid hash value (expected "{expected}", got "{actual}"), '
        f"{os.path.getsize(path)} bytes: the file is damaged or another one"
    )


def read_state_dict(path: str | os.PathLike[str], map_location: Any = None) -> dict[str, Any]:
    """The state dict in a file of any format that `mt.load` reads, torch's .pth among them.

    Raises FileNotFoundError, or ValueError for a file that holds something else.
    """
    values = _load(path, map_location)
    if not isinstance(values, dict):
        raise ValueError(f"{os.fspath(path)} holds a {type(values).__name__}, not a state dict")
    return values


def load(repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Not supported: raises NotImplementedError: programs are not fetched from repositories."""
    raise NotImplementedError(
        f"hub.load({repo_or_dir!r}, {model!r}) is not supported: programs are not fetched from "
        "repositories; models has networks, load_state_dict_from_url reads a file of weights"
    )


def __getattr__(name: str) -> Any:
    """The bar `tqdm`, which programs take from here too, or an error for what is not here."""
    if name == "tqdm":
        # Not tqdm.auto's, which asks what it shows for an iterator once more: a DataLoader would
        # draw one random number more than under torch.
        from tqdm import tqdm

        return tqdm
    raise missing(__name__, name)
