"""Convolutions, and the proof that three products are enough for all their gradients.

    y  = conv(x, w)           Conv2dFunction      linear in x and in w
    gx = input_grad(gy, w)    Conv2dInputGrad     linear in gy and in w
    gw = weight_grad(x, gy)   Conv2dWeightGrad    linear in x and in gy

All three come from one trilinear form: sum over all places of gy * w * x. A gradient of any of
them is the form with that factor left out, hence one of the three again. So backward, backward of
backward and so on never need a fourth, and a transposed convolution is nothing but the second.

Axes: N images, C channels, H x W pixels, K filters of KH x KW, OH x OW pixels of the output.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..autograd.deferred import Deferred
from ..autograd.function import Function
from ..kernels import ConvGeometry, output_size
from ..tensor import Tensor, later, running, wrap
from .arguments import as_tensor
from .common import same_device
from .precision import half_precision, state as autocast
from .window import conv_window, hashable, transposed_window

__all__ = ["conv2d", "conv_transpose2d", "conv1d", "conv_transpose1d"]


class Conv2dFunction(Function):
    """y (N, K, OH, OW) = x (N, C, H, W) convolved with w (K, C/G, KH, KW), plus b (K) or None"""

    fresh_gradients = runs_ahead = True

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, b: Tensor | None, geometry: ConvGeometry) -> Tensor:
        # The gradient of x needs w, and that of w needs x.
        ctx.save_for_backward(
            x if ctx.needs_input_grad[1] else None, w if ctx.needs_input_grad[0] else None
        )
        x_array, w_array = x.arriving, w.arriving
        b_array = None if b is None else b.arriving
        ctx.input_size, ctx.kernel_size = x_array.shape[2:], w_array.shape[2:]
        ctx.geometry = geometry

        if kernels.tier_of(x_array, w_array).name == "array":  # a relu of its own costs no more
            return running(kernels.conv2d_forward(x_array, w_array, b_array, geometry))

        def kernel(relu: bool) -> Any:
            return kernels.conv2d_forward(x_array, w_array, b_array, geometry, relu)

        out_size = output_size(ctx.input_size, ctx.kernel_size, geometry)
        shape = x_array.shape[0], w_array.shape[0], *out_size
        sources = (x_array, w_array) if b is None else (x_array, w_array, b_array)
        put_off = Deferred(kernel, shape, sources, takes_relu=True)
        kernels.note_conv(put_off.values)
        return later(put_off, x, w, b)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, w = ctx.saved_tensors
        gx = gw = gb = None
        if ctx.needs_input_grad[0]:
            gx = Conv2dInputGrad.apply(gy, w, ctx.input_size, ctx.geometry)
        if ctx.needs_input_grad[1]:
            gw = Conv2dWeightGrad.apply(x, gy, ctx.kernel_size, ctx.geometry)
        if ctx.needs_input_grad[2]:
            gb = ChannelSum.apply(gy)
        return gx, gw, gb, None


class ChannelSum(Function):
    """The gradient of a bias: the sum of gy (N, K, ...) over images and pixels, (K)"""

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, gy: Tensor) -> Tensor:
        ctx.shape = gy.shape
        return running(kernels.channel_sum(gy.arriving))

    @staticmethod
    def backward(ctx: Any, ggb: Tensor) -> Any:
        return ggb.reshape(1, -1, *(1,) * (len(ctx.shape) - 2)).expand(ctx.shape)


class Conv2dInputGrad(Function):
    """gx (N, C, H, W) from gy (N, K, OH, OW) and w (K, C/G, KH, KW)"""

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, gy: Tensor, w: Tensor, input_size: Any, geometry: ConvGeometry) -> Tensor:
        ctx.save_for_backward(
            gy if ctx.needs_input_grad[1] else None, w if ctx.needs_input_grad[0] else None
        )
        gy_array, w_array = gy.arriving, w.arriving
        ctx.output_size, ctx.kernel_size = gy_array.shape[2:], w_array.shape[2:]
        ctx.geometry = geometry
        size = tuple(input_size)
        return running(kernels.conv2d_input_grad(gy_array, w_array, size, geometry))

    @staticmethod
    def backward(ctx: Any, ggx: Tensor) -> tuple:
        gy, w = ctx.saved_tensors
        ggy = gw = None
        if ctx.needs_input_grad[0]:
            ggy = _conv_to_size(ggx, w, ctx.geometry, ctx.output_size)
        if ctx.needs_input_grad[1]:
            gw = Conv2dWeightGrad.apply(ggx, gy, ctx.kernel_size, ctx.geometry)
        return ggy, gw, None, None


class Conv2dWeightGrad(Function):
    """gw (K, C/G, KH, KW) from x (N, C, H, W) and gy (N, K, OH, OW)"""

    runs_ahead = True

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gy: Tensor, kernel_size: Any, geometry: ConvGeometry
    ) -> Tensor:
        ctx.save_for_backward(
            x if ctx.needs_input_grad[1] else None, gy if ctx.needs_input_grad[0] else None
        )
        x_array, gy_array = x.arriving, gy.arriving
        ctx.input_size, ctx.output_size = x_array.shape[2:], gy_array.shape[2:]
        ctx.geometry = geometry
        size = tuple(kernel_size)
        return running(kernels.conv2d_weight_grad(x_array, gy_array, size, geometry))

    @staticmethod
    def backward(ctx: Any, ggw: Tensor) -> tuple:
        x, gy = ctx.saved_tensors
        gx = ggy = None
        if ctx.needs_input_grad[0]:
            gx = Conv2dInputGrad.apply(gy, ggw, ctx.input_size, ctx.geometry)
        if ctx.needs_input_grad[1]:
            ggy = _conv_to_size(x, ggw, ctx.geometry, ctx.output_size)
        return gx, ggy, None, None


def _conv_to_size(x: Tensor, w: Tensor, geometry: ConvGeometry, size: Any) -> Tensor:
    """conv(x, w), of which only the first `size` pixels are wanted.

    All of them, but for a transposed convolution with an output_padding above its stride.
    """
    y = Conv2dFunction.apply(x, w, None, geometry)
    return y if y.shape[2:] == size else y[:, :, : size[0], : size[1]]


# ------------------------------------------------------------------------ public functions


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Slides K filters over an image: (N, C, H, W) -> (N, K, OH, OW).

    input: (N, C, H, W), or (C, H, W) without a batch.
    weight: (K, C/groups, KH, KW); bias: (K,) or None; all of one dtype.
    stride, padding, dilation: pixels, one int or (vertical, horizontal). padding adds zeros on
    both sides; "valid" is none, "same" as much as keeps the size (only with stride 1; where it
    is odd, the extra row or column is below or on the right).
    groups: filters of group g see only the channels of group g.

    OH = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1, and OW alike.
    Raises RuntimeError, with the sizes, if the arguments do not fit together.
    As everywhere in deep learning this is a correlation: the filter is not turned around.

    >>> import minitorch_cnn as mt
    >>> image = mt.arange(9.0).reshape(1, 1, 3, 3)
    >>> difference = mt.tensor([[[[-1.0, 1.0]]]])
    >>> mt.nn.functional.conv2d(image, difference)
    tensor([[[[1., 1.],
              [1., 1.],
              [1., 1.]]]])
    """
    if autocast.fast:
        input, weight, bias = half_precision(input, weight, bias)
    geometry = conv_geometry_of("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)
    if input.ndim == 3:
        return Conv2dFunction.apply(input.unsqueeze(0), weight, bias, geometry).squeeze(0)
    return Conv2dFunction.apply(input, weight, bias, geometry)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """`conv2d` of images one pixel high: (N, C, L) or (C, L) -> (..., K, OL).

    weight: (K, C/groups, KL); bias: (K,) or None; all of one dtype. stride, padding, dilation: one
    int, or a tuple of one. Raises RuntimeError, with the sizes, if they do not fit together.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[1.0, 2.0, 4.0]]])
    >>> mt.nn.functional.conv1d(x, mt.ones(1, 1, 2))
    tensor([[[3., 6.]]])
    """
    if autocast.fast:
        input, weight, bias = half_precision(input, weight, bias)
    geometry = conv_geometry_of(
        "conv1d", 1, input, weight, bias, stride, padding, dilation, groups
    ).image()
    image = input.unsqueeze(-2) if input.ndim == 3 else input.unsqueeze(0).unsqueeze(-2)
    y = Conv2dFunction.apply(image, weight.unsqueeze(-2), bias, geometry).squeeze(-2)
    return y if input.ndim == 3 else y.squeeze(0)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The gradient of a convolution used as a layer, to make images larger.

    Each input pixel paints its filter, times its value, into the output; where they overlap
    they add up. It goes the way of `conv2d` backward: input (N, K, H, W) or (K, H, W) is in the
    place of the convolution's output, and weight (K, C/groups, KH, KW) is the convolution's.
    Returns (N, C, OH, OW) with OH = (H - 1) stride - 2 padding + dilation (KH - 1) +
    output_padding + 1. output_padding, less than the stride or the dilation, chooses among the
    sizes that a convolution would have brought to H.
    Raises RuntimeError, with the sizes, if the arguments do not fit together, TypeError for a
    padding "same" or "valid".

    >>> import minitorch_cnn as mt
    >>> row = mt.tensor([[[[1.0, 2.0]]]])
    >>> mt.nn.functional.conv_transpose2d(row, mt.ones(1, 1, 1, 3), stride=2)
    tensor([[[[1., 1., 3., 2., 2.]]]])
    """
    if autocast.fast:
        input, weight, bias = half_precision(input, weight, bias)
    geometry, size = transposed_geometry_of(
        "conv_transpose2d",
        2,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )
    batch = input.unsqueeze(0) if input.ndim == 3 else input
    y = Conv2dInputGrad.apply(batch, weight, size, geometry)
    y = y if bias is None else y + bias.reshape(-1, 1, 1)
    return y.squeeze(0) if input.ndim == 3 else y


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """`conv_transpose2d` of images one pixel high: (N, K, L) or (K, L) -> (..., C, OL).

    weight: (K, C/groups, KL); bias: (C,) or None. Raises as `conv_transpose2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.conv_transpose1d(mt.tensor([[1.0, 2.0]]), mt.ones(1, 1, 3), stride=2)
    tensor([[1., 1., 3., 2., 2.]])
    """
    if autocast.fast:
        input, weight, bias = half_precision(input, weight, bias)
    geometry, size = transposed_geometry_of(
        "conv_transpose1d",
        1,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )
    image = input.unsqueeze(-2) if input.ndim == 3 else input.unsqueeze(0).unsqueeze(-2)
    y = Conv2dInputGrad.apply(image, weight.unsqueeze(-2), (1, *size), geometry.image())
    y = y.squeeze(-2) if bias is None else y.squeeze(-2) + bias.reshape(-1, 1)
    return y if input.ndim == 3 else y.squeeze(0)


# ------------------------------------------------------------------------------ arguments


def conv_geometry_of(
    function: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> ConvGeometry:
    """The geometry of a convolution in `dims` dimensions, after all checks of its arguments."""
    x, w, b = _arrays(input, weight, bias)
    shapes = x.shape, w.shape, None if b is None else b.shape
    try:
        return conv_window(function, dims, *shapes, stride, padding, dilation, groups)
    except TypeError:  # a list, for instance, cannot be looked up
        moves = hashable(stride), hashable(padding), hashable(dilation)
        return conv_window(function, dims, *shapes, *moves, groups)


def transposed_geometry_of(
    function: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> tuple[ConvGeometry, Any]:
    """The same for a transposed convolution, with the size of its result."""
    x, w, b = _arrays(input, weight, bias)
    shapes = x.shape, w.shape, None if b is None else b.shape
    moves = hashable(stride), hashable(padding), hashable(output_padding)
    return transposed_window(function, dims, *shapes, *moves, groups, hashable(dilation))


def _arrays(input: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Any, Any, Any]:
    """The arrays of all three (None if there is no bias), of one type and on one device."""
    if not isinstance(input, Tensor):
        as_tensor("convolution", "input", input)
    x, w, b = input.arriving, weight.arriving, None if bias is None else bias.arriving
    for name, array in (("weight", w), ("bias", b)):
        if array is None:
            continue
        if not isinstance(x, np.ndarray) or not isinstance(array, np.ndarray):
            same_device(input, weight, bias)
        if array.dtype != x.dtype:
            kinds = wrap(x).type(), wrap(array).type()
            raise RuntimeError(
                f"Input type ({kinds[0]}) and {name} type ({kinds[1]}) should be the same; "
                "convert one of them with .to(dtype)"
            )
    return x, w, b
