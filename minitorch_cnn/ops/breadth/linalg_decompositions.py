"""Matrices taken apart: inverse, solve, determinant, Cholesky, QR, SVD, eigenvalues.

Matrices lie in the last two axes; axes before them are batches. The gradients are those of
M. Giles, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), and M. Seeger et al., "Auto-differentiating linear algebra"
(2017). They are written in tensor operations, so they can be differentiated again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..common import sum_to
from ..creation import tril
from ..indexing import diagonal
from ..join import cat
from ..products import matmul
from ..shape import mT, reshape, unsqueeze
from .other_blocks import diag_embed


class LinAlgError(RuntimeError):
    """A matrix that is singular or not positive-definite, where it must not be."""


def check_matrix(name: str, x: Any, square: bool = False) -> Tensor:
    """x if it holds matrices of floating numbers. Raises RuntimeError with the shape otherwise."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}")
    if x.ndim < 2:
        raise RuntimeError(
            f"{name}: The input tensor A must have at least 2 dimensions, got shape "
            f"{shape_text(x.shape)}"
        )
    if square and x.shape[-1] != x.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {x.shape[-2]} by "
            f"{x.shape[-1]} matrices"
        )
    if not x.dtype.is_floating_point or x.array.dtype == np.float16:
        raise RuntimeError(f"{name}: Expected a float32 or float64 tensor, got {x.dtype}")
    return x


def _refused(name: str, error: Exception) -> LinAlgError:
    return LinAlgError(f"{name}: {error}. The input is singular, or not positive-definite.")


# --------------------------------------------------------------------------- inverse and solution


class Inverse(Function):
    """Y = X^-1"""

    @staticmethod
    def forward(ctx, x):
        try:
            y = wrap(array_module(x.array).linalg.inv(x.array))
        except np.linalg.LinAlgError as error:
            raise _refused("linalg.inv", error) from None
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gy):
        (y,) = ctx.saved_tensors
        return -matmul(mT(y), matmul(gy, mT(y)))


def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices (..., n, n). Raises RuntimeError if one is singular.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.inv(mt.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return Inverse.apply(check_matrix("linalg.inv", A, square=True))


class Solve(Function):
    """X = A^-1 B"""

    @staticmethod
    def forward(ctx, a, b):
        try:
            x = wrap(array_module(a.array).linalg.solve(a.array, b.array))
        except np.linalg.LinAlgError as error:
            raise _refused("linalg.solve", error) from None
        ctx.shapes = a.shape, b.shape
        ctx.save_for_backward(a, x)
        return x

    @staticmethod
    def backward(ctx, gx):
        a, x = ctx.saved_tensors
        gb = Solve.apply(mT(a), gx)
        ga = -matmul(gb, mT(x))
        return sum_to(ga, ctx.shapes[0]), sum_to(gb, ctx.shapes[1])


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A X = B (left=False: X A = B). B may be a vector (..., n), or matrices (..., n, k).

    Raises RuntimeError if A is singular.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.solve(mt.tensor([[2.0, 0.0], [0.0, 4.0]]), mt.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    check_matrix("linalg.solve", A, square=True)
    if A.dtype is not B.dtype:
        raise RuntimeError(f"linalg.solve: Expected A and B of one dtype, got {A.dtype}, {B.dtype}")
    is_vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    b = unsqueeze(B, -1) if is_vector else B
    side = -2 if left or is_vector else -1
    if b.ndim < 2 or b.shape[side] != A.shape[-1]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'}: {shape_text(A.shape)} and {shape_text(B.shape)}"
        )
    if is_vector:
        if not left:
            raise RuntimeError("linalg.solve: left=False needs a matrix B, got a vector")
        return Solve.apply(A, b).squeeze(-1)
    return Solve.apply(A, b) if left else mT(Solve.apply(mT(A), mT(b)))


# ----------------------------------------------------------------------------------- determinant


class SignAndLogDet(Function):
    """(sign, y) with det X = sign e^y; the sign has no gradient"""

    @staticmethod
    def forward(ctx, x):
        sign, y = array_module(x.array).linalg.slogdet(x.array)
        sign, y = wrap(sign), wrap(y)
        ctx.save_for_backward(x)
        ctx.mark_non_differentiable(sign)
        return sign, y

    @staticmethod
    def backward(ctx, _, gy):
        (x,) = ctx.saved_tensors
        return reshape(gy, (*gy.shape, 1, 1)) * mT(inv(x))


class Det(Function):
    """y = det X"""

    @staticmethod
    def forward(ctx, x):
        y = wrap(array_module(x.array).linalg.det(x.array))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, gy):
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
    def forward(ctx, x):
        xp = array_module(x.array)
        u, s, vh = xp.linalg.svd(x.array)
        n = s.shape[-1]
        others = xp.stack([xp.delete(s, i, -1).prod(-1) for i in range(n)], -1)
        sign = xp.linalg.det(u) * xp.linalg.det(vh)
        return wrap(((u * others[..., None, :]) @ vh) * sign[..., None, None])

    @staticmethod
    def backward(ctx, gy):
        raise NotImplementedError("linalg.det: no second gradient where a matrix is singular")


def det(A: Tensor) -> Tensor:
    """The determinants of square matrices (..., n, n), of shape (...).

    >>> import minitorch_cnn as mt
    >>> mt.linalg.det(mt.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    return Det.apply(check_matrix("linalg.det", A, square=True))


def slogdet(A: Tensor) -> tuple[Tensor, Tensor]:
    """(sign, logabsdet): the sign of the determinant, and the logarithm of its size."""
    return SignAndLogDet.apply(check_matrix("linalg.slogdet", A, square=True))


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant, NaN if that is negative."""
    sign, y = slogdet(input)
    return where(sign < 0, float("nan"), y)


# --------------------------------------------------------------------------------- factorisations


class Cholesky(Function):
    """X = L L^T, L lower triangular"""

    @staticmethod
    def forward(ctx, x):
        try:
            y = wrap(array_module(x.array).linalg.cholesky(x.array))
        except np.linalg.LinAlgError as error:
            raise _refused("linalg.cholesky", error) from None
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gy):
        (y,) = ctx.saved_tensors
        inner = tril(matmul(mT(y), gy))
        inner = inner - diag_embed(diagonal(inner, 0, -2, -1)) / 2
        inverse = inv(y)
        gx = matmul(mT(inverse), matmul(inner, inverse))
        return (gx + mT(gx)) / 2  # X is symmetric, and so is its gradient


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """L with A = L L^T for symmetric positive-definite A (upper: its transpose).

    >>> import minitorch_cnn as mt
    >>> mt.linalg.cholesky(mt.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    y = Cholesky.apply(check_matrix("linalg.cholesky", A, square=True))
    return mT(y) if upper else y


class QR(Function):
    """X = Q R, Q with orthonormal columns, R upper triangular"""

    @staticmethod
    def forward(ctx, x, mode):
        q, r = (wrap(each) for each in array_module(x.array).linalg.qr(x.array, mode))
        ctx.save_for_backward(q, r)
        return q, r

    @staticmethod
    def backward(ctx, gq, gr):
        q, r = ctx.saved_tensors
        if q.shape[-1] != r.shape[-1]:
            raise NotImplementedError(
                "linalg.qr: mode='complete' has a gradient for square matrices only, got "
                f"{q.shape[-2]} by {r.shape[-1]}"
            )
        m = matmul(r, mT(gr)) - matmul(mT(gq), q)
        lower = tril(m)
        symmetric = lower + mT(tril(m, -1))
        return mT(Solve.apply(r, mT(gq + matmul(q, symmetric)))), None


def qr(A: Tensor, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """(Q, R) with A = Q R: Q (..., m, k) with orthonormal columns, R (..., k, n) upper triangular.

    mode: "reduced" (k = min(m, n)), "complete" (k = m) or "r" (Q is empty).
    """
    check_matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode {mode!r} but expected one of 'reduced' (default), 'r', "
            "or 'complete'"
        )
    m, n = A.shape[-2:]
    if mode == "complete" and m > n:
        return QR.apply(A, mode)
    # Where there are more columns than rows, Q comes from the first m, and turns the others.
    q, r = QR.apply(A[..., :m], "reduced")
    if m < n:
        r = cat([r, matmul(mT(q), A[..., m:])], -1)
    return (A.new_empty(0), r.detach()) if mode == "r" else (q, r)


def _reciprocal_gaps(values: Tensor) -> Tensor:
    """1 / (values[j] - values[i]) for every pair (i, j), 0 on the diagonal."""
    gaps = unsqueeze(values, -2) - unsqueeze(values, -1)
    same = wrap(array_module(values.array).eye(values.shape[-1], dtype=bool))
    return where(same, 0.0, 1 / where(same, 1.0, gaps))


class Eigh(Function):
    """X = V diag(w) V^T for symmetric X"""

    @staticmethod
    def forward(ctx, x, uplo):
        w, v = (wrap(each) for each in array_module(x.array).linalg.eigh(x.array, uplo))
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(w, v)
        return w, v

    @staticmethod
    def backward(ctx, gw, gv):
        w, v = ctx.saved_tensors
        # Only the vectors need the gaps, which are 0 where two eigenvalues are equal.
        inner = 0 if gw is None else diag_embed(gw)
        if gv is not None:
            inner = inner + matmul(mT(v), gv) * _reciprocal_gaps(w)
        gx = matmul(v, matmul(inner, mT(v)))
        return (gx + mT(gx)) / 2, None


def eigh(A: Tensor, UPLO: str = "L") -> tuple[Tensor, Tensor]:
    """(w, V): the eigenvalues, rising, and eigenvectors (columns) of symmetric matrices.

    Only the lower triangle ("L") or the upper one ("U") of A is looked at.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.eigh(mt.tensor([[2.0, 0.0], [0.0, 1.0]]))[0]
    tensor([1., 2.])
    """
    check_matrix("linalg.eigh", A, square=True)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"linalg.eigh: Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return Eigh.apply(A, UPLO.upper())


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices, rising."""
    return eigh(A, UPLO)[0]


class SVD(Function):
    """X = U diag(s) V^T, with orthonormal columns in U and V; s falls"""

    @staticmethod
    def forward(ctx, x, full):
        parts = array_module(x.array).linalg.svd(x.array, full)
        u, s, vh = (wrap(each) for each in parts)
        ctx.full = full
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(u, s, vh)
        return u, s, vh

    @staticmethod
    def backward(ctx, gu, gs, gvh):
        u, s, vh = ctx.saved_tensors
        k, m, n = s.shape[-1], u.shape[-2], vh.shape[-1]
        if gu is None and gvh is None:  # then equal singular values do not matter
            return matmul(u[..., :k] * unsqueeze(gs, -2), vh[..., :k, :]), None
        gu = u.new_zeros(u.shape) if gu is None else gu
        gs = s.new_zeros(s.shape) if gs is None else gs
        gvh = vh.new_zeros(vh.shape) if gvh is None else gvh
        if ctx.full and m != n:
            # The columns beyond the k-th are any basis: torch has no gradient for them either.
            beyond = [gu[..., k:], gvh[..., k:, :]]
            if any(bool((each.array != 0).any()) for each in beyond):
                raise RuntimeError("linalg.svd: no gradient for U and V with full_matrices=True")
            u, gu, vh, gvh = u[..., :k], gu[..., :k], vh[..., :k, :], gvh[..., :k, :]
        v, gv = mT(vh), mT(gvh)
        gaps = _reciprocal_gaps(s * s)
        size = unsqueeze(s, -2)  # over the columns

        def turned(g: Tensor, basis: Tensor) -> Tensor:
            """The part of the gradient within the span of the basis."""
            inner = matmul(mT(basis), g)
            return (inner - mT(inner)) * gaps

        inner = turned(gu, u) * size + mT(size) * turned(gv, v) + diag_embed(gs)
        gx = matmul(u, matmul(inner, vh))
        if m > k:  # and the part outside of it
            outside = gu / size
            gx = gx + matmul(outside - matmul(u, matmul(mT(u), outside)), vh)
        if n > k:
            outside = mT(gv / size)
            gx = gx + matmul(u, outside - matmul(matmul(outside, v), vh))
        return gx, None


def svd(A: Tensor, full_matrices: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """(U, S, Vh) with A = U diag(S) Vh: S (..., k) falls, k = min(m, n).

    full_matrices: U is (..., m, m) and Vh (..., n, n); otherwise (..., m, k) and (..., k, n).

    >>> import minitorch_cnn as mt
    >>> mt.linalg.svd(mt.tensor([[0.0, 2.0], [1.0, 0.0]]))[1]
    tensor([2., 1.])
    """
    return SVD.apply(check_matrix("linalg.svd", A), full_matrices)


def svdvals(A: Tensor) -> Tensor:
    """The singular values, falling."""
    return svd(A, False)[1]
