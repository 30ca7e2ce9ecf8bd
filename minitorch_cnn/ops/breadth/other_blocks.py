"""Tensors put together and taken apart by columns, blocks and combinations."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import dtypes
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import mul
from ..creation import finish, meshgrid
from ..indexing import Diagonal, PutIntoZeros
from ..join import atleast_2d, cat, each_or_all, stack, tensor_list, tensor_split
from ..reduce import sum
from ..shape import int_tuple, reshape, transpose, unsqueeze
from .other_rearrange import flip


def atleast_3d(*tensors: Any) -> Any:
    """With at least three dimensions: a vector of n becomes (1, n, 1), a matrix (n, m, 1)."""

    def lifted(x: Tensor) -> Tensor:
        y = atleast_2d(x)
        return unsqueeze(y, -1) if y.ndim < 3 else y

    return each_or_all(lifted, tensors)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 1, vectors counting as columns.

    >>> import minitorch_cnn as mt
    >>> mt.column_stack([mt.tensor([1, 2]), mt.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    parts = tensor_list("column_stack", tensors)
    return cat([reshape(x, (x.numel(), 1)) if x.ndim < 2 else x for x in parts], 1)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 2, after `atleast_3d`."""
    return cat([atleast_3d(x) for x in tensor_list("dstack", tensors)], 2)


def row_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 0, vectors counting as rows."""
    return cat([atleast_2d(x) for x in tensor_list("row_stack", tensors)], 0)


def _split_along(name: str, input: Tensor, how: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    if input.ndim < least:
        raise RuntimeError(
            f"{name} requires a tensor with at least {least} dimension(s), but got "
            f"{shape_text(input.shape)}"
        )
    if isinstance(how, int) and (how <= 0 or input.size(dim) % how):
        raise RuntimeError(
            f"{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{input.size(dim)} is not divisible by the split_size {how}!"
        )
    return tensor_split(input, how, dim)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along dimension 1 (0 for vectors), into equal parts or at indices."""
    return _split_along("torch.hsplit", input, indices_or_sections, int(input.ndim > 1), 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along dimension 0, into equal parts or at indices."""
    return _split_along("torch.vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along dimension 2, into equal parts or at indices."""
    return _split_along("torch.dsplit", input, indices_or_sections, 2, 3)


def block_diag(*tensors: Any) -> Tensor:
    """The matrix with the given matrices along its diagonal and zeros elsewhere.

    >>> import minitorch_cnn as mt
    >>> mt.block_diag(mt.tensor([[1, 2]]), mt.tensor([3]))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    for index, each in enumerate(tensors):
        if isinstance(each, Tensor) and each.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{index} has {each.ndim} dimensions"
            )
    blocks = [atleast_2d(each) for each in tensor_list("block_diag", list(tensors))]
    width, start, rows = int(np.sum([x.size(1) for x in blocks])), 0, []
    for x in blocks:
        height, columns = x.shape
        after = width - start - columns
        zeros = x.new_zeros(height, start), x.new_zeros(height, after)
        rows.append(cat([zeros[0], x, zeros[1]], 1))
        start += columns
    return cat(rows, 0)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker's product: every element of input times the whole of other, as blocks.

    >>> import minitorch_cnn as mt
    >>> mt.kron(mt.tensor([1, 10]), mt.tensor([2, 3]))
    tensor([ 2,  3, 20, 30])
    """
    ndim = max(input.ndim, other.ndim)
    a, b = ((1,) * (ndim - x.ndim) + tuple(x.shape) for x in (input, other))
    # Each pair of axes n, m lies side by side, then becomes one of n m.
    outer = reshape(input, [k for n in a for k in (n, 1)])
    inner = reshape(other, [k for m in b for k in (1, m)])
    return reshape(mul(outer, inner), [n * m for n, m in zip(a, b, strict=True)])


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element of each vector, as rows.

    >>> import minitorch_cnn as mt
    >>> mt.cartesian_prod(mt.tensor([1, 2]), mt.tensor([5, 6])).tolist()
    [[1, 5], [1, 6], [2, 5], [2, 6]]
    """
    if any(x.ndim != 1 for x in tensors):
        raise RuntimeError(f"Expect a 1D vector, but got shapes {[list(x.shape) for x in tensors]}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(grid, -1) for grid in meshgrid(*tensors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, in order, as rows.

    >>> import minitorch_cnn as mt
    >>> mt.combinations(mt.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {shape_text(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input.size(0)), r)), np.int64).reshape(-1, r)
    return input[finish(rows, input.device)]


# ------------------------------------------------------------------------------------ diagonals


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last axis of input on a diagonal and zeros elsewhere.

    >>> import minitorch_cnn as mt
    >>> mt.diag_embed(mt.tensor([[1, 2]])).tolist()
    [[[1, 0], [0, 2]]]
    """
    first, second = input._dim(dim1, 1), input._dim(dim2, 1)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    if input.ndim == 0:
        raise RuntimeError("diag_embed: expected a tensor of at least one dimension")
    n = input.size(-1) + abs(offset)
    shape = list(input.shape[:-1])
    for axis in sorted((first, second)):
        shape.insert(axis, n)
    return PutIntoZeros.apply(input, tuple(shape), Diagonal, (offset, first, second))


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of input on a diagonal."""
    return diag_embed(reshape(input, -1), offset)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """The positions on and above a diagonal of a row x col matrix, as two rows of indices.

    >>> import minitorch_cnn as mt
    >>> mt.triu_indices(2, 2).tolist()
    [[0, 0, 1], [0, 1, 1]]
    """
    return _triangle_indices(np.triu_indices, row, col, offset, dtype, device)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """The positions on and below a diagonal of a row x col matrix, as two rows of indices."""
    return _triangle_indices(np.tril_indices, row, col, offset, dtype, device)


def _triangle_indices(
    find: Any, row: int, col: int, offset: int, dtype: Any, device: Any
) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(f"row and col must be non-negative, got {row} and {col}")
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    return finish(np.stack(find(row, offset, col)).astype(kind.numpy), device)


# ---------------------------------------------------------------------------------- other places


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned k times by 90 degrees, from the first of the two dimensions towards the second.

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


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Positions in a flattened tensor of that shape as one tensor of positions for each axis.

    >>> import minitorch_cnn as mt
    >>> mt.unravel_index(mt.tensor([5]), (2, 3))
    (tensor([1]), tensor([2]))
    """
    lengths = int_tuple((shape,))
    if indices.dtype.category != 1:
        raise ValueError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if any(n < 0 for n in lengths):
        raise ValueError(f"'shape' cannot have negative values, but got {lengths}")
    places, rest = [], indices.array
    for n in reversed(lengths):
        places.append(wrap(rest % n))
        rest = rest // n
    return tuple(reversed(places))


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Summed up over the axes along which `size`, broadcast, would have been stretched."""
    shape = int_tuple(size)
    extra = input.ndim - len(shape)
    fits = extra >= 0 and all(
        m in (1, n) for m, n in zip(shape, input.shape[max(extra, 0) :], strict=False)
    )
    if not fits:
        raise RuntimeError(
            f"size {{{shape_text(shape)}}} is not expandable to size {{{shape_text(input.shape)}}}."
        )
    stretched = [i + extra for i, n in enumerate(shape) if n == 1]
    dims = [*range(extra), *stretched]
    y = sum(input, dims, True) if dims else input
    return reshape(y, shape)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The matrix of powers of a vector: a column for each power, the highest first.

    >>> import minitorch_cnn as mt
    >>> mt.vander(mt.tensor([2, 3]), 3).tolist()
    [[4, 2, 1], [9, 3, 1]]
    """
    if x.ndim != 1:
        raise RuntimeError(f"x must be a one-dimensional tensor, got shape {shape_text(x.shape)}")
    count = x.numel() if N is None else N
    if count < 0:
        raise RuntimeError(f"N must be non-negative, got {N}")
    x = x.long() if x.dtype.category == 0 else x
    columns = [x**i for i in range(count)] or [x[:0]]
    y = stack(columns, 1) if count else x.new_empty((x.numel(), 0))
    return y if increasing else flip(y, 1) if count else y
