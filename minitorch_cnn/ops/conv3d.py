"""Convolutions of volumes: those of images whose channels are KD neighbouring slices.

    x (N, C, D, H, W)  --windows of KD slices-->  (N*OD, C*KD, H, W)  --conv2d-->  (N*OD, K, OH, OW)

Copying each slice KD times is the price; everything else, with all gradients, is the image's.

Axes as in ops/conv.py, with D slices, KD of them in a kernel and OD in the output.
"""

from __future__ import annotations

from typing import Any

from ..autograd.function import Function
from ..backend import array_module
from ..kernels import ConvGeometry
from ..tensor import Tensor, shape_text, wrap
from .conv import Conv2dInputGrad, _check_bias, _check_types, conv2d
from .pad import pad
from .precision import half_precision
from .window import numbers

__all__ = ["conv3d", "conv_transpose3d"]


class SliceWindows(Function):
    """y (N, OD, C, KD, H, W) = the windows of KD slices of x (N, C, D, H, W), stride apart"""

    @staticmethod
    def forward(ctx, x, kernel, stride, dilation):
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
    def backward(ctx, gy):
        return SliceSums.apply(gy, *ctx.args), None, None, None


class SliceSums(Function):
    """x (N, C, D, H, W) = the sum of windows (N, OD, C, KD, H, W), each put back in its place"""

    @staticmethod
    def forward(ctx, windows, depth, stride, dilation):
        array = windows.array
        N, OD, C, KD, H, W = array.shape
        ctx.args = KD, stride, dilation
        x = array_module(array).zeros((N, C, depth, H, W), array.dtype)
        for kd in range(KD):
            slices = _under(kd, OD, stride, dilation)
            x[:, :, slices] += array[:, :, :, kd].transpose(0, 2, 1, 3, 4)
        return wrap(x)

    @staticmethod
    def backward(ctx, gx):
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
    with one int or (depth, vertical, horizontal).

    >>> import minitorch_cnn as mt
    >>> x = mt.arange(8.0).reshape(1, 1, 2, 2, 2)
    >>> mt.nn.functional.conv3d(x, mt.ones(1, 1, 2, 2, 1)).flatten()
    tensor([12., 16.])
    """
    input, weight, bias = half_precision(input, weight, bias)
    if input.ndim not in (4, 5):
        raise RuntimeError(
            "Expected 4D (unbatched) or 5D (batched) input to conv3d, but got input of size: "
            f"{shape_text(input.shape)}"
        )
    if input.ndim == 4:
        batch = input.unsqueeze(0)
        return conv3d(batch, weight, bias, stride, padding, dilation, groups).squeeze(0)
    step, spread = _steps("conv3d", input, weight, stride, dilation, groups)
    if input.shape[1] != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {shape_text(weight.shape)}, expected "
            f"input{shape_text(input.shape)} to have {weight.shape[1] * groups} channels, but got "
            f"{input.shape[1]} channels instead"
        )
    before, after = _padding(weight, step, padding, spread)
    if before[0] or after[0]:
        input = pad(input, (0, 0, 0, 0, before[0], after[0]))
    image_padding = before[1:]
    if before[1:] != after[1:]:  # "same" may need one row or column more at the far side
        input = pad(input, (before[2], after[2], before[1], after[1]))
        image_padding = (0, 0)
    (N, C, D, H, W), (K, Cg, KD, KH, KW) = input.shape, weight.shape
    if spread[0] * (KD - 1) + 1 > D:
        raise RuntimeError(
            f"Calculated padded input size per channel: ({D} x {H} x {W}). Kernel size: ({KD} x "
            f"{KH} x {KW}), dilation {list(spread)}. Kernel size can't be greater than actual "
            "input size"
        )
    windows = SliceWindows.apply(input, KD, step[0], spread[0])  # (N, OD, C, KD, H, W)
    OD = windows.shape[1]
    y = conv2d(
        windows.reshape(N * OD, C * KD, H, W),
        weight.reshape(K, Cg * KD, KH, KW),
        bias,
        step[1:],
        image_padding,
        spread[1:],
        groups,
    )  # (N*OD, K, OH, OW)
    return y.unflatten(0, (N, OD)).transpose(1, 2)


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

    input: (N, K, D, H, W) or (K, D, H, W); weight: (K, C/groups, KD, KH, KW).

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([1.0, 2.0]).reshape(1, 1, 2, 1, 1)
    >>> mt.nn.functional.conv_transpose3d(x, mt.ones(1, 1, 3, 1, 1), stride=2).flatten()
    tensor([1., 1., 3., 2., 2.])
    """
    input, weight, bias = half_precision(input, weight, bias)
    if input.ndim not in (4, 5):
        raise RuntimeError(
            "Expected 4D (unbatched) or 5D (batched) input to conv_transpose3d, but got input of "
            f"size: {shape_text(input.shape)}"
        )
    if input.ndim == 4:
        return conv_transpose3d(
            input.unsqueeze(0), weight, bias, stride, padding, output_padding, groups, dilation
        ).squeeze(0)
    if isinstance(padding, str):
        raise TypeError(f"conv_transpose3d: padding must be numbers, got {padding!r}")
    step, spread = _steps("conv_transpose3d", input, weight, stride, dilation, groups)
    border, _ = _padding(weight, step, padding, spread)
    extra = numbers("output_padding", output_padding, 3)
    (N, C, D, H, W), (K, Cg, KD, KH, KW) = input.shape, weight.shape
    if C != K:
        raise RuntimeError(
            f"Given transposed=1, weight of size {shape_text(weight.shape)}, expected "
            f"input{shape_text(input.shape)} to have {K} channels, but got {C} channels instead"
        )
    _check_types(input, weight, bias)
    _check_bias(weight, bias, Cg * groups)
    for e, s, d in zip(extra, step, spread, strict=True):
        if not 0 <= e < max(s, d):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got "
                f"output_padding {list(extra)}, stride {list(step)} and dilation {list(spread)}"
            )
    out = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(
            (D, H, W), step, border, spread, (KD, KH, KW), extra, strict=True
        )
    )
    if min(out) <= 0 or 0 in (D, H, W):
        raise RuntimeError(
            f"Given input size per channel: ({D} x {H} x {W}). Calculated output size per channel: "
            f"({' x '.join(map(str, out))}). Output size is too small"
        )
    geometry = ConvGeometry(
        (step[1], step[2]), (border[1], border[2]), (spread[1], spread[2]), groups
    )
    slices = input.transpose(1, 2).reshape(N * D, K, H, W)
    images = Conv2dInputGrad.apply(
        slices, weight.reshape(K, Cg * KD, KH, KW), out[1:], geometry
    )  # (N*D, C*KD, OH, OW)
    windows = images.unflatten(1, (Cg * groups, KD)).unflatten(0, (N, D))
    # With the padding, which is cut off again.
    depth = out[0] + 2 * border[0]
    y = SliceSums.apply(windows, depth, step[0], spread[0])[:, :, border[0] : border[0] + out[0]]
    return y if bias is None else y + bias.reshape(-1, 1, 1, 1)


# ------------------------------------------------------------------------------ arguments


def _steps(
    function: str, input: Tensor, weight: Tensor, stride: Any, dilation: Any, groups: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Stride and dilation, after the checks that both directions share."""
    if weight.ndim != 5:
        raise RuntimeError(
            f"{function}: weight must have 5 dimensions (filters, channels per group, depth, "
            f"height, width), got size {shape_text(weight.shape)}"
        )
    step, spread = numbers("stride", stride, 3), numbers("dilation", dilation, 3)
    if min(step) <= 0:
        raise RuntimeError(f"non-positive stride is not supported, got {list(step)}")
    if min(spread) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(spread)}")
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported, got {groups}")
    if 0 in weight.shape[2:]:
        raise RuntimeError(f"the kernel must not be empty, got weight {shape_text(weight.shape)}")
    if weight.shape[0] % groups or weight.shape[0] == 0:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size {shape_text(weight.shape)} instead"
        )
    return step, spread


def _padding(
    weight: Tensor, stride: tuple[int, ...], padding: Any, dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is added before and after each axis, for numbers, "valid" and "same"."""
    if not isinstance(padding, str):
        both = numbers("padding", padding, 3)
        if min(both) < 0:
            raise RuntimeError(f"negative padding is not supported, got {list(both)}")
        return both, both
    if padding == "valid":
        return (0, 0, 0), (0, 0, 0)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: {padding!r}; use 'valid', 'same' or numbers")
    if stride != (1, 1, 1):
        raise RuntimeError(
            f"padding='same' is not supported for strided convolutions, got stride={list(stride)}"
        )
    totals = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    return tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals)
