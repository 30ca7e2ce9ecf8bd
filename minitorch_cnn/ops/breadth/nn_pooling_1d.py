"""Pooling of sequences (N, C, L) or (C, L): that of images one pixel high. And lp_pool."""

from __future__ import annotations

import math
from typing import Any

from ...kernels.geometry import numbers
from ...tensor import Tensor
from ..activation import relu
from ..adaptive_pool import adaptive_avg_pool2d, adaptive_max_pool2d
from ..elementwise import sign
from ..pool import (
    avg_pool2d,
    avg_pool_images,
    check_mean,
    max_pool2d,
    max_pool_images,
    pool_geometry,
)
from ..window import adaptive_size
from .nn_pooling_3d import avg_pool3d, max_pool3d

__all__ = [
    "max_pool1d", "max_pool1d_with_indices", "avg_pool1d", "adaptive_avg_pool1d",
    "adaptive_max_pool1d", "lp_pool1d", "lp_pool2d", "lp_pool3d",
]  # fmt: skip


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

    Raises as `max_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.max_pool1d(mt.tensor([[1.0, 5.0, 2.0, 2.0]]), 2)
    tensor([[5., 2.]])
    """
    moves = kernel_size, stride, padding, dilation, ceil_mode
    geometry = pool_geometry("max_pool1d", 1, input, *moves).image()
    result = max_pool_images(input.unsqueeze(-2), geometry, return_indices)
    return tuple(each.squeeze(-2) for each in result) if return_indices else result.squeeze(-2)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """`max_pool1d` with the places of the maxima: two tensors (N, C, OL), values and int64.

    Raises as `max_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.max_pool1d_with_indices(mt.tensor([[1.0, 5.0, 2.0, 2.0]]), 2)
    (tensor([[5., 2.]]), tensor([[1, 2]]))
    """
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

    Raises as `avg_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.avg_pool1d(mt.tensor([[1.0, 5.0, 2.0, 2.0]]), 2)
    tensor([[3., 2.]])
    """
    geometry = pool_geometry("avg_pool1d", 1, input, kernel_size, stride, padding, 1, ceil_mode)
    check_mean("avg_pool1d", input)
    image = input.unsqueeze(-2)
    return avg_pool_images(image, geometry.image(), count_include_pad, None).squeeze(-2)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of OL bins that cover the sequence: (N, C, L) or (C, L) -> (..., OL).

    Bins as in `adaptive_avg_pool2d`. Raises as `adaptive_avg_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_avg_pool1d(mt.arange(6.0).reshape(1, 6), 2)
    tensor([[1., 4.]])
    """
    size = adaptive_size("adaptive_avg_pool1d", 1, input.shape, output_size)
    return adaptive_avg_pool2d(input.unsqueeze(-2), (1, *size)).squeeze(-2)


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of OL bins that cover the sequence: (N, C, L) or (C, L) -> (..., OL).

    Bins as in `adaptive_avg_pool2d`; return_indices: also the places of the maxima (int64).
    Raises as `adaptive_max_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_max_pool1d(mt.arange(6.0).reshape(1, 6), 2)
    tensor([[2., 5.]])
    """
    size = adaptive_size("adaptive_max_pool1d", 1, input.shape, output_size)
    result = adaptive_max_pool2d(input.unsqueeze(-2), (1, *size), return_indices)
    return tuple(each.squeeze(-2) for each in result) if return_indices else result.squeeze(-2)


# ---------------------------------------------------------------------------------- lp_pool


def lp_pool1d(
    input: Tensor,
    norm_type: float | Tensor,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(sum of x^p over each window)^(1/p), p being norm_type: (N, C, L) -> (N, C, OL).

    1 is the sum; inf is the largest |x|, -inf the smallest. Sums below 0 (odd p) count as 0. A p
    that is a tensor gets its gradient. Raises as `avg_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.lp_pool1d(mt.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    if abs(norm_type) == math.inf:
        return _largest(max_pool1d, input, norm_type, kernel_size, stride, ceil_mode)
    means = avg_pool1d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _root(means, norm_type, numbers("kernel_size", kernel_size, 1))


def lp_pool2d(
    input: Tensor,
    norm_type: float | Tensor,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Tensor:
    """`lp_pool1d` for images: (N, C, H, W) -> (N, C, OH, OW). Raises as `avg_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.lp_pool2d(mt.tensor([[[3.0, 0.0], [0.0, 4.0]]]), 2, 2)
    tensor([[[5.]]])
    """
    if abs(norm_type) == math.inf:
        return _largest(max_pool2d, input, norm_type, kernel_size, stride, ceil_mode)
    means = avg_pool2d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _root(means, norm_type, numbers("kernel_size", kernel_size, 2))


def lp_pool3d(
    input: Tensor,
    norm_type: float | Tensor,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Tensor:
    """`lp_pool1d` for volumes: (N, C, D, H, W) -> (N, C, OD, OH, OW). Raises as `avg_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[[[3.0, 0.0], [0.0, 4.0]]]]])
    >>> mt.nn.functional.lp_pool3d(x, 2, (1, 2, 2))
    tensor([[[[[5.]]]]])
    """
    if abs(norm_type) == math.inf:
        return _largest(max_pool3d, input, norm_type, kernel_size, stride, ceil_mode)
    means = avg_pool3d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _root(means, norm_type, numbers("kernel_size", kernel_size, 3))


def _largest(pool: Any, x: Tensor, p: Any, kernel: Any, stride: Any, ceil_mode: bool) -> Tensor:
    """The largest |x| of each window for p = inf, the smallest for -inf."""
    turn = 1 if p > 0 else -1
    return turn * pool(turn * x.abs(), kernel, stride, 0, 1, ceil_mode)


def _root(means: Tensor, p: float | Tensor, kernel: tuple[int, ...]) -> Tensor:
    """The root of the sums that these are the means of; as in torch, 0 for negative ones."""
    positive = sign(means) * relu(means.abs())
    return (positive * math.prod(kernel)) ** (1 / p)
