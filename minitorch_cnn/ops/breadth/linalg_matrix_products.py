"""torch.linalg's "Matrix Products": matmul, multi_dot, cross, vecdot."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from ..products import matmul
from ..reduce import sum
from .other_vectors import cross as _cross

__all__ = ["matmul", "multi_dot", "cross", "vecdot"]


def multi_dot(tensors: Any) -> Tensor:
    """The product of two or more matrices; the first and the last may be vectors.

    (n, m), (m, p), ..., (q, r) -> (n, r); a vector counts as a row on the left, as a column on the
    right, and its axis disappears. Raises RuntimeError for fewer than two, for other numbers of
    dimensions, and if neighbours do not fit.

    >>> import minitorch_cnn as mt
    >>> row, column = mt.tensor([1.0, 2.0]), mt.tensor([3.0, 4.0])
    >>> mt.linalg.multi_dot([row, mt.eye(2), column])  # 1 * 3 + 2 * 4
    tensor(11.)
    """
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for index, each in enumerate(tensors):
        inside = 0 < index < len(tensors) - 1
        if each.ndim != 2 and (inside or each.ndim != 1):
            raise RuntimeError(
                f"multi_dot(): tensor {index} must be {'2D' if inside else '1D or 2D'} but got "
                f"{each.ndim}D"
            )
    y = tensors[0]
    for each in tensors[1:]:
        y = matmul(y, each)
    return y


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of three elements along a dimension; other axes broadcast.

    (..., 3) and (..., 3) -> (..., 3). It stands at right angles to both. Raises RuntimeError if the
    numbers of dimensions differ, the length along dim is not 3, or the shapes do not broadcast;
    IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.cross(mt.tensor([1.0, 0.0, 0.0]), mt.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    return _cross(input, other, dim)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The dot products of vectors along a dimension; the others broadcast: (..., n) -> (...).

    Raises RuntimeError if the shapes do not broadcast, IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.linalg.vecdot(mt.tensor([[1, 2], [3, 4]]), mt.tensor([1, 10]))
    tensor([21, 43])
    """
    return sum(x * y, dim)
