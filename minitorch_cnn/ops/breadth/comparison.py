"""Torch's "Comparison Ops" beyond compare.py: sort, argsort, msort, topk, kthvalue, isin.

Values are differentiable: they are gathered from the input at the positions found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import return_types
from ...backend import array_module
from ...tensor import Tensor, wrap
from ..common import as_operand
from ..positions import gather
from ..reduce import at_position, needs_elements

__all__ = ["argsort", "sort", "msort", "topk", "kthvalue", "isin"]


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The positions (int64) of the elements along a dimension in rising (or falling) order.

    Any shape, and the result has it too. Always stable: equal elements keep their order. NaN counts
    as the largest. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([30, 10, 20, 10])
    >>> x.argsort(), x[x.argsort()]
    (tensor([1, 3, 2, 0]), tensor([10, 10, 20, 30]))
    """
    axis = input._dim(dim)
    if input.ndim == 0:
        return wrap(array_module(input.array).zeros((), np.int64))
    xp, array = array_module(input.array), input.array
    if not descending:
        return wrap(xp.argsort(array, axis=axis, kind="stable"))
    # Sorted backwards and read backwards, so that equal elements keep their order here too.
    order = xp.argsort(xp.flip(array, axis), axis=axis, kind="stable")
    return wrap(xp.flip(array.shape[axis] - 1 - order, axis))


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool | None = None) -> Any:
    """(values, indices) in rising (or falling) order along a dimension, both of the input's shape.

    indices are int64, those of `argsort`. The gradient goes back to where each value came from.
    Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> values, indices = mt.tensor([3.0, 1.0, 2.0]).sort(descending=True)
    >>> values, indices
    (tensor([3., 2., 1.]), tensor([0, 2, 1]))
    """
    indices = argsort(input, dim, descending)
    return return_types.sort(gather(input, dim, indices), indices)


def msort(input: Tensor) -> Tensor:
    """The elements in rising order along dimension 0: each column by itself, rows are not kept.

    Any shape, and the result has it too: ``sort(input, 0).values``. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.msort(mt.tensor([[3, 1], [2, 5]]))
    tensor([[2, 1],
            [3, 5]])
    """
    return sort(input, 0).values


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(values, indices) of the k largest (or smallest) elements along a dimension, in order.

    Both have the input's shape with length k in that dimension; indices are int64. sorted=False
    changes nothing: they are in order anyway. Raises RuntimeError unless k is between 0 and the
    length and for bools, IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> values, indices = mt.tensor([3.0, 1.0, 2.0]).topk(2)
    >>> values, indices
    (tensor([3., 2.]), tensor([0, 2]))
    """
    if input.dtype.category == 0:
        raise RuntimeError("topk does not support bool dtypes")
    axis = input._dim(dim)
    length = input.size(axis) if input.ndim else 1
    if not 0 <= k <= length:
        raise RuntimeError(f"selected index k out of range: k={k}, dimension of size {length}")
    order = argsort(input, dim, descending=largest)
    indices = order.narrow(axis, 0, k).contiguous() if input.ndim else order
    return return_types.topk(gather(input, dim, indices), indices)


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the k-th smallest element along a dimension, counted from 1.

    Any shape. That dimension disappears, or with keepdim has length 1; indices are int64. Raises
    RuntimeError unless k is between 1 and the length, IndexError for a dim out of range or without
    elements.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([30, 10, 20]).kthvalue(2).values
    tensor(20)
    """
    axis = input._dim(dim)
    length = input.size(axis) if input.ndim else 1
    needs_elements("kthvalue", input, (axis,) if input.ndim else ())
    kind = return_types.kthvalue
    if not 1 <= k <= length:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: k={k}")
    if input.ndim == 0:
        return kind(input.clone(), argsort(input))
    return at_position(kind, input, axis, argsort(input, axis).narrow(axis, k - 1, 1), keepdim)


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """True where an element is one of the test elements (invert: where it is not).

    Any shapes; the result is bool, in the shape of elements. One of the two may be a number.
    assume_unique changes nothing. Raises TypeError if neither is a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.isin(mt.tensor([1, 2, 3]), mt.tensor([2, 5]))
    tensor([False,  True, False])
    """
    some = elements if isinstance(elements, Tensor) else test_elements
    if not isinstance(some, Tensor):
        raise TypeError("isin(): at least one of elements and test_elements must be a Tensor")
    arrays = [
        each.array if isinstance(each, Tensor) else array_module(some.array).asarray(each)
        for each in (as_operand(elements, some), as_operand(test_elements, some))
    ]
    return wrap(array_module(some.array).isin(*arrays, invert=invert))
