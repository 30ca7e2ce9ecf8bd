"""torch.linalg's "Decompositions": Cholesky, QR, eigenvalues of symmetric matrices, SVD.

For where the gradients come from see linalg_solvers.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import return_types
from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, wrap
from ..arithmetic import where
from ..indexing import diagonal
from ..join import cat
from ..products import matmul
from ..shape import mT, unsqueeze
from .linalg_solvers import Inverse, Solve, _refused, check_matrix
from .other_matrices import diag_embed, tril

__all__ = ["cholesky", "qr", "eigh", "eigvalsh", "svd", "svdvals", "householder_product"]


class Cholesky(Function):
    """X = L L^T, L lower triangular"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        try:
            y = wrap(array_module(x.array).linalg.cholesky(x.array))
        except np.linalg.LinAlgError as error:
            raise _refused("linalg.cholesky", error) from None
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        inner = tril(matmul(mT(y), gy))
        inner = inner - diag_embed(diagonal(inner, 0, -2, -1)) / 2
        inverse = Inverse.apply(y)
        gx = matmul(mT(inverse), matmul(inner, inverse))
        return (gx + mT(gx)) / 2  # X is symmetric, and so is its gradient


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """L, lower triangular, with A = L L^T for symmetric positive-definite A (upper: its transpose).

    A: (..., n, n), float32 or float64; the result has the same shape. Only the lower triangle of A
    is read. Raises LinAlgError (a RuntimeError) if A is not positive-definite, RuntimeError for
    another shape or dtype.

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
    def forward(ctx: Any, x: Tensor, mode: str) -> tuple[Tensor, Tensor]:
        q, r = (wrap(each) for each in array_module(x.array).linalg.qr(x.array, mode))
        ctx.save_for_backward(q, r)
        return q, r

    @staticmethod
    def backward(ctx: Any, gq: Tensor, gr: Tensor) -> tuple[Tensor | None, ...]:
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


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """(Q, R) with A = Q R: Q (..., m, k) with orthonormal columns, R (..., k, n) upper triangular.

    A: (..., m, n), float32 or float64. mode: "reduced" (k = min(m, n)), "complete" (k = m, with a
    gradient for square matrices only) or "r" (Q is empty). Raises RuntimeError for another mode,
    shape or dtype.

    >>> import minitorch_cnn as mt
    >>> A = mt.tensor([[3.0, 1.0], [4.0, 2.0]])
    >>> Q, R = mt.linalg.qr(A)
    >>> R.abs()  # the first column of A has length 5
    tensor([[5.0000, 2.2000],
            [0.0000, 0.4000]])
    >>> mt.allclose(Q @ R, A)
    True
    """
    check_matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode {mode!r} but expected one of 'reduced' (default), 'r', "
            "or 'complete'"
        )
    m, n = A.shape[-2:]
    if mode == "complete" and m > n:
        return return_types.linalg_qr(*QR.apply(A, mode))
    # Where there are more columns than rows, Q comes from the first m, and turns the others.
    q, r = QR.apply(A[..., :m], "reduced")
    if m < n:
        r = cat([r, matmul(mT(q), A[..., m:])], -1)
    parts = (A.new_empty(0), r.detach()) if mode == "r" else (q, r)
    return return_types.linalg_qr(*parts)


def _reciprocal_gaps(values: Tensor) -> Tensor:
    """1 / (values[j] - values[i]) for every pair (i, j), 0 on the diagonal."""
    gaps = unsqueeze(values, -2) - unsqueeze(values, -1)
    same = wrap(array_module(values.array).eye(values.shape[-1], dtype=bool))
    return where(same, 0.0, 1 / where(same, 1.0, gaps))


class Eigh(Function):
    """X = V diag(w) V^T for symmetric X"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, uplo: str) -> tuple[Tensor, Tensor]:
        w, v = (wrap(each) for each in array_module(x.array).linalg.eigh(x.array, uplo))
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(w, v)
        return w, v

    @staticmethod
    def backward(ctx: Any, gw: Tensor | None, gv: Tensor | None) -> tuple[Tensor | None, ...]:
        w, v = ctx.saved_tensors
        # Only the vectors need the gaps, which are 0 where two eigenvalues are equal.
        inner: Any = 0 if gw is None else diag_embed(gw)
        if gv is not None:
            inner = inner + matmul(mT(v), gv) * _reciprocal_gaps(w)
        gx = matmul(v, matmul(inner, mT(v)))
        return (gx + mT(gx)) / 2, None


def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """(w, V): the eigenvalues, rising, and eigenvectors (columns) of symmetric matrices.

    A: (..., n, n), float32 or float64; w: (..., n); V: (..., n, n), with A = V diag(w) V^T. Only
    the lower triangle ("L") or the upper one ("U") of A is looked at. The gradient by V is not
    finite where eigenvalues are equal. Raises RuntimeError for another UPLO, shape or dtype.

    >>> import minitorch_cnn as mt
    >>> w, V = mt.linalg.eigh(mt.tensor([[2.0, 0.0], [0.0, 1.0]]))
    >>> w, V.abs()  # the sign of an eigenvector is anybody's choice
    (tensor([1., 2.]), tensor([[0., 1.],
            [1., 0.]]))
    """
    check_matrix("linalg.eigh", A, square=True)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"linalg.eigh: Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return return_types.linalg_eigh(*Eigh.apply(A, UPLO.upper()))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices (..., n, n), rising: (..., n). Arguments as `eigh`.

    Raises RuntimeError for another UPLO, shape or dtype.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.eigvalsh(mt.tensor([[1.0, 0.5], [0.5, 1.0]]))
    tensor([0.5000, 1.5000])
    """
    return eigh(A, UPLO)[0]


class SVD(Function):
    """X = U diag(s) V^T, with orthonormal columns in U and V; s falls"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:
        parts = array_module(x.array).linalg.svd(x.array, full)
        u, s, vh = (wrap(each) for each in parts)
        ctx.full = full
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(u, s, vh)
        return u, s, vh

    @staticmethod
    def backward(ctx: Any, gu: Any, gs: Any, gvh: Any) -> Any:
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


def _no_driver(name: str, driver: Any) -> None:
    if driver is not None:
        raise RuntimeError(
            f"{name}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER "
            f"backend in torch, and not here: leave out {driver!r}"
        )


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """(U, S, Vh) with A = U diag(S) Vh: S (..., k) falls, k = min(m, n).

    A: (..., m, n), float32 or float64. full_matrices: U is (..., m, m) and Vh (..., n, n);
    otherwise (..., m, k) and (..., k, n). Raises RuntimeError for fewer than two dimensions,
    another dtype or a driver.

    >>> import minitorch_cnn as mt
    >>> A = mt.tensor([[0.0, 2.0], [1.0, 0.0]])
    >>> U, S, Vh = mt.linalg.svd(A)
    >>> S, mt.allclose(U @ S.diag() @ Vh, A)
    (tensor([2., 1.]), True)
    """
    _no_driver("linalg.svd", driver)
    return return_types.linalg_svd(*SVD.apply(check_matrix("linalg.svd", A), full_matrices))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values of matrices (..., m, n), falling: (..., min(m, n)).

    Raises RuntimeError for fewer than two dimensions, or a dtype other than float32 and float64,
    or a driver.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.svdvals(mt.tensor([[0.0, 2.0], [1.0, 0.0]]))
    tensor([2., 1.])
    """
    _no_driver("linalg.svdvals", driver)
    return svd(A, False)[1]


# ------------------------------------------------------- Q as a product of reflections


def geqrf(input: Tensor) -> Any:
    """(a, tau), LAPACK's form of a QR decomposition of matrices (..., m, n), without gradients.

    a: (..., m, n), R in its upper triangle and below the vectors of `householder_product`.
    tau: (..., min(m, n)). Raises RuntimeError for fewer than two dimensions or another dtype.

    >>> import minitorch_cnn as mt
    >>> A = mt.tensor([[3.0, 1.0], [4.0, 2.0]])
    >>> a, tau = mt.geqrf(A)
    >>> mt.allclose(mt.linalg.householder_product(a, tau) @ a.triu(), A)
    True
    """
    x = check_matrix("geqrf", input).array
    xp = array_module(x)
    h, tau = xp.linalg.qr(x, "raw")
    columns = xp.ascontiguousarray(h).swapaxes(-1, -2)  # column by column, as LAPACK has it
    return return_types.geqrf(wrap(columns), wrap(tau))


def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """The first n columns of H_1 H_2 ... H_k, with the reflections H_i = 1 - tau_i v_i v_i^T.

    A: (..., m, n), v_i in column i below the diagonal, after zeros and a one; m >= n >= k.
    tau: (..., k). Raises RuntimeError for other shapes or dtypes.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.householder_product(mt.tensor([[5.0], [1.0]]), mt.tensor([1.0]))
    tensor([[ 0.],
            [-1.]])
    """
    check_matrix("linalg.householder_product", A)
    (m, n), k = A.shape[-2:], tau.shape[-1] if tau.ndim else 0
    if not m >= n >= k or tau.shape[:-1] != A.shape[:-2] or tau.dtype is not A.dtype:
        raise RuntimeError(
            "linalg.householder_product: needs input (..., m, n) and tau (..., k) with m >= n >= "
            f"k, of one dtype; got {tuple(A.shape)} and {tuple(tau.shape)}, {A.dtype} and "
            f"{tau.dtype}"
        )
    xp = array_module(A.array)
    eye = wrap(xp.eye(m, n, dtype=A.array.dtype))
    vectors = tril(A, -1) + eye
    q = eye.expand(A.shape)
    for i in range(k - 1, -1, -1):
        v = vectors[..., :, i : i + 1]
        q = q - tau[..., i : i + 1].unsqueeze(-1) * matmul(v, matmul(mT(v), q))
    return q
