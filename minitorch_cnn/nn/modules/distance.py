"""Distances between vectors, as layers."""

from __future__ import annotations

from ...tensor import Tensor
from ..functional import cosine_similarity, pairwise_distance
from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """x1 . x2 / (|x1| |x2|): the cosine of the angle between vectors along dim, from -1 to 1.

    x1, x2: shapes that broadcast; the result lacks dim. Lengths below eps count as eps, so a vector
    of zeros gives 0. Raises RuntimeError for shapes that do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.nn.CosineSimilarity(dim=0)(mt.tensor([1.0, 1.0]), mt.tensor([2.0, 0.0]))  # 45 degrees
    tensor(0.7071)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 + eps along the last dimension: (N, D), (N, D) -> (N,).

    keepdim: (N, 1). eps keeps the gradient at 0 finite. Any leading dimensions that broadcast; else
    raises RuntimeError.

    >>> import minitorch_cnn as mt
    >>> mt.nn.PairwiseDistance(eps=0.0)(mt.tensor([3.0, 4.0]), mt.zeros(2))
    tensor(5.)
    >>> mt.nn.PairwiseDistance(p=1, eps=0.0)(mt.tensor([3.0, 4.0]), mt.zeros(2))
    tensor(7.)
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
