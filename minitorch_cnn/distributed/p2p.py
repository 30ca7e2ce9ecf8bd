"""Messages from one process to another.

Only two processes know of them, so they are not compared as collectives are: a receiver that
nobody sends to waits until the timeout. Messages between two processes with one tag keep their
order.
"""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor, shape_text
from . import groups
from .collectives import check_tensor, is_outside, place_in
from .work import Work


def isend(
    tensor: Tensor,
    dst: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> Work | None:
    """Begins to send a tensor to process `dst`; it must stay as it is until `wait()`."""
    array = check_tensor(tensor, "tensor")
    if is_outside(group):
        return None
    own = groups.of(group)
    peer = _other(own, dst, group_dst, "dst")
    line = f"send({shape_text(array.shape)}, {array.dtype}, dst={own.ranks[peer]}, tag={tag})"
    own.agreement.look()
    return Work(own, line, own.backend.send(array, peer, tag), array.nbytes, -1)


def irecv(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_src: int | None = None,
) -> Work | None:
    """Begins to receive a tensor from process `src`, or from whoever sends first.

    The shapes may differ, but not the number of bytes: `wait` raises RuntimeError then.
    """
    array = check_tensor(tensor, "tensor")
    if is_outside(group):
        return None
    own = groups.of(group)
    peer = None
    if src is not None or group_src is not None:
        peer = _other(own, src, group_src, "src")
    tensor._before_write()
    tensor._bump_version()
    source = "any" if peer is None else own.ranks[peer]
    line = f"recv({shape_text(array.shape)}, {array.dtype}, src={source}, tag={tag})"
    own.agreement.look()
    return Work(own, line, own.backend.recv(array, peer, tag), array.nbytes, -1)


def send(
    tensor: Tensor,
    dst: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> None:
    """Sends a tensor to process `dst` (a rank of the world), which has to call `recv`."""
    work = isend(tensor, dst, group, tag, group_dst)
    if work is not None:
        work.wait()


def recv(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_src: int | None = None,
) -> int:
    """Receives a tensor from process `src`, or from whoever sends first. Returns its rank."""
    work = irecv(tensor, src, group, tag, group_src)
    if work is None:
        return -1
    inner = work._inner
    work.wait()
    own = groups.of(group)
    if src is None and group_src is None:
        return own.ranks[inner.source]
    return own.ranks[place_in(own, src, group_src, "src")]


def _other(group: groups.ProcessGroup, rank: int | None, in_group: int | None, name: str) -> int:
    peer = place_in(group, rank, in_group, name)
    if peer == group.rank():
        side = "destination" if name == "dst" else "source"
        raise ValueError(
            f"Invalid {side} rank: {side} rank should not be the same as the rank of the current "
            "process."
        )
    return peer


class P2POp:
    """One of the calls for `batch_isend_irecv`: op is isend or irecv."""

    def __init__(
        self,
        op: Any,
        tensor: Tensor,
        peer: int | None = None,
        group: Any = None,
        tag: int = 0,
        group_peer: int | None = None,
    ) -> None:
        if op not in (isend, irecv):
            raise ValueError("Invalid ``op``. Expected ``op`` to be of type ``isend`` or ``irecv``")
        check_tensor(tensor, "tensor")
        self.op, self.tensor, self.peer, self.group = op, tensor, peer, group
        self.tag, self.group_peer = tag, group_peer


def batch_isend_irecv(p2p_op_list: list[P2POp]) -> list[Work]:
    """Begins them all; wait for each of the works."""
    if not p2p_op_list or not all(isinstance(each, P2POp) for each in p2p_op_list):
        raise ValueError(f"p2p_op_list takes a list of P2POp, got {p2p_op_list!r:.80}")
    works = [
        each.op(each.tensor, each.peer, each.group, each.tag, each.group_peer)
        for each in p2p_op_list
    ]
    return [work for work in works if work is not None]
