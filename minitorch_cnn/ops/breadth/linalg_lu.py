"""LU decompositions under torch.linalg's names, and lu_unpack: A = P L U.

L is lower triangular with ones on its diagonal, U upper triangular, P swaps rows. L and U are kept
in one array as LAPACK keeps them, and P as its swaps: row i was swapped with row pivots[i] - 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import return_types
from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, wrap
from ..join import cat
from ..products import matmul
from ..shape import mT
from .linalg_solvers import LinAlgError, check_matrix, solve_triangular
from .other_matrices import tril, triu

__all__ = ["lu", "lu_factor", "lu_factor_ex", "lu_solve"]


def _factor(a: Any) -> tuple[Any, Any]:
    """(LU, pivots) of matrices (B, m, n): the largest of each column comes to the diagonal."""
    xp = array_module(a)
    lu, each = a.copy(), xp.arange(len(a))
    pivots = xp.empty((len(a), min(a.shape[1:])), np.int32)
    for i in range(pivots.shape[1]):
        row = xp.abs(lu[:, i:, i]).argmax(1) + i
        pivots[:, i] = row + 1
        upper = lu[each, row]
        lu[each, row] = lu[:, i]
        lu[:, i] = upper
        largest = upper[:, i, None]
        lu[:, i + 1 :, i] /= xp.where(largest == 0, 1, largest)
        lu[:, i + 1 :, i + 1 :] -= lu[:, i + 1 :, i, None] * upper[:, None, i + 1 :]
    return lu, pivots


def _permutation(pivots: Tensor, rows: int, like: Tensor) -> Tensor:
    """P (..., m, m) for pivots (..., k), in the dtype of `like`."""
    xp = array_module(pivots.array)
    swaps = pivots.array.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1]) - 1
    each, order = xp.arange(len(swaps)), xp.tile(xp.arange(rows), (len(swaps), 1))
    for i in range(swaps.shape[1]):
        row = swaps[:, i]
        moved = order[each, row]
        order[each, row] = order[:, i]
        order[:, i] = moved
    p = order[:, None, :] == xp.arange(rows)[:, None]
    return wrap(p.astype(like.array.dtype).reshape(*pivots.shape[:-1], rows, rows))


def _triangles(lu: Tensor) -> tuple[Tensor, Tensor]:
    """L (..., m, k) and U (..., k, n)."""
    m, n = lu.shape[-2:]
    k = min(m, n)
    eye = wrap(array_module(lu.array).eye(m, k, dtype=lu.array.dtype))
    return tril(lu[..., :k], -1) + eye, triu(lu[..., :k, :])


class LU(Function):
    """A = P L U, for A (..., m, n) with k = min(m, n)

    With A = [A1; A2] and L = [L1; L2] for m > n, or A = [A1, A2] and U = [U1, U2] for m < n, the
    second part follows from the first: L2 = A2 U^-1, U2 = L^-1 A2. So its gradient joins theirs.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor) -> tuple[Tensor, Tensor]:
        shape, count = a.shape, min(a.shape[-2:])
        lu, pivots = _factor(a.array.reshape(math.prod(shape[:-2]), *shape[-2:]))
        y, swaps = wrap(lu.reshape(shape)), wrap(pivots.reshape(*shape[:-2], count))
        ctx.save_for_backward(y, swaps)
        ctx.mark_non_differentiable(swaps)
        return y, swaps

    @staticmethod
    def backward(ctx: Any, g: Tensor, _: Any) -> Tensor:
        y, swaps = ctx.saved_tensors
        k = swaps.shape[-1]
        lower, upper = _triangles(y)
        first, gl, gu = lower[..., :k, :], tril(g[..., :k], -1), triu(g[..., :k, :])
        inner = tril(matmul(mT(first), gl[..., :k, :]), -1) + triu(
            matmul(gu[..., :k], mT(upper[..., :k]))
        )
        inner = inner - tril(matmul(gu[..., k:], mT(upper[..., k:])), -1)
        inner = inner - triu(matmul(mT(lower[..., k:, :]), gl[..., k:, :]))

        def by_first(x: Tensor) -> Tensor:  # L1^-T x
            return solve_triangular(mT(first), x, upper=True, unitriangular=True)

        rows = cat([by_first(inner), gl[..., k:, :]], -2)
        ga = solve_triangular(mT(upper[..., :k]), rows, upper=False, left=False)  # rows U1^-T
        if y.shape[-1] > k:
            ga = cat([ga, by_first(gu[..., k:])], -1)
        return matmul(_permutation(swaps, y.shape[-2], y), ga)


def _checked(name: str, A: Tensor, pivot: bool) -> Tensor:
    check_matrix(name, A)
    if not pivot:
        raise RuntimeError(
            f"{name}: LU without pivoting is not implemented on the CPU, nor elsewhere: leave "
            "pivot=True"
        )
    return A


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """(LU, pivots, info) of matrices (..., m, n): see `lu_factor`.

    info: (...), int32, 0, or the first i, counted from 1, with U[i, i] = 0. Raises RuntimeError for
    fewer than two dimensions, another dtype or pivot=False; LinAlgError with check_errors.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.lu_factor_ex(mt.zeros(2, 2)).info
    tensor(1, dtype=minitorch_cnn.int32)
    """
    y, pivots = LU.apply(_checked("linalg.lu_factor_ex", A, pivot))
    xp = array_module(y.array)
    zero = y.array.diagonal(0, -2, -1) == 0
    first = zero.argmax(-1) + 1 if zero.shape[-1] else xp.zeros(zero.shape[:-1])
    info = wrap(xp.asarray(xp.where(zero.any(-1), first, 0), np.int32))
    if check_errors and bool((info != 0).any()):
        raise LinAlgError(
            "linalg.lu_factor: U[i,i] is zero and using it on lu_solve would result in a division "
            f"by zero, i being {info}. linalg.lu and linalg.lu_factor_ex go on"
        )
    return return_types.linalg_lu_factor_ex(y, pivots, info)


def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """(LU, pivots): L (below the diagonal, where it has ones) and U in one, and how rows swapped.

    A: (..., m, n), float32 or float64; LU has its shape, pivots is (..., min(m, n)), int32: row i
    was swapped with row pivots[i] - 1. `lu_solve` and `lu_unpack` take both. Raises LinAlgError if
    U has a 0 on its diagonal, RuntimeError as `lu_factor_ex`.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.lu_factor(mt.tensor([[1.0, 2.0], [2.0, 2.0]]))
    minitorch_cnn.return_types.linalg_lu_factor(
    LU=tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]]),
    pivots=tensor([2, 2], dtype=minitorch_cnn.int32))
    """
    y, pivots, _ = lu_factor_ex(A, pivot=pivot, check_errors=True)
    return return_types.linalg_lu_factor(y, pivots)


def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """(P, L, U) with A = P L U, for A (..., m, n), float32 or float64, and k = min(m, n).

    P: (..., m, m), of zeros and ones; L: (..., m, k); U: (..., k, n). Raises RuntimeError for fewer
    than two dimensions, another dtype or pivot=False.

    >>> import minitorch_cnn as mt
    >>> P, L, U = mt.linalg.lu(mt.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> P @ L @ U
    tensor([[1., 2.],
            [2., 2.]])
    """
    y, pivots = LU.apply(_checked("linalg.lu", A, pivot))
    return return_types.linalg_lu(_permutation(pivots, A.shape[-2], A), *_triangles(y))


def _check_pivots(pivots: Tensor, rows: int, rule: str) -> None:
    if pivots.array.dtype != np.int32:
        raise RuntimeError(f"pivots must be a tensor of torch.int32 dtype, got {pivots.dtype}")
    if pivots.is_cuda or pivots.numel() == 0:  # on a device, looking at them would make it wait
        return
    low, high = int(pivots.array.min()), int(pivots.array.max())
    if low < 1 or high > rows:
        raise RuntimeError(f"pivots must be {rule}, which is {rows}; they go from {low} to {high}")


def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """X with A X = B, from `lu_factor`'s LU and pivots of A (..., n, n).

    B: (..., n, k), and X has its shape. left=False: X A = B with B (..., k, n). adjoint: A.mT in
    the place of A. Raises RuntimeError for shapes, dtypes or pivots that do not fit.

    >>> import minitorch_cnn as mt
    >>> LU, pivots = mt.linalg.lu_factor(mt.tensor([[0.0, 2.0], [4.0, 0.0]]))
    >>> mt.linalg.lu_solve(LU, pivots, mt.tensor([[2.0], [4.0]]))
    tensor([[1.],
            [1.]])
    """
    check_matrix("linalg.lu_solve", LU, square=True)
    if B.dtype is not LU.dtype:
        raise RuntimeError(
            f"linalg.lu_solve: Expected LU and B to have the same dtype, but found {LU.dtype} and "
            f"{B.dtype} instead"
        )
    n = LU.shape[-1]
    if B.ndim < 2 or B.shape[-2 if left else -1] != n:
        raise RuntimeError(
            f"linalg.lu_solve: Incompatible shapes of LU and B for the equation "
            f"{'AX = B' if left else 'XA = B'}: {list(LU.shape)} and {list(B.shape)}"
        )
    if pivots.shape != LU.shape[:-1]:
        raise RuntimeError(
            f"linalg.lu_solve: Number of pivots per batch should be same as the dimension of the "
            f"matrix: got pivots {list(pivots.shape)} for {list(LU.shape)}"
        )
    rule = "greater or equal to 1 and smaller or equal to LU.size(-2)"
    _check_pivots(pivots, n, rule)
    if not left:
        return mT(lu_solve(LU, pivots, mT(B), adjoint=not adjoint))
    p = _permutation(pivots, n, LU)
    if adjoint:  # U^T L^T P^T X = B
        y = solve_triangular(mT(LU), B, upper=False)
        return matmul(p, solve_triangular(mT(LU), y, upper=True, unitriangular=True))
    y = solve_triangular(LU, matmul(mT(p), B), upper=False, unitriangular=True)
    return solve_triangular(LU, y, upper=True)


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> Any:
    """(P, L, U) of what `lu_factor` gave: shapes as in `linalg.lu`.

    unpack_data=False: empty L and U; unpack_pivots=False: an empty P. Raises RuntimeError for
    fewer than two dimensions, and for pivots that are not int32 or in range.

    >>> import minitorch_cnn as mt
    >>> mt.lu_unpack(*mt.linalg.lu_factor(mt.tensor([[1.0, 2.0], [2.0, 2.0]]))).P
    tensor([[0., 1.],
            [1., 0.]])
    """
    check_matrix("lu_unpack", LU_data)
    rows, empty = LU_data.shape[-2], LU_data.new_empty(0)
    if unpack_pivots:
        _check_pivots(LU_pivots, rows, "between 1 and LU.size(-2)")
    p = _permutation(LU_pivots, rows, LU_data) if unpack_pivots else empty
    return return_types.lu_unpack(p, *(_triangles(LU_data) if unpack_data else (empty, empty)))
