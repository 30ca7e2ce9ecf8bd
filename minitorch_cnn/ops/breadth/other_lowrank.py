"""Some singular values and eigenvalues of matrices, not all of them.

svd_lowrank finds the largest ones of large matrices by a random guess at the space they act in.

Halko, Martinsson, Tropp, "Finding structure with randomness" (2011), algorithms 4.4 and 5.1. A
times a few random vectors lies mostly along A's largest directions; multiplying by A.mT and A
again leaves less of the others. In these few directions A is a small matrix, whose decomposition
is cheap.
"""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from ..products import matmul
from ..reduce import mean
from ..shape import broadcast_to, mT
from .linalg_decompositions import cholesky, eigh, qr, svd
from .linalg_solvers import check_matrix, solve_triangular
from .other_rearrange import flip
from .random_sampling import randn

__all__ = ["lobpcg", "pca_lowrank", "svd_lowrank"]


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(U, S, V) with A ~ U diag(S) V.mT, for the q largest singular values, or nearly those.

    A: (..., m, n), float32 or float64; U (..., m, q), S (..., q) falling, V (..., n, q), where q is
    at most min(m, n). niter: how often A.mT and A are applied to the random vectors; more of it
    brings the result closer to the true one. M, which broadcasts to A's shape, is taken off A
    first. Raises RuntimeError for another shape or dtype.

    >>> import minitorch_cnn as mt
    >>> A = mt.arange(12.0).reshape(4, 3)  # of rank 2
    >>> U, S, V = mt.svd_lowrank(A, q=2)
    >>> mt.allclose(U * S @ V.mT, A, atol=1e-4)
    True
    """
    check_matrix("svd_lowrank", A)
    if M is not None:
        A = A - broadcast_to(M, A.shape)
    wide = A.shape[-2] < A.shape[-1]
    if wide:
        A = mT(A)
    start = randn(A.shape[-1], 6 if q is None else q, dtype=A.dtype, device=A.device)
    Q = qr(matmul(A, start))[0]
    for _ in range(2 if niter is None else niter):
        Q = qr(matmul(mT(A), Q))[0]
        Q = qr(matmul(A, Q))[0]
    U, S, Vh = svd(matmul(mT(Q), A), full_matrices=False)
    U, V = matmul(Q, U), mT(Vh)
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """The q principal components of A's rows: `svd_lowrank` of A less the mean of its rows.

    A: (..., m, n), m points of n numbers; the columns of V (..., n, q) are the directions in which
    they differ most, S**2 / (m - 1) their variances there, and A @ V is the points in these few
    coordinates. q: min(6, m, n) if not given. center: False if the mean is 0 already. Raises
    ValueError for q or niter out of range, and as `svd_lowrank`.

    >>> import minitorch_cnn as mt
    >>> points = mt.tensor([[0.0, 5.0], [1.0, 5.0], [5.0, 5.0]])  # they differ along x only
    >>> mt.pca_lowrank(points, q=1)[2].abs()
    tensor([[1.],
            [0.]])
    """
    check_matrix("pca_lowrank", A)
    most = min(A.shape[-2:])
    if q is None:
        q = min(6, most)
    elif not 0 <= q <= most:
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={most}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A, q, niter, mean(A, -2, keepdim=True) if center else None)


def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: Any = None,
    ortho_fparams: Any = None,
    ortho_bparams: Any = None,
) -> tuple[Tensor, Tensor]:
    """(E, X): k eigenvalues of A x = e B x, the largest first (or smallest), and eigenvectors.

    A, B: (..., m, m), symmetric, B positive definite, the identity if None; E (..., k), X
    (..., m, k) with X.mT B X = 1. k: 1 if None, or as many as X has columns. They are found all at
    once by `linalg.eigh`, to the last digit, so the guess X, the preconditioner iK and what says
    when torch's iteration stops change nothing. Raises ValueError where m < 3 k, as torch.

    >>> import minitorch_cnn as mt
    >>> mt.lobpcg(mt.diag(mt.tensor([1.0, 5.0, 3.0])))[0]
    tensor([5.])
    """
    check_matrix("lobpcg", A, square=True)
    count = k or (1 if X is None else X.shape[-1])
    if A.shape[-1] < 3 * count:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={A.shape[-1]}) is "
            f"smaller than 3 x the number of requested eigenpairs (={count})"
        )
    A = (A + mT(A)) / 2  # so that the gradient is symmetric, too
    if B is not None:
        # With B = L L.mT and y = L.mT x: (L^-1 A L^-T) y = e y
        L = cholesky((B + mT(B)) / 2)
        A = solve_triangular(L, mT(solve_triangular(L, A, upper=False)), upper=False)
    E, Y = eigh(A)
    if largest is not False:
        E, Y = flip(E, -1), flip(Y, -1)
    E, Y = E[..., :count], Y[..., :count]
    return E, Y if B is None else solve_triangular(mT(L), Y, upper=True)
