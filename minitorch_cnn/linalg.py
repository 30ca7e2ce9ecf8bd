"""Linear algebra under torch.linalg's names: norms, inverses, solutions, decompositions.

>>> import minitorch_cnn as mt
>>> mt.linalg.norm(mt.tensor([3.0, 4.0]))
tensor(5.)
"""

from __future__ import annotations

import math
from typing import Any

from .backend import array_module
from .dtypes import as_dtype
from .ops import products
from .ops.breadth import other_vectors
from .ops.breadth.linalg_decompositions import (
    LinAlgError,
    check_matrix,
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    qr,
    slogdet,
    solve,
    svd,
    svdvals,
)
from .ops.breadth.linalg_matrix_functions import matrix_power, matrix_rank, pinv
from .ops.indexing import diagonal as _diagonal
from .ops.out import add_out
from .ops.reduce import amax, amin, dims_of, kept_shape, sum
from .ops.reduce import norm as _norm
from .ops.shape import movedim, reshape
from .tensor import Tensor, shape_text, wrap

matmul = products.matmul


def _floating(name: str, x: Tensor, dtype: Any) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}")
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"{name}: Expected a floating point tensor as input. Got {x.dtype}")
    kind = x.dtype if dtype is None else as_dtype(dtype)
    if not kind.is_floating_point or kind.itemsize < x.dtype.itemsize:
        raise RuntimeError(f"{name}: dtype {kind} cannot hold the input's {x.dtype}")
    return x.to(kind)


def vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(sum |x|^ord)^(1/ord) over some dimensions, or over all elements as one vector.

    ord: any number; inf and -inf are the largest and smallest |x|, 0 counts what is not 0.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.vector_norm(mt.tensor([[3.0, -4.0], [0.0, 1.0]]), ord=1, dim=1)
    tensor([7., 1.])
    """
    x = _floating("linalg.vector_norm", x, dtype)
    if isinstance(ord, str):
        raise TypeError(f"linalg.vector_norm: ord must be a number, got {ord!r}")
    dims = dims_of(x, dim)
    empty = x.ndim > 0 and any(x.shape[axis] == 0 for axis in dims)
    if empty and (ord < 0 or ord == math.inf):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor "
            f"{shape_text(x.shape)} because the operation does not have an identity"
        )
    return _norm(x, ord, dims, keepdim)


def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """The norm of matrices in two dimensions.

    ord: "fro" (all elements as one vector), "nuc" (the sum of the singular values), 2 and -2 (the
    largest and smallest of them), 1 and -1 (of the sums of |x| of columns), inf and -inf (rows).
    """
    A = _floating("linalg.matrix_norm", A, dtype)
    dims = [A._dim(each) for each in dim] if A.ndim >= 2 else []
    if len(dims) != 2 or dims[0] == dims[1]:
        raise RuntimeError(
            f"linalg.matrix_norm: dim must be a 2-tuple of different dims of a matrix. Got {dim} "
            f"for shape {shape_text(A.shape)}"
        )
    if ord == "fro":
        return vector_norm(A, 2, dims, keepdim)
    kept = kept_shape(A.shape, tuple(dims))
    x = movedim(A, dims, (-2, -1))
    if ord in ("nuc", 2, -2):
        s = svdvals(x)
        y = sum(s, -1) if ord == "nuc" else amax(s, -1) if ord == 2 else amin(s, -1)
    elif ord in (1, -1, math.inf, -math.inf):
        totals = sum(x.abs(), -2 if abs(ord) == 1 else -1)
        y = amax(totals, -1) if ord > 0 else amin(totals, -1)
    elif isinstance(ord, str):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    return reshape(y, kept) if keepdim else y


def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """`vector_norm` or `matrix_norm`, by the number of dimensions: 2 are a matrix if ord is given.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.norm(mt.tensor([[3.0, 0.0], [0.0, 4.0]])), mt.linalg.norm(mt.eye(2), "nuc")
    (tensor(5.), tensor(2.))
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    given = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if given is not None and len(given) not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {dim}"
        )
    if given is None and A.ndim not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
            f"{A.ndim}D."
        )
    if (2 if given is None and A.ndim == 2 else len(given or (0,))) == 2:
        return matrix_norm(A, ord, given or (0, 1), keepdim, dtype=dtype)
    return vector_norm(A, ord, given, keepdim, dtype=dtype)


def multi_dot(tensors: Any) -> Tensor:
    """The product of two or more matrices; the first and the last may be vectors."""
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for index, each in enumerate(tensors):
        inside = 0 < index < len(tensors) - 1
        if each.ndim != 2 and (inside or each.ndim != 1):
            raise RuntimeError(
                f"multi_dot(): tensor {index} must be {'2D' if inside else '1D or 2D'} but got "
                f"{each.ndim}D"
            )
    y = tensors[0]
    for each in tensors[1:]:
        y = matmul(y, each)
    return y


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of three elements along a dimension."""
    return other_vectors.cross(input, other, dim)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The dot products of vectors along a dimension; the others broadcast."""
    return sum(x * y, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as a view."""
    return _diagonal(A, offset, dim1, dim2)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """The condition number: the norm of A times that of its inverse (p as in `matrix_norm`)."""
    check_matrix("linalg.cond", A, square=p not in (None, 2, -2))
    if p in (None, 2, -2):
        s = svdvals(A)
        largest, smallest = s[..., 0], s[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Matrices of powers x^0, x^1, ..., a column for each power; for vectors (..., n)."""
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError(f"N must be greater than 1, got {N}")
    x = x if x.dtype.is_floating_point else x.long()
    x = reshape(x, 1) if x.ndim == 0 else x
    powers = wrap(array_module(x.array).arange(count))
    return x.unsqueeze(-1) ** powers


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """`solve` with a triangular matrix: only that triangle of A is looked at.

    unitriangular: its diagonal counts as ones.
    """
    check_matrix("linalg.solve_triangular", A, square=True)
    triangle = A.triu(int(unitriangular)) if upper else A.tril(-int(unitriangular))
    if unitriangular:
        xp = array_module(A.array)
        triangle = triangle + wrap(xp.eye(A.shape[-1], dtype=A.array.dtype))
    if B.ndim < 2:
        raise RuntimeError(f"linalg.solve_triangular: B must be a matrix, got {list(B.shape)}")
    return solve(triangle, B, left=left)


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of A as a map from its last axes to its first `ind` axes."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', got {ind}")
    first, last = A.shape[:ind], A.shape[ind:]
    rows, columns = math.prod(first), math.prod(last)
    if rows != columns:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {columns} != {rows}"
        )
    return reshape(inv(reshape(A, (rows, columns))), (*last, *first))


__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "vander",
    "vecdot",
    "vector_norm",
]

add_out(
    globals(),
    """cholesky cond cross det eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank
    multi_dot norm pinv qr slogdet solve solve_triangular svd svdvals tensorinv vecdot
    vector_norm""",
)
