"""Pooling layers, for sequences, images and volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels.geometry import numbers
from ...ops.arguments import as_ints
from ...tensor import Tensor
from .. import functional
from .module import Module

__all__ = [
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
    "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "LPPool3d",
    "FractionalMaxPool2d", "FractionalMaxPool3d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d",
]  # fmt: skip


def _numbers(module: Module, name: str, value: Any, count: int) -> tuple[int, ...]:
    return numbers(name, as_ints(type(module).__name__, name, value), count)


class _MaxPool(Module):
    """The maximum of each window; `MaxPool2d` says what the arguments are."""

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
    """The maximum of each window: (N, C, L) -> (N, C, OL). stride: kernel_size if None.

    Arguments and errors as `MaxPool2d`, with one number each.

    >>> import minitorch_cnn as mt
    >>> mt.nn.MaxPool1d(2)(mt.tensor([[1.0, 5.0, 2.0, 3.0]]))
    tensor([[5., 3.]])
    """

    pool = functional.max_pool1d


class MaxPool2d(_MaxPool):
    """The maximum of each window: (N, C, H, W) -> (N, C, OH, OW); N may be missing.

    kernel_size, stride (kernel_size if None), padding, dilation: one int or (vertical, horizontal).
    OH = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1; ceil_mode rounds up, so
    that a window may hang over the end. The border never wins; NaN does. return_indices: also where
    each maximum was, int64, row * W + column. Raises RuntimeError when called for a padding above
    half the kernel, an image without any window, and other dimensions.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]])
    >>> mt.nn.MaxPool2d(2, return_indices=True)(image)
    (tensor([[[6., 8.]]]), tensor([[[5, 7]]]))
    """

    pool = functional.max_pool2d


class MaxPool3d(_MaxPool):
    """The maximum of each window: (N, C, D, H, W) -> (N, C, OD, OH, OW).

    Arguments and errors as `MaxPool2d`, one int or (depth, vertical, horizontal).

    >>> import minitorch_cnn as mt
    >>> mt.nn.MaxPool3d(2)(mt.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[7.]]]])
    """

    pool = functional.max_pool3d


class _MaxUnpool(Module):
    """Puts maxima back to where they came from: ``unpool(*pool(x))``."""

    unpool: Callable
    dimensions: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        dims = self.dimensions
        step = kernel_size if stride is None else stride
        self.kernel_size = _numbers(self, "kernel_size", kernel_size, dims)
        self.stride = _numbers(self, "stride", step, dims)
        self.padding = _numbers(self, "padding", padding, dims)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return type(self).unpool(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """`MaxUnpool2d` for sequences: (N, C, OL) and the indices of `MaxPool1d` -> (N, C, L).

    Arguments and errors as `MaxUnpool2d`, with one number each.

    >>> import minitorch_cnn as mt
    >>> pool = mt.nn.MaxPool1d(2, return_indices=True)
    >>> mt.nn.MaxUnpool1d(2)(*pool(mt.tensor([[1.0, 5.0, 2.0, 3.0]])))
    tensor([[0., 5., 0., 3.]])
    """

    unpool, dimensions = functional.max_unpool1d, 1


class MaxUnpool2d(_MaxUnpool):
    """Puts maxima back to where they came from, with zeros around: ``unpool(*pool(x))``.

    input, indices: (N, C, OH, OW), what `MaxPool2d` with return_indices gave; -> (N, C, H, W).
    kernel_size, stride, padding: that layer's. output_size, when called: (H, W), where several
    sizes are possible. Raises RuntimeError for indices of another shape, not integer, or outside
    the output; ValueError for an output_size that differs by a stride or more.

    >>> import minitorch_cnn as mt
    >>> values, places = mt.tensor([[[7.0]]]), mt.tensor([[[2]]])
    >>> mt.nn.MaxUnpool2d(2)(values, places)
    tensor([[[0., 0.],
             [7., 0.]]])
    """

    unpool, dimensions = functional.max_unpool2d, 2


class MaxUnpool3d(_MaxUnpool):
    """`MaxUnpool2d` for volumes: (N, C, OD, OH, OW) and the indices of `MaxPool3d`.

    Arguments and errors as `MaxUnpool2d`, one int or (depth, vertical, horizontal).

    >>> import minitorch_cnn as mt
    >>> values, places = mt.tensor([[[[7.0]]]]), mt.tensor([[[[5]]]])
    >>> mt.nn.MaxUnpool3d(2)(values, places).flatten()
    tensor([0., 0., 0., 0., 0., 7., 0., 0.])
    """

    unpool, dimensions = functional.max_unpool3d, 3


class AvgPool1d(Module):
    """The mean of each window: (N, C, L) -> (N, C, OL). stride: kernel_size if None.

    Arguments and errors as `AvgPool2d`, with one number each; there is no divisor_override.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AvgPool1d(2)(mt.tensor([[1.0, 3.0, 5.0, 7.0]]))
    tensor([[2., 6.]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        step = kernel_size if stride is None else stride
        self.kernel_size = _numbers(self, "kernel_size", kernel_size, 1)
        self.stride = _numbers(self, "stride", step, 1)
        self.padding = _numbers(self, "padding", padding, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return functional.avg_pool1d(
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
    """The mean of each window; `AvgPool2d` says what the arguments are."""

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
    """The mean of each window: (N, C, H, W) -> (N, C, OH, OW); N may be missing.

    kernel_size, stride (kernel_size if None), padding: one int or (vertical, horizontal);
    OH = (H + 2 padding - kernel_size) // stride + 1; ceil_mode rounds up. count_include_pad: the
    zeros of the border count in the mean. divisor_override: the sum is divided by this instead.
    Raises when called NotImplementedError for integers, RuntimeError for divisor_override 0, a
    padding above half the kernel, an image without any window, and other dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AvgPool2d(2)(mt.tensor([[[1.0, 3.0], [5.0, 7.0]]]))
    tensor([[[4.]]])
    >>> mt.nn.AvgPool2d(2, padding=1, count_include_pad=False)(mt.tensor([[[4.0]]]))
    tensor([[[4.]]])
    """

    pool = functional.avg_pool2d


class AvgPool3d(_AvgPool):
    """The mean of each window: (N, C, D, H, W) -> (N, C, OD, OH, OW).

    Arguments and errors as `AvgPool2d`, one int or (depth, vertical, horizontal).

    >>> import minitorch_cnn as mt
    >>> mt.nn.AvgPool3d(2)(mt.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[3.5000]]]])
    """

    pool = functional.avg_pool3d


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
    """(sum of x^p over each window)^(1/p), with p = norm_type: (N, C, L) -> (N, C, OL).

    p = 1 is the sum, a large p comes near the maximum. Where the sum is negative, as it can be for
    p = 3, the result is NaN. stride: kernel_size if None; ceil_mode as in `AvgPool2d`. Raises
    ZeroDivisionError for p = 0; when called, RuntimeError for a window of no size or larger than
    the input, and for other dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.nn.LPPool1d(2, 2)(mt.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """

    pool = functional.lp_pool1d


class LPPool2d(_LPPool):
    """`LPPool1d` for images: (N, C, H, W) -> (N, C, OH, OW). Errors as `LPPool1d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.LPPool2d(2, 2)(mt.ones(1, 2, 2))  # the root of 4
    tensor([[[2.]]])
    """

    pool = functional.lp_pool2d


class LPPool3d(_LPPool):
    """`LPPool1d` for volumes: (N, C, D, H, W) -> (N, C, OD, OH, OW). Errors as `LPPool1d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.LPPool3d(2, 2)(mt.ones(1, 2, 2, 2))  # the root of 8
    tensor([[[[2.8284]]]])
    """

    pool = functional.lp_pool3d


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
        self.kernel_size = _numbers(self, "kernel_size", kernel_size, self.dimensions)
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
    """The maximum of windows at random distances: (N, C, H, W) -> (N, C, OH, OW).

    So images can shrink by a factor that is not whole. kernel_size: one int or (vertical,
    horizontal). output_size: (OH, OW), or output_ratio: what it is of (H, W), between 0 and 1.
    return_indices as in `MaxPool2d`. _random_samples: (N, C, 2), 0 to 1, instead of random draws.
    Raises ValueError unless one of output_size and output_ratio is given, and for a ratio not
    between 0 and 1; when called, RuntimeError if the windows do not fit.
    Graham, "Fractional max-pooling", 2014.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.FractionalMaxPool2d(2, output_ratio=0.7)
    >>> layer(mt.zeros(1, 3, 10, 10)).shape
    minitorch_cnn.Size([1, 3, 7, 7])
    """

    pool, dimensions = functional.fractional_max_pool2d, 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """`FractionalMaxPool2d` for volumes: (N, C, D, H, W) -> (N, C, OD, OH, OW).

    Arguments and errors as `FractionalMaxPool2d`; _random_samples: (N, C, 3).

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.FractionalMaxPool3d(2, output_size=3)
    >>> layer(mt.zeros(1, 1, 5, 6, 7)).shape
    minitorch_cnn.Size([1, 1, 3, 3, 3])
    """

    pool, dimensions = functional.fractional_max_pool3d, 3


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
    """The mean of OL bins that cover the sequence: (N, C, L) -> (N, C, OL), OL = output_size.

    Bins and errors as `AdaptiveAvgPool2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AdaptiveAvgPool1d(2)(mt.tensor([[1.0, 2.0, 3.0]]))  # the middle is in both bins
    tensor([[1.5000, 2.5000]])
    """

    pool = functional.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The mean of OH x OW bins that cover the image: (N, C, H, W) -> (N, C, OH, OW).

    output_size: int or (OH, OW), None keeps a length. Bin i goes from i H // OH to the ceiling of
    (i + 1) H / OH: neighbours overlap where OH does not divide H.
    Raises when called RuntimeError for a negative output_size and other dimensions,
    NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AdaptiveAvgPool2d(1)(mt.zeros(2, 8, 5, 7)).shape
    minitorch_cnn.Size([2, 8, 1, 1])
    >>> mt.nn.AdaptiveAvgPool2d((None, 1))(mt.tensor([[[1.0, 3.0], [5.0, 7.0]]]))
    tensor([[[2.],
             [6.]]])
    """

    pool = functional.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The mean of OD x OH x OW bins that cover the volume (N, C, D, H, W).

    Bins and errors as `AdaptiveAvgPool2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AdaptiveAvgPool3d(1)(mt.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[3.5000]]]])
    """

    pool = functional.adaptive_avg_pool3d


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
    """The maximum of OL bins that cover the sequence: (N, C, L) -> (N, C, OL), OL = output_size.

    Bins as `AdaptiveAvgPool2d`; return_indices as `MaxPool2d`; errors as `AdaptiveMaxPool2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AdaptiveMaxPool1d(2)(mt.tensor([[1.0, 2.0, 3.0]]))
    tensor([[2., 3.]])
    """

    pool = functional.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maximum of OH x OW bins that cover the image: (N, C, H, W) -> (N, C, OH, OW).

    output_size: int or (OH, OW), None keeps a length. Bins as `AdaptiveAvgPool2d`; return_indices
    as `MaxPool2d`. Raises RuntimeError when called for a negative output_size and other dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AdaptiveMaxPool2d(1, return_indices=True)(mt.tensor([[[1.0, 3.0], [7.0, 5.0]]]))
    (tensor([[[7.]]]), tensor([[[2]]]))
    """

    pool = functional.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The maximum of OD x OH x OW bins that cover the volume (N, C, D, H, W).

    Arguments and errors as `AdaptiveMaxPool2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.AdaptiveMaxPool3d(1)(mt.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[7.]]]])
    """

    pool = functional.adaptive_max_pool3d
