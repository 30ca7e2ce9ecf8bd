"""Methods that write a tensor's elements one by one, by a Python function, and its diagonal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Tensor, shape_text
from ..common import is_number
from ..creation import tensor as from_list
from ..inplace import setitem, write

__all__: list[str] = []


def _mapped(name: str, input: Tensor, others: tuple[Tensor, ...], function: Callable) -> Tensor:
    """input, written over with what the function gives for its elements and those of others."""
    if input.is_cuda or input.requires_grad:
        why = "on a GPU" if input.is_cuda else "that requires grad"
        raise TypeError(f"{name}: not for a tensor {why}; it calls Python for each element")
    arrays = np.broadcast_arrays(input.array, *[each.array for each in others])
    if arrays[0].shape != input.shape:
        raise RuntimeError(f"{name}: the other tensors do not expand to {shape_text(input.shape)}")
    if any(each.requires_grad for each in others):
        raise RuntimeError(f"{name}: another tensor requires grad; use tensor.detach()")
    columns = [each.reshape(-1).tolist() for each in arrays]
    values = [function(*each) for each in zip(*columns, strict=True)]
    if not all(is_number(value) for value in values):
        raise TypeError(f"{name}: the function must return numbers, but it returned {values!r:.60}")
    return write(input, from_list(values, dtype=input.dtype).reshape(input.shape))


def apply_(input: Tensor, callable: Any) -> Tensor:
    """Writes ``callable(value)`` over every element, of any shape. Returns the tensor.

    A Python call for each element: slow. Raises TypeError for a tensor that requires grad or is
    on a GPU.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.0, 2.0]).apply_(lambda value: value * 10)
    tensor([10., 20.])
    """
    return _mapped("apply_", input, (), callable)


def map_(input: Tensor, tensor: Tensor, callable: Any) -> Tensor:
    """Writes ``callable(value, other value)`` over every element, of any shape. Returns it.

    tensor: of a shape that expands to input's. Slow, and raises as `apply_` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.0, 2.0]).map_(mt.tensor([3.0, 4.0]), lambda a, b: a + b)
    tensor([4., 6.])
    """
    return _mapped("map_", input, (tensor,), callable)


def map2_(input: Tensor, x: Tensor, y: Tensor, callable: Any) -> Tensor:
    """As `map_`, for any shape, with two tensors that expand to it. Raises as `apply_` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.0]).map2_(mt.tensor([2.0]), mt.tensor([3.0]), lambda a, b, c: a + b * c)
    tensor([7.])
    """
    return _mapped("map2_", input, (x, y), callable)


def fill_diagonal_(input: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Writes a number on the main diagonal of a matrix (N, M), or of a cube (N, N, N).

    wrap: in a matrix with more rows than columns, begin anew one row below the end. Returns the
    tensor. Raises RuntimeError for a vector, and for unequal lengths beyond two dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 2).fill_diagonal_(5)
    tensor([[5., 0.],
            [0., 5.]])
    """
    shape = input.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError(
            f"all dimensions of input must be of equal length, got {shape_text(shape)}"
        )
    if wrap and len(shape) == 2:
        rows = np.arange(shape[0])
        rows = rows[rows % (shape[1] + 1) < shape[1]]
        places = [rows, rows % (shape[1] + 1)]
    else:
        places = [np.arange(min(shape))] * len(shape)
    setitem(input, tuple(from_list(each, device=input.device) for each in places), fill_value)
    return input
