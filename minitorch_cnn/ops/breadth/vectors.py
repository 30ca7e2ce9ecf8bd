"""Functions of class numbers and feature vectors: one_hot, normalize, cosine_similarity."""

from __future__ import annotations

from ...backend import array_module
from ...tensor import Tensor, wrap
from ..out import write_out
from ..shape import broadcast_tensors


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers as rows of zeros with a single 1: (...) -> (..., num_classes), int64.

    num_classes: -1 for the largest number plus 1.
    Raises RuntimeError for numbers that are negative or not below num_classes.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.one_hot(mt.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if tensor.dtype.category != 1:
        raise RuntimeError(f"one_hot is only applicable to index tensor, got {tensor.dtype}")
    if tensor.numel() == 0 and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if tensor.numel() and int(tensor.min()) < 0:
        raise RuntimeError(f"Class values must be non-negative, got {int(tensor.min())}")
    if num_classes == -1:
        num_classes = int(tensor.max()) + 1
    if tensor.numel() and int(tensor.max()) >= num_classes:
        raise RuntimeError(
            f"Class values must be smaller than num_classes, got {int(tensor.max())} and "
            f"num_classes={num_classes}"
        )
    xp = array_module(tensor.array)
    hits = tensor.array[..., None] == xp.arange(num_classes)
    return wrap(hits.astype(xp.int64))


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """input divided by its p-norm along dim (by eps where the norm is smaller).

    out: a tensor to write the result into.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.normalize(mt.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    result = input / input.norm(p, dim, keepdim=True).clamp(min=eps)
    return result if out is None else write_out("normalize", result, out)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along dim: 1 for the same direction.

    >>> import minitorch_cnn as mt
    >>> x, y = mt.tensor([[1.0, 0.0]]), mt.tensor([[1.0, 1.0]])
    >>> mt.nn.functional.cosine_similarity(x, y)
    tensor([0.7071])
    """
    x1, x2 = broadcast_tensors(x1, x2)
    lengths = [x.norm(2, dim, keepdim=True).clamp(min=eps) for x in (x1, x2)]
    return ((x1 / lengths[0]) * (x2 / lengths[1])).sum(dim=dim)
