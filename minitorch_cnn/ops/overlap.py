"""What is written in place must not be read at other places of the same memory.

`x[1:].add_(x[:-1])` could mean two things: all of x is read first, or each element as it is by
then. torch refuses it, and so does this package. What is certain is allowed: `x.add_(x)` reads each
element where it is written. As in torch, tensors with gaps between their elements are not
looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..storage import address_of
from ..tensor import Tensor, shape_text

# These put elements at other places than they are read from: not even x itself is allowed.
MOVING = [
    "index_add", "index_copy", "index_fill", "index_put", "index_reduce", "index_select", "gather",
    "put", "scatter", "scatter_add", "scatter_reduce", "take",
]  # fmt: skip
# These compute their result before they write any of it, in torch too.
PRODUCTS = ["addbmm", "addmm", "addmv", "addr", "baddbmm"]


def _extent(array: Any) -> tuple[int, int] | None:
    """The addresses where an array without gaps begins and ends; None for any other."""
    step = array.itemsize
    steps = zip(array.strides, array.shape, strict=True)
    for stride, n in sorted((stride, n) for stride, n in steps if n != 1):
        if stride != step:
            return None
        step *= n
    begin = address_of(array)
    return begin, begin + step


def check_overlap(target: Tensor, sources: Iterable[Any], operation: str) -> None:
    """Raises RuntimeError if `operation` may not write target while it reads one of `sources`.

    sources: tensors, lists of tensors, and what is neither; those that share a part of target's
    memory are refused, and with operations that move elements those that share all of it. Tensors
    without elements share nothing.

    >>> import minitorch_cnn as mt
    >>> x = mt.arange(4.0)
    >>> check_overlap(x[:2], [x[2:], x[:2], 3.0], "add")
    >>> check_overlap(x[:2], [x[1:3]], "add")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    RuntimeError: unsupported operation: some elements of the input tensor (shape [2], ...
    """
    if operation in PRODUCTS:
        return
    for source in sources:
        if isinstance(source, tuple | list):
            check_overlap(target, source, operation)
        if not isinstance(source, Tensor) or source._memory is not target._memory:
            continue
        same = source is target
        if not same:
            ours, theirs = _extent(target.array), _extent(source.array)
            if ours is None or theirs is None or ours[0] >= theirs[1] or theirs[0] >= ours[1]:
                continue
            same = ours == theirs and source.array.strides == target.array.strides
        if source.numel() and (operation in MOVING or not same):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor (shape "
                f"{shape_text(source.shape)}, stride {source.stride()}) and the written-to tensor "
                f"(shape {shape_text(target.shape)}, stride {target.stride()}) refer to a single "
                "memory location. Please clone() the tensor before performing the operation."
            )
