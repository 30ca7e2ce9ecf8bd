"""Torch's "BLAS and LAPACK Operations" beyond products.py: inner, vdot, addr, addbmm, ..."""

from __future__ import annotations

from typing import Any

from ... import return_types
from ...tensor import Tensor, shape_text
from ..arithmetic import mul
from ..products import bmm, check_pair, dot, mm, outer, tensordot, weighted_sum
from ..reduce import sum
from . import linalg_decompositions

__all__ = ["inner", "vdot", "addr", "addbmm", "chain_matmul", "svd"]


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last axis of both: y[i, j] = sum over k of a[i, k] b[j, k].

    input (*A, n) and other (*B, n) give (*A, *B), so two vectors give a number. A 0-d tensor
    multiplies the other one. Raises RuntimeError if the lengths n or the dtypes differ.

    >>> import minitorch_cnn as mt
    >>> mt.inner(mt.tensor([1, 2]), mt.tensor([3, 4]))  # 1 * 3 + 2 * 4
    tensor(11)
    >>> mt.inner(mt.eye(2), mt.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 3.],
            [2., 4.]])
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
    """The dot product of two vectors of n elements: the sum of their products, a 0-d tensor.

    It is `dot` under the name that torch has for complex vectors. Raises RuntimeError for anything
    but two vectors of one length and dtype.

    >>> import minitorch_cnn as mt
    >>> mt.vdot(mt.tensor([1.0, 2.0]), mt.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return dot(input, other)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * the outer product of two vectors.

    vec1: (n,); vec2: (m,); input broadcasts to (n, m), the shape of the result. Raises RuntimeError
    unless vec1 and vec2 are vectors and input broadcasts.

    >>> import minitorch_cnn as mt
    >>> mt.addr(mt.zeros(2, 2), mt.tensor([1.0, 2.0]), mt.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    >>> mt.addr(mt.ones(2, 2), mt.tensor([1.0, 2.0]), mt.tensor([3.0, 4.0]), alpha=10)
    tensor([[31., 41.],
            [61., 81.]])
    """
    return weighted_sum(input, outer(vec1, vec2), beta, alpha)


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta * input + alpha * the sum over a batch of matrix products.

    batch1: (b, n, m); batch2: (b, m, p); input broadcasts to (n, p), the shape of the result.
    Raises RuntimeError for other shapes.

    >>> import minitorch_cnn as mt
    >>> a, b = mt.tensor([[[2.0]], [[3.0]]]), mt.tensor([[[10.0]], [[100.0]]])
    >>> mt.addbmm(mt.ones(1, 1), a, b)  # 1 + 2 * 10 + 3 * 100
    tensor([[321.]])
    """
    return weighted_sum(input, sum(bmm(batch1, batch2), 0), beta, alpha)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of matrices (n, m), (m, p), (p, q), ... -> (n, last), from left to right.

    Raises RuntimeError if one has not two dimensions or neighbours do not fit, IndexError if none
    is given.

    >>> import minitorch_cnn as mt
    >>> mt.chain_matmul(mt.ones(1, 2), mt.eye(2), mt.tensor([[3.0], [4.0]]))
    tensor([[7.]])
    """
    product = matrices[0]
    for each in matrices[1:]:
        product = mm(product, each)
    return product


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """(U, S, V) with input = U diag(S) V.mT: the older form of `linalg.svd`, which gives V.mT.

    input: (..., m, n). some: U is (..., m, k) and V (..., n, k) with k = min(m, n), else square.
    compute_uv: False gives zeros for U and V. Raises as `linalg.svd` does.

    >>> import minitorch_cnn as mt
    >>> U, S, V = mt.svd(mt.tensor([[3.0, 0.0], [0.0, 4.0]]))
    >>> S
    tensor([4., 3.])
    """
    u, s, vh = linalg_decompositions.svd(input, full_matrices=not some)
    if compute_uv:
        return return_types.svd(u, s, vh.mT)
    square = input.new_zeros
    return return_types.svd(square(u.shape), s, square(vh.mT.shape))
