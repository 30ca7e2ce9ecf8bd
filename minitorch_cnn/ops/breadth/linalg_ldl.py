"""L D L^T decompositions of symmetric matrices, in LAPACK's form, without gradients.

D has blocks of one or two rows: a pivot on the diagonal may be small where no other is better, and
two rows together are then divided by (J. Bunch and L. Kaufman, "Some stable methods for calculating
inertia and solving symmetric linear systems", 1977). One matrix after another, on the host.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import return_types
from ...autograd.function import Function
from ...backend import to_numpy
from ...tensor import Tensor
from ..creation import finish
from .linalg_solvers import LinAlgError, check_matrix

__all__ = ["ldl_factor", "ldl_factor_ex", "ldl_solve"]

GROWTH = (1 + math.sqrt(17)) / 8  # the part of its column's largest that a pivot needs


def _pivot(s: np.ndarray, k: int) -> tuple[int, int]:
    """(the row that comes to the end of the next block, how many rows the block has)."""
    column = np.abs(s[k + 1 :, k])
    if not column.size or abs(s[k, k]) >= GROWTH * column.max():
        return k, 1
    row = k + 1 + int(column.argmax())
    rest = np.abs(s[row, k:])
    rest[row - k] = 0
    if abs(s[k, k]) >= GROWTH * column.max() * (column.max() / rest.max()):
        return k, 1
    return row, 1 if abs(s[row, row]) >= GROWTH * rest.max() else 2


def _factor(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """(LD, pivots, info) of one matrix, of which the lower triangle is read."""
    s, n = np.tril(a) + np.tril(a, -1).T, len(a)
    pivots, info, k = np.zeros(n, np.int32), 0, 0
    while k < n:
        row, size = _pivot(s, k)
        end = k + size
        rest = s[k:, k:]  # what is left to do is symmetric
        swap = [end - 1 - k, row - k]
        rest[swap] = rest[swap[::-1]]
        rest[:, swap] = rest[:, swap[::-1]]
        pivots[k:end] = row + 1 if size == 1 else -row - 1
        block = s[k:end, k:end]
        if block.any():
            x = s[end:, k:end].copy()
            s[end:, k:end] = np.linalg.solve(block, x.T).T
            s[end:, end:] -= s[end:, k:end] @ x.T
        else:
            info = info or k + 1
        k = end
    return np.tril(s), pivots, info


def _solve(ld: np.ndarray, pivots: np.ndarray, b: np.ndarray) -> np.ndarray:
    """X (n, k) of one system: forward through the blocks, dividing by them, and back."""
    x, n, blocks, k = b.copy(), len(ld), [], 0
    while k < n:
        row, size = abs(int(pivots[k])), 1 if pivots[k] > 0 else 2
        if not 1 <= row <= n or k + size > n:
            raise RuntimeError(
                f"linalg.ldl_solve: pivots {pivots.tolist()} are not those of {n} rows: they count "
                "from 1, and the negative ones are pairs"
            )
        blocks.append((k, k + size, [k + size - 1, row - 1]))
        k += size
    for start, end, swap in blocks:
        x[swap] = x[swap[::-1]]
        x[end:] -= ld[end:, start:end] @ x[start:end]
        low = np.tril(ld[start:end, start:end])
        x[start:end] = np.linalg.solve(low + np.tril(low, -1).T, x[start:end])
    for start, end, swap in reversed(blocks):
        x[start:end] -= ld[end:, start:end].T @ x[end:]
        x[swap] = x[swap[::-1]]
    return x


class _WithoutGradient(Function):
    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise NotImplementedError(
            "linalg.ldl_factor and ldl_solve have no gradients; linalg.solve has them"
        )


class FactorLDL(_WithoutGradient):
    """(LD, pivots, info)"""

    @staticmethod
    def forward(ctx: Any, a: Tensor) -> tuple[Tensor, ...]:
        matrices = to_numpy(a.array)
        batch, n = a.shape[:-2], a.shape[-1]
        ld, pivots = np.empty_like(matrices), np.empty((*batch, n), np.int32)
        info = np.empty(batch, np.int32)
        for at in np.ndindex(*batch):
            ld[at], pivots[at], info[at] = _factor(matrices[at])
        results = tuple(finish(each, a.device) for each in (ld, pivots, info))
        ctx.mark_non_differentiable(*results[1:])
        return results


class SolveLDL(_WithoutGradient):
    """X with P L D L^T P^T X = B"""

    @staticmethod
    def forward(ctx: Any, ld: Tensor, pivots: Tensor, b: Tensor) -> Tensor:
        batch = np.broadcast_shapes(ld.shape[:-2], b.shape[:-2])
        n, k = b.shape[-2:]
        matrices = np.broadcast_to(to_numpy(ld.array), (*batch, n, n))
        swaps = np.broadcast_to(to_numpy(pivots.array), (*batch, n))
        right = np.broadcast_to(to_numpy(b.array), (*batch, n, k))
        x = np.empty_like(right, order="C")
        for at in np.ndindex(*batch):
            x[at] = _solve(matrices[at], swaps[at], right[at])
        return finish(x, b.device)


def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """(LD, pivots, info) of symmetric matrices (..., n, n): see `ldl_factor`.

    info: (...), int32, 0, or the first row, counted from 1, whose block of D is 0. hermitian says
    nothing for real matrices. Raises RuntimeError for another shape or dtype, LinAlgError with
    check_errors where info is not 0.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.ldl_factor_ex(mt.zeros(1, 1)).info
    tensor(1, dtype=minitorch_cnn.int32)
    """
    check_matrix("linalg.ldl_factor_ex", A, square=True)
    ld, pivots, info = FactorLDL.apply(A)
    if check_errors and bool((info != 0).any()):
        raise LinAlgError(f"linalg.ldl_factor_ex: D has a zero on its diagonal, in row {info}")
    return return_types.linalg_ldl_factor_ex(ld, pivots, info)


def ldl_factor(A: Tensor, *, hermitian: bool = False) -> Any:
    """(LD, pivots) with A = P L D L^T P^T, for symmetric A (..., n, n), float32 or float64.

    Only the lower triangle of A is read. LD: L below the diagonal and D on it, for `ldl_solve`.
    pivots: (..., n), int32: row i was swapped with row pivots[i] - 1; a negative number, twice,
    stands for two rows of D, of which the second was swapped. Raises LinAlgError if a block of D is
    0, RuntimeError for another shape or dtype.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.ldl_factor(mt.tensor([[4.0, 0.0], [2.0, 3.0]])).LD
    tensor([[4.0000, 0.0000],
            [0.5000, 2.0000]])
    """
    ld, pivots, _ = ldl_factor_ex(A, hermitian=hermitian, check_errors=True)
    return return_types.linalg_ldl_factor(ld, pivots)


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """X with A X = B (..., n, k), from `ldl_factor`'s LD and pivots of A (..., n, n).

    X has B's shape. Raises RuntimeError for shapes, dtypes or pivots that do not fit.

    >>> import minitorch_cnn as mt
    >>> LD, pivots = mt.linalg.ldl_factor(mt.tensor([[4.0, 2.0], [2.0, 3.0]]))
    >>> mt.linalg.ldl_solve(LD, pivots, mt.tensor([[6.0], [5.0]]))
    tensor([[1.],
            [1.]])
    """
    check_matrix("linalg.ldl_solve", LD, square=True)
    if B.ndim < 2 or B.shape[-2] != LD.shape[-1] or B.dtype is not LD.dtype:
        raise RuntimeError(
            f"linalg.ldl_solve: Expected B to have at least 2 dimensions, LD's rows and its dtype, "
            f"got {list(B.shape)}, {B.dtype} for {list(LD.shape)}, {LD.dtype}"
        )
    if pivots.shape != LD.shape[:-1] or pivots.dtype.category != 1:
        raise RuntimeError(
            f"linalg.ldl_solve: Expected pivots of integers {list(LD.shape[:-1])}, got "
            f"{list(pivots.shape)}, {pivots.dtype}"
        )
    return SolveLDL.apply(LD, pivots, B)
