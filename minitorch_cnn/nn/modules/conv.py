"""Convolution layers: they hold weight and bias; ops/conv.py does the work."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...ops.arguments import as_int, as_ints
from ...ops.breadth.nn_convolution_3d import conv3d, conv_transpose3d
from ...ops.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from ...ops.creation import empty
from ...ops.pad import pad
from ...tensor import Tensor
from .. import init
from ..parameter import Parameter
from .module import Module
from .utils import _ntuple

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolution layers share. A subclass says how many dimensions its images have."""

    dimensions: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        layer = type(self).__name__
        if as_int(layer, "groups", groups) <= 0:
            raise ValueError(f"groups must be a positive integer, got {groups}")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if as_int(layer, name, channels) % groups:
                raise ValueError(f"{name} must be divisible by groups, got {channels} and {groups}")
        if padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {PADDING_MODES}, got {padding_mode!r}")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = as_ints(layer, "kernel_size", self._tuple(kernel_size))
        self.stride = as_ints(layer, "stride", self._tuple(stride))
        self.dilation = as_ints(layer, "dilation", self._tuple(dilation))
        whole = isinstance(padding, str)
        self.padding = padding if whole else as_ints(layer, "padding", self._tuple(padding))
        self.output_padding = (0,) * self.dimensions
        self.groups, self.padding_mode = groups, padding_mode
        self._reversed_padding_repeated_twice = self._padding_for_pad()

        filters, channels = out_channels, in_channels // groups
        if self.transposed:  # the weight of the convolution whose gradient this is
            filters, channels = in_channels, out_channels // groups
        shape = (filters, channels, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _tuple(self, value: Any) -> tuple[int, ...]:
        """One number for each dimension."""
        return _ntuple(self.dimensions)(value)

    def _padding_for_pad(self) -> tuple[int, ...]:
        """The padding as `pad` wants it: (left, right, top, bottom)."""
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {self.padding!r}, should be 'valid' or 'same'"
                )
            if self.padding == "same" and set(self.stride) != {1}:
                raise ValueError("padding='same' is not supported for strided convolutions")
            totals = [
                d * (k - 1) if self.padding == "same" else 0
                for d, k in zip(self.dilation, self.kernel_size, strict=True)
            ]
            sides = [(total // 2, total - total // 2) for total in totals]
        else:
            sides = [(each, each) for each in self.padding]
        return tuple(length for side in reversed(sides) for length in side)

    def reset_parameters(self) -> None:
        """Draws new initial values: uniform in +-1/sqrt(fan_in), fan_in = channels * KH * KW."""
        # With a = sqrt(5), Kaiming's bound sqrt(6 / ((1 + a^2) fan_in)) is 1 / sqrt(fan_in).
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = math.prod(self.weight.shape[1:])
        if self.bias is not None and fan_in > 0:
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -bound, bound)

    def _convolve(self, function: Callable[..., Tensor], input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self.dimensions
        return function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        none = (0,) * self.dimensions
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        if self.padding != none:
            text += f", padding={self.padding}"
        if set(self.dilation) != {1}:
            text += f", dilation={self.dilation}"
        if self.output_padding != none:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv1d(_ConvNd):
    """A convolution of sequences: (N, in_channels, L) -> (N, out_channels, OL).

    Arguments and errors as `Conv2d`, with one number each.
    weight: (out_channels, in_channels / groups, K).

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Conv1d(1, 1, 2, bias=False)
    >>> _ = mt.nn.init.ones_(layer.weight)
    >>> layer(mt.tensor([[1.0, 2.0, 3.0]])).detach()  # 1 + 2, 2 + 3
    tensor([[3., 5.]])
    """

    dimensions = 1

    def forward(self, input: Tensor) -> Tensor:
        return self._convolve(conv1d, input)


class Conv2d(_ConvNd):
    """A convolution of images: (N, in_channels, H, W) -> (N, out_channels, OH, OW).

    N may be missing. kernel_size, stride, padding, dilation: pixels, one int or (vertical,
    horizontal); padding also "same" or "valid". groups divides the channels into parts that do not
    see each other (in_channels of them: a depthwise convolution). padding_mode: "zeros", "reflect",
    "replicate" or "circular". OH = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1.

    weight: (out_channels, in_channels / groups, KH, KW), bias: (out_channels), both uniform in
    +-1/sqrt(in_channels / groups * KH * KW) at first, as torch's.
    Raises ValueError for groups that do not divide both channels, another padding_mode, another
    word for padding, and "same" with a stride; when called, RuntimeError for another number of
    channels, another dtype than the weight's, and an image smaller than the kernel.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Conv2d(3, 16, kernel_size=3, stride=2, padding=1)
    >>> layer
    Conv2d(3, 16, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))
    >>> layer(mt.zeros(8, 3, 32, 32)).shape
    minitorch_cnn.Size([8, 16, 16, 16])
    """

    dimensions = 2

    def forward(self, input: Tensor) -> Tensor:
        return self._convolve(conv2d, input)


class Conv3d(_ConvNd):
    """A convolution of volumes: (N, in_channels, D, H, W) -> (N, out_channels, OD, OH, OW).

    Arguments and errors as `Conv2d`, one int or (depth, vertical, horizontal).
    weight: (out_channels, in_channels / groups, KD, KH, KW).

    >>> import minitorch_cnn as mt
    >>> mt.nn.Conv3d(2, 4, 3, padding=1)(mt.zeros(1, 2, 5, 6, 7)).shape
    minitorch_cnn.Size([1, 4, 5, 6, 7])
    """

    dimensions = 3

    def forward(self, input: Tensor) -> Tensor:
        return self._convolve(conv3d, input)


class _ConvTransposeNd(_ConvNd):
    """The way of a convolution backward, as a layer."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        name = type(self).__name__
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {name}, got {padding_mode!r}'
            )
        if isinstance(padding, str):
            raise TypeError(f"{name}: padding must be numbers, got {padding!r}")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        self.output_padding = as_ints(name, "output_padding", self._tuple(output_padding))

    def _paint(self, function: Callable[..., Tensor], input: Tensor, output_size: Any) -> Tensor:
        extra = self.output_padding
        if output_size is not None:
            extra = self._output_padding_for(input, tuple(output_size))
        return function(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            extra,
            self.groups,
            self.dilation,
        )

    def _output_padding_for(self, input: Tensor, output_size: tuple) -> tuple[int, ...]:
        """What is missing to output_size. Raises ValueError if it cannot be made."""
        dims = self.dimensions
        if len(output_size) == input.ndim:
            output_size = output_size[-dims:]
        if len(output_size) != dims:
            raise ValueError(
                f"output_size must have {dims} or {input.ndim} elements, got {len(output_size)}"
            )
        least, most, extra = [], [], []
        for axis, wanted in enumerate(output_size):
            stride, reach = self.stride[axis], self.dilation[axis] * (self.kernel_size[axis] - 1)
            old = input.shape[axis - dims]
            length = (old - 1) * stride - 2 * int(self.padding[axis]) + reach + 1
            least.append(length)
            most.append(length + stride - 1)
            extra.append(wanted - length)
        if any(not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} "
                f"to {most} (for an input of {input.shape[-dims:]})"
            )
        return tuple(extra)


class ConvTranspose1d(_ConvTransposeNd):
    """`ConvTranspose2d` for sequences: (N, in_channels, L) -> (N, out_channels, OL).

    Arguments and errors are those of `ConvTranspose2d`, with one number each.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.ConvTranspose1d(1, 1, 2, stride=2, bias=False)
    >>> _ = mt.nn.init.ones_(layer.weight)
    >>> layer(mt.tensor([[1.0, 2.0]])).detach()  # each number is painted with the kernel
    tensor([[1., 1., 2., 2.]])
    """

    dimensions = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """output_size: (OL,), instead of the layer's output_padding."""
        return self._paint(conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTransposeNd):
    """The way of a convolution backward, to make images larger.

    (N, in_channels, H, W) -> (N, out_channels, OH, OW) with OH = (H - 1) stride - 2 padding +
    dilation (kernel_size - 1) + output_padding + 1. output_padding: rows and columns more at the
    end, below stride or dilation, where several sizes would come from one.
    weight: (in_channels, out_channels / groups, KH, KW), bias: (out_channels,); both uniform in
    +-1/sqrt(out_channels / groups * KH * KW) at first.
    Raises ValueError for groups that do not divide the channels and a padding_mode other than
    "zeros", TypeError for padding as a word; when called, ValueError for an output_size that cannot
    be made, RuntimeError for another number of channels.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ConvTranspose2d(8, 4, 2, stride=2)(mt.zeros(1, 8, 5, 5)).shape
    minitorch_cnn.Size([1, 4, 10, 10])
    """

    dimensions = 2

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """output_size: (OH, OW), instead of the layer's output_padding."""
        return self._paint(conv_transpose2d, input, output_size)


class ConvTranspose3d(_ConvTransposeNd):
    """`ConvTranspose2d` for volumes: (N, in_channels, D, H, W) -> (N, out_channels, OD, OH, OW).

    Arguments and errors are those of `ConvTranspose2d`, one int or (depth, vertical, horizontal).

    >>> import minitorch_cnn as mt
    >>> mt.nn.ConvTranspose3d(2, 3, 2, stride=2)(mt.zeros(1, 2, 1, 2, 3)).shape
    minitorch_cnn.Size([1, 3, 2, 4, 6])
    """

    dimensions = 3

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """output_size: (OD, OH, OW), instead of the layer's output_padding."""
        return self._paint(conv_transpose3d, input, output_size)
