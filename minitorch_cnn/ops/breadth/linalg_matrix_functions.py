"""torch.linalg's "Matrix Functions": matrix_power; and vander."""

from __future__ import annotations

from ...backend import array_module
from ...tensor import Tensor, wrap
from ..products import matmul
from ..shape import reshape
from .linalg_inverses import inv
from .linalg_solvers import check_matrix

__all__ = ["matrix_power", "vander"]


def matrix_power(A: Tensor, n: int) -> Tensor:
    """A multiplied n times by itself; a negative n means the inverse, 0 the unit matrix.

    A: (..., n, n), float32 or float64. Raises RuntimeError for another shape or dtype, LinAlgError
    for a singular A where n is negative.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.matrix_power(mt.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    check_matrix("linalg.matrix_power", A, square=True)
    base = inv(A) if n < 0 else A
    xp = array_module(A.array)
    unit = xp.broadcast_to(xp.eye(A.shape[-1], dtype=A.array.dtype), A.array.shape)
    y, n = wrap(unit.copy()), abs(n)
    while n:  # by squaring: n is a sum of powers of 2
        if n % 2:
            y = matmul(y, base)
        base, n = matmul(base, base), n // 2
    return y


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Matrices of the powers x^0, x^1, ..., x^(N - 1), a column for each: (..., n) -> (..., n, N).

    N is n by default. Integers stay integers (int64). Raises RuntimeError if N is below 2.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.vander(mt.tensor([2, 3]), N=4)
    tensor([[ 1,  2,  4,  8],
            [ 1,  3,  9, 27]])
    """
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError(f"N must be greater than 1, got {N}")
    x = x if x.dtype.is_floating_point else x.long()
    x = reshape(x, 1) if x.ndim == 0 else x
    powers = wrap(array_module(x.array).arange(count))
    return x.unsqueeze(-1) ** powers
