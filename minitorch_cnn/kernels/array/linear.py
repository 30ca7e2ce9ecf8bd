"""The matrix product on bare arrays."""

from __future__ import annotations

from ...backend import Array, array_module


def matmul(a: Array, b: Array, bias: Array | None = None) -> Array:
    """a @ b, with NumPy's rules for vectors and stacks of matrices; plus bias, for each column."""
    y = array_module(a).matmul(a, b)
    if bias is not None:
        y += bias
    return y
