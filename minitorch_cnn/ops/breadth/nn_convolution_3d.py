"""Convolutions of volumes: those of images whose channels are KD neighbouring slices.

    x (N, C, D, H, W)  --windows of KD slices-->  (N*OD, C*KD, H, W)  --conv2d-->  (N*OD, K, OH, OW)

Copying each slice KD times is the price; everything else, with all gradients, is the image's.

Axes as in ops/conv.py, with D slices, KD of them in a kernel and OD in the output.
"""

from __future__ import annotations

from typing import Any

from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, wrap
from ..conv import Conv2dFunction, Conv2dInputGrad, conv_geometry_of, transposed_geometry_of
from ..memory_format import like
from ..pad import pad
from ..precision import half_precision

__all__ = ["conv3d", "conv_transpose3d"]


class SliceWindows(Function):
    """y (N, OD, C, KD, H, W) = the windows of KD slices of x (N, C, D, H, W), stride apart"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
        ctx.args = x.shape[2], stride, dilation
        array = x.array
        N, C, D, H, W = array.shape
        OD = (D - dilation * (kernel - 1) - 1) // stride + 1
        y = array_module(array).empty((N, OD, C, kernel, H, W), array.dtype)
        for kd in range(kernel):
            slices = _under(kd, OD, stride, dilation)
            y[:, :, :, kd] = array[:, :, slices].transpose(0, 2, 1, 3, 4)
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return SliceSums.apply(gy, *ctx.args), None, None, None


class SliceSums(Function):
    """x (N, C, D, H, W) = the sum of windows (N, OD, C, KD, H, W), each put back in its place"""

    @staticmethod
    def forward(ctx: Any, windows: Tensor, depth: int, stride: int, dilation: int) -> Tensor:
        array = windows.array
        N, OD, C, KD, H, W = array.shape
        ctx.args = KD, stride, dilation
        x = array_module(array).zeros((N, C, depth, H, W), array.dtype)
        for kd in range(KD):
            slices = _under(kd, OD, stride, dilation)
            x[:, :, slices] += array[:, :, :, kd].transpose(0, 2, 1, 3, 4)
        return wrap(x)

    @staticmethod
    def backward(ctx: Any, gx: Tensor) -> tuple:
        return SliceWindows.apply(gx, *ctx.args), None, None, None


def _under(kd: int, count: int, stride: int, dilation: int) -> slice:
    """The slices under position kd of the kernel, one for each of `count` outputs."""
    return slice(kd * dilation, kd * dilation + (count - 1) * stride + 1, stride)


# ------------------------------------------------------------------------ public functions


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Slides K filters through a volume: (N, C, D, H, W) -> (N, K, OD, OH, OW).

    input may lack the batch; weight: (K, C/groups, KD, KH, KW). Everything else as in `conv2d`,
    with one int or (depth, vertical, horizontal). Raises RuntimeError, with the sizes, if the
    arguments do not fit together.

    >>> import minitorch_cnn as mt
    >>> x = mt.arange(8.0).reshape(1, 1, 2, 2, 2)
    >>> mt.nn.functional.conv3d(x, mt.ones(1, 1, 2, 2, 1)).flatten()
    tensor([12., 16.])
    """
    input, weight, bias = half_precision(input, weight, bias)
    geometry = conv_geometry_of("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)
    volume = input.unsqueeze(0) if input.ndim == 4 else input
    front, back = geometry.before[0], geometry.after[0]
    if front or back:
        volume = pad(volume, (0, 0, 0, 0, front, back))
    (N, C, _, H, W), (K, Cg, KD, KH, KW) = volume.shape, weight.shape
    windows = SliceWindows.apply(volume, KD, geometry.stride[0], geometry.dilation[0])
    OD = windows.shape[1]
    images = windows.reshape(N * OD, C * KD, H, W)
    kernel = weight.reshape(K, Cg * KD, KH, KW)
    y = Conv2dFunction.apply(images, kernel, bias, geometry.image())  # (N*OD, K, OH, OW)
    y = like(volume, y.unflatten(0, (N, OD)).transpose(1, 2))
    return y.squeeze(0) if input.ndim == 4 else y


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The way of `conv3d` backward, to make volumes larger; see `conv_transpose2d`.

    input: (N, K, D, H, W) or (K, D, H, W); weight: (K, C/groups, KD, KH, KW); bias: (C,) or None.
    Returns (..., C, OD, OH, OW). Raises as `conv_transpose2d` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([1.0, 2.0]).reshape(1, 1, 2, 1, 1)
    >>> mt.nn.functional.conv_transpose3d(x, mt.ones(1, 1, 3, 1, 1), stride=2).flatten()
    tensor([1., 1., 3., 2., 2.])
    """
    input, weight, bias = half_precision(input, weight, bias)
    geometry, (OD, OH, OW) = transposed_geometry_of(
        "conv_transpose3d",
        3,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )
    volume = input.unsqueeze(0) if input.ndim == 4 else input
    (N, _, D, H, W), (K, Cg, KD, KH, KW) = volume.shape, weight.shape
    slices = volume.transpose(1, 2).reshape(N * D, K, H, W)
    kernel = weight.reshape(K, Cg * KD, KH, KW)
    images = Conv2dInputGrad.apply(slices, kernel, (OH, OW), geometry.image())
    # (N*D, C*KD, OH, OW) -> (N, D, C, KD, OH, OW)
    windows = images.unflatten(1, (Cg * groups, KD)).unflatten(0, (N, D))
    front = geometry.before[0]  # the border is cut off again
    depth = front + OD + geometry.after[0]
    y = SliceSums.apply(windows, depth, geometry.stride[0], geometry.dilation[0])
    y = like(volume, y[:, :, front : front + OD])
    y = y if bias is None else y + bias.reshape(-1, 1, 1, 1)
    return y.squeeze(0) if input.ndim == 4 else y
