"""Maxima with their places: the names under which torch has what return_indices=True asks for."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from ..adaptive_pool import adaptive_max_pool2d
from .nn_pooling_1d import adaptive_max_pool1d
from .nn_pooling_3d import adaptive_max_pool3d
from .nn_pooling_fractional import fractional_max_pool2d, fractional_max_pool3d

__all__ = [
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d_with_indices",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d_with_indices",
]


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Both results, whatever return_indices is. Shapes and errors as `adaptive_max_pool1d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_max_pool1d_with_indices(mt.tensor([[1.0, 3.0, 2.0]]), 1)
    (tensor([[3.]]), tensor([[1]]))
    """
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Both results, whatever return_indices is. Shapes and errors as `adaptive_max_pool2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_max_pool2d_with_indices(mt.tensor([[[1.0], [3.0]]]), 1)
    (tensor([[[3.]]]), tensor([[[1]]]))
    """
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Both results, whatever return_indices is. Shapes and errors as `adaptive_max_pool3d`.

    >>> import minitorch_cnn as mt
    >>> y, places = mt.nn.functional.adaptive_max_pool3d_with_indices(mt.zeros(1, 4, 4, 4), 2)
    >>> places.shape
    minitorch_cnn.Size([1, 2, 2, 2])
    """
    return adaptive_max_pool3d(input, output_size, True)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Both results, whatever return_indices is. Shapes and errors as `fractional_max_pool2d`.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(1, 1, 6, 6)
    >>> mt.nn.functional.fractional_max_pool2d_with_indices(x, 2, output_size=3)[1].shape
    minitorch_cnn.Size([1, 1, 3, 3])
    """
    return fractional_max_pool2d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Both results, whatever return_indices is. Shapes and errors as `fractional_max_pool3d`.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(1, 1, 6, 6, 6)
    >>> mt.nn.functional.fractional_max_pool3d_with_indices(x, 2, output_size=3)[1].shape
    minitorch_cnn.Size([1, 1, 3, 3, 3])
    """
    return fractional_max_pool3d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )
