"""`save` and `load`: nested plain data and tensors in one npz file, never pickle.

An npz file is a zip of .npy arrays. Ours has one array for each tensor ("0.npy", "1.npy", ...) and
one more, "structure.npy": UTF-8 JSON that says where they belong. JSON knows only lists and
dicts with text keys, so each value that needs a type is written as [type, content]:

    {"step": 3, 0: tensor}   ->   ["dict", [["step", 3], [0, ["tensor", 0]]]]

Nothing in such a file can run code, so a file from a stranger is safe to load.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from .. import backend, dtypes
from ..tensor import Size, Tensor, wrap

FORMAT = "minitorch_cnn checkpoint 1"


def save(obj: Any, f: str | os.PathLike | IO[bytes]) -> None:
    """Writes tensors, state_dicts, numbers, text, None, lists, tuples and dicts to a file.

    A path is written whole or not at all: first to a temporary file beside it, then renamed, so
    that a crash never costs the previous file. Raises TypeError, naming the place, for anything
    that is not plain data. Tensors lose their history; views are saved as their values.

    >>> import minitorch_cnn as mt, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "a.npz")
    >>> mt.save({"weight": mt.ones(2), "epoch": 3}, path)
    >>> mt.load(path)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    arrays: list[np.ndarray] = []
    structure = {"format": FORMAT, "data": _encode(obj, arrays, "the object")}
    text = json.dumps(structure, allow_nan=False).encode()
    entries = {str(index): array for index, array in enumerate(arrays)}
    entries["structure"] = np.frombuffer(text, np.uint8)
    if isinstance(f, str | os.PathLike):
        write_atomically(f, lambda file: np.savez(file, **entries))  # type: ignore[arg-type]
    else:
        np.savez(f, **entries)  # type: ignore[arg-type]


def load(f: str | os.PathLike | IO[bytes], map_location: Any = None) -> Any:
    """Reads what `save` wrote. Tensors come back on the CPU, or on map_location.

    Raises FileNotFoundError, or ValueError for a file that is damaged or of another kind.
    """
    name = os.fspath(f) if isinstance(f, str | os.PathLike) else getattr(f, "name", "the file")
    where = backend.CPU if map_location is None else backend.device(map_location)
    try:
        with np.load(f, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile) or "structure" not in archive:
                raise ValueError("it holds no 'structure'")
            structure = json.loads(archive["structure"].tobytes())
            if structure.get("format") != FORMAT:
                raise ValueError(f"its format is {structure.get('format')!r}, not {FORMAT!r}")
            return _decode(structure["data"], archive, where)
    except FileNotFoundError:
        raise
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        RecursionError,
        NotImplementedError,
    ) as error:
        raise ValueError(
            f"{name} is not a readable minitorch_cnn checkpoint: {error}. It may be truncated, "
            "damaged, or written by another program."
        ) from error


def write_atomically(path: str | os.PathLike, writer: Callable[[IO[bytes]], Any]) -> None:
    """Calls writer(file) on a temporary file beside path, and renames it to path at the end."""
    path = Path(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            writer(file)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)  # mkstemp makes private files; give it the rights that open() would
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _encode(value: Any, arrays: list[np.ndarray], place: str) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else ["float", repr(value)]
    if isinstance(value, Tensor):
        array = backend.to_numpy(value.array)
        parameter = type(value).__name__ == "Parameter"
        arrays.append(np.ascontiguousarray(array).reshape(array.shape))
        return ["parameter" if parameter else "tensor", len(arrays) - 1, value.requires_grad]
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufc":
            raise TypeError(f"cannot save {place}: an array of {value.dtype}")
        arrays.append(np.ascontiguousarray(value).reshape(value.shape))
        return ["array", len(arrays) - 1]
    if isinstance(value, dtypes.dtype):
        return ["dtype", value.name]
    if isinstance(value, Size):
        return ["size", list(value)]
    if isinstance(value, dict):
        kind = "ordereddict" if isinstance(value, OrderedDict) else "dict"
        pairs = []
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | tuple | type(None)):
                raise TypeError(f"cannot save {place}: its key {key!r} is a {type(key).__name__}")
            encoded = _encode(item, arrays, f"{place}[{key!r}]")
            pairs.append([_encode(key, arrays, place), encoded])
        return [kind, pairs]
    if type(value) in (list, tuple):
        items = [_encode(item, arrays, f"{place}[{i}]") for i, item in enumerate(value)]
        return [type(value).__name__, items]
    raise TypeError(
        f"cannot save {place}: a {type(value).__name__} is not plain data. Save numbers, text, "
        "None, lists, tuples, dicts and tensors; for a module its state_dict()."
    )


def _decode(value: Any, archive: Any, where: backend.device) -> Any:
    if not isinstance(value, list):
        return value
    kind, content = value[0], value[1]
    if kind == "float":
        return float(content)
    if kind == "array":
        return archive[str(content)]
    if kind in ("tensor", "parameter"):
        array = backend.to_device(archive[str(content)], where)
        if kind == "parameter":
            from ..nn.parameter import Parameter

            return Parameter(wrap(array), requires_grad=value[2])
        return wrap(array).requires_grad_(value[2])
    if kind == "dtype":
        return dtypes.as_dtype(content)
    if kind == "size":
        return Size(content)
    if kind in ("dict", "ordereddict"):
        pairs = [(_decode(k, archive, where), _decode(v, archive, where)) for k, v in content]
        return OrderedDict(pairs) if kind == "ordereddict" else dict(pairs)
    if kind in ("list", "tuple"):
        items = [_decode(item, archive, where) for item in content]
        return items if kind == "list" else tuple(items)
    raise ValueError(f"unknown kind of value {kind!r}")
