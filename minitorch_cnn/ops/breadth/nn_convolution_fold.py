"""unfold and fold: im2col and col2im as operations of their own; and conv_tbc."""

from __future__ import annotations

from typing import Any

from ... import kernels
from ...autograd.function import Function
from ...kernels import ConvGeometry, output_size
from ...kernels.geometry import Pair, conv_geometry
from ...tensor import Tensor, shape_text, wrap
from ..conv import conv1d
from ..shape import permute
from ..window import pair, with_batch

__all__ = ["unfold", "fold", "conv_tbc"]


class Unfold(Function):
    """cols (N, C*KH*KW, L) = all patches of x (N, C, H, W); each is the other's gradient"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel_size: Pair, geometry: ConvGeometry) -> Tensor:
        ctx.args = x.shape[2:], kernel_size, geometry
        return wrap(kernels.im2col(x.array, kernel_size, geometry))

    @staticmethod
    def backward(ctx: Any, gcols: Tensor) -> tuple:
        return Fold.apply(gcols, *ctx.args), None, None


class Fold(Function):
    """x (N, C, H, W) = the sum of patches (N, C*KH*KW, L), each put back in its place"""

    @staticmethod
    def forward(
        ctx: Any, cols: Tensor, size: Pair, kernel_size: Pair, geometry: ConvGeometry
    ) -> Tensor:
        ctx.args = kernel_size, geometry
        return wrap(kernels.col2im(cols.array, size, kernel_size, geometry))

    @staticmethod
    def backward(ctx: Any, gx: Tensor) -> tuple:
        return Unfold.apply(gx, *ctx.args), None, None, None


def unfold(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Every patch of an image as a column: (N, C, H, W) -> (N, C*KH*KW, L), L = OH*OW.

    A convolution is this and a matrix product:
    ``(weight.reshape(K, -1) @ unfold(x, (KH, KW))).reshape(N, K, OH, OW)``.
    kernel_size, dilation, padding, stride: pixels, one int or (vertical, horizontal). (C, H, W) is
    one image without a batch. Raises RuntimeError if no patch fits.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.unfold(mt.arange(6.0).reshape(1, 1, 2, 3), (2, 2))
    tensor([[[0., 1.],
             [1., 2.],
             [3., 4.],
             [4., 5.]]])
    """
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for unfold, but got input of size: {shape_text(input.shape)}"
        )
    kernel_size, geometry = _arguments(kernel_size, dilation, padding, stride)
    _blocks((input.shape[-2], input.shape[-1]), kernel_size, geometry)
    return with_batch(input, lambda x: Unfold.apply(x, kernel_size, geometry))


def fold(
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Adds patches up to an image: (N, C*KH*KW, L) -> (N, C, H, W), output_size being (H, W).

    Where patches overlap their values add up, so fold(unfold(x)) is x times the number of
    patches that hold each pixel. Raises RuntimeError if the sizes do not fit.

    >>> import minitorch_cnn as mt
    >>> columns = mt.nn.functional.unfold(mt.ones(1, 1, 2, 3), (2, 2))
    >>> mt.nn.functional.fold(columns, (2, 3), (2, 2))
    tensor([[[[1., 2., 1.],
              [1., 2., 1.]]]])
    """
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for fold, but got input of size: {shape_text(input.shape)}"
        )
    kernel_size, geometry = _arguments(kernel_size, dilation, padding, stride)
    size = pair("output_size", output_size)
    rows, patches = input.shape[-2], input.shape[-1]
    if rows % (kernel_size[0] * kernel_size[1]):
        raise RuntimeError(
            f"Expected size of input's dimension {input.ndim - 2} to be divisible by the product "
            f"of kernel_size, but got {rows} and kernel_size={kernel_size}."
        )
    high, wide = _blocks(size, kernel_size, geometry)
    if patches != high * wide:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel_size}, dilation={geometry.dilation}, "
            f"padding={geometry.before}, stride={geometry.stride}, expected size of input's last "
            f"dimension to match the calculated number of sliding blocks {high} * {wide} = "
            f"{high * wide}, but got {patches}."
        )
    if input.ndim == 2:
        return Fold.apply(input.unsqueeze(0), size, kernel_size, geometry).squeeze(0)
    return Fold.apply(input, size, kernel_size, geometry)


def _arguments(
    kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[Pair, ConvGeometry]:
    kernel = pair("kernel_size", kernel_size)
    moves = pair("stride", stride), pair("padding", padding), pair("dilation", dilation)
    names = "kernel_size", "stride", "padding", "dilation"
    for name, values, least in zip(names, (kernel, *moves), (1, 1, 0, 1), strict=True):
        if min(values) < least:
            raise RuntimeError(f"{name} must be at least {least}, but got {list(values)}")
    return kernel, conv_geometry(*moves, kernel_size=kernel)


def _blocks(size: Pair, kernel_size: Pair, geometry: ConvGeometry) -> Pair:
    """How many patches there are, down and across."""
    blocks = output_size(size, kernel_size, geometry)
    if min(blocks) < 1:
        raise RuntimeError(
            f"Given input with spatial size {size}, kernel_size={kernel_size}, "
            f"dilation={geometry.dilation}, padding={geometry.before}, calculated shape of the "
            f"array of sliding blocks as {blocks}, but its components must be at least one."
        )
    return blocks


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`conv1d` with the time in front: input (T, N, C), weight (KT, C, K) and bias (K,).

    The result is (T + 2 pad - KT + 1, N, K). Raises RuntimeError for shapes that do not fit.

    >>> import minitorch_cnn as mt
    >>> y = mt.nn.functional.conv_tbc(mt.ones(3, 1, 2), mt.ones(2, 2, 1), mt.zeros(1))
    >>> y.flatten()
    tensor([4., 4.])
    """
    if input.ndim != 3 or weight.ndim != 3 or bias.ndim != 1:
        raise RuntimeError(
            "conv_tbc: Input must have 3 dims: time, batch, in_channel; weight 3: kernel_width, "
            f"in_channels, out_channels; bias 1; got {shape_text(input.shape)}, "
            f"{shape_text(weight.shape)} and {shape_text(bias.shape)}"
        )
    y = conv1d(permute(input, 1, 2, 0), permute(weight, 2, 1, 0), bias, padding=pad)
    return permute(y, 2, 0, 1)
