"""Names that torch has beside others: what is the same for real tensors, or older forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import backend, return_types
from ...autograd.function import Function
from ...tensor import Tensor, shape_text, wrap
from ..common import floating
from ..copy import contiguous_format, memory_format
from ..indexing import narrow
from ..join import chunk, split, split_with_sizes
from ..pad import pad as _pad
from .linalg_solvers import check_matrix, solve, solve_triangular
from .special_functions import polygamma as _polygamma

__all__ = [
    "adjoint", "cholesky_inverse", "cholesky_solve", "conj_physical", "constant_pad_nd", "frexp",
    "matrix_exp",
    "narrow_copy", "triangular_solve", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes",
]  # fmt: skip


def adjoint(input: Tensor) -> Tensor:
    """Matrices (..., N, M) as (..., M, N); conjugated, they would be the same, for they are real.

    Raises RuntimeError for fewer than two dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.adjoint(mt.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    return input.mT


def conj_physical(input: Tensor) -> Tensor:
    """The tensor itself, of any shape, which is real. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.conj_physical(mt.ones(1))
    tensor([1.])
    """
    return input


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """`nn.functional.pad` with a constant, of any shape: (N, C, W), (1, 2) -> (N, C, W + 3).

    Raises RuntimeError if `pad` does not fit.

    >>> import minitorch_cnn as mt
    >>> mt.constant_pad_nd(mt.tensor([1, 2]), (1, 2), 9)
    tensor([9, 1, 2, 9, 9])
    """
    return _pad(input, pad, "constant", value)


class Frexp(Function):
    """x = mantissa 2^exponent; g mantissa = gy / 2^exponent"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        mantissa, exponent = backend.array_module(x.array).frexp(x.array)
        result = wrap(mantissa), wrap(exponent.astype(np.int32))
        ctx.exponent = result[1]
        ctx.mark_non_differentiable(result[1])
        return result

    @staticmethod
    def backward(ctx: Any, gy: Tensor, _: Any) -> Tensor:
        return gy / 2.0**ctx.exponent


def frexp(input: Tensor) -> Any:
    """(mantissa, exponent) with input = mantissa 2^exponent and 1/2 <= |mantissa| < 1.

    Any shape; exponent is int32. 0 has both 0. Integers become floats. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.frexp(mt.tensor([3.0]))
    minitorch_cnn.return_types.frexp(
    mantissa=tensor([0.7500]),
    exponent=tensor([2], dtype=minitorch_cnn.int32))
    """
    return return_types.frexp(*Frexp.apply(floating(input)))


def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A copy of what `narrow` gives, of any shape. Raises as `narrow` does.

    >>> import minitorch_cnn as mt
    >>> mt.narrow_copy(mt.arange(5), 0, 1, 2)
    tensor([1, 2])
    """
    return narrow(input, dim, start, length).clone()


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of what `chunk` gives of a tensor of any shape, which may be written to at will.

    Raises as `chunk` does.

    >>> import minitorch_cnn as mt
    >>> mt.unsafe_chunk(mt.arange(2), 2)
    (tensor([0]), tensor([1]))
    """
    return tuple(part.clone() for part in chunk(input, chunks, dim))


def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of what `split` gives of a tensor of any shape, which may be written to at will.

    Raises as `split` does.

    >>> import minitorch_cnn as mt
    >>> mt.unsafe_split(mt.arange(2), 1)
    (tensor([0]), tensor([1]))
    """
    return tuple(part.clone() for part in split(input, split_size, dim))


def unsafe_split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """As `unsafe_split`, of any shape, with the length of each part. Raises as `split` does.

    >>> import minitorch_cnn as mt
    >>> mt.unsafe_split_with_sizes(mt.arange(2), [1, 1])
    (tensor([0]), tensor([1]))
    """
    return tuple(part.clone() for part in split_with_sizes(input, split_sizes, dim))


def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> tuple[Tensor, Tensor]:
    """(X, A) with A X = input (..., n, k): the older form of `linalg.solve_triangular`.

    A: (..., n, n), of which one triangle is read; transpose: solve A.mT X = input. Raises as
    `linalg.solve_triangular` does.

    >>> import minitorch_cnn as mt
    >>> mt.triangular_solve(mt.tensor([[4.0]]), mt.tensor([[2.0]]))[0]
    tensor([[2.]])
    """
    matrix, above = (A.mT, not upper) if transpose else (A, upper)
    return solve_triangular(matrix, input, upper=above, unitriangular=unitriangular), A


def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """X with (L L.mT) X = input (..., n, k), for a triangle L (..., n, n) from `cholesky`.

    upper: L is the upper one, and L.mT L is meant. Raises RuntimeError for other shapes.

    >>> import minitorch_cnn as mt
    >>> mt.cholesky_solve(mt.tensor([[8.0]]), mt.tensor([[2.0]]))
    tensor([[2.]])
    """
    lower = L.mT if upper else L
    lower = lower + (lower.tril() - lower).detach()  # as in torch, gradients reach both triangles
    return solve(lower @ lower.mT, input)


def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of L L.mT, for a triangle L (..., n, n) from `cholesky`.

    upper: as in `cholesky_solve`. Raises RuntimeError for other shapes.

    >>> import minitorch_cnn as mt
    >>> mt.cholesky_inverse(mt.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    matrix = check_matrix("cholesky_inverse", input, square=True)
    xp = backend.array_module(matrix.array)
    eye = wrap(xp.eye(matrix.shape[-1], dtype=matrix.array.dtype)).expand(matrix.shape)
    return cholesky_solve(eye, matrix, upper)


def matrix_exp(input: Tensor) -> Tensor:
    """The exponential series 1 + A + A A / 2 + ... of matrices (..., n, n), float32 or float64.

    Scaled until the series is short, and squared as often afterwards (Moler and Van Loan, "Nineteen
    dubious ways to compute the exponential of a matrix", 2003). Raises RuntimeError for matrices
    that are not square.

    >>> import minitorch_cnn as mt
    >>> mt.matrix_exp(mt.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    A = check_matrix("matrix_exp", input, square=True)
    xp = backend.array_module(A.array)
    size = float(xp.abs(A.array).sum(-1).max()) if A.numel() else 0.0
    squarings = max(0, int(np.ceil(np.log2(size))) + 2) if 0 < size < np.inf else 0
    small = A / 2.0**squarings
    total = wrap(xp.eye(A.shape[-1], dtype=A.array.dtype)).expand(A.shape)
    term = total
    for k in range(1, 15):  # 2^-2 to the power 15 over 15! is 1e-21
        term = term @ small / k
        total = total + term
    for _ in range(squarings):
        total = total @ total
    return total


# ------------------------------------------------------------------------------ methods alone


def polygamma(input: Tensor, n: int) -> Tensor:
    """`mt.polygamma(n, input)` of any shape. Raises RuntimeError for n below 0.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.0]).polygamma(0)
    tensor([-0.5772])
    """
    return _polygamma(n, input)


def dim_order(input: Tensor, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dimensions of a tensor of any shape, the slowest in memory first.

    ambiguity_check: True raises RuntimeError if another order describes the same memory, as a
    dimension of length 1 can stand anywhere. A list of memory formats gives the order of the one
    that fits, and raises only if none or several do. Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 3, 4, 5).to(memory_format=mt.channels_last).dim_order()
    (0, 2, 3, 1)
    """
    order = tuple(sorted(range(input.ndim), key=lambda dim: -input.stride(dim)))
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    if not isinstance(ambiguity_check, bool | list) or any(
        not isinstance(each, memory_format) for each in formats
    ):
        raise TypeError(
            "dim_order(): ambiguity_check must be a bool or a list of memory formats, got "
            f"{ambiguity_check!r:.60}"
        )
    if ambiguity_check is False or (1 not in input.shape and len({*input.stride()}) == input.ndim):
        return order
    fitting = [each for each in formats if input.is_contiguous(each)]
    if len(fitting) != 1:
        raise RuntimeError(
            "The tensor does not have unique dim order, or cannot map to exact one of the given "
            f"memory formats: shape {shape_text(input.shape)}, strides {input.stride()}"
        )
    dims = range(input.ndim)
    return tuple(dims) if fitting[0] is contiguous_format else (0, *dims[2:], 1)


def to_dense(input: Tensor, dtype: Any = None, masked_grad: bool = True) -> Tensor:
    """The tensor, of any shape, which is dense already; in that dtype. Raises as `to` does.

    >>> import minitorch_cnn as mt
    >>> mt.ones(1).to_dense()
    tensor([1.])
    """
    return input if dtype is None else input.to(dtype)


def is_distributed(input: Tensor) -> bool:
    """False, for a tensor of any shape. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(1).is_distributed()
    False
    """
    return False
