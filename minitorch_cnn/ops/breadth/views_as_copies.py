"""torch's `view_copy`, `select_copy`, ...: what a view would show, in memory of its own."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from typing import Any

from ...tensor import Tensor
from ..copy import contiguous_format
from ..indexing import WHOLE, BasicIndex, diagonal, select, unfold
from ..join import split, split_with_sizes, unbind
from ..shape import expand, permute, squeeze, t, transpose, unsqueeze, view
from .indexing_mutating import as_strided

__all__ = [
    "alias_copy", "as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy",
    "permute_copy", "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy",
    "squeeze_copy", "t_copy", "transpose_copy", "unbind_copy", "unfold_copy", "unsqueeze_copy",
    "view_copy",
]  # fmt: skip


def _copied(function: Callable[..., Any], example: str, errors: str = "") -> Callable[..., Any]:
    """The function of that name with _copy after it, which copies what the view shows.

    errors: what it raises, if not what the function of that name in the package does.
    """

    @functools.wraps(function)
    def copy(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if isinstance(result, Tensor):
            return result.clone(memory_format=contiguous_format)
        return tuple(part.clone(memory_format=contiguous_format) for part in result)

    name = f"{function.__name__}_copy"
    copy.__name__ = copy.__qualname__ = name
    copy.__module__ = __name__
    copy.__doc__ = (
        f"What `{function.__name__}` shows of a tensor of any shape, copied, row by row.\n\n"
        f"{errors or f'Raises as `{function.__name__}` does.'}\n\n"
        f">>> import minitorch_cnn as mt\n>>> x = mt.arange(4).reshape(2, 2)\n>>> {example}\n"
    )
    return copy


def alias(input: Tensor) -> Tensor:
    """Any shape: all of it. Never raises."""
    return BasicIndex.apply(input, ())


def detach(input: Tensor) -> Tensor:
    """Any shape: all of it, without its history. Never raises."""
    return input.detach()


def slice(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """``input[start:end:step]`` along a dimension, of any shape.

    Raises RuntimeError for a step below 1, IndexError for a dim out of range.
    """
    if step < 1:
        raise RuntimeError(f"slice step must be positive, got {step}")
    part = builtins.slice(start, end, step)
    return BasicIndex.apply(input, (*[WHOLE] * input._dim(dim), part))


alias_copy = _copied(alias, "mt.alias_copy(x)[0]\ntensor([0, 1])", "Never raises.")
as_strided_copy = _copied(as_strided, "mt.as_strided_copy(x, (2, 2), (1, 1))[1]\ntensor([1, 2])")
detach_copy = _copied(detach, "mt.detach_copy(x)[0]\ntensor([0, 1])", "Never raises.")
diagonal_copy = _copied(diagonal, "mt.diagonal_copy(x)\ntensor([0, 3])")
expand_copy = _copied(expand, "mt.expand_copy(x[0], (2, 2))[1]\ntensor([0, 1])")
permute_copy = _copied(permute, "mt.permute_copy(x, (1, 0))[0]\ntensor([0, 2])")
select_copy = _copied(select, "mt.select_copy(x, 1, 0)\ntensor([0, 2])")
slice_copy = _copied(
    slice,
    "mt.slice_copy(x, 0, 1)\ntensor([[2, 3]])",
    "Raises RuntimeError for a step below 1, IndexError for a dim out of range.",
)
split_copy = _copied(split, "mt.split_copy(x, 1)[1]\ntensor([[2, 3]])")
split_with_sizes_copy = _copied(
    split_with_sizes, "mt.split_with_sizes_copy(x, (1, 1))[1]\ntensor([[2, 3]])"
)
squeeze_copy = _copied(squeeze, "mt.squeeze_copy(x[:1])\ntensor([0, 1])")
t_copy = _copied(t, "mt.t_copy(x)[0]\ntensor([0, 2])")
transpose_copy = _copied(transpose, "mt.transpose_copy(x, 0, 1)[0]\ntensor([0, 2])")
unbind_copy = _copied(unbind, "mt.unbind_copy(x)[1]\ntensor([2, 3])")
unfold_copy = _copied(unfold, "mt.unfold_copy(x, 1, 2, 1).shape\nminitorch_cnn.Size([2, 1, 2])")
unsqueeze_copy = _copied(unsqueeze, "mt.unsqueeze_copy(x[0], 0)\ntensor([[0, 1]])")
view_copy = _copied(view, "mt.view_copy(x, (4,))\ntensor([0, 1, 2, 3])")
