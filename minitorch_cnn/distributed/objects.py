"""Collectives of plain Python data: numbers, text, lists, dicts, tensors.

Nothing is unpickled. Objects are written and read as `mt.save` and `mt.load` do it, which know
plain data only, so what another process sends cannot run code here, whoever it is. Anything else
raises the TypeError of `save`.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from ..serialization import load, save
from ..tensor import wrap
from . import groups
from .collectives import ReduceOp, all_gather, all_reduce, broadcast, is_outside, place_in


def _pack(obj: Any) -> np.ndarray:
    """Bytes for an object."""
    file = io.BytesIO()
    save(obj, file)
    return np.frombuffer(file.getvalue(), np.uint8).copy()


def _unpack(data: np.ndarray) -> Any:
    return load(io.BytesIO(data.tobytes()))


def _gathered(obj: Any, group: Any) -> list[Any]:
    """The objects of all processes, by their ranks in the group."""
    mine = _pack(obj)
    size = groups.of(group).size()
    lengths = [wrap(np.zeros((), np.int64)) for _ in range(size)]
    all_gather(lengths, wrap(np.array(mine.size)), group)
    most = max(int(each) for each in lengths)
    padded = np.zeros(most, np.uint8)
    padded[: mine.size] = mine
    rows = [wrap(np.empty(most, np.uint8)) for _ in range(size)]
    all_gather(rows, wrap(padded), group)
    return [_unpack(row.array[: int(length)]) for row, length in zip(rows, lengths, strict=True)]


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """object_list[r] becomes the object of process r, on every process.

    Objects are plain data: numbers, text, None, lists, tuples, dicts and tensors of them.

    >>> import minitorch_cnn.distributed as dist
    >>> dist.init_process_group("mpi")  # doctest: +SKIP
    >>> found = [None] * dist.get_world_size()  # doctest: +SKIP
    >>> dist.all_gather_object(found, {"rank": dist.get_rank()})  # doctest: +SKIP
    """
    if is_outside(group):
        return
    _check_length("object_list", object_list, groups.of(group).size())
    object_list[:] = _gathered(obj, group)


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Any = None,
    group_dst: int | None = None,
) -> None:
    """The same on process `dst` (0 if not given) only."""
    if is_outside(group):
        return
    own = groups.of(group)
    root = 0 if dst is None and group_dst is None else place_in(own, dst, group_dst, "dst")
    if own.rank() == root:
        if object_gather_list is None:
            raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
        _check_length("object_gather_list", object_gather_list, own.size())
    found = _gathered(obj, group)
    if own.rank() == root and object_gather_list is not None:
        object_gather_list[:] = found


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
) -> None:
    """scatter_object_output_list[0] becomes the r-th object of process `src` (0 if not given)."""
    if is_outside(group):
        return
    own = groups.of(group)
    root = 0 if src is None and group_src is None else place_in(own, src, group_src, "src")
    if not scatter_object_output_list:
        raise ValueError(
            "Expected argument scatter_object_output_list to be a list of size at least 1."
        )
    objects = [None] * own.size()
    if own.rank() == root:
        objects = scatter_object_input_list or []
        _check_length("scatter_object_input_list", objects, own.size())
    broadcast_object_list(objects, group=group, group_src=root)
    scatter_object_output_list[0] = objects[own.rank()]


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """Replaces the objects of the list, on every process, by those of process `src`."""
    if is_outside(group):
        return
    own = groups.of(group)
    root = 0 if src is None and group_src is None else place_in(own, src, group_src, "src")
    is_root = own.rank() == root
    data = _pack(list(object_list)) if is_root else np.zeros(0, np.uint8)
    length = wrap(np.array(data.size))
    all_reduce(length, ReduceOp.MAX, group)
    if not is_root:
        data = np.empty(int(length), np.uint8)
    broadcast(wrap(data), group=group, group_src=root)
    if not is_root:
        found = _unpack(data)
        _check_length("object_list", object_list, len(found))
        object_list[:] = found


def _check_length(name: str, values: list[Any], count: int) -> None:
    if len(values) != count:
        raise RuntimeError(f"{name} has {len(values)} places, but {count} objects come")
