"""Torch's "Indexing, Slicing, Joining, Mutating Ops" beyond join.py: column_stack, hsplit, ..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...tensor import Tensor, shape_text, wrap
from ..join import atleast_2d, cat, tensor_list, tensor_split
from ..shape import int_tuple, reshape
from .other_matrices import atleast_3d

__all__ = ["column_stack", "dstack", "row_stack", "hsplit", "vsplit", "dsplit", "unravel_index"]


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 1, vectors counting as columns.

    >>> import minitorch_cnn as mt
    >>> mt.column_stack([mt.tensor([1, 2]), mt.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    parts = tensor_list("column_stack", tensors)
    return cat([reshape(x, (x.numel(), 1)) if x.ndim < 2 else x for x in parts], 1)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 2, after `atleast_3d`."""
    return cat([atleast_3d(x) for x in tensor_list("dstack", tensors)], 2)


def row_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 0, vectors counting as rows."""
    return cat([atleast_2d(x) for x in tensor_list("row_stack", tensors)], 0)


def _split_along(name: str, input: Tensor, how: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    if input.ndim < least:
        raise RuntimeError(
            f"{name} requires a tensor with at least {least} dimension(s), but got "
            f"{shape_text(input.shape)}"
        )
    if isinstance(how, int) and (how <= 0 or input.size(dim) % how):
        raise RuntimeError(
            f"{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{input.size(dim)} is not divisible by the split_size {how}!"
        )
    return tensor_split(input, how, dim)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along dimension 1 (0 for vectors), into equal parts or at indices."""
    return _split_along("torch.hsplit", input, indices_or_sections, int(input.ndim > 1), 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along dimension 0, into equal parts or at indices."""
    return _split_along("torch.vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along dimension 2, into equal parts or at indices."""
    return _split_along("torch.dsplit", input, indices_or_sections, 2, 3)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Positions in a flattened tensor of that shape as one tensor of positions for each axis.

    >>> import minitorch_cnn as mt
    >>> mt.unravel_index(mt.tensor([5]), (2, 3))
    (tensor([1]), tensor([2]))
    """
    lengths = int_tuple((shape,))
    if indices.dtype.category != 1:
        raise ValueError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if any(n < 0 for n in lengths):
        raise ValueError(f"'shape' cannot have negative values, but got {lengths}")
    places, rest = [], indices.array
    for n in reversed(lengths):
        places.append(wrap(rest % n))
        rest = rest // n
    return tuple(reversed(places))
