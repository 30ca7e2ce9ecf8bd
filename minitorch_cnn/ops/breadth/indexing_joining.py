"""Torch's "Indexing, Slicing, Joining, Mutating Ops" beyond join.py: column_stack, hsplit, ..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...tensor import Tensor, shape_text, wrap
from ..arguments import as_int
from ..join import atleast_2d, cat, tensor_list, tensor_split
from ..shape import int_tuple, reshape
from .other_matrices import atleast_3d

__all__ = ["column_stack", "dstack", "row_stack", "hsplit", "vsplit", "dsplit", "unravel_index"]


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 1, vectors counting as columns.

    Vectors (n,) and matrices (n, m) -> (n, the sum of the columns); dtypes are promoted. Raises
    RuntimeError if the heights differ or the list is empty, TypeError for no list of tensors.

    >>> import minitorch_cnn as mt
    >>> mt.column_stack([mt.tensor([1, 2]), mt.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    parts = tensor_list("column_stack", tensors)
    return cat([reshape(x, (x.numel(), 1)) if x.ndim < 2 else x for x in parts], 1)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 2, after `atleast_3d`: pictures in grey become the channels of one.

    Matrices (H, W) -> (H, W, how many); vectors count as (1, n, 1); dtypes are promoted. Raises
    RuntimeError if the other lengths differ or the list is empty, TypeError for no list.

    >>> import minitorch_cnn as mt
    >>> mt.dstack([mt.tensor([[1, 2]]), mt.tensor([[10, 20]])])
    tensor([[[ 1, 10],
             [ 2, 20]]])
    """
    return cat([atleast_3d(x) for x in tensor_list("dstack", tensors)], 2)


def row_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along dimension 0, vectors counting as rows; `vstack` by its other name.

    Vectors (m,) and matrices (n, m) -> (the sum of the rows, m); dtypes are promoted. Raises
    RuntimeError if the widths differ or the list is empty, TypeError for no list of tensors.

    >>> import minitorch_cnn as mt
    >>> mt.row_stack([mt.tensor([1, 2]), mt.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat([atleast_2d(x) for x in tensor_list("row_stack", tensors)], 0)


def _split_along(name: str, input: Tensor, how: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    if input.ndim < least:
        raise RuntimeError(
            f"{name} requires a tensor with at least {least} dimension(s), but got "
            f"{shape_text(input.shape)}"
        )
    if not isinstance(how, tuple | list | Tensor):
        how = as_int(name, "indices_or_sections", how)
    if isinstance(how, int) and (how <= 0 or input.size(dim) % how):
        raise RuntimeError(
            f"{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{input.size(dim)} is not divisible by the split_size {how}!"
        )
    return tensor_split(input, how, dim)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Cut along dimension 1 (0 for vectors): (n, m, ...) -> a tuple of k views (n, m/k, ...).

    indices_or_sections: a number of equal parts, or the list of positions before which to cut.
    Raises RuntimeError for a 0-d tensor, or a length that the number does not divide.

    >>> import minitorch_cnn as mt
    >>> mt.hsplit(mt.tensor([[1, 2, 3, 4]]), 2)
    (tensor([[1, 2]]), tensor([[3, 4]]))
    >>> mt.hsplit(mt.tensor([1, 2, 3, 4]), [1])
    (tensor([1]), tensor([2, 3, 4]))
    """
    return _split_along("torch.hsplit", input, indices_or_sections, int(input.ndim > 1), 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Cut along dimension 0: (n, ...) -> a tuple of k views (n/k, ...).

    indices_or_sections: as for `hsplit`. Raises RuntimeError for fewer than two dimensions, or a
    length that the number does not divide.

    >>> import minitorch_cnn as mt
    >>> mt.vsplit(mt.tensor([[1, 2], [3, 4]]), 2)
    (tensor([[1, 2]]), tensor([[3, 4]]))
    """
    return _split_along("torch.vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Cut along dimension 2: (n, m, p, ...) -> a tuple of k views (n, m, p/k, ...).

    indices_or_sections: as for `hsplit`. Raises RuntimeError for fewer than three dimensions, or a
    length that the number does not divide.

    >>> import minitorch_cnn as mt
    >>> mt.dsplit(mt.tensor([[[1, 2], [3, 4]]]), 2)
    (tensor([[[1],
             [3]]]), tensor([[[2],
             [4]]]))
    """
    return _split_along("torch.dsplit", input, indices_or_sections, 2, 3)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Positions in a flattened tensor of that shape as one tensor of positions for each axis.

    indices: integers, any shape, which each result has too. Raises TypeError for another dtype,
    ValueError for a negative length. Positions beyond the end are not noticed: they start again.

    >>> import minitorch_cnn as mt
    >>> mt.unravel_index(mt.tensor([5]), (2, 3))  # [[0, 1, 2], [3, 4, 5]]
    (tensor([1]), tensor([2]))
    """
    if isinstance(shape, Tensor) and shape.ndim:
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {shape!r:.60}")
    for each in shape if isinstance(shape, tuple | list) else ():
        if isinstance(each, float):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {each}")
    lengths = int_tuple((shape,), "unravel_index", "shape")
    if indices.dtype.category != 1:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if any(n < 0 for n in lengths):
        raise ValueError(f"'shape' cannot have negative values, but got {lengths}")
    places, rest = [], indices.array
    for n in reversed(lengths):
        places.append(wrap(rest % n))
        rest = rest // n
    return tuple(reversed(places))
