"""torch.linalg's "Matrix Properties": norms, determinants, rank, condition, diagonals."""

from __future__ import annotations

import math
from typing import Any

from ... import return_types
from ...autograd.function import Function
from ...backend import array_module
from ...dtypes import as_dtype
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..indexing import diagonal as _diagonal
from ..norms import p_norm
from ..reduce import amax, amin, dims_of, kept_shape, sum
from ..shape import movedim, mT, reshape
from .linalg_decompositions import svdvals
from .linalg_inverses import _cutoff, _sizes, inv
from .linalg_solvers import check_matrix

__all__ = [
    "vector_norm", "matrix_norm", "norm", "cond", "det", "slogdet", "matrix_rank", "diagonal",
]  # fmt: skip


# -------------------------------------------------------------------------------------------- norms


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
    x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(sum |x|^ord)^(1/ord) over some dimensions, or over all elements as one vector.

    x: floating, any shape. ord: any number; inf and -inf are the largest and smallest |x|, 0 counts
    what is not 0. dim: a number, several or None for all; keepdim leaves them with length 1. dtype:
    computed and returned in that one. Raises RuntimeError for integers, a dtype with less precision
    than x, or no elements where that has no norm; TypeError for an ord in letters.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([3.0, -4.0])
    >>> mt.linalg.vector_norm(x), mt.linalg.vector_norm(x, ord=1)
    (tensor(5.), tensor(7.))
    """
    x = _floating("linalg.vector_norm", x, dtype)
    if isinstance(ord, str):
        raise TypeError(f"linalg.vector_norm: ord must be a number, got {ord!r}")
    if isinstance(ord, complex):
        raise RuntimeError(f"linalg.vector_norm: Expected a non-complex scalar as ord, got {ord}")
    dims = dims_of(x, dim)
    empty = x.ndim > 0 and any(x.shape[axis] == 0 for axis in dims)
    if empty and (ord < 0 or ord == math.inf):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor "
            f"{shape_text(x.shape)} because the operation does not have an identity"
        )
    return p_norm(x, ord, dims, keepdim)


def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """The norm of matrices in two dimensions: (..., m, n) -> (...).

    ord: "fro" (all elements as one vector), "nuc" (the sum of the singular values), 2 and -2 (the
    largest and smallest of them), 1 and -1 (of the sums of |x| of columns), inf and -inf (rows).
    dim: the two dimensions of the matrices; keepdim leaves them with length 1. Raises RuntimeError
    for another ord, dims that are not two different ones, or integers.

    >>> import minitorch_cnn as mt
    >>> A = mt.tensor([[3.0, 0.0], [0.0, -4.0]])
    >>> mt.linalg.matrix_norm(A), mt.linalg.matrix_norm(A, "nuc"), mt.linalg.matrix_norm(A, 2)
    (tensor(5.), tensor(7.), tensor(4.))
    """
    A = _floating("linalg.matrix_norm", A, dtype)
    if A.ndim < 2:
        raise RuntimeError(
            f"linalg.matrix_norm: The input tensor A must have at least 2 dimensions, got shape "
            f"{shape_text(A.shape)}"
        )
    dims = [A._dim(each) for each in dim]
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
    elif isinstance(ord, complex):
        raise RuntimeError(f"linalg.matrix_norm: Expected a non-complex scalar as ord, got {ord}")
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    return reshape(y, kept) if keepdim else y


def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """`vector_norm` or `matrix_norm`, by the number of dimensions: 2 are a matrix if ord is given.

    A: floating, any shape. Raises RuntimeError for more than two dims, or without a dim for an ord
    and an input of more than two dimensions, and what those two raise.

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


def cond(A: Tensor, p: Any = None) -> Tensor:
    """The condition number: how many times a relative error in b can grow in the x of A x = b.

    The norm of A times that of its inverse, p as in `matrix_norm` (None is 2: the largest singular
    value over the smallest). A: (..., n, n), for p of None, 2 or -2 also (..., m, n); the result is
    (...). Raises RuntimeError for another shape, dtype or p; LinAlgError for a singular A (not for
    None, 2 and -2, which give inf or 0).

    >>> import minitorch_cnn as mt
    >>> mt.linalg.cond(mt.tensor([[100.0, 0.0], [0.0, 1.0]]))
    tensor(100.)
    """
    check_matrix("linalg.cond", A, square=p not in (None, 2, -2))
    if p in (None, 2, -2):
        s = svdvals(A)
        largest, smallest = s[..., 0], s[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


# ------------------------------------------------------------------------------------- determinants


class SignAndLogDet(Function):
    """(sign, y) with det X = sign e^y; the sign has no gradient"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        sign, y = array_module(x.array).linalg.slogdet(x.array)
        sign, y = wrap(sign), wrap(y)
        ctx.save_for_backward(x)
        ctx.mark_non_differentiable(sign)
        return sign, y

    @staticmethod
    def backward(ctx: Any, _: Any, gy: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return reshape(gy, (*gy.shape, 1, 1)) * mT(inv(x))


class Det(Function):
    """y = det X"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = wrap(array_module(x.array).linalg.det(x.array))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        # d det / dX is the matrix of cofactors: det(X) X^-T, which exists for singular X too.
        x, y = ctx.saved_tensors
        xp = array_module(x.array)
        largest = max(1.0, float(xp.abs(x.array).max())) if x.array.size else 1.0
        singular = bool((xp.abs(y.array) < 1e-12 * largest).any())
        if singular:
            return reshape(gy, (*gy.shape, 1, 1)) * Cofactors.apply(x)
        return reshape(gy * y, (*gy.shape, 1, 1)) * mT(inv(x))


class Cofactors(Function):
    """Y = the cofactors of X, by its singular values: U diag(product of the others) V^T"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        xp = array_module(x.array)
        u, s, vh = xp.linalg.svd(x.array)
        n = s.shape[-1]
        others = xp.stack([xp.delete(s, i, -1).prod(-1) for i in range(n)], -1)
        sign = xp.linalg.det(u) * xp.linalg.det(vh)
        return wrap(((u * others[..., None, :]) @ vh) * sign[..., None, None])

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        raise NotImplementedError("linalg.det: no second gradient where a matrix is singular")


def det(A: Tensor) -> Tensor:
    """The determinants of square matrices (..., n, n), of shape (...); float32 or float64.

    0 for a singular matrix. Raises RuntimeError for another shape or dtype.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.det(mt.tensor([[1.0, 2.0], [3.0, 4.0]]))  # 1 * 4 - 2 * 3
    tensor(-2.)
    """
    return Det.apply(check_matrix("linalg.det", A, square=True))


def slogdet(A: Tensor) -> Any:
    """(sign, logabsdet) of matrices (..., n, n), each (...): the determinant is sign e^logabsdet.

    Where `det` would overflow, this does not. A singular matrix gives (0, -inf). Raises
    RuntimeError for another shape or dtype.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.slogdet(-1000 * mt.eye(21))  # 1000^21 is beyond float32; 21 ln 1000 is not
    minitorch_cnn.return_types.linalg_slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(145.0629))
    """
    return return_types.linalg_slogdet(
        *SignAndLogDet.apply(check_matrix("linalg.slogdet", A, square=True))
    )


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinants of square matrices (..., n, n): (...).

    NaN where the determinant is negative, -inf where it is 0. Raises RuntimeError for another shape
    or dtype.

    >>> import minitorch_cnn as mt
    >>> mt.logdet(mt.eye(3)), mt.logdet(-mt.eye(3))
    (tensor(0.), tensor(nan))
    """
    sign, y = slogdet(input)
    return where(sign < 0, float("nan"), y)


# ------------------------------------------------------------------------------------------- others


def matrix_rank(
    A: Tensor, tol: Any = None, hermitian: bool = False, *, rtol: Any = None, atol: Any = None
) -> Tensor:
    """How many rows are independent: the singular values above the cutoff. (..., m, n) -> (...).

    The cutoff is that of `pinv` (tol is an old name of atol). hermitian: A is symmetric. Raises
    RuntimeError for fewer than two dimensions or a dtype other than float32 and float64.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.matrix_rank(mt.tensor([[1.0, 2.0], [2.0, 4.0]]))  # one row is twice the other
    tensor(1)
    """
    check_matrix("linalg.matrix_rank", A, square=hermitian)
    cutoff = _cutoff(A, rtol, tol if atol is None else atol, hermitian)
    return sum(_sizes(A, hermitian) > cutoff.unsqueeze(-1), -1)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices (..., m, n), as a view: (..., min(m, n)).

    offset 1 is the one above the main diagonal. `Tensor.diagonal` with the last two dimensions by
    default. Raises RuntimeError for dim1 = dim2, IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.diagonal(mt.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return _diagonal(A, offset, dim1, dim2)
