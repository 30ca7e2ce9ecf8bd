"""Torch's "BLAS and LAPACK Operations" beyond products.py: inner, vdot, addr, addbmm, ..."""

from __future__ import annotations

from ...tensor import Tensor, shape_text
from ..arithmetic import mul
from ..products import bmm, check_pair, dot, mm, outer, tensordot, weighted_sum
from ..reduce import sum

__all__ = ["inner", "vdot", "addr", "addbmm", "chain_matmul"]


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last axis of both.

    >>> import minitorch_cnn as mt
    >>> mt.inner(mt.tensor([1, 2]), mt.tensor([3, 4]))
    tensor(11)
    """
    if input.ndim == 0 or other.ndim == 0:
        return mul(input, other)
    check_pair("inner", input, other)
    if input.size(-1) != other.size(-1):
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{shape_text(input.shape)} and {shape_text(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The dot product of two vectors (torch's takes the complex conjugate of the first)."""
    return dot(input, other)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * the outer product of two vectors"""
    return weighted_sum(input, outer(vec1, vec2), beta, alpha)


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta * input + alpha * the sum over a batch of matrix products"""
    return weighted_sum(input, sum(bmm(batch1, batch2), 0), beta, alpha)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of several matrices, from left to right."""
    product = matrices[0]
    for each in matrices[1:]:
        product = mm(product, each)
    return product
