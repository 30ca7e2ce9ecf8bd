"""torch.linalg's "Matrix Products": matmul, multi_dot, cross, vecdot."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from ..products import matmul
from ..reduce import sum
from .other_vectors import cross as _cross

__all__ = ["matmul", "multi_dot", "cross", "vecdot"]


def multi_dot(tensors: Any) -> Tensor:
    """The product of two or more matrices; the first and the last may be vectors."""
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
    """The cross product of vectors of three elements along a dimension."""
    return _cross(input, other, dim)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The dot products of vectors along a dimension; the others broadcast."""
    return sum(x * y, dim)
