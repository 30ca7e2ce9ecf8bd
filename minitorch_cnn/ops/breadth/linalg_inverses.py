"""torch.linalg's "Inverses": inv, pinv, tensorinv."""

from __future__ import annotations

import math
from typing import Any

from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, wrap
from ..products import matmul
from ..reduce import amax
from ..shape import mT, reshape
from .linalg_decompositions import eigvalsh, svdvals
from .linalg_solvers import Inverse, check_matrix

__all__ = ["inv", "pinv", "tensorinv"]


def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices (..., n, n), in the same shape; float32 or float64.

    Raises LinAlgError (a RuntimeError) if one is singular, RuntimeError for another shape or dtype.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.inv(mt.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return Inverse.apply(check_matrix("linalg.inv", A, square=True))


class PseudoInverse(Function):
    """Y = X^+; the gradient is Golub's and Pereyra's (1973)"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cutoff: Tensor, hermitian: bool) -> Tensor:
        xp = array_module(x.array)
        if hermitian:  # only the lower triangle counts
            s, u = xp.linalg.eigh(x.array)
            vh = xp.swapaxes(u, -1, -2)
        else:
            u, s, vh = xp.linalg.svd(x.array, False)
        kept = xp.abs(s) > cutoff.array[..., None]
        inverse = xp.where(kept, 1 / xp.where(kept, s, 1), 0)
        y = wrap(xp.swapaxes(vh, -1, -2) * inverse[..., None, :] @ xp.swapaxes(u, -1, -2))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        x, y = ctx.saved_tensors
        g, yt = mT(gy), mT(y)  # (..., m, n)
        first = -matmul(matmul(yt, mT(g)), yt)
        rest = g - matmul(x, matmul(y, g))
        second = matmul(rest, matmul(y, yt))
        other = g - matmul(matmul(g, y), x)
        third = matmul(yt, matmul(y, other))
        return first + second + third, None, None


def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    rtol: Any = None,
    atol: Any = None,
) -> Tensor:
    """The pseudo-inverse of matrices (..., m, n): (..., n, m); float32 or float64.

    For A x = b without a solution, pinv(A) b is the x of the smallest error. Singular values up to
    max(atol, rtol * the largest one) count as 0; rtol (rcond is its old name) is max(m, n) times
    the smallest relative step of the dtype by default (0 if atol is given). hermitian: A is
    symmetric, and only its lower triangle is read. Raises RuntimeError for another shape or dtype.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.pinv(mt.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    >>> mt.linalg.pinv(mt.tensor([[1.0], [1.0]])) @ mt.tensor([4.0, 7.0])  # x = 4, x = 7
    tensor([5.5000])
    """
    check_matrix("linalg.pinv", A, square=hermitian)
    cutoff = _cutoff(A, rcond if rtol is None else rtol, atol, hermitian)
    return PseudoInverse.apply(A, cutoff, hermitian)


def _sizes(A: Tensor, hermitian: bool) -> Tensor:
    """The singular values; of a symmetric matrix they are the sizes of the eigenvalues."""
    return eigvalsh(A.detach()).abs() if hermitian else svdvals(A.detach())


def _cutoff(A: Tensor, rtol: Any, atol: Any, hermitian: bool) -> Tensor:
    """The size of singular values that count as 0, for each matrix."""
    if rtol is None:
        xp = array_module(A.array)
        step = float(xp.finfo(A.array.dtype).eps)
        rtol = (
            0.0
            if atol is not None and bool((A.new_tensor(atol) > 0).any())
            else (max(A.shape[-2:]) * step)
        )
    s = _sizes(A, hermitian)
    largest = amax(s, -1) if s.shape[-1] else s.new_zeros(s.shape[:-1])
    zero = A.new_tensor(0.0) if atol is None else A.new_tensor(atol)
    return (largest * rtol).maximum(zero.expand(largest.shape))


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of A as a map from its last axes to its first `ind` axes.

    A: any shape, (*first, *last), both of n elements, seen as a matrix (n, n); the result is
    (*last, *first). Raises RuntimeError if the numbers of elements differ or ind is not positive,
    LinAlgError if the matrix is singular.

    >>> import minitorch_cnn as mt
    >>> A = 2 * mt.eye(6).reshape(2, 3, 6)
    >>> mt.linalg.tensorinv(A).shape, mt.linalg.tensorinv(A)[0, 0, 0]
    (minitorch_cnn.Size([6, 2, 3]), tensor(0.5000))
    """
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
