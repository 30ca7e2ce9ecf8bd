"""What `tensor` makes of numbers and of lists in lists: their shape, and a type that fits all."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NoReturn

import numpy as np

from .. import backend, dtypes
from ..dtypes import as_dtype
from ..tensor import Tensor
from .common import fitting

_DEEPEST = 64  # NumPy's limit
_MOST_VALUES = 2**40  # more than fit into memory, unless the same list is meant again and again
_FLOATS = (float, np.floating)
_NUMBERS = (bool, int, np.bool_, np.integer, *_FLOATS)


def array_from_nested(data: Any, wanted: np.dtype | None) -> np.ndarray:
    """The array in nested lists of numbers, or in one number: of any shape, for its type `wanted`.

    Without one, it is the type to which all of them convert: Python's floats count as the default
    type, ints as int64, and tensors, NumPy's numbers and arrays as what they are. A tensor in a
    list is a number too, and so has one element.

    Raises ValueError for lists that are ragged, too deep or hold themselves, and for ints beyond
    int64; RuntimeError or TypeError for what is no number, as torch does.

    >>> array_from_nested([[1, 2], [3, 4.5]], None)
    array([[1. , 2. ],
           [3. , 4.5]], dtype=float32)
    """
    _check_depth(data)
    shape, leaves = _flattened(data)
    types = set(map(type, leaves))
    if not all(issubclass(each, _NUMBERS) for each in types):
        leaves = [_plain(leaf) for leaf in leaves]
        types = set(map(type, leaves))
    if types == {np.ndarray}:
        if len({each.shape for each in leaves}) > 1:
            lengths = f"expected sequence of length {len(leaves[0])}, as the first array has"
            raise ValueError(f"{lengths}: the arrays have several shapes: {_differing(leaves)}")
        kind = wanted or _common(as_dtype(each.dtype) for each in leaves)
        return np.stack(leaves).astype(kind).reshape(shape + leaves[0].shape)
    if not all(issubclass(each, _NUMBERS) for each in types):
        _refuse(leaves, wanted, len(shape))
    kind = wanted or _common(_type_of(each) for each in types)
    return _numbers(leaves, kind, types).reshape(shape)


def _check_depth(data: Any) -> None:
    """Goes down by the first thing in each list. The others must be as long, or are refused."""
    values = 1
    for _ in range(_DEEPEST + 1):
        if not isinstance(data, list | tuple) or not data:
            return
        values *= len(data)
        data = data[0]
        if values > _MOST_VALUES:
            raise ValueError(f"too many values: the nested lists hold {values} or more")
    raise ValueError(f"too many dimensions: lists nested more than {_DEEPEST} deep, or in itself")


def _flattened(data: Any) -> tuple[tuple[int, ...], list[Any]]:
    """The lengths of the nested lists, and what is in the innermost."""
    shape: tuple[int, ...] = ()
    level = [data]
    while True:
        rows = tuple(each for each in set(map(type, level)) if _is_list(each))
        if not rows:
            return shape, level
        rows += (np.ndarray,)  # beside lists, an array is a list of its rows
        numbers = [each for each in level if not isinstance(each, rows)]
        if numbers:
            _refuse([_plain(each) for each in numbers], None, len(shape), beside=level)
        for row in level:
            if len(row) != len(level[0]):
                raise ValueError(
                    f"expected sequence of length {len(level[0])} at dim {len(shape)} "
                    f"(got {len(row)})"
                )
        shape += (len(level[0]),)
        try:
            level = list(chain.from_iterable(level))
        except TypeError as error:
            raise ValueError(
                f"could not determine the shape of object type '{type(level[0]).__name__}': {error}"
            ) from None


def _is_list(kind: type) -> bool:
    if issubclass(kind, _NUMBERS + (str, bytes, Mapping)) or hasattr(kind, "__array__"):
        return False
    return issubclass(kind, Sequence) or (hasattr(kind, "__len__") and hasattr(kind, "__getitem__"))


def _plain(leaf: Any) -> Any:
    """A number, or an array of one dimension or more, in the place of tensors and arrays."""
    if isinstance(leaf, Tensor):
        if leaf.numel() != 1:
            raise ValueError(
                "only one element tensors can be converted to Python scalars, got one of shape "
                f"{list(leaf.shape)}; mt.stack and mt.cat join larger ones"
            )
        leaf = leaf.array.reshape(())
    if backend.is_array(leaf):
        leaf = backend.to_numpy(leaf)
    elif hasattr(leaf, "__array__") and not isinstance(leaf, np.generic):
        leaf = np.asarray(leaf)  # another library's
    return leaf[()] if isinstance(leaf, np.ndarray) and leaf.ndim == 0 else leaf


def _type_of(kind: type) -> dtypes.dtype:
    if issubclass(kind, np.generic):  # first: np.float64 is a float, too
        return as_dtype(np.dtype(kind))
    if issubclass(kind, float):
        return dtypes.get_default_dtype()
    return dtypes.bool if kind is bool else dtypes.int64


def _common(kinds: Iterable[dtypes.dtype]) -> np.dtype:
    several = set(kinds) or {dtypes.get_default_dtype()}
    return functools.reduce(dtypes.promote_types, several).numpy


def _numbers(leaves: list[Any], kind: np.dtype, types: set[type]) -> np.ndarray:
    if kind.kind == "f":
        with np.errstate(over="ignore"):  # 1e39 is inf in float32
            return np.array(leaves, np.float64).astype(kind)
    if kind.kind == "b":
        return np.array(leaves, kind)
    if not types <= {int, bool}:
        return np.array([fitting(each, as_dtype(kind)) for each in leaves], kind)
    try:
        array = np.array(leaves, np.int64)
    except OverflowError:
        large = next(each for each in leaves if not -(2**63) <= each < 2**63)
        raise ValueError(
            f"Overflow when unpacking long long: {large} is not within int64"
        ) from None
    if array.size:
        for extreme in (array.min(), array.max()):
            fitting(extreme.item(), as_dtype(kind))
    return array.astype(kind)


def _differing(leaves: list[Any]) -> str:
    other = next(each for each in leaves if each.shape != leaves[0].shape)
    return f"{list(leaves[0].shape)} and {list(other.shape)}"


def _refuse(
    leaves: list[Any], wanted: np.dtype | None, depth: int, beside: list[Any] | None = None
) -> NoReturn:
    """Raises torch's exception for the first thing that is no number, or a list beside numbers."""
    for leaf in leaves:
        if isinstance(leaf, _NUMBERS):
            continue
        name = type(leaf).__name__
        if isinstance(leaf, str) and depth and leaf is leaves[0] and beside is None:
            raise ValueError(f"too many dimensions {name!r}: {leaf!r:.60} is text, not a number")
        if isinstance(leaf, str) and wanted is None:
            raise TypeError(
                f"new(): invalid data type {name!r}: {leaf!r:.60}; tensors are made of numbers, "
                "bools, lists and arrays of them"
            )
        if isinstance(leaf, str | bytes | complex | np.ndarray | np.generic) or wanted is not None:
            among = "not a sequence: numbers beside arrays, " if name == "ndarray" else ""
            raise TypeError(
                f"{among}must be real number, not {name}: {leaf!r:.60}; tensors are made of "
                "numbers, bools, lists and arrays of them"
            )
        raise RuntimeError(
            f"Could not infer dtype of {name}: tensors are made of numbers, bools, lists and "
            "arrays of them"
        )
    assert beside is not None
    if isinstance(beside[0], _NUMBERS):
        other = next(each for each in beside if not isinstance(each, _NUMBERS))
        if isinstance(other, list) and any(each is other for each in other):
            raise TypeError("new(): self-referential lists are incompatible")
        raise TypeError(f"must be real number, not {type(other).__name__}: ragged nested lists")
    raise TypeError(f"not a sequence: {leaves[0]!r:.60} beside lists, at dim {depth}")
