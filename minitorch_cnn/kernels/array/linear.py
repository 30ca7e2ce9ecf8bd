"""The matrix product on bare arrays."""

from __future__ import annotations

from ...backend import Array, array_module


def matmul(a: Array, b: Array) -> Array:
    """a @ b, with NumPy's rules for vectors and stacks of matrices."""
    return array_module(a).matmul(a, b)
