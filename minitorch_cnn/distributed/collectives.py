"""The collectives by torch's names: arguments checked, then handed to the group's backend.

They write into tensors in place and are not recorded: no gradient flows through them. What flows
through a sum over processes is in nn/modules (SyncBatchNorm) and nn/parallel.

All processes of a group call the same collectives with the same shapes in the same order. That is
checked with each call, see agreement.py.
"""

from __future__ import annotations

import enum
from datetime import timedelta
from typing import Any

from ..tensor import Tensor, shape_text
from . import group as groups
from .group import GroupMember, ProcessGroup
from .work import Work


class ReduceOp(enum.Enum):
    """How numbers of several processes become one.

    AVG is the sum divided by the number of processes, of integers rounded towards 0.
    """

    SUM = "SUM"
    AVG = "AVG"
    PRODUCT = "PRODUCT"
    MIN = "MIN"
    MAX = "MAX"


def _outside(group: Any) -> bool:
    """Is this process not in the group? Then a collective does nothing, as in torch."""
    return isinstance(group, int) and group == GroupMember.NON_GROUP_MEMBER


def _check_tensor(value: Any, name: str) -> Any:
    """The array of a tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type Tensor but got "
            f"{type(value)} instead."
        )
    return value.array


def _check_list(values: Any, name: str, like: Tensor, count: int) -> None:
    """A list of `count` tensors of one shape and dtype."""
    if not isinstance(values, list) or not all(isinstance(each, Tensor) for each in values):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type List[Tensor] but got "
            f"{type(values)} with elements of type {[type(each) for each in values or ()]}."
        )
    if len(values) != count:
        raise ValueError(
            f"{name} has {len(values)} tensors, but the group has {count} processes: it takes one "
            "for each"
        )
    for place, each in enumerate(values):
        if each.dtype is not like.dtype:
            raise ValueError(
                f"{name}[{place}] is {each.dtype}, but the other tensors are {like.dtype}"
            )
        if each.shape != like.shape:
            raise ValueError(
                f"{name}[{place}] has shape {shape_text(each.shape)}, but the others have "
                f"{shape_text(like.shape)}"
            )


def _operation(op: Any) -> str:
    if not isinstance(op, ReduceOp):
        raise TypeError(
            f"op must be one of ReduceOp.{', ReduceOp.'.join(ReduceOp.__members__)}, got {op!r}"
        )
    return op.name


def _place(group: ProcessGroup, rank: int | None, in_group: int | None, name: str) -> int:
    """The number in the group of the process that `src` or `dst` means."""
    if rank is not None and in_group is not None:
        raise ValueError(f"Can't specify both group_{name} and {name}")
    if in_group is not None:
        if not 0 <= in_group < group.size():
            raise ValueError(f"group_{name}={in_group} is not one of {group.size()} processes")
        return in_group
    if rank is None:
        if name == "peer":
            raise ValueError("the rank of the other process is missing")
        rank = 0
    return groups.get_group_rank(group, rank)


def _line(name: str, tensor: Any, *more: Any) -> str:
    """What all processes have to agree on."""
    extra = "".join(f", {each}" for each in more)
    return f"{name}({shape_text(tensor.shape)}, {tensor.dtype}{extra})"


def _begin(
    group: ProcessGroup,
    line: str,
    nbytes: int,
    async_op: bool,
    start: Any,
    written: tuple[Tensor, ...] | list[Tensor],
    after: Any = None,
) -> Work | None:
    """Announces the call, starts it and, unless async_op, waits for it.

    start: a function without arguments that begins the backend's own work.
    written: the tensors that get new values. after: called when it is over.
    """
    number = group.agreement.announce(line)
    for tensor in written:
        tensor._before_write()
        tensor._bump_version()
    if not async_op and number is not None and group.backend.name != "nccl":
        # MPI is not to see a wrong call at all, if there is time to wait.
        group.agreement.wait_for(lambda: group.agreement.is_agreed(number), line)
        number = None
    work = Work(group, line, start(), nbytes, number)
    work._after = after
    if async_op:
        return work
    work.wait()
    return None


def all_reduce(
    tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Replaces the tensor on every process by the sum (or `op`) of all processes' tensors.

    async_op: returns at once, with a `Work` whose `wait()` has to come before the tensor is used.
    Sums of float16 are added up in float32 and rounded once.
    """
    array = _check_tensor(tensor, "tensor")
    name = _operation(op)
    if _outside(group):
        return None
    own = groups.of(group)
    return _begin(
        own,
        _line("all_reduce", array, name),
        array.nbytes,
        async_op,
        lambda: own.backend.all_reduce(array, name),
        (tensor,),
    )


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """The same on process `dst` (a rank of the world) alone; elsewhere the tensor stays."""
    array = _check_tensor(tensor, "tensor")
    name = _operation(op)
    if _outside(group):
        return None
    own = groups.of(group)
    root = _place(own, dst, group_dst, "dst")
    return _begin(
        own,
        _line("reduce", array, name, f"dst={root}"),
        array.nbytes,
        async_op,
        lambda: own.backend.reduce(array, root, name),
        (tensor,) if own.rank() == root else (),
    )


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Replaces the tensor on every process by that of process `src` (a rank of the world)."""
    array = _check_tensor(tensor, "tensor")
    if _outside(group):
        return None
    own = groups.of(group)
    root = _place(own, src, group_src, "src")
    return _begin(
        own,
        _line("broadcast", array, f"src={root}"),
        array.nbytes,
        async_op,
        lambda: own.backend.broadcast(array, root),
        () if own.rank() == root else (tensor,),
    )


def all_gather(
    tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """tensor_list[r] becomes the tensor of process r, on every process."""
    array = _check_tensor(tensor, "tensor")
    if _outside(group):
        return None
    own = groups.of(group)
    _check_list(tensor_list, "tensor_list", tensor, own.size())
    whole = _stacked(array, own.size())
    return _begin(
        own,
        _line("all_gather", array),
        whole.nbytes,
        async_op,
        lambda: own.backend.all_gather(whole, array),
        tensor_list,
        lambda: _deal_out(whole, tensor_list),
    )


def _stacked(array: Any, count: int) -> Any:
    """Room for `count` such arrays."""
    from ..backend import array_module

    return array_module(array).empty((count, *array.shape), array.dtype)


def _deal_out(whole: Any, tensors: list[Tensor]) -> None:
    for tensor, part in zip(tensors, whole, strict=True):
        tensor.array[...] = part


def _check_sizes(name: str, whole: Tensor, part: Tensor, count: int) -> None:
    if whole.dtype is not part.dtype:
        raise TypeError(f"{name}: both tensors must be of one dtype: {whole.dtype}, {part.dtype}")
    if whole.numel() != count * part.numel():
        raise ValueError(
            f"{name}: shape {shape_text(whole.shape)} must have {count} (the number of processes) "
            f"times as many elements as {shape_text(part.shape)}"
        )


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """output_tensor becomes the input_tensors of all processes, one after the other.

    output_tensor: (P * n, ...) or (P, n, ...) for input_tensor (n, ...) and P processes.
    """
    out = _check_tensor(output_tensor, "output_tensor")
    array = _check_tensor(input_tensor, "input_tensor")
    if _outside(group):
        return None
    own = groups.of(group)
    _check_sizes("all_gather_into_tensor", output_tensor, input_tensor, own.size())
    return _begin(
        own,
        _line("all_gather_into_tensor", array),
        out.nbytes,
        async_op,
        lambda: own.backend.all_gather(out, array),
        (output_tensor,),
    )


def barrier(
    group: Any = None,
    async_op: bool = False,
    device_ids: Any = None,
    timeout: timedelta | None = None,
) -> Work | None:
    """Waits until all processes of the group are here."""
    if _outside(group):
        return None
    own = groups.of(group)
    number = own.agreement.announce("barrier()")
    work = Work(own, "barrier()", _Nothing(), 0, number)
    if async_op:
        return work
    if own.name() == "nccl":
        own.backend.barrier()
    own.agreement.wait_for(work.is_completed, "barrier()", timeout)
    return None


class _Nothing:
    """A barrier is nothing but the agreement that all are in it."""

    def is_completed(self) -> bool:
        return True

    def wait(self, timeout: Any = None) -> bool:
        return True


def monitored_barrier(
    group: Any = None, timeout: timedelta | None = None, wait_all_ranks: bool = False
) -> None:
    """`barrier`: any of them says in its error which processes did not come."""
    barrier(group, timeout=timeout)
