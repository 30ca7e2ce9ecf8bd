"""Of torch's "Creation Ops", those that say how a new tensor lies in memory."""

from __future__ import annotations

import math
from typing import Any

from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..creation import empty, valid_shape
from ..shape import int_tuple

__all__ = ["empty_permuted", "empty_strided"]


def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of that shape, (N, C) for example, whose axes lie `stride` elements apart.

    Its values are whatever the memory held; with a stride of 0 an element shows several times.
    Raises RuntimeError for as many strides as there are not dimensions, and for negative numbers.

    >>> import minitorch_cnn as mt
    >>> mt.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    shape = valid_shape(int_tuple((size,), "empty_strided", "size"))
    steps = int_tuple((stride,), "empty_strided", "stride")
    if len(steps) != len(shape):
        raise RuntimeError(
            f"empty_strided: dimensionality of sizes ({len(shape)}) must match dimensionality of "
            f"strides ({len(steps)}), got {shape_text(shape)} and {shape_text(steps)}"
        )
    if min(steps, default=0) < 0:
        raise RuntimeError(f"empty_strided: strides must not be negative, got {shape_text(steps)}")
    count = 0
    if all(shape):
        count = 1 + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    flat = empty(count, dtype=dtype, device=device).array
    bytes_apart = [step * flat.itemsize for step in steps]
    result = wrap(array_module(flat).lib.stride_tricks.as_strided(flat, shape, bytes_apart))
    return result.requires_grad_() if requires_grad else result


def new_empty_strided(
    input: Tensor,
    size: Any,
    stride: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`empty_strided(size, stride)`, of any shape, with this tensor's dtype and device.

    Raises as `empty_strided` does.

    >>> import minitorch_cnn as mt
    >>> mt.ones(1).new_empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    return empty_strided(
        size,
        stride,
        dtype=input.dtype if dtype is None else dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


def empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of that shape, (N, C, H, W) for example, whose axes lie in memory in that order.

    physical_layout: the axes, the outermost first. Its values are whatever the memory held. Raises
    RuntimeError for what is no order of the axes.

    >>> import minitorch_cnn as mt
    >>> mt.empty_permuted((2, 3, 4), (0, 2, 1)).stride()
    (12, 1, 3)
    """
    shape = valid_shape(int_tuple((size,), "empty_permuted", "size"))
    order = int_tuple((physical_layout,), "empty_permuted", "physical_layout")
    if sorted(order) != list(range(len(shape))):
        raise RuntimeError(
            f"empty_permuted: physical_layout {shape_text(order)} is no order of the axes of "
            f"{shape_text(shape)}: each number must occur exactly once"
        )
    lengths = [shape[axis] for axis in order]
    steps = [0] * len(shape)
    for place, axis in enumerate(order):
        steps[axis] = math.prod(max(n, 1) for n in lengths[place + 1 :])
    return empty_strided(shape, steps, dtype=dtype, device=device, requires_grad=requires_grad)
