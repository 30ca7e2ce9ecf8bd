"""Torch's "Other Operations" that make matrices: of diagonals, triangles, blocks, combinations."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np

from ... import dtypes
from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import mul
from ..common import same_device
from ..creation import finish
from ..indexing import Diagonal, PutIntoZeros
from ..join import atleast_2d, cat, each_or_all, stack, tensor_list
from ..reduce import sum
from ..shape import expand, int_tuple, reshape, unsqueeze
from .other_rearrange import flip

__all__ = [
    "atleast_3d", "meshgrid", "block_diag", "kron", "cartesian_prod", "combinations", "vander",
    "diag_embed", "diagflat", "tril", "triu", "triu_indices", "tril_indices",
]  # fmt: skip


def atleast_3d(*tensors: Any) -> Any:
    """With at least three dimensions: a vector of n becomes (1, n, 1), a matrix (n, m, 1).

    A number becomes (1, 1, 1); others stay as they are. Several tensors, or a list, give a tuple.
    Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> mt.atleast_3d(mt.ones(2)).shape, mt.atleast_3d(mt.ones(2, 3)).shape
    (minitorch_cnn.Size([1, 2, 1]), minitorch_cnn.Size([2, 3, 1]))
    """

    def lifted(x: Tensor) -> Tensor:
        y = atleast_2d(x)
        return unsqueeze(y, -1) if y.ndim < 3 else y

    return each_or_all(lifted, tensors)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """One tensor for each vector, all of the grid's shape: the coordinates of its points.

    indexing: "ij" (the first vector along dimension 0) or "xy" (along dimension 1). Vectors of n
    and m give two views of (n, m), or (m, n). Without an indexing it is "ij", and warns, as torch
    does. Raises RuntimeError for another indexing, no tensors, tensors of more than one dimension
    or of several dtypes.

    >>> import minitorch_cnn as mt
    >>> y, x = mt.meshgrid(mt.arange(2), mt.arange(3), indexing="ij")
    >>> y, x
    (tensor([[0, 0, 0],
            [1, 1, 1]]), tensor([[0, 1, 2],
            [0, 1, 2]]))
    """
    listed = len(tensors) == 1 and isinstance(tensors[0], list | tuple)
    vectors = list(tensors[0]) if listed else list(tensors)
    if not vectors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing is None:
        warnings.warn(
            "meshgrid: in an upcoming release of torch, it will be required to pass the indexing "
            'argument; without it, it is "ij"',
            stacklevel=3,
        )
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(f'indexing must be one of "xy" or "ij", but received: {indexing!r}')
    for each in vectors:
        if each.ndim > 1:
            raise RuntimeError(
                f"meshgrid: Expected 0D or 1D tensor in the tensor list but got shape "
                f"{list(each.shape)}"
            )
        if each.dtype is not vectors[0].dtype:
            raise RuntimeError(
                f"meshgrid expects all tensors to have the same dtype, got {vectors[0].dtype} and "
                f"{each.dtype}"
            )
    same_device(*vectors)
    lengths = [each.numel() for each in vectors]
    axes = list(range(len(vectors)))
    if indexing == "xy" and len(axes) > 1:
        axes[:2] = [1, 0]
    shape = [lengths[axes.index(axis)] for axis in range(len(axes))]
    grids = []
    for vector, axis in zip(vectors, axes, strict=True):
        lying = [1] * len(axes)
        lying[axis] = vector.numel()
        grids.append(expand(vector.reshape(lying), shape))
    return tuple(grids)


def block_diag(*tensors: Any) -> Tensor:
    """The matrix with the given matrices along its diagonal and zeros elsewhere.

    (n, m), (p, q), ... -> (n + p + ..., m + q + ...); vectors count as rows; dtypes are promoted.
    No tensors give (1, 0). Raises RuntimeError for more than two dimensions, TypeError for anything
    else.

    >>> import minitorch_cnn as mt
    >>> mt.block_diag(mt.tensor([[1, 2]]), mt.tensor([3]))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    if not tensors:
        return wrap(np.empty((1, 0), np.float32))
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

    (n, m) and (p, q) -> (n p, m q), and so for any number of axes; the one with fewer gets axes of
    length 1 in front. Never raises for tensors.

    >>> import minitorch_cnn as mt
    >>> mt.kron(mt.tensor([1, 10]), mt.tensor([2, 3]))
    tensor([ 2,  3, 20, 30])
    >>> mt.kron(mt.eye(2), mt.ones(1, 2))
    tensor([[1., 1., 0., 0.],
            [0., 0., 1., 1.]])
    """
    ndim = max(input.ndim, other.ndim)
    a, b = ((1,) * (ndim - x.ndim) + tuple(x.shape) for x in (input, other))
    # Each pair of axes n, m lies side by side, then becomes one of n m.
    outer = reshape(input, [k for n in a for k in (n, 1)])
    inner = reshape(other, [k for m in b for k in (1, m)])
    return reshape(mul(outer, inner), [n * m for n, m in zip(a, b, strict=True)])


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element of each vector, as rows.

    V vectors (n,), (m,), ... -> (n m ..., V); dtypes are promoted. A single vector is returned as
    it is. Raises RuntimeError for anything but vectors.

    >>> import minitorch_cnn as mt
    >>> mt.cartesian_prod(mt.tensor([1, 2]), mt.tensor([5, 6])).tolist()
    [[1, 5], [1, 6], [2, 5], [2, 6]]
    """
    if any(x.ndim != 1 for x in tensors):
        raise RuntimeError(f"Expect a 1D vector, but got shapes {[list(x.shape) for x in tensors]}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(grid, -1) for grid in meshgrid(*tensors, indexing="ij")], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, in order, as rows: (n,) -> (n! / (r! (n - r)!), r).

    with_replacement: an element may be chosen more than once. Raises RuntimeError for anything but
    a vector or a negative r.

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


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The matrix of powers of a vector: (n,) -> (n, N), a column for each power, the highest first.

    N is n by default. increasing: 1, x, x^2, ... instead. Raises RuntimeError for anything but a
    vector or a negative N.

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


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Summed up over the axes along which `size`, broadcast, would have been stretched.

    It undoes a broadcast, as a gradient must. The result has the shape `size`. Raises RuntimeError
    if that does not broadcast to the input's shape.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2, 3).sum_to_size(2, 1), mt.ones(2, 3).sum_to_size(3)
    (tensor([[3.],
            [3.]]), tensor([2., 2., 2.]))
    """
    shape = int_tuple(size, "sum_to_size", "size")
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


# ---------------------------------------------------------------------------------------- diagonals


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last axis of input on a diagonal and zeros elsewhere.

    (..., n) -> (..., n + |offset|, n + |offset|); dim1, dim2: where the two axes are put. offset 1
    is the diagonal above the main one. Raises RuntimeError for a 0-d tensor or dim1 = dim2,
    IndexError for a dim out of range.

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
    """The matrix with all elements of input, of any shape, on a diagonal and zeros elsewhere.

    n elements -> (n + |offset|, n + |offset|); offset 1 is the diagonal above the main one. Never
    raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.diagflat(mt.tensor([[1, 2]]), 1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])
    """
    return diag_embed(reshape(input, -1), offset)


# ---------------------------------------------------------------------------------------- triangles


class Triangle(Function):
    """y = x with zeros above (tril) or below (triu) a diagonal"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, name: str, diagonal: int) -> Tensor:
        ctx.which, ctx.diagonal = name, diagonal
        return wrap(getattr(array_module(x.array), name)(x.array, diagonal))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        return Triangle.apply(gy, ctx.which, ctx.diagonal), None, None


def _triangle(name: str, input: Tensor, diagonal: int) -> Tensor:
    if input.ndim < 2:
        raise RuntimeError(
            f"{name}: input tensor must have at least 2 dimensions, got {input.ndim}"
        )
    return Triangle.apply(input, name, diagonal)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrices (..., n, m) with zeros above a diagonal: 0 the main one, 1 that above it.

    Any dtype. Raises RuntimeError for fewer than two dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.tril(mt.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    return _triangle("tril", input, diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrices (..., n, m) with zeros below a diagonal: 0 the main one, 1 that above it.

    Any dtype. Raises RuntimeError for fewer than two dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.triu(mt.ones(2, 2), 1)
    tensor([[0., 1.],
            [0., 0.]])
    """
    return _triangle("triu", input, diagonal)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """The positions on and above a diagonal of a row x col matrix: (2, N), int64 by default.

    The first row holds the rows' numbers, the second the columns'. offset 1 is the diagonal above
    the main one. Raises RuntimeError for a negative row or col.

    >>> import minitorch_cnn as mt
    >>> mt.triu_indices(2, 2).tolist()
    [[0, 0, 1], [0, 1, 1]]
    """
    return _triangle_indices(np.triu_indices, row, col, offset, dtype, device)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """The positions on and below a diagonal of a row x col matrix: (2, N), int64 by default.

    The first row holds the rows' numbers, the second the columns'. offset 1 is the diagonal above
    the main one. Raises RuntimeError for a negative row or col.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1, 2], [3, 4]])
    >>> rows, columns = mt.tril_indices(2, 2)
    >>> x[rows, columns]
    tensor([1, 3, 4])
    """
    return _triangle_indices(np.tril_indices, row, col, offset, dtype, device)


def _triangle_indices(
    find: Any, row: int, col: int, offset: int, dtype: Any, device: Any
) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(f"row and col must be non-negative, got {row} and {col}")
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    return finish(np.stack(find(row, offset, col)).astype(kind.numpy), device)
