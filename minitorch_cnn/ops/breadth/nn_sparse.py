"""Torch's "Sparse functions": embedding and one_hot, rows of a table by their numbers."""

from __future__ import annotations

from typing import Any

from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..common import same_device
from ..indexing import AddIntoZeros, check_index

__all__ = ["embedding", "one_hot"]


class TableRows(Function):
    """y (..., D) = the rows of weight (V, D) at the positions index (...)

    Each row's gradient counts `factor` (...) times; None is 1.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, index: Tensor, factor: Tensor | None) -> Tensor:
        ctx.shape, ctx.factor = weight.shape, factor
        ctx.save_for_backward(index)
        return wrap(weight.array[index.array])

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        (index,) = ctx.saved_tensors
        if ctx.factor is not None:
            factor = ctx.factor.unsqueeze(-1)
            gy = where(factor == 0, 0.0, gy * factor)  # a NaN does not reach the padding's row
        return AddIntoZeros.apply(gy, ctx.shape, (index.array,)), None, None


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of a table: input (...) of row numbers, weight (V, D) -> (..., D).

    padding_idx: this row gets no gradient; negative numbers count from the end. max_norm: rows that
    are used and longer than this (in the norm norm_type) are shortened to it first, in the table
    itself. scale_grad_by_freq: gradients are divided by how often the row is in the input. Raises
    IndexError for row numbers that the table does not have, RuntimeError for numbers that are no
    integers or a table that is no matrix, AssertionError for a padding_idx out of range,
    NotImplementedError for sparse=True.

    >>> import minitorch_cnn as mt
    >>> table = mt.tensor([[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]])
    >>> mt.nn.functional.embedding(mt.tensor([2, 0]), table)
    tensor([[2.0000, 2.5000],
            [0.0000, 0.5000]])
    """
    if sparse:
        raise NotImplementedError("embedding: sparse=True (sparse gradients) is not supported")
    if weight.ndim != 2:
        raise RuntimeError(f"embedding: 'weight' must be 2-D, got {shape_text(weight.shape)}")
    if input.dtype.category != 1:
        raise RuntimeError(
            f"embedding: expected the row numbers to be integers (mt.int64), got {input.dtype}"
        )
    same_device(input, weight)
    rows = weight.shape[0]
    check_index(input, rows, 0)
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError(
                f"padding_idx must be within num_embeddings = {rows}, got {padding_idx}"
            )
        padding_idx %= rows
    if max_norm is not None:
        _shorten_rows(weight, input, max_norm, norm_type)
    factor = None
    if padding_idx is not None or scale_grad_by_freq:
        factor = _gradient_factor(input, weight, padding_idx, scale_grad_by_freq)
    return TableRows.apply(weight, input, factor)


def _gradient_factor(
    index: Tensor, weight: Tensor, padding_idx: int | None, by_frequency: bool
) -> Tensor:
    """What each row's gradient is multiplied with: 0 for padding, 1 / count by frequency."""
    xp = array_module(index.array)
    places = index.array
    factor = xp.ones(places.shape, weight.array.dtype)
    if by_frequency:
        counts = xp.bincount(places.reshape(-1), minlength=weight.shape[0])
        factor = factor / counts[places].astype(factor.dtype)
    if padding_idx is not None:
        factor = xp.where(places == padding_idx, 0, factor).astype(weight.array.dtype)
    return wrap(xp.asarray(factor))


def _shorten_rows(weight: Tensor, index: Tensor, max_norm: float, norm_type: float) -> None:
    """Scales the rows of the table that are used, and too long, to the length max_norm."""
    xp = array_module(weight.array)
    used = xp.unique(index.array)
    rows = weight.array[used]
    lengths = xp.linalg.norm(rows, norm_type, axis=1, keepdims=True)
    weight._before_write()
    # The small number is torch's.
    weight.array[used] = xp.where(lengths > max_norm, rows * (max_norm / (lengths + 1e-7)), rows)
    weight._bump_version()


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers as rows of zeros with a single 1: (...) -> (..., num_classes), int64.

    num_classes: -1 for the largest number plus 1. Raises RuntimeError for numbers that are
    negative, not below num_classes or no integers.

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
