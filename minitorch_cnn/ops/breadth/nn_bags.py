"""embedding_bag, of torch's "Sparse functions": the sum, mean or maximum of rows of a table."""

from __future__ import annotations

import numpy as np

from ...tensor import Tensor, shape_text
from ..creation import from_numpy, zeros
from ..join import stack
from .nn_sparse import embedding

__all__ = ["embedding_bag"]


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """A row for each bag of row numbers: input (B, L), or (L,) with offsets (B,) -> (B, D).

    weight: (V, D). offsets: where each bag begins; with include_last_offset, also where the last
    one ends. mode: "sum", "mean" or "max"; an empty bag gives zeros. per_sample_weights: factors of
    input's shape, for "sum" alone. padding_idx: this row does not count. The other arguments as
    `embedding`. Raises ValueError for shapes, offsets or a mode that do not fit, RuntimeError for a
    padding_idx beyond the table, NotImplementedError for factors in another mode, and as
    `embedding`.

    >>> import minitorch_cnn as mt
    >>> table = mt.tensor([[1.0], [2.0], [4.0]])
    >>> bags = mt.tensor([0, 1, 2]), table, mt.tensor([0, 2])
    >>> mt.nn.functional.embedding_bag(*bags, mode="sum")  # rows 0 and 1; row 2
    tensor([[3.],
            [4.]])
    """
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}')."
        )
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({shape_text(per_sample_weights.shape)}) is not "
            f"None, then it must have the same shape as the input ({shape_text(input.shape)})"
        )
    if padding_idx is not None and not -weight.shape[0] <= padding_idx < weight.shape[0]:
        raise RuntimeError(
            "embedding_bag: padding_idx must be within the number of embeddings, "
            f"{weight.shape[0]}, got {padding_idx}"
        )
    starts = _starts(input, offsets, include_last_offset)
    flat = input.reshape(-1)
    numbers = np.asarray(flat.cpu().numpy())
    outside = (numbers < 0) | (numbers >= weight.shape[0])
    if outside.any():
        raise RuntimeError(
            "embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be "
            f"{numbers[outside][0]} of a table of {weight.shape[0]} rows"
        )
    rows = embedding(flat, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    counts = np.ones(len(numbers), bool)
    if padding_idx is not None:
        counts = numbers != padding_idx % weight.shape[0]
    begins = starts[:-1] if include_last_offset else starts
    stops = [*begins[1:], len(numbers)]  # the last one goes to the end, whatever its offset says
    if mode == "max":
        return _maxima(rows, counts, begins, stops)
    kept = np.flatnonzero(counts if begins else counts[:0])
    bag = np.searchsorted(begins, kept, side="right") - 1
    places = from_numpy(kept).to(rows.device)
    summands = rows.index_select(0, places)
    if per_sample_weights is not None:
        summands = summands * per_sample_weights.reshape(-1, 1).index_select(0, places)
    result = zeros(len(begins), weight.shape[1], dtype=rows.dtype, device=rows.device)
    result = result.index_add(0, from_numpy(bag).to(rows.device), summands)
    if mode == "mean":
        size = np.maximum(np.bincount(bag, minlength=len(begins)), 1)
        result = result / from_numpy(size[:, None]).to(rows)
    return result


def _starts(input: Tensor, offsets: Tensor | None, include_last: bool) -> list[int]:
    """Where each bag begins among all row numbers."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch "
                f"of fixed length sequences. However, found offsets of type {type(offsets)}"
            )
        if include_last:
            raise ValueError("include_last_offset needs offsets, and a 2D input has none")
        bags, length = input.shape
        return [i * length for i in range(bags)]
    if input.ndim != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        )
    if offsets is None or offsets.ndim != 1:
        raise ValueError(f"offsets has to be a 1D Tensor but got {offsets!r:.60}")
    starts = offsets.tolist()
    if include_last and not starts:
        raise ValueError("include_last_offset: number of offsets should be at least 1")
    if starts and (starts[0] != 0 or starts[-1] > input.shape[0] or sorted(starts) != starts):
        raise ValueError(
            f"offsets have to begin with 0, rise, and end before {input.shape[0]}, the length of "
            f"the input; got {starts}"
        )
    return starts


def _maxima(rows: Tensor, counts: np.ndarray, begins: list[int], stops: list[int]) -> Tensor:
    bags = []
    for start, stop in zip(begins, stops, strict=True):
        kept = np.flatnonzero(counts[start:stop]) + start
        if len(kept):
            bags.append(rows.index_select(0, from_numpy(kept).to(rows.device)).max(0).values)
        else:
            bags.append(rows[:0].sum(0))  # zeros, which still have a gradient to hand on
    return stack(bags) if bags else rows.new_zeros((0, rows.shape[1]))
