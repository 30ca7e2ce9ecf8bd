"""torch.linalg's "Solvers": solve, solve_triangular; and what a matrix is checked for.

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
from ..common import sum_to
from ..products import matmul
from ..shape import mT, unsqueeze

__all__ = ["LinAlgError", "solve", "solve_triangular"]


class LinAlgError(RuntimeError):
    """A matrix (n, n) that is singular or not positive-definite, where it must not be.

    It is a RuntimeError too. `inv`, for instance, raises LinAlgError.

    >>> import minitorch_cnn as mt
    >>> try:
    ...     mt.linalg.inv(mt.zeros(2, 2))
    ... except mt.linalg.LinAlgError:
    ...     print("it has no inverse")
    it has no inverse
    """


def check_matrix(name: str, x: Any, square: bool = False) -> Tensor:
    """x if it holds matrices (..., m, n) of float32 or float64, square ones if that is asked for.

    Raises RuntimeError with the shape or dtype otherwise, TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> check_matrix("det", mt.eye(2), square=True).shape
    minitorch_cnn.Size([2, 2])
    """
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
    why = {
        "linalg.cholesky": "The factorization could not be completed because the input is not "
        "positive-definite",
        "linalg.inv": "The diagonal element of a factor is zero, the inversion could not be "
        "completed because the input matrix is singular",
        "linalg.solve": "The solver failed because the input matrix is singular",
    }
    return LinAlgError(f"{name}: {why[name]} ({error}).")


class Inverse(Function):
    """Y = X^-1"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        try:
            y = wrap(array_module(x.array).linalg.inv(x.array))
        except np.linalg.LinAlgError as error:
            raise _refused("linalg.inv", error) from None
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return -matmul(mT(y), matmul(gy, mT(y)))


class Solve(Function):
    """X = A^-1 B"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        try:
            x = wrap(array_module(a.array).linalg.solve(a.array, b.array))
        except np.linalg.LinAlgError as error:
            raise _refused("linalg.solve", error) from None
        ctx.shapes = a.shape, b.shape
        ctx.save_for_backward(a, x)
        return x

    @staticmethod
    def backward(ctx: Any, gx: Tensor) -> tuple[Tensor | None, ...]:
        a, x = ctx.saved_tensors
        gb = Solve.apply(mT(a), gx)
        ga = -matmul(gb, mT(x))
        return sum_to(ga, ctx.shapes[0]), sum_to(gb, ctx.shapes[1])


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A X = B (left=False: X A = B).

    A: (..., n, n), float32 or float64; B: a vector (..., n), or matrices (..., n, k), (..., k, n)
    if left is False; X has the shape of B. Raises LinAlgError (a RuntimeError) if A is singular,
    RuntimeError for shapes or dtypes that do not fit.

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


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """`solve` with a triangular matrix: only that triangle of A is looked at.

    A: (..., n, n); B: matrices (..., n, k), or (..., k, n) if left is False; X has the shape of B.
    unitriangular: the diagonal of A counts as ones. Raises RuntimeError for shapes or dtypes that
    do not fit, LinAlgError for a 0 on the diagonal.

    >>> import minitorch_cnn as mt
    >>> A = mt.tensor([[2.0, 99.0], [0.0, 4.0]])
    >>> mt.linalg.solve_triangular(A, mt.tensor([[2.0], [2.0]]), upper=False)
    tensor([[1.0000],
            [0.5000]])
    """
    check_matrix("linalg.solve_triangular", A, square=True)
    triangle = A.triu(int(unitriangular)) if upper else A.tril(-int(unitriangular))
    if unitriangular:
        xp = array_module(A.array)
        triangle = triangle + wrap(xp.eye(A.shape[-1], dtype=A.array.dtype))
    if B.ndim < 2:
        raise RuntimeError(f"linalg.solve_triangular: B must be a matrix, got {list(B.shape)}")
    return solve(triangle, B, left=left)
