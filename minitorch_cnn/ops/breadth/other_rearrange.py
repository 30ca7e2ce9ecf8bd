"""Torch's "Other Operations" that put the same elements in other places: flip, roll, rot90."""

from __future__ import annotations

from typing import Any

from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..shape import flatten, int_tuple, reshape, transpose

__all__ = ["flip", "fliplr", "flipud", "roll", "rot90"]


class Flip(Function):
    """y = x mirrored along dims"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dims: tuple[int, ...]) -> Tensor:
        ctx.dims = dims
        return wrap(array_module(x.array).flip(x.array, dims).copy(order="K"))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        return Flip.apply(gy, ctx.dims), None


def flip(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """A copy with the order of the elements reversed along the given dimensions.

    Any shape. flip(x, 0, 1), flip(x, (0, 1)) and flip(x, dims=(0, 1)) are the same. Raises
    RuntimeError for a dim given twice, IndexError for one out of range.

    >>> import minitorch_cnn as mt
    >>> mt.flip(mt.tensor([[1, 2], [3, 4]]), (1,))
    tensor([[2, 1],
            [4, 3]])
    """
    if not axes and dims is None:
        raise TypeError("flip() needs dims: flip(x, 0), or flip(x, ()) for none")
    given = int_tuple(axes if dims is None else (dims,), "flip", "dims")
    order = tuple(input._dim(each) for each in given)
    if len(set(order)) != len(order):
        raise RuntimeError(f"dim {shape_text(given)} appears multiple times in the list of dims")
    return Flip.apply(input, order if input.ndim else ())


def fliplr(input: Tensor) -> Tensor:
    """A copy mirrored along dimension 1: left and right exchanged.

    (n, m, ...) keeps its shape. Raises RuntimeError for fewer than two dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.fliplr(mt.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if input.ndim < 2:
        raise RuntimeError(f"fliplr: Input must be >= 2-d, got {shape_text(input.shape)}")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """A copy mirrored along dimension 0: up and down exchanged.

    Raises RuntimeError for a 0-d tensor.

    >>> import minitorch_cnn as mt
    >>> mt.flipud(mt.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if input.ndim < 1:
        raise RuntimeError("flipud: Input must be >= 1-d, got a 0-d tensor")
    return flip(input, 0)


class Roll(Function):
    """y[i] = x[i - shift], around the end"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Tensor:
        ctx.shifts, ctx.dims = shifts, dims
        return wrap(array_module(x.array).roll(x.array, shifts, dims))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        return Roll.apply(gy, tuple(-shift for shift in ctx.shifts), ctx.dims), None, None


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Elements moved along dimensions; those that fall off the end come back at the start.

    Any shape. shifts, dims: a number each, or as many; without dims, one shift of the flattened
    tensor. Raises RuntimeError for other numbers of them, IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.arange(5).roll(2), mt.arange(5).roll(-1)
    (tensor([3, 4, 0, 1, 2]), tensor([1, 2, 3, 4, 0]))
    """
    moved = int_tuple((shifts,), "roll", "shifts")
    along = () if dims is None else int_tuple((dims,), "roll", "dims")
    if not moved or (not along and len(moved) != 1):
        raise RuntimeError(
            f"`shifts` required: one number for each dim, or one alone, got {shape_text(moved)}"
        )
    if not along:
        return reshape(roll(flatten(input), moved, 0), input.shape)
    if len(moved) != len(along):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(moved)}, dims:{len(along)}"
        )
    return Roll.apply(input, moved, tuple(input._dim(dim) for dim in along))


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """A copy turned k times by 90 degrees, from the first of the two dimensions towards the second.

    (n, m) -> (m, n), and back: for a matrix counter-clockwise. Raises RuntimeError for fewer than
    two dimensions, or dims that are not two different ones.

    >>> import minitorch_cnn as mt
    >>> mt.rot90(mt.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {list(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    first, second = (input._dim(each) for each in dims)
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dims = {list(dims)}")
    turns = k % 4
    if turns == 0:
        return input.clone()
    if turns == 2:
        return flip(input, first, second)
    turned = transpose(flip(input, second if turns == 1 else first), first, second)
    return turned.contiguous()
