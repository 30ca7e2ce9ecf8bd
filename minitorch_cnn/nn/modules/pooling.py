"""Pooling layers, for sequences, images and volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels.geometry import numbers
from ...ops import fractional_pool, pool, pool1d, pool3d, unpool
from ...tensor import Tensor
from .module import Module

__all__ = [
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
    "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "LPPool3d",
    "FractionalMaxPool2d", "FractionalMaxPool3d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d",
]  # fmt: skip


class _MaxPool(Module):
    """The maximum of each window; the functions say what the arguments are."""

    pool: Callable

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        return type(self).pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The maximum of each window: (N, C, L) -> (N, C, OL). stride: kernel_size if None."""

    pool = pool1d.max_pool1d


class MaxPool2d(_MaxPool):
    """The maximum of each window: (N, C, H, W) -> (N, C, OH, OW). stride: kernel_size if None.

    >>> import minitorch_cnn as mt
    >>> mt.nn.MaxPool2d(2)(mt.zeros(1, 3, 8, 8)).shape
    minitorch_cnn.Size([1, 3, 4, 4])
    """

    pool = pool.max_pool2d


class MaxPool3d(_MaxPool):
    """The maximum of each window of (N, C, D, H, W). stride: kernel_size if None."""

    pool = pool3d.max_pool3d


class _MaxUnpool(Module):
    """Puts maxima back to where they came from: ``unpool(*pool(x))``."""

    unpool: Callable
    dimensions: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        dims = self.dimensions
        self.kernel_size = numbers("kernel_size", kernel_size, dims)
        self.stride = numbers("stride", kernel_size if stride is None else stride, dims)
        self.padding = numbers("padding", padding, dims)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return type(self).unpool(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Puts maxima of sequences back to where they came from, see F.max_unpool2d."""

    unpool, dimensions = unpool.max_unpool1d, 1


class MaxUnpool2d(_MaxUnpool):
    """Puts maxima back to where they came from: ``unpool(*pool(x))``, see F.max_unpool2d."""

    unpool, dimensions = unpool.max_unpool2d, 2


class MaxUnpool3d(_MaxUnpool):
    """Puts maxima of volumes back to where they came from, see F.max_unpool2d."""

    unpool, dimensions = unpool.max_unpool3d, 3


class AvgPool1d(Module):
    """The mean of each window: (N, C, L) -> (N, C, OL). stride: kernel_size if None."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = numbers("kernel_size", kernel_size, 1)
        self.stride = numbers("stride", kernel_size if stride is None else stride, 1)
        self.padding = numbers("padding", padding, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return pool1d.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    """The mean of each window; the functions say what the arguments are."""

    pool: Callable

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return type(self).pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window: (N, C, H, W) -> (N, C, OH, OW). stride: kernel_size if None.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AvgPool2d(2)(mt.ones(1, 1, 2, 4))
    tensor([[[[1., 1.]]]])
    """

    pool = pool.avg_pool2d


class AvgPool3d(_AvgPool):
    """The mean of each window of (N, C, D, H, W). stride: kernel_size if None."""

    pool = pool3d.avg_pool3d


class _LPPool(Module):
    """(sum of x^norm_type over each window)^(1/norm_type)."""

    pool: Callable

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return type(self).pool(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The norm of each window of (N, C, L), see F.lp_pool1d.

    >>> import minitorch_cnn as mt
    >>> mt.nn.LPPool1d(2, 2)(mt.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """

    pool = pool1d.lp_pool1d


class LPPool2d(_LPPool):
    """The norm of each window of (N, C, H, W), see F.lp_pool1d."""

    pool = pool1d.lp_pool2d


class LPPool3d(_LPPool):
    """The norm of each window of (N, C, D, H, W), see F.lp_pool1d."""

    pool = pool1d.lp_pool3d


class _FractionalMaxPool(Module):
    """The maximum of windows at random distances, see F.fractional_max_pool2d."""

    pool: Callable
    dimensions: int

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{type(self).__name__} requires specifying either an output size, or a pooling "
                f"ratio, got {output_size} and {output_ratio}"
            )
        self.kernel_size = numbers("kernel_size", kernel_size, self.dimensions)
        self.output_size, self.output_ratio = output_size, output_ratio
        if output_ratio is not None:
            ratios = output_ratio if isinstance(output_ratio, tuple | list) else [output_ratio]
            if not all(0 < ratio < 1 for ratio in ratios):
                raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        return type(self).pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The maximum of windows at random distances: (N, C, H, W), see F.fractional_max_pool2d."""

    pool, dimensions = fractional_pool.fractional_max_pool2d, 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """The maximum of windows at random distances: (N, C, D, H, W), see F.fractional_max_pool2d."""

    pool, dimensions = fractional_pool.fractional_max_pool3d, 3


class _AdaptiveAvgPool(Module):
    """The mean of bins that cover the image."""

    pool: Callable

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return type(self).pool(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The mean of OL bins that cover the sequence (N, C, L)."""

    pool = pool1d.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The mean of OH x OW bins that cover the image. output_size: int or (OH, OW), None keeps.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AdaptiveAvgPool2d(1)(mt.zeros(2, 8, 5, 7)).shape
    minitorch_cnn.Size([2, 8, 1, 1])
    """

    pool = pool.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The mean of OD x OH x OW bins that cover the volume (N, C, D, H, W)."""

    pool = pool3d.adaptive_avg_pool3d


class _AdaptiveMaxPool(Module):
    """The maximum of bins that cover the image."""

    pool: Callable

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        return type(self).pool(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The maximum of OL bins that cover the sequence (N, C, L)."""

    pool = pool1d.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maximum of OH x OW bins that cover the image. output_size: int or (OH, OW)."""

    pool = pool.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The maximum of OD x OH x OW bins that cover the volume (N, C, D, H, W)."""

    pool = pool3d.adaptive_max_pool3d
