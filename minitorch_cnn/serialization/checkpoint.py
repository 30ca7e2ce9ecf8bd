"""Nested plain data and tensors in one npz file, never pickle: our own checkpoint format.

An npz file is a zip of .npy arrays. Ours has one array for each tensor ("0.npy", "1.npy", ...) and
one more, "structure.npy": UTF-8 JSON that says where they belong. JSON knows only lists and
dicts with text keys, so each value that needs a type is written as [type, content]:

    {"step": 3, 0: tensor}   ->   ["dict", [["step", 3], [0, ["tensor", 0, false]]]]

Nothing in such a file can run code, so a file from a stranger is safe to load.
"""

from __future__ import annotations

import json
import math
import re
from collections import OrderedDict
from typing import IO, Any

import numpy as np

from .. import backend, dtypes
from ..tensor import Size, Tensor, wrap
from .files import as_elements, write_atomically

__all__ = ["read_checkpoint", "write_atomically", "write_checkpoint"]

FORMAT = "minitorch_cnn checkpoint 1"


def write_checkpoint(obj: Any, file: IO[bytes]) -> None:
    """Writes plain data and tensors. Raises TypeError, naming the place, for anything else."""
    arrays: list[np.ndarray] = []
    structure = {"format": FORMAT, "data": _encode(obj, arrays, "the object")}
    text = json.dumps(structure, allow_nan=False).encode()
    entries = {str(index): array for index, array in enumerate(arrays)}
    entries["structure"] = np.frombuffer(text, np.uint8)
    np.savez(file, **entries)  # type: ignore[arg-type]


def read_checkpoint(records: dict[str, np.ndarray], where: backend.device) -> Any:
    """The object in the records of an npz archive, name -> bytes."""
    arrays = {
        name.removesuffix(".npy"): _read_npy(raw, name)
        for name, raw in records.items()
        if name.endswith(".npy")
    }
    if "structure" not in arrays:
        raise ValueError("it holds no 'structure'")
    structure = json.loads(arrays["structure"].tobytes())
    if structure.get("format") != FORMAT:
        raise ValueError(f"its format is {structure.get('format')!r}, not {FORMAT!r}")
    return _decode(structure["data"], arrays, where)


_NPY_HEADER = re.compile(
    r"\{'descr': '([<>|][biufc]\d+)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n"
)


def _read_npy(raw: np.ndarray, name: str) -> np.ndarray:
    """The array in the bytes of a .npy record: magic, version 1.0, length of header, header, data.

    NumPy's own reader makes an array of the size in the header before it looks for the data.
    """
    length = int.from_bytes(raw[8:10].tobytes(), "little")
    header, data = raw[10 : 10 + length].tobytes().decode("latin1"), raw[10 + length :]
    match = _NPY_HEADER.fullmatch(header)
    if raw[:8].tobytes() != b"\x93NUMPY\x01\x00" or match is None:
        raise ValueError(f"its record {name!r} is not an array of numbers as NumPy writes it")
    kind = np.dtype(match[1])
    shape = tuple(int(number) for number in match[3].replace(",", " ").split())
    elements = as_elements(data.copy(), kind)  # the copy is aligned, which the record is not
    return elements.reshape(shape, order="F" if match[2] == "True" else "C")


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
        return dtypes.as_dtype(np.dtype(content))
    if kind == "size":
        return Size(content)
    if kind in ("dict", "ordereddict"):
        pairs = [(_decode(k, archive, where), _decode(v, archive, where)) for k, v in content]
        return OrderedDict(pairs) if kind == "ordereddict" else dict(pairs)
    if kind in ("list", "tuple"):
        items = [_decode(item, archive, where) for item in content]
        return items if kind == "list" else tuple(items)
    raise ValueError(f"unknown kind of value {kind!r}")
