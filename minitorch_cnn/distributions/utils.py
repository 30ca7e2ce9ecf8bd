"""Small things that distributions and programs with distributions of their own need."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import ops
from ..autograd.modes import enable_grad
from ..dtypes import finfo
from ..missing import refuse_missing
from ..nn.functional import softmax
from ..tensor import Tensor
from .distribution import broadcast_all

__all__ = [
    "broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits",
    "tril_matrix_to_vec", "vec_to_tril_matrix",
]  # fmt: skip


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities a little away from 0 and 1, whose logarithms are finite."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of logits: of one event each, or of the K classes (..., K).

    >>> import minitorch_cnn as mt
    >>> logits_to_probs(mt.zeros(2)), logits_to_probs(mt.zeros(1), is_binary=True)
    (tensor([0.5000, 0.5000]), tensor([0.5000]))
    """
    return logits.sigmoid() if is_binary else softmax(logits, -1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Logits of probabilities: log(p / (1 - p)) of one event each, or log(p) of classes.

    >>> import minitorch_cnn as mt
    >>> probs_to_logits(mt.tensor([0.5]), is_binary=True)
    tensor([0.])
    """
    clamped = clamp_probs(probs)
    return clamped.log() - ops.log1p(-clamped) if is_binary else clamped.log()


class lazy_property:
    """A decorator: a property that is computed when first asked for, with gradients, and kept."""

    def __init__(self, wrapped: Callable) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return property(self.wrapped)
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Lower triangular matrices (..., n, n) filled row by row, up to the diagonal `diag`.

    >>> import minitorch_cnn as mt
    >>> vec_to_tril_matrix(mt.tensor([1.0, 2.0, 3.0]))
    tensor([[1., 0.],
            [2., 3.]])
    """
    count = vec.shape[-1]
    n = -(1 + 2 * diag) + math.isqrt((1 + 2 * diag) ** 2 + 8 * count + 4 * abs(diag) * (diag + 1))
    n //= 2
    rows, columns = ops.tril_indices(n, n, offset=diag)
    if rows.numel() != count:
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as the lower "
            "triangular part of a square D x D matrix."
        )
    places = (rows * n + columns).to(vec.device)
    matrix = vec.new_zeros((*vec.shape[:-1], n * n)).index_copy(-1, places, vec)
    return matrix.reshape(*vec.shape[:-1], n, n)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The numbers of square matrices up to the diagonal `diag`, row by row.

    >>> import minitorch_cnn as mt
    >>> tril_matrix_to_vec(mt.tensor([[1.0, 9.0], [2.0, 3.0]]))
    tensor([1., 2., 3.])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = ops.tril_indices(n, n, offset=diag)
    return mat[..., rows.to(mat.device), columns.to(mat.device)]


refuse_missing(globals())
