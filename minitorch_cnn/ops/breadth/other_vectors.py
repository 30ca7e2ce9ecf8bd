"""Torch's "Other Operations" on vectors in space: cross, cdist, renorm."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor, shape_text
from ..arithmetic import where
from ..common import check_broadcast
from ..norms import p_norm
from ..shape import broadcast_tensors, unsqueeze
from .other_rearrange import roll

__all__ = ["cross", "cdist", "renorm"]


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The cross product of vectors of three elements along dim (default: the first of length 3).

    (..., 3) and (..., 3) -> (..., 3); other axes broadcast. Raises RuntimeError if the numbers of
    dimensions differ, the length along dim is not 3, or the shapes do not broadcast; IndexError for
    a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.cross(mt.tensor([1, 0, 0]), mt.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    if input.ndim != other.ndim:
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions, got "
            f"{shape_text(input.shape)} and {shape_text(other.shape)}"
        )
    check_broadcast(input, other)
    a, b = broadcast_tensors(input, other)
    if dim is None:
        if 3 not in a.shape:
            raise RuntimeError(f"no dimension of size 3 in input: {shape_text(a.shape)}")
        dim = a.shape.index(3)
    axis = a._dim(dim)
    if a.size(axis) != 3 or input.size(axis) != other.size(axis):
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got "
            f"{shape_text(input.shape)} and {shape_text(other.shape)}"
        )
    # y[i] = a[i+1] b[i+2] - a[i+2] b[i+1]
    return roll(a, -1, axis) * roll(b, -2, axis) - roll(a, -2, axis) * roll(b, -1, axis)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: Any = None) -> Tensor:
    """The p-norm distance of each row of x1 to each row of x2.

    x1: (..., P, M), x2: (..., R, M); the result is (..., P, R), other axes broadcast. compute_mode:
    torch's hint on how to compute p = 2; here it changes nothing. The gradient of a distance 0 is
    0. Raises RuntimeError for fewer than two dimensions, integers, another M or a negative p.

    >>> import minitorch_cnn as mt
    >>> mt.cdist(mt.tensor([[0.0, 0.0]]), mt.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
        if not x.dtype.is_floating_point:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype}")
    if x1.size(-1) != x2.size(-1):
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.size(-1)} X2: {x2.size(-1)}"
        )
    if not p >= 0:
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    difference = unsqueeze(x1, -2) - unsqueeze(x2, -3)  # (..., P, R, M)
    # A root has an infinite slope at 0: equal rows get the distance 0 without going through it.
    equal = (difference == 0).all(-1)
    moved = where(unsqueeze(equal, -1), 1.0, difference)
    return where(equal, 0.0, p_norm(moved, p, -1))


def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Each slice along dim scaled down so that its p-norm is maxnorm at most.

    Any shape of two dimensions or more, which stays; slices that are short enough do too. Raises
    RuntimeError for fewer than two dimensions, p <= 0 or a negative maxnorm; IndexError for a dim
    out of range.

    >>> import minitorch_cnn as mt
    >>> mt.renorm(mt.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)  # rows of length 5 and 0.5
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    if not p > 0:
        raise RuntimeError(f"renorm: non-positive norm not supported: p={p}")
    if not maxnorm >= 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.ndim < 2:
        raise RuntimeError(
            f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions"
        )
    axis = input._dim(dim)
    others = [i for i in range(input.ndim) if i != axis]
    lengths = p_norm(input, p, others, True)
    too_long = lengths > maxnorm
    return input * where(too_long, maxnorm / (where(too_long, lengths, 1.0) + 1e-7), 1.0)
