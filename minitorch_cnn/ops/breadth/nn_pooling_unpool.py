"""Unpooling: maxima put back to the places they came from, for 1, 2 and 3 dimensions."""

from __future__ import annotations

import math
from typing import Any

from ...kernels.geometry import numbers
from ...tensor import Tensor, shape_text
from ..memory_format import like

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """`max_unpool2d` for sequences: (N, C, L) or (C, L) -> (..., OL).

    Raises as `max_unpool2d` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1.0, 5.0, 2.0, 3.0]])
    >>> mt.nn.functional.max_unpool1d(*mt.nn.functional.max_pool1d(x, 2, return_indices=True), 2)
    tensor([[0., 5., 0., 3.]])
    """
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Puts maxima back to the places they came from, zeros elsewhere.

    input and indices: the two results of `max_pool2d` with return_indices, (N, C, H, W) or
    (C, H, W); the result is (..., OH, OW). output_size: the size before pooling, of which pooling
    may have lost a remainder. Raises RuntimeError for shapes, indices or strides that do not fit,
    ValueError for an output_size from which pooling cannot have come.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[1.0, 5.0], [3.0, 4.0]]])
    >>> mt.nn.functional.max_unpool2d(*mt.nn.functional.max_pool2d(x, 2, return_indices=True), 2)
    tensor([[[0., 5.],
             [0., 0.]]])
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """`max_unpool2d` for volumes: (N, C, D, H, W) or (C, D, H, W) -> (..., OD, OH, OW).

    Raises as `max_unpool2d` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[[1.0, 5.0], [3.0, 4.0]]]])
    >>> y, indices = mt.nn.functional.max_pool3d(x, (1, 2, 2), return_indices=True)
    >>> mt.nn.functional.max_unpool3d(y, indices, (1, 2, 2))
    tensor([[[[0., 5.],
              [0., 0.]]]])
    """
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)


def _unpool(
    dims: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    name = f"max_unpool{dims}d"
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}: Input must be {dims + 1}D or {dims + 2}D, got {shape_text(input.shape)}"
        )
    if 0 in input.shape[1:]:
        raise RuntimeError(
            f"{name}: Expected input to have non-zero size for non-batch dimensions, but got "
            f"{shape_text(input.shape)}"
        )
    if indices.dtype.category != 1:
        raise RuntimeError(f"{name}: elements in indices should be int64, got {indices.dtype}")
    if indices.shape != input.shape:
        raise RuntimeError(
            "Expected shape of indices to be the same as that of the input "
            f"({shape_text(input.shape)}), but got indices with shape {shape_text(indices.shape)}"
        )
    kernel = numbers("kernel_size", kernel_size, dims)
    step = kernel if stride is None else numbers("stride", stride, dims)
    if min(step) <= 0:
        raise RuntimeError(f"{name}: strides should be greater than zero, but got {list(step)}")
    border = numbers("padding", padding, dims)
    size = tuple(
        (n - 1) * s - 2 * p + k
        for n, s, p, k in zip(input.shape[-dims:], step, border, kernel, strict=True)
    )
    if output_size is not None:
        size = _wanted_size(tuple(output_size), size, step)
    area = math.prod(size)
    index = indices.array
    if not bool(((index >= 0) & (index < area)).all()):
        raise RuntimeError(
            f"Found an invalid max index: they go from {index.min()} to {index.max()}, but the "
            f"output of size {list(size)} has the places 0 to {area - 1}"
        )
    flat = input.new_zeros((*input.shape[:-dims], area))
    y = flat.scatter(-1, indices.flatten(-dims), input.flatten(-dims)).unflatten(-1, size)
    return like(input, y) if dims == 2 else y


def _wanted_size(wanted: tuple, usual: tuple, stride: tuple) -> tuple[int, ...]:
    """The spatial part of output_size. Raises ValueError if pooling cannot have come from it."""
    dims = len(usual)
    if len(wanted) == dims + 2:
        wanted = wanted[2:]
    if len(wanted) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it "
            f"has a length of {len(wanted)}"
        )
    for want, length, step in zip(wanted, usual, stride, strict=True):
        if not length - step < want < length + step:
            raise ValueError(
                f"invalid output_size {wanted}: each length must be within the stride {stride} of "
                f"{usual}"
            )
    return wanted
