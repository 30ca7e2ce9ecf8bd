"""Linear algebra at torch's top: names and forms that are older than torch.linalg.

Those that torch has removed raise, with its words on what to call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...backend import array_module
from ...tensor import Tensor, wrap
from ..products import matmul
from ..shape import mT
from . import linalg_lu
from .linalg_decompositions import qr as _qr
from .linalg_lu import lu_unpack
from .linalg_matrix_properties import matrix_norm
from .other_matrices import tril

__all__ = [
    "eig", "lstsq", "lu", "lu_solve", "lu_unpack", "matrix_rank", "nuclear_norm", "ormqr", "qr",
    "solve", "symeig",
]  # fmt: skip


def qr(input: Tensor, some: bool = True) -> Any:
    """(Q, R) of matrices (..., m, n): `linalg.qr` with mode "reduced", or "complete" if not some.

    Raises as `linalg.qr` does.

    >>> import minitorch_cnn as mt
    >>> mt.qr(mt.tensor([[3.0], [4.0]]), some=False).Q.shape
    minitorch_cnn.Size([2, 2])
    """
    return _qr(input, "reduced" if some else "complete")


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """(LU, pivots), or (LU, pivots, info): `linalg.lu_factor` or `linalg.lu_factor_ex`.

    A: (..., m, n). Raises as `linalg.lu_factor` does.

    >>> import minitorch_cnn as mt
    >>> mt.lu(mt.tensor([[1.0, 2.0], [2.0, 2.0]]))[1]
    tensor([2, 2], dtype=minitorch_cnn.int32)
    """
    found = linalg_lu.lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    return tuple(found) if get_infos else tuple(found[:2])


def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """`linalg.lu_solve` with the right side, input (N, K), first: LU_data (N, N), LU_pivots (N,).

    Batches of them too. Raises as `linalg.lu_solve` does.

    >>> import minitorch_cnn as mt
    >>> mt.lu_solve(mt.tensor([[4.0]]), *mt.lu(mt.tensor([[2.0]])))
    tensor([[2.]])
    """
    return linalg_lu.lu_solve(LU_data, LU_pivots, input)


def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False
) -> Tensor:
    """Q other, with the square Q (m, m) of which `geqrf` gives the reflections.

    input: (..., m, k) and tau: (..., k), as `linalg.householder_product` takes them. other:
    (..., m, n); (..., n, m) for left=False, which gives other Q. transpose: Q.mT in the place of Q.
    Raises RuntimeError for shapes or dtypes that do not fit.

    >>> import minitorch_cnn as mt
    >>> A = mt.tensor([[3.0, 1.0], [4.0, 2.0]])
    >>> mt.allclose(mt.ormqr(*mt.geqrf(A), A, transpose=True), mt.geqrf(A).a.triu(), atol=1e-6)
    True
    """
    side = -2 if left else -1
    rules = (  # each is looked at only if those before hold
        (lambda: input.ndim >= 2, "input must have at least 2 dimensions"),
        (lambda: other.ndim >= 2, "other must have at least 2 dimensions"),
        (
            lambda: tau.ndim > 0 and other.shape[side] >= tau.shape[-1],
            f"other.shape[{side}] must be greater than or equal to tau.shape[-1]",
        ),
        (
            lambda: other.shape[side] == input.shape[-2],
            f"other.shape[{side}] must be equal to input.shape[-2]",
        ),
        (
            lambda: tau.shape[:-1] == input.shape[:-2],
            "Expected batch dimensions of tau to be equal to input.shape[:-2]",
        ),
        (
            lambda: other.shape[:-2] == input.shape[:-2],
            "Expected batch dimensions of other to be equal to input.shape[:-2]",
        ),
        (lambda: tau.dtype is other.dtype is input.dtype, "all three must have one dtype"),
    )
    for holds, rule in rules:
        if not holds():
            raise RuntimeError(
                f"ormqr: {rule}; got {list(input.shape)}, {list(tau.shape)} and "
                f"{list(other.shape)}, {input.dtype}, {tau.dtype} and {other.dtype}"
            )
    count = tau.shape[-1]
    eye = wrap(array_module(input.array).eye(input.shape[-2], count, dtype=input.array.dtype))
    vectors = tril(input[..., :count], -1) + eye
    # Q = H_1 H_2 ... H_k: from the left the last comes first. other Q is (Q^T other^T)^T.
    y = other if left else mT(other)
    for i in range(count) if left == transpose else reversed(range(count)):
        v = vectors[..., i : i + 1]
        y = y - tau[..., i : i + 1].unsqueeze(-1) * matmul(v, matmul(mT(v), y))
    return y if left else mT(y)


def nuclear_norm(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """`linalg.matrix_norm` with "nuc": of (..., m, n), or over the two dimensions of dim.

    Raises as `linalg.matrix_norm` does.

    >>> import minitorch_cnn as mt
    >>> mt.nuclear_norm(mt.eye(3))
    tensor(3.)
    """
    return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)


def _removed(name: str, instead: str) -> Callable[..., Any]:
    def function(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "This function was deprecated since version 1.9 and is now removed, here as in torch. "
            f"Instead of {name} use {instead}"
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Removed, as in torch: raises RuntimeError for tensors of any shape.

    >>> import minitorch_cnn as mt
    >>> try:
    ...     mt.{name}(mt.eye(2), mt.eye(2))
    ... except RuntimeError as error:
    ...     print(error)  # doctest: +ELLIPSIS
    This function was deprecated since version 1.9 and is now removed, ... use {instead}
    """
    return function


eig = _removed("eig", "linalg.eigh for symmetric matrices")
symeig = _removed("symeig", "linalg.eigh")
lstsq = _removed("lstsq", "linalg.lstsq, which takes A before B")
solve = _removed("solve", "linalg.solve, which takes A before B")
matrix_rank = _removed("matrix_rank", "linalg.matrix_rank")
