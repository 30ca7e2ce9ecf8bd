"""Pooling of sequences (N, C, L) or (C, L): that of images one pixel high. And lp_pool."""

from __future__ import annotations

import math
from typing import Any

from ..tensor import Tensor, shape_text
from .activation import relu
from .elementwise import sign
from .pool import adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d, max_pool2d
from .pool3d import avg_pool3d
from .window import numbers

__all__ = [
    "max_pool1d", "max_pool1d_with_indices", "avg_pool1d", "adaptive_avg_pool1d",
    "adaptive_max_pool1d", "lp_pool1d", "lp_pool2d", "lp_pool3d",
]  # fmt: skip


def _image(function: str, input: Tensor) -> Tensor:
    """(..., C, L) as (..., C, 1, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"{function}() Expected 2D or 3D input tensor, but got {shape_text(input.shape)}"
        )
    return input.unsqueeze(-2)


def _row(name: str, value: Any, above: int) -> tuple[int, int]:
    """(above, value): what the axis of height 1 has, and what the user says of the other."""
    return above, numbers(name, value, 1)[0]


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window: (N, C, L) or (C, L) -> (..., OL). Arguments as `max_pool2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.max_pool1d(mt.tensor([[1.0, 5.0, 2.0, 2.0]]), 2)
    tensor([[5., 2.]])
    """
    result = max_pool2d(
        _image("max_pool1d", input),
        _row("kernel_size", kernel_size, 1),
        None if _absent(stride) else _row("stride", stride, 1),
        _row("padding", padding, 0),
        _row("dilation", dilation, 1),
        ceil_mode,
        return_indices,
    )
    return tuple(each.squeeze(-2) for each in result) if return_indices else result.squeeze(-2)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """`max_pool1d` with return_indices."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window: (N, C, L) or (C, L) -> (..., OL). Arguments as `avg_pool2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.avg_pool1d(mt.tensor([[1.0, 5.0, 2.0, 2.0]]), 2)
    tensor([[3., 2.]])
    """
    y = avg_pool2d(
        _image("avg_pool1d", input),
        _row("kernel_size", kernel_size, 1),
        None if _absent(stride) else _row("stride", stride, 1),
        _row("padding", padding, 0),
        ceil_mode,
        count_include_pad,
    )
    return y.squeeze(-2)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of OL bins that cover the sequence; bins as in `adaptive_avg_pool2d`."""
    image = _image("adaptive_avg_pool1d", input)
    return adaptive_avg_pool2d(image, (1, *numbers("output_size", output_size, 1))).squeeze(-2)


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of OL bins that cover the sequence; bins as in `adaptive_avg_pool2d`."""
    image = _image("adaptive_max_pool1d", input)
    size = (1, *numbers("output_size", output_size, 1))
    result = adaptive_max_pool2d(image, size, return_indices)
    return tuple(each.squeeze(-2) for each in result) if return_indices else result.squeeze(-2)


def _absent(stride: Any) -> bool:
    """torch's default is None; an empty list means the same."""
    return stride is None or stride == [] or stride == ()


# ---------------------------------------------------------------------------------- lp_pool


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """(sum of x^p over each window)^(1/p), p being norm_type: (N, C, L) -> (N, C, OL).

    1 is the sum, and large p come near the maximum. Sums below 0 (odd p) count as 0.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.lp_pool1d(mt.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    means = avg_pool1d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _root(means, norm_type, numbers("kernel_size", kernel_size, 1))


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """`lp_pool1d` for images: (N, C, H, W) -> (N, C, OH, OW)."""
    means = avg_pool2d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _root(means, norm_type, numbers("kernel_size", kernel_size, 2))


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """`lp_pool1d` for volumes: (N, C, D, H, W) -> (N, C, OD, OH, OW)."""
    means = avg_pool3d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _root(means, norm_type, numbers("kernel_size", kernel_size, 3))


def _root(means: Tensor, p: float, kernel: tuple[int, ...]) -> Tensor:
    """The root of the sums that these are the means of; as in torch, 0 for negative ones."""
    positive = sign(means) * relu(means.abs())
    return (positive * math.prod(kernel)) ** (1 / p)
