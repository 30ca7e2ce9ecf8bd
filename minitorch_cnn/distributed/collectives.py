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

from ..backend import array_module
from ..tensor import Tensor, shape_text
from . import groups
from .groups import GroupMember, ProcessGroup
from .work import Work


class ReduceOp(enum.Enum):
    """How numbers of several processes become one.

    AVG is the sum divided by the number of processes, of integers rounded towards 0. BAND, BOR and
    BXOR are for integers and bool.
    """

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7


ReduceOp.RedOpType = ReduceOp  # type: ignore[attr-defined]  # the type of its members, in torch


def is_outside(group: Any) -> bool:
    """Is this process not in the group? Then a collective does nothing, as in torch."""
    return isinstance(group, int) and group == GroupMember.NON_GROUP_MEMBER


def check_tensor(value: Any, name: str) -> Any:
    """The array of a tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type Tensor but got "
            f"{type(value)} instead."
        )
    return value.array


def _check_list(values: Any, name: str, like: Any, count: int) -> None:
    """A list of `count` tensors of one shape and dtype."""
    kinds = [type(each) for each in values] if isinstance(values, list) else []
    if not isinstance(values, list) or not all(issubclass(kind, Tensor) for kind in kinds):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type List[Tensor] but got "
            f"{type(values)} with elements of type {kinds}."
        )
    if len(values) != count:
        raise RuntimeError(
            f"{name} has {len(values)} tensors, but the group has {count} processes: it takes one "
            "for each"
        )
    for place, each in enumerate(values):
        if each.dtype is not like.dtype:
            raise ValueError(
                f"{name}[{place}] is {each.dtype}, but the other tensors are {like.dtype}"
            )
        if each.shape != like.shape:
            raise RuntimeError(
                f"{name}[{place}] has shape {shape_text(each.shape)}, but the others have "
                f"{shape_text(like.shape)}"
            )


def _operation(op: Any) -> str:
    if not isinstance(op, ReduceOp):
        raise TypeError(
            f"op must be one of ReduceOp.{', ReduceOp.'.join(ReduceOp.__members__)}, got {op!r}"
        )
    return op.name


def place_in(group: ProcessGroup, rank: int | None, in_group: int | None, name: str) -> int:
    """The number in the group of the process that the arguments `src` and `group_src` mean."""
    if rank is not None and in_group is not None:
        raise ValueError(f"Can't specify both {name} and group_{name}")
    if rank is None and in_group is None:
        raise ValueError(f"Must specify {name} or group_{name}")
    if in_group is None:
        if rank not in group.ranks:
            raise RuntimeError(f"{name}={rank} is not one of the group's processes {group.ranks}")
        return group.ranks.index(rank)
    if not 0 <= in_group < group.size():
        raise RuntimeError(f"group_{name}={in_group} is not one of {group.size()} processes")
    return in_group


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
    if not async_op and group.backend.name != "nccl":
        # There is time to wait, and MPI is not to see a wrong call at all.
        group.agreement.wait_until_agreed(number, line)
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
    array = check_tensor(tensor, "tensor")
    name = _operation(op)
    if is_outside(group):
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
    array = check_tensor(tensor, "tensor")
    name = _operation(op)
    if is_outside(group):
        return None
    own = groups.of(group)
    root = place_in(own, dst, group_dst, "dst")
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
    array = check_tensor(tensor, "tensor")
    if is_outside(group):
        return None
    own = groups.of(group)
    root = place_in(own, src, group_src, "src")
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
    array = check_tensor(tensor, "tensor")
    if is_outside(group):
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
    return array_module(array).empty((count, *array.shape), array.dtype)


def _stack(tensors: list[Tensor]) -> Any:
    """The values of tensors of one shape, one after the other."""
    return array_module(tensors[0].array).stack([each.array for each in tensors])


def _deal_out(whole: Any, tensors: list[Tensor]) -> None:
    for tensor, part in zip(tensors, whole, strict=True):
        tensor.array[...] = part


def _check_sizes(name: str, whole: Tensor, part: Tensor, count: int) -> None:
    if whole.dtype is not part.dtype:
        raise RuntimeError(f"{name}: two dtypes, {whole.dtype} and {part.dtype}: convert one")
    if whole.numel() != count * part.numel():
        raise RuntimeError(
            f"{name}: shape {shape_text(whole.shape)} must have {count} (the number of processes) "
            f"times as many elements as {shape_text(part.shape)}"
        )


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """output_tensor becomes the input_tensors of all processes, one after the other.

    output_tensor: (P * n, ...) or (P, n, ...) for input_tensor (n, ...) and P processes.
    """
    out = check_tensor(output_tensor, "output_tensor")
    array = check_tensor(input_tensor, "input_tensor")
    if is_outside(group):
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


def reduce_scatter_tensor(
    output: Tensor,
    input: Tensor,
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Adds up (or `op`) the inputs of all processes; output of process r is the r-th part of it.

    input: (P * n, ...) or (P, n, ...) for output (n, ...) and P processes.
    """
    out, array = check_tensor(output, "output"), check_tensor(input, "input")
    name = _operation(op)
    if is_outside(group):
        return None
    own = groups.of(group)
    _check_sizes("reduce_scatter_tensor", input, output, own.size())
    return _begin(
        own,
        _line("reduce_scatter_tensor", array, name),
        array.nbytes,
        async_op,
        lambda: own.backend.reduce_scatter(out, array, name),
        (output,),
    )


all_gather_single = all_gather_into_tensor  # torch's newer names
reduce_scatter_single = reduce_scatter_tensor


def reduce_scatter(
    output: Tensor,
    input_list: list[Tensor],
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """The same of a list: output of process r is the sum of all processes' input_list[r]."""
    out, name = check_tensor(output, "output"), _operation(op)
    if is_outside(group):
        return None
    own = groups.of(group)
    _check_list(input_list, "input_list", output, own.size())
    whole = _stack(input_list)
    return _begin(
        own,
        _line("reduce_scatter", whole, name),
        whole.nbytes,
        async_op,
        lambda: own.backend.reduce_scatter(out, whole, name),
        (output,),
    )


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """gather_list[r] of process `dst` (0 if not given) becomes the tensor of process r."""
    array = check_tensor(tensor, "tensor")
    if is_outside(group):
        return None
    own = groups.of(group)
    root = 0 if dst is None and group_dst is None else place_in(own, dst, group_dst, "dst")
    whole = None
    written: list[Tensor] = []
    if own.rank() == root:
        if not gather_list:
            raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
        _check_list(gather_list, "gather_list", tensor, own.size())
        whole, written = _stacked(array, own.size()), gather_list
    elif gather_list:
        raise ValueError("Argument ``gather_list`` must NOT be specified on non-destination ranks.")
    return _begin(
        own,
        _line("gather", array, f"dst={root}"),
        array.nbytes,
        async_op,
        lambda: own.backend.gather(whole, array, root),
        written,
        (lambda: _deal_out(whole, written)) if written else None,
    )


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """The tensor of process r becomes scatter_list[r] of process `src` (0 if not given)."""
    array = check_tensor(tensor, "tensor")
    if is_outside(group):
        return None
    own = groups.of(group)
    root = 0 if src is None and group_src is None else place_in(own, src, group_src, "src")
    whole = None
    if own.rank() == root:
        if not scatter_list:
            raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
        _check_list(scatter_list, "scatter_list", tensor, own.size())
        whole = _stack(scatter_list)
    elif scatter_list:
        raise ValueError("Argument ``scatter_list`` must NOT be specified on non-source ranks.")
    return _begin(
        own,
        _line("scatter", array, f"src={root}"),
        array.nbytes,
        async_op,
        lambda: own.backend.scatter(array, whole, root),
        (tensor,),
    )


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: list[int] | None = None,
    input_split_sizes: list[int] | None = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """The r-th part of process s's input becomes the s-th part of process r's output.

    input, output: (P * n, ...) for P processes. Raises NotImplementedError for parts of different
    sizes.
    """
    out, array = check_tensor(output, "output"), check_tensor(input, "input")
    if output_split_sizes or input_split_sizes:
        raise NotImplementedError("all_to_all_single with split sizes is not supported: pad them")
    if is_outside(group):
        return None
    own = groups.of(group)
    if input.dtype is not output.dtype or input.numel() != output.numel():
        raise RuntimeError(
            f"all_to_all_single: output of shape {shape_text(output.shape)} and {output.dtype} "
            f"does not match input of {shape_text(input.shape)} and {input.dtype}"
        )
    if not input.ndim or input.shape[0] % own.size():
        raise RuntimeError(
            f"all_to_all_single: {shape_text(input.shape)} cannot be cut into {own.size()} parts"
        )
    return _begin(
        own,
        _line("all_to_all_single", array),
        array.nbytes,
        async_op,
        lambda: own.backend.all_to_all(out, array),
        (output,),
    )


def all_to_all(
    output_tensor_list: list[Tensor],
    input_tensor_list: list[Tensor],
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """output_tensor_list[s] becomes process s's input_tensor_list[r], r being this process.

    All tensors must have one shape.
    """
    if is_outside(group):
        return None
    own = groups.of(group)
    for name, tensors in (("input", input_tensor_list), ("output", output_tensor_list)):
        like = input_tensor_list[0] if input_tensor_list else None
        _check_list(tensors, f"{name}_tensor_list", like, own.size())
    whole = _stack(input_tensor_list)
    out = array_module(whole).empty_like(whole)
    return _begin(
        own,
        _line("all_to_all", whole),
        whole.nbytes,
        async_op,
        lambda: own.backend.all_to_all(out, whole),
        output_tensor_list,
        lambda: _deal_out(out, output_tensor_list),
    )


def barrier(
    group: Any = None,
    async_op: bool = False,
    device_ids: Any = None,
    timeout: timedelta | None = None,
) -> Work | None:
    """Waits until all processes of the group are here."""
    if is_outside(group):
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
