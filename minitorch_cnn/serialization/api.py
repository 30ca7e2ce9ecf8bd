"""`save` and `load`: which format is meant, and the promises that hold for all of them.

    .npz and any other name   our own checkpoint: nested plain data and tensors
    .safetensors              a flat dict of tensors, for other programs
    .pth, .pt                 torch's zip format: nested plain data and tensors, for torch

`save` goes by the name, `load` by the content. docs/formats.md says what each of them holds.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from .checkpoint import read_checkpoint, write_checkpoint
from .files import damage_reported, opened, place_of, read_archive, write
from .mapping import map_archive, mapped_file
from .safetensors_file import read_safetensors, write_safetensors
from .torch_file import read_torch, read_zip
from .torch_writer import write_torch

_KINDS = "minitorch_cnn checkpoint, torch file or safetensors file"
_WRITERS: dict[str, Any] = {
    ".safetensors": write_safetensors,
    ".pth": write_torch,
    ".pt": write_torch,
}


def save(
    obj: Any,
    f: str | os.PathLike | IO[bytes],
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Writes tensors, state_dicts, numbers, text, None, lists, tuples and dicts to a file.

    The format follows the name: .pth and .pt are torch's, .safetensors is that of the package of
    this name and holds only a dict of tensors, everything else (and an open file, which has no
    name) is our own, an npz file. None of them is ever an arbitrary pickle.

    A path is written whole or not at all: first to a temporary file beside it, then renamed, so
    that a crash never costs the previous file. Raises TypeError, naming the place, for anything
    that is not plain data. Tensors lose their history. Our own format saves views as their
    values; the others say more in `save_torch` and `save_safetensors`. torch's other arguments,
    about its pickles, change nothing. Raises NotImplementedError for a whole module.

    >>> import minitorch_cnn as mt, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "a.npz")
    >>> mt.save({"weight": mt.ones(2), "epoch": 3}, path)
    >>> mt.load(path)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    kind = Path(f).suffix.lower() if isinstance(f, str | os.PathLike) else ""
    if hasattr(obj, "state_dict") and hasattr(obj, "forward"):
        raise NotImplementedError(
            f"cannot save a whole {type(obj).__name__}: a file of classes is a program. Save its "
            "state_dict(), and to load it make the module and call load_state_dict()"
        )
    writer = _WRITERS.get(kind, write_checkpoint)
    try:
        write(f, lambda file: writer(obj, file))
    except RecursionError:
        raise ValueError("cannot save the object: it contains itself, or is too deep") from None


def load(
    f: str | os.PathLike | IO[bytes],
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Reads what `save` or torch.save wrote, or a safetensors file; the content says which it is.

    Tensors come back on the CPU, or on map_location: a device, or a function (storage, "cpu") that
    returns the storage, or ``storage.cuda(i)``. weights_only, and what torch takes for its
    pickles, change nothing: every file is read as plain data, so False reads no more than True;
    but encoding ("latin1", "bytes") says how text is read that Python 2 wrote.
    mmap: tensors lie in the file itself (a path, in our own format or torch's zip format), which
    is read where they are looked at; see `serialization.set_default_mmap_options`.

    Raises FileNotFoundError; ValueError for a file that is damaged or of another kind, and for a
    torch file that holds more than plain data; NotImplementedError for element types we lack.
    """
    where = place_of(map_location)
    memory = None
    if mmap:
        if not isinstance(f, str | os.PathLike):
            raise ValueError("f must be a file path in order to use the mmap argument")
        memory = mapped_file(f)
    with opened(f) as source, damage_reported(source.name, _KINDS):
        start = source.peek(9)
        if start[:4] == b"PK\x03\x04":
            records = read_archive(source) if memory is None else map_archive(source, memory)
            if any(name.endswith("/data.pkl") for name in records):
                return read_zip(records, source.name, where)
            return read_checkpoint(records, where)
        if memory is not None:
            raise NotImplementedError(
                "mmap can only be used with files saved with `torch.save(..., "
                f"_use_new_zipfile_serialization=True)`, not with {source.name}"
            )
        if start[8:] == b"{":
            return read_safetensors(source, where)
        return read_torch(source, where, pickle_load_args.get("encoding", "utf-8"))


_safe_globals: list[Any] = []


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Notes these classes, no more: torch would make instances of them, here a file is plain data.

    `get_safe_globals` lists them, `clear_safe_globals` forgets them.
    """
    _safe_globals.extend(each for each in safe_globals if each not in _safe_globals)


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` was given."""
    return list(_safe_globals)


def clear_safe_globals() -> None:
    """Forgets what `add_safe_globals` was given."""
    _safe_globals.clear()


@contextlib.contextmanager
def safe_globals(safe_globals: list[Any]) -> Iterator[None]:
    """`add_safe_globals` for a block."""
    before = get_safe_globals()
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _safe_globals[:] = before


def default_restore_location(storage: Any, location: str) -> Any:
    """What a function as map_location may return: the storage, on the device of that name.

    >>> import minitorch_cnn as mt, io
    >>> file = io.BytesIO()
    >>> mt.save({"x": mt.ones(1)}, file)
    >>> to_cpu = lambda storage, place: default_restore_location(storage, "cpu")
    >>> mt.load(io.BytesIO(file.getvalue()), map_location=to_cpu)
    {'x': tensor([1.])}
    """
    kind, _, number = location.partition(":")
    return storage.cpu() if kind == "cpu" else storage.cuda(int(number or 0))
