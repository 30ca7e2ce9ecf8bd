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

import functools
from typing import Any

from .. import kernels
from ..autograd.deferred import Deferred
from ..autograd.function import Function
from ..kernels import ConvGeometry, output_size
from ..kernels.algorithm import record
from ..tensor import Tensor, later, shape_text, wrap
from .common import same_device
from .pad import pad
from .precision import half_precision
from .window import Pair, numbers, pair, with_batch


class Conv2dFunction(Function):
    """y (N, K, OH, OW) = x (N, C, H, W) convolved with w (K, C/G, KH, KW), plus b (K) or None"""

    fresh_gradients = True

    @staticmethod
    def forward(ctx, x, w, b, geometry):
        # The gradient of x needs w, and that of w needs x.
        ctx.save_for_backward(
            x if ctx.needs_input_grad[1] else None, w if ctx.needs_input_grad[0] else None
        )
        x_array, w_array, b_array = x.array, w.array, None if b is None else b.array
        ctx.input_size, ctx.kernel_size = x_array.shape[2:], w_array.shape[2:]
        ctx.geometry = geometry

        def kernel(relu: bool) -> Any:
            convolve = kernels.conv2d_relu_forward if relu else kernels.conv2d_forward
            return convolve(x_array, w_array, b_array, geometry)

        out_size = output_size(ctx.input_size, ctx.kernel_size, geometry)
        shape = x_array.shape[0], w_array.shape[0], *out_size
        sources = (x_array, w_array) if b is None else (x_array, w_array, b_array)
        put_off = Deferred(kernel, shape, sources, takes_relu=True)
        record(put_off.values)
        return later(put_off, x, w, b)

    @staticmethod
    def backward(ctx, gy):
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
    """The gradient of a bias: the sum of gy (N, K, OH, OW) over images and pixels, (K)"""

    @staticmethod
    def forward(ctx, gy):
        ctx.shape = gy.shape
        return wrap(kernels.channel_sum(gy.array))

    @staticmethod
    def backward(ctx, ggb):
        return ggb.reshape(1, -1, 1, 1).expand(ctx.shape)


class Conv2dInputGrad(Function):
    """gx (N, C, H, W) from gy (N, K, OH, OW) and w (K, C/G, KH, KW)"""

    @staticmethod
    def forward(ctx, gy, w, input_size, geometry):
        ctx.save_for_backward(
            gy if ctx.needs_input_grad[1] else None, w if ctx.needs_input_grad[0] else None
        )
        ctx.output_size, ctx.kernel_size = gy.array.shape[2:], w.array.shape[2:]
        ctx.geometry = geometry
        return wrap(kernels.conv2d_input_grad(gy.array, w.array, tuple(input_size), geometry))

    @staticmethod
    def backward(ctx, ggx):
        gy, w = ctx.saved_tensors
        ggy = gw = None
        if ctx.needs_input_grad[0]:
            ggy = _conv_to_size(ggx, w, ctx.geometry, ctx.output_size)
        if ctx.needs_input_grad[1]:
            gw = Conv2dWeightGrad.apply(ggx, gy, ctx.kernel_size, ctx.geometry)
        return ggy, gw, None, None


class Conv2dWeightGrad(Function):
    """gw (K, C/G, KH, KW) from x (N, C, H, W) and gy (N, K, OH, OW)"""

    @staticmethod
    def forward(ctx, x, gy, kernel_size, geometry):
        ctx.save_for_backward(
            x if ctx.needs_input_grad[1] else None, gy if ctx.needs_input_grad[0] else None
        )
        ctx.input_size, ctx.output_size = x.array.shape[2:], gy.array.shape[2:]
        ctx.geometry = geometry
        return wrap(kernels.conv2d_weight_grad(x.array, gy.array, tuple(kernel_size), geometry))

    @staticmethod
    def backward(ctx, ggw):
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
    return y if y.shape[2:] == tuple(size) else y[:, :, : size[0], : size[1]]


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
    input, weight, bias = half_precision(input, weight, bias)
    shape, weight_shape = input.array.shape, weight.array.shape
    if len(shape) not in (3, 4):
        raise RuntimeError(
            "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: "
            f"{shape_text(shape)}"
        )
    geometry, (extra_h, extra_w) = _geometry(weight_shape, stride, padding, dilation, groups)
    _check_types(input, weight, bias)
    K, Cg, KH, KW = weight_shape
    if shape[-3] != Cg * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {shape_text(weight_shape)}, expected "
            f"input{shape_text(shape)} to have {Cg * groups} channels, but got {shape[-3]} "
            "channels instead"
        )
    _check_bias(weight, bias, K)
    if extra_h or extra_w:
        input = pad(input, (0, extra_w, 0, extra_h))
    size = shape[-2] + extra_h, shape[-1] + extra_w
    if min(output_size(size, (KH, KW), geometry)) <= 0:
        (ph, pw), (dh, dw) = geometry.padding, geometry.dilation
        raise RuntimeError(
            f"Calculated padded input size per channel: ({size[0] + 2 * ph} x {size[1] + 2 * pw}). "
            f"Kernel size: ({dh * (KH - 1) + 1} x {dw * (KW - 1) + 1}). "
            "Kernel size can't be greater than actual input size"
        )
    if len(shape) == 3:
        return Conv2dFunction.apply(input.unsqueeze(0), weight, bias, geometry).squeeze(0)
    return Conv2dFunction.apply(input, weight, bias, geometry)


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

    >>> import minitorch_cnn as mt
    >>> row = mt.tensor([[[[1.0, 2.0]]]])
    >>> mt.nn.functional.conv_transpose2d(row, mt.ones(1, 1, 1, 3), stride=2)
    tensor([[[[1., 1., 3., 2., 2.]]]])
    """
    input, weight, bias = half_precision(input, weight, bias)
    if input.ndim not in (3, 4):
        raise RuntimeError(
            "Expected 3D (unbatched) or 4D (batched) input to conv_transpose2d, but got input of "
            f"size: {shape_text(input.shape)}"
        )
    if isinstance(padding, str):
        raise TypeError(f"conv_transpose2d: padding must be numbers, got {padding!r}")
    geometry, _ = _geometry(weight.array.shape, stride, padding, dilation, groups)
    _check_types(input, weight, bias)
    K, Cg, KH, KW = weight.shape
    channels = input.shape[-3]
    if channels != K:
        raise RuntimeError(
            f"Given transposed=1, weight of size {shape_text(weight.shape)}, expected "
            f"input{shape_text(input.shape)} to have {K} channels, but got {channels} channels "
            "instead"
        )
    _check_bias(weight, bias, Cg * groups)
    size = _transposed_size(input, (KH, KW), geometry, pair("output_padding", output_padding))

    def apply(x: Tensor) -> Tensor:
        y = Conv2dInputGrad.apply(x, weight, size, geometry)
        return y if bias is None else y + bias.reshape(-1, 1, 1)

    return with_batch(input, apply)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """`conv2d` of images one pixel high: input (N, C, L) or (C, L), weight (K, C/groups, KL).

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[1.0, 2.0, 4.0]]])
    >>> mt.nn.functional.conv1d(x, mt.ones(1, 1, 2))
    tensor([[[3., 6.]]])
    """
    _check_sequence("conv1d", input, weight)
    y = conv2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        _row("stride", stride, 1),
        padding if isinstance(padding, str) else _row("padding", padding, 0),
        _row("dilation", dilation, 1),
        groups,
    )
    return y.squeeze(-2)


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
    """`conv_transpose2d` of images one pixel high: input (N, K, L), weight (K, C/groups, KL).

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.conv_transpose1d(mt.tensor([[1.0, 2.0]]), mt.ones(1, 1, 3), stride=2)
    tensor([[1., 1., 3., 2., 2.]])
    """
    _check_sequence("conv_transpose1d", input, weight)
    if isinstance(padding, str):
        raise TypeError(f"conv_transpose1d: padding must be numbers, got {padding!r}")
    y = conv_transpose2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        _row("stride", stride, 1),
        _row("padding", padding, 0),
        _row("output_padding", output_padding, 0),
        groups,
        _row("dilation", dilation, 1),
    )
    return y.squeeze(-2)


def _check_sequence(function: str, input: Tensor, weight: Tensor) -> None:
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2D (unbatched) or 3D (batched) input to {function}, but got input of size: "
            f"{shape_text(input.shape)}"
        )
    if weight.ndim != 3:
        raise RuntimeError(f"{function}: weight must be 3D, got size {shape_text(weight.shape)}")


def _row(name: str, value: Any, above: int) -> Pair:
    """(above, value): what the axis of height 1 has, and what the user says of the other."""
    return above, numbers(name, value, 1)[0]


# ------------------------------------------------------------------------------ arguments


def _geometry(
    weight_shape: tuple[int, ...], stride: Any, padding: Any, dilation: Any, groups: int
) -> tuple[ConvGeometry, Pair]:
    """The checked geometry, and how many rows and columns "same" must add at the far side."""
    moves = []
    for each in (stride, padding, dilation):
        moves.append(each if isinstance(each, (int, str)) else tuple(map(int, each)))
    return _checked_geometry(weight_shape, *moves, groups)


@functools.lru_cache(maxsize=1024)  # a network asks for the same few again and again
def _checked_geometry(
    weight_shape: tuple[int, ...], stride: Any, padding: Any, dilation: Any, groups: int
) -> tuple[ConvGeometry, Pair]:
    if len(weight_shape) != 4:
        raise RuntimeError(
            "weight must have 4 dimensions (filters, channels per group, height, width), got "
            f"size {shape_text(weight_shape)}"
        )
    if 0 in weight_shape[2:]:
        raise RuntimeError(f"the kernel must not be empty, got weight {shape_text(weight_shape)}")
    stride, dilation = pair("stride", stride), pair("dilation", dilation)
    if min(stride) <= 0:
        raise RuntimeError(f"non-positive stride is not supported, got {list(stride)}")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported, got {groups}")
    if weight_shape[0] % groups or weight_shape[0] == 0:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size {shape_text(weight_shape)} instead"
        )
    extra = (0, 0)
    if isinstance(padding, str):
        padding, extra = _named_padding(padding, weight_shape, stride, dilation)
    padding = pair("padding", padding)
    if min(padding) < 0:
        raise RuntimeError(f"negative padding is not supported, got {list(padding)}")
    return ConvGeometry(stride, padding, dilation, int(groups)), extra


def _named_padding(
    name: str, weight_shape: tuple[int, ...], stride: Pair, dilation: Pair
) -> tuple[Pair, Pair]:
    """Padding on both sides, and what comes on top at the far side, for "valid" and "same"."""
    if name == "valid":
        return (0, 0), (0, 0)
    if name != "same":
        raise RuntimeError(f"Invalid padding string: {name!r}; use 'valid', 'same' or numbers")
    if stride != (1, 1):
        raise RuntimeError(
            f"padding='same' is not supported for strided convolutions, got stride={list(stride)}"
        )
    # The output loses dilation (kernel - 1) pixels, which two equal sides may not make up.
    vertical, horizontal = (d * (k - 1) for d, k in zip(dilation, weight_shape[2:], strict=True))
    return (vertical // 2, horizontal // 2), (vertical % 2, horizontal % 2)


def _transposed_size(
    input: Tensor, kernel_size: Pair, geometry: ConvGeometry, output_padding: Pair
) -> Pair:
    """(OH, OW) of a transposed convolution. Raises RuntimeError if there is no such image."""
    if min(output_padding) < 0:
        raise RuntimeError(f"negative output_padding is not supported, got {list(output_padding)}")
    for extra, stride, dilation in zip(
        output_padding, geometry.stride, geometry.dilation, strict=True
    ):
        if extra >= max(stride, dilation):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got "
                f"output_padding {list(output_padding)}, stride {list(geometry.stride)} and "
                f"dilation {list(geometry.dilation)}"
            )
    lengths = input.shape[-2], input.shape[-1]
    height, width = (
        (length - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
        for length, stride, padding, dilation, kernel, extra in zip(
            lengths, *geometry[:3], kernel_size, output_padding, strict=True
        )
    )
    if min(height, width) <= 0 or min(lengths) == 0:
        raise RuntimeError(
            f"Given input size per channel: ({lengths[0]} x {lengths[1]}). Calculated output size "
            f"per channel: ({height} x {width}). Output size is too small"
        )
    return height, width


def _check_types(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    same_device(input, weight, bias)
    for name, other in (("weight", weight), ("bias", bias)):
        if other is not None and other.array.dtype != input.array.dtype:
            raise RuntimeError(
                f"Input type ({input.dtype}) and {name} type ({other.dtype}) should be the same; "
                "convert one of them with .to(dtype)"
            )


def _check_bias(weight: Tensor, bias: Tensor | None, channels: int) -> None:
    if bias is not None and bias.array.shape != (channels,):
        raise RuntimeError(
            f"Given weight of size {shape_text(weight.shape)}, expected bias to be 1-dimensional "
            f"with {channels} elements, but got bias of size {shape_text(bias.shape)} instead"
        )
