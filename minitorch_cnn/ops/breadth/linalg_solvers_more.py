"""Least squares, tensor equations, and solvers that report failure by a number, not an error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import return_types
from ...backend import to_numpy
from ...tensor import Tensor
from ..creation import finish
from ..join import stack
from ..products import matmul
from ..shape import movedim, reshape, unsqueeze
from .linalg_decompositions import cholesky, svdvals
from .linalg_inverses import inv, pinv
from .linalg_matrix_properties import matrix_rank
from .linalg_solvers import LinAlgError, check_matrix, solve

__all__ = ["cholesky_ex", "inv_ex", "lstsq", "solve_ex", "tensorsolve"]


def _each(
    function: Callable[..., Tensor], failed: Callable[[Tensor], int], A: Tensor, *others: Tensor
) -> tuple[Tensor, Tensor]:
    """(function(A, ...), 0 for each matrix); where it fails NaN, and what `failed` says."""
    try:
        y, codes = function(A, *others), np.zeros(A.shape[:-2], np.int32)
    except LinAlgError:
        if A.ndim > 2:
            shape = A.shape[:-2]
            others = tuple(each.expand(*shape, *each.shape[-2:]) for each in others)
            parts = [
                _each(function, failed, a, *rest)
                for a, *rest in zip(
                    *(reshape(x, (-1, *x.shape[-2:])) for x in (A, *others)), strict=True
                )
            ]
            y = stack([part[0] for part in parts])
            info = stack([part[1] for part in parts])
            return reshape(y, (*shape, *y.shape[1:])), reshape(info, shape)
        y = (others[0] if others else A) * math.nan
        codes = np.array(failed(A.detach()), np.int32)
    return y, finish(codes, A.device)


def _first_bad_minor(A: Tensor) -> int:
    """How large the smallest upper left part is that is not positive-definite."""
    array = to_numpy(A.array)
    for k in range(1, len(array) + 1):
        try:
            np.linalg.cholesky(array[:k, :k])
        except np.linalg.LinAlgError:
            return k
    return len(array)


def _after_rank(A: Tensor) -> int:
    return min(int(matrix_rank(A)) + 1, A.size(-1))


def _checked(name: str, result: Any, check_errors: bool) -> Any:
    if check_errors and bool((result[1] != 0).any()):
        raise LinAlgError(f"{name}: a matrix is singular or not positive-definite: {result[1]}")
    return result


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(L, info) of `cholesky`: info (int32) is 0, or the size of the first bad minor.

    A: (..., n, n); where info is not 0, L is NaN. Raises RuntimeError for another shape or dtype,
    and LinAlgError with check_errors.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.cholesky_ex(mt.tensor([[1.0, 0.0], [0.0, -1.0]])).info
    tensor(2, dtype=minitorch_cnn.int32)
    """
    check_matrix("linalg.cholesky_ex", A, square=True)
    y, info = _each(lambda x: cholesky(x, upper=upper), _first_bad_minor, A)
    return _checked("linalg.cholesky_ex", return_types.linalg_cholesky_ex(y, info), check_errors)


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """(inverse, info) of `inv`: info (int32) is 0, or above 0 where A has no inverse.

    A: (..., n, n); where info is not 0, the inverse is NaN. Raises RuntimeError for another shape
    or dtype, and LinAlgError with check_errors.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.inv_ex(mt.eye(2)).info.item(), mt.linalg.inv_ex(mt.zeros(2, 2)).info.item()
    (0, 1)
    """
    check_matrix("linalg.inv_ex", A, square=True)
    found = return_types.linalg_inv_ex(*_each(inv, _after_rank, A))
    return _checked("linalg.inv_ex", found, check_errors)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """(result, info) of `solve`: info (int32) is 0, or above 0 where A is singular.

    A: (..., n, n); B: (..., n, k). Where info is not 0, the result is NaN. Raises RuntimeError for
    shapes or dtypes that do not fit, and LinAlgError with check_errors.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.solve_ex(mt.zeros(2, 2), mt.ones(2, 1)).info.item()
    1
    """
    check_matrix("linalg.solve_ex", A, square=True)
    is_vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    b = unsqueeze(B, -1) if is_vector else B
    y, info = _each(lambda a, b: solve(a, b, left=left), _after_rank, A, b)
    found = return_types.linalg_solve_ex(y.squeeze(-1) if is_vector else y, info)
    return _checked("linalg.solve_ex", found, check_errors)


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """(solution, residuals, rank, singular_values): the X for which A X is nearest to B.

    A: (..., m, n); B: (..., m, k), or a vector (..., m). Of several such X it is the smallest.
    residuals: the sums of the squares that remain, (..., k), empty unless m > n and A has full
    rank. rcond: singular values below that part of the largest count as 0 (not for
    "gels", nor from 1 on for "gelsd"). driver: "gels", "gelsy"
    (the default), "gelsd" or "gelss", by which only what is reported differs: "gels" no rank,
    "gelsy" no residuals, and only the last two singular_values. Raises RuntimeError for shapes,
    dtypes or another driver.

    >>> import minitorch_cnn as mt
    >>> A, B = mt.tensor([[1.0], [1.0]]), mt.tensor([[4.0], [7.0]])
    >>> mt.linalg.lstsq(A, B).solution, mt.linalg.lstsq(A, B, driver="gels").residuals
    (tensor([[5.5000]]), tensor([4.5000]))
    """
    check_matrix("linalg.lstsq", A)
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            f"linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got "
            f"{driver}"
        )
    if A.dtype is not B.dtype:
        raise RuntimeError(f"linalg.lstsq: A and B must have one dtype, got {A.dtype}, {B.dtype}")
    is_vector = B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]
    b = unsqueeze(B, -1) if is_vector else B
    if b.ndim < 2 or b.shape[-2] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.lstsq: input.size(-2) should match other.size(-2), got {list(A.shape)} and "
            f"{list(B.shape)}"
        )
    if rcond is not None and (driver == "gels" or (driver == "gelsd" and not 0 <= rcond < 1)):
        rcond = None  # as LAPACK: "gels" knows no rank
    x = matmul(pinv(A, rtol=rcond), b)
    ranks = matrix_rank(A, rtol=rcond)
    m, n = A.shape[-2:]
    full = driver == "gels" or bool((ranks == n).all())
    wanted = m > n and full and driver not in (None, "gelsy")
    residuals = (matmul(A, x) - b).pow(2).sum(-2) if wanted else A.new_empty(0)
    values = svdvals(A) if driver in ("gelsd", "gelss") else A.new_empty(0)
    ranks = ranks.new_empty(0) if driver == "gels" else ranks
    solution = x.squeeze(-1) if is_vector else x
    return return_types.linalg_lstsq(solution, residuals, ranks, values)


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B: A is taken for a map from its last axes to B's.

    A: any shape, (*first, *last), both of n elements; B: (*first); X: (*last). dims: axes of A that
    are moved to its end first. Raises RuntimeError if the numbers of elements differ, LinAlgError
    if A is singular.

    >>> import minitorch_cnn as mt
    >>> A = 2 * mt.eye(6).reshape(2, 3, 6)
    >>> mt.linalg.tensorsolve(A, mt.ones(2, 3))
    tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000])
    """
    if dims is not None:
        dims = (dims,) if isinstance(dims, int) else tuple(dims)
        A = movedim(A, dims, tuple(range(A.ndim - len(dims), A.ndim)))
    shape = A.shape[B.ndim :]
    count = math.prod(shape)
    if count != B.numel():
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {count} != {B.numel()}"
        )
    return reshape(solve(reshape(A, (-1, count)), reshape(B, -1)), shape)
