"""Joining tensors (cat, stack, ...) and taking them apart (split, chunk, unbind, ...)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from .. import kernels
from ..autograd.function import Function
from ..autograd.names import called
from ..backend import array_module
from ..dtypes import int64, promote_types
from ..tensor import Tensor, running, shape_text, wrap
from .arguments import as_int, as_ints
from .common import same_device
from .indexing import index_select, narrow, select
from .shape import reshape, unsqueeze

__all__ = [
    "cat", "concat", "concatenate", "stack", "atleast_1d", "atleast_2d", "hstack", "vstack",
    "split", "split_with_sizes", "chunk", "tensor_split", "unbind", "repeat_interleave",
]  # fmt: skip


class Cat(Function):
    """y = the tensors one after the other along axis dim"""

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, dim: int, *tensors: Tensor) -> Tensor:
        ctx.dim = dim
        arrays = [each.arriving for each in tensors]
        ctx.lengths = [array.shape[dim] for array in arrays]
        return running(kernels.cat(arrays, dim))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        parts = []
        start = 0
        for length, needed in zip(ctx.lengths, ctx.needs_input_grad[1:], strict=True):
            parts.append(narrow(gy, ctx.dim, start, length) if needed else None)
            start += length
        return (None, *parts)


def tensor_list(name: str, tensors: Any) -> list[Tensor]:
    """The sequence as a list of tensors of one dtype on one device."""
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    for index, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(
                f"expected Tensor as element {index} in argument 0, but got {type(each).__name__}"
            )
    if not tensors:
        raise RuntimeError(f"{name}(): expected a non-empty list of Tensors")
    same_device(*tensors)
    kind = reduce(promote_types, [each.dtype for each in tensors])
    return [each.to(kind) for each in tensors]


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along an existing dimension: (N, C), (N, D) -> (N, C + D).

    Dtypes are promoted; a tensor of shape (0,) joins any. Raises RuntimeError if the other lengths
    differ, for 0-d tensors and for an empty list, TypeError for anything but a list of tensors.

    >>> import minitorch_cnn as mt
    >>> mt.cat([mt.zeros(2, 1), mt.ones(2, 2)], dim=1)
    tensor([[0., 1., 1.],
            [0., 1., 1.]])
    """
    parts = tensor_list("cat", tensors)
    # As in torch, a tensor of shape (0,) joins tensors of any shape.
    shaped = [each for each in parts if each.array.shape != (0,)]
    if not shaped:
        return Cat.apply(0, *parts)
    first = shaped[0]
    if any(each.ndim == 0 for each in shaped):
        raise RuntimeError("zero-dimensional tensor cannot be concatenated: use stack")
    dim = first._dim(dim)
    for index, each in enumerate(shaped):
        same = each.ndim == first.ndim and all(
            m == n for i, (m, n) in enumerate(zip(each.shape, first.shape)) if i != dim
        )
        if not same:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {dim}. Expected "
                f"{shape_text(first.shape)} but got {shape_text(each.shape)} for tensor number "
                f"{index} in the list."
            )
    return Cat.apply(dim, *shaped)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new dimension: K of (N, C) -> (K, N, C).

    Dtypes are promoted. Raises RuntimeError if the shapes differ and for an empty list, IndexError
    for a dim that cannot be, TypeError for anything but a list of tensors.

    >>> import minitorch_cnn as mt
    >>> mt.stack([mt.tensor([1, 2]), mt.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    parts = tensor_list("stack", tensors)
    for index, each in enumerate(parts):
        if each.shape != parts[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got "
                f"{shape_text(parts[0].shape)} at entry 0 and {shape_text(each.shape)} at entry "
                f"{index}"
            )
    lifted = [unsqueeze(each, dim) for each in parts]
    return called(Cat.apply(lifted[0]._dim(dim), *lifted), "StackBackward0")


def each_or_all(lift: Callable[[Tensor], Tensor], tensors: tuple) -> Any:
    """lift of one tensor; a tuple of them for several, or for a list or tuple of tensors."""
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return lift(tensors[0])
    several = tensors[0] if len(tensors) == 1 else tensors
    if not isinstance(several, list | tuple) or not all(isinstance(x, Tensor) for x in several):
        raise TypeError(f"expected tensors or a list of tensors, got {tensors!r:.60}")
    return tuple(lift(x) for x in several)


def atleast_1d(*tensors: Any) -> Any:
    """A 0-d tensor as one of shape (1,); others as they are. A tuple for several tensors.

    Raises TypeError for anything but tensors or a list of them.

    >>> import minitorch_cnn as mt
    >>> mt.atleast_1d(mt.tensor(5)), mt.atleast_1d(mt.tensor(5), mt.zeros(2))
    (tensor([5]), (tensor([5]), tensor([0., 0.])))
    """
    return each_or_all(lambda x: reshape(x, 1) if x.ndim == 0 else x, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """With leading dimensions of length 1, so that there are two at least: (L,) -> (1, L).

    A tuple for several tensors. Raises TypeError for anything but tensors or a list of them.

    >>> import minitorch_cnn as mt
    >>> mt.atleast_2d(mt.tensor([5, 6]))
    tensor([[5, 6]])
    """

    def lifted(x: Tensor) -> Tensor:
        return x if x.ndim >= 2 else unsqueeze(reshape(x, -1), 0)

    return each_or_all(lifted, tensors)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 1, columns beside columns: (N, C), (N, D) -> (N, C + D).

    Vectors are joined along dimension 0. Raises as `cat` does.

    >>> import minitorch_cnn as mt
    >>> mt.hstack([mt.tensor([[1], [2]]), mt.tensor([[3, 4], [5, 6]])])
    tensor([[1, 3, 4],
            [2, 5, 6]])
    """
    parts = [atleast_1d(each) for each in tensor_list("hstack", tensors)]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 0, rows under rows: (N, C), (M, C) -> (N + M, C).

    Vectors count as rows. Raises as `cat` does.

    >>> import minitorch_cnn as mt
    >>> mt.vstack([mt.tensor([1, 2]), mt.tensor([[3, 4], [5, 6]])])
    tensor([[1, 2],
            [3, 4],
            [5, 6]])
    """
    return cat([atleast_2d(each) for each in tensor_list("vstack", tensors)], 0)


# ---------------------------------------------------------------------------------- taking apart


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of parts: of that length each (the last may be shorter), or of the listed lengths.

    (N, C) along dim 0 gives tensors (n, C) whose lengths add up to N. Raises RuntimeError for a
    length below 1 and for listed lengths with another sum, IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> mt.arange(5).split([1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    dim = tensor._dim(dim)
    total = tensor.size(dim)
    given = split_size_or_sections
    if not isinstance(given, tuple | list):
        size = as_int("split", "split_size_or_sections", given)
        if size < 0 or (size == 0 and total > 0):
            raise RuntimeError(f"split expects split_size be positive, but got split_size={size}")
        count = max(1, -(-total // size)) if size else 1
        lengths = [min(size, total - i * size) for i in range(count)]
    else:
        lengths = list(as_ints("split", "split_size_or_sections", given))
        if sum(lengths) != total or any(length < 0 for length in lengths):
            raise RuntimeError(
                "split_with_sizes expects split_sizes to sum exactly to "
                f"{total} (input tensor's size at dimension {dim}), but got split_sizes={lengths}"
            )
    return _one_of_many("split", _pieces(tensor, lengths, dim))


def _pieces(tensor: Tensor, lengths: list[int], dim: int) -> list[Tensor]:
    starts = itertools.accumulate([0, *lengths])
    return [narrow(tensor, dim, start, n) for start, n in zip(starts, lengths, strict=False)]


def _one_of_many(function: str, views: list[Tensor]) -> tuple[Tensor, ...]:
    """The views, through which nothing that is recorded may be written, as torch has it."""
    for each in views:
        if each._view is not None:
            each._view.alone = each._view.alone or (
                "This view is the output of a function that returns multiple views. Such a result "
                f"of {function}() is being modified inplace"
            )
    return tuple(views)


def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """`split` into parts of the listed lengths: (N, C) -> (n, C), ... Raises as `split` does.

    >>> import minitorch_cnn as mt
    >>> mt.arange(5).split_with_sizes([1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    return split(input, list(split_sizes), dim)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of `chunks` parts of equal length (the last may be shorter, or there are fewer).

    (N, C) along dim 0 gives tensors (n, C). Raises RuntimeError for fewer than 1 part, IndexError
    for a dim that does not exist.

    >>> import minitorch_cnn as mt
    >>> [len(part) for part in mt.arange(7).chunk(3)]
    [3, 3, 1]
    """
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    total = input.size(dim)
    if total == 0:
        return split(input, [0] * chunks, dim)
    return split(input, -(-total // chunks), dim)


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of that many parts, the first of which are one longer; or parts cut at the indices.

    (N, C) along dim 0 gives tensors (n, C). The indices: a list or an int64 tensor. Raises
    RuntimeError for fewer than 1 part, for a 0-d input, and for indices of another kind.

    >>> import minitorch_cnn as mt
    >>> [len(part) for part in mt.arange(7).tensor_split(3)]
    [3, 2, 2]
    >>> [len(part) for part in mt.arange(7).tensor_split([1, 5])]
    [1, 4, 2]
    """
    if input.ndim == 0:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = input._dim(dim)
    total = input.size(dim)
    if isinstance(indices_or_sections, Tensor):
        where = indices_or_sections
        if where.dtype is not int64:
            kind = str(where.type()).rpartition(".")[2].removesuffix("Tensor")
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                f"{kind}: use .long()"
            )
        if where.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                f"one-dimensional tensor, but got a tensor with {where.ndim} dims"
            )
        indices_or_sections = where.tolist()
    if not isinstance(indices_or_sections, tuple | list):
        sections = as_int("tensor_split", "indices_or_sections", indices_or_sections)
        if sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
        longer = total % sections
        lengths = [total // sections + (1 if i < longer else 0) for i in range(sections)]
        return tuple(_pieces(input, lengths, dim))
    cuts = [0, *as_ints("tensor_split", "indices_or_sections", indices_or_sections)]
    parts = []
    for start, stop in zip(cuts, [*cuts[1:], total], strict=True):
        start, stop, _ = slice(start, stop).indices(total)
        parts.append(narrow(input, dim, min(start, total), max(stop - start, 0)))
    return tuple(parts)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dimension, which disappears, as views: (N, C) -> N tensors (C,).

    Raises IndexError for a 0-d tensor and for a dim that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2], [3, 4]]).unbind()
    (tensor([1, 2]), tensor([3, 4]))
    """
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return _one_of_many("unbind", [select(input, dim, i) for i in range(input.size(dim))])


def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element several times in a row; repeats is a number or one number for each.

    (N, C) along dim 0 gives (sum of repeats, C); without dim, the input is flattened first.
    output_size: torch's hint on the length of the result, which is checked. Without repeats, the
    input says how often each position 0, 1, 2, ... is repeated. Raises RuntimeError for negative
    repeats, or another number of them.

    >>> import minitorch_cnn as mt
    >>> mt.repeat_interleave(mt.tensor([1, 2]), mt.tensor([1, 3]))
    tensor([1, 2, 2, 2])
    """
    if repeats is None:
        if input.ndim != 1 or input.dtype.category != 1:
            raise RuntimeError(
                f"repeat_interleave only accepts 1D integer vectors as repeat, got "
                f"{shape_text(input.shape)} and {input.dtype}"
            )
        positions = wrap(array_module(input.array).arange(input.size(0)))
        return repeat_interleave(positions, input, 0, output_size=output_size)
    if dim is None:
        input, dim = reshape(input, -1), 0
    xp = array_module(input.array)
    length = input.size(dim) if input.ndim else 1
    if isinstance(repeats, Tensor):
        if repeats.dtype.category != 1:
            raise NotImplementedError(f"repeats must be integers, got {repeats.dtype}")
        if repeats.ndim > 1 or repeats.numel() not in (1, length):
            raise RuntimeError(
                f"repeats must have the same size as input along dim, but got repeats.size(0) = "
                f"{repeats.numel()} and input.size({dim}) = {length}"
            )
        repeats = repeats.tolist()
    else:
        repeats = as_int("repeat_interleave", "repeats", repeats)
    if any(count < 0 for count in (repeats if isinstance(repeats, list) else [repeats])):
        raise RuntimeError(f"repeats can not be negative, got {repeats}")
    index = xp.repeat(xp.arange(length), repeats)
    if output_size not in (None, index.size):
        raise RuntimeError(f"allocated size {output_size} does not match required {index.size}")
    return index_select(input, dim, wrap(index))
