"""Torch's "Distance functions": pairwise_distance, cosine_similarity, pdist."""

from __future__ import annotations

import numpy as np

from ...backend import array_module
from ...dtypes import result_type
from ...tensor import Tensor, wrap
from ..norms import p_norm
from ..shape import broadcast_tensors

__all__ = ["pairwise_distance", "cosine_similarity", "pdist"]


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension: (..., D) -> (...).

    The others broadcast. eps: keeps the gradient of equal vectors finite, as torch's. keepdim: the
    last dimension stays, with length 1. Raises RuntimeError if the shapes do not broadcast.

    >>> import minitorch_cnn as mt
    >>> x, y = mt.tensor([[3.0, 4.0]]), mt.zeros(1, 2)
    >>> mt.nn.functional.pairwise_distance(x, y, eps=0.0)
    tensor([5.])
    """
    return p_norm(x1 - x2 + eps, p, -1, keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along dim.

    1 for the same direction, 0 at right angles, -1 for opposite ones. (N, D) -> (N,) for dim 1; x1
    and x2 broadcast, and dim disappears. eps: the least length to divide by, so that vectors of
    zeros give 0. Raises RuntimeError if the shapes do not broadcast and for a negative eps,
    IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> x, y = mt.tensor([[1.0, 0.0]]), mt.tensor([[1.0, 1.0]])
    >>> mt.nn.functional.cosine_similarity(x, y)  # 45 degrees
    tensor([0.7071])
    """
    if not eps >= 0:
        raise RuntimeError(f"cosine_similarity: eps must not be negative, got {eps}")
    kind = result_type(x1, x2)
    if not kind.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {kind}"
        )
    x1, x2 = broadcast_tensors(x1.to(kind), x2.to(kind))
    lengths = [x.norm(2, dim, keepdim=True).clamp(min=eps) for x in (x1, x2)]
    return ((x1 / lengths[0]) * (x2 / lengths[1])).sum(dim=dim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distance of every pair of rows i < j of (N, D): (N (N - 1) / 2,).

    The gradient of a distance 0 is 0. Raises RuntimeError for other than two dimensions, integers
    or a negative p.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.pdist(mt.tensor([[0.0], [1.0], [3.0]]))  # 0-1, 0-3, 1-3
    tensor([1., 3., 2.])
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"pdist only supports floating-point dtypes, got {input.dtype}")
    if not p >= 0:
        raise RuntimeError(f"pdist only supports non-negative p values, got {p}")
    xp = array_module(input.array)
    first, second = np.triu_indices(input.shape[0], 1)
    difference = input.index_select(0, wrap(xp.asarray(first))) - input.index_select(
        0, wrap(xp.asarray(second))
    )
    return p_norm(difference, p, 1)
