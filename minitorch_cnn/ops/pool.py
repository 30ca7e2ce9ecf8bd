"""Pooling: maximum and mean of windows, at a fixed stride or adapted to an output size."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..autograd.function import Function
from ..kernels import PoolGeometry
from ..tensor import Tensor, shape_text, wrap
from .resize import Resize
from .window import Pair, pair, with_batch

__all__ = [
    "max_pool2d", "max_pool2d_with_indices", "avg_pool2d", "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
]  # fmt: skip


class MaxPool(Function):
    """y (N, C, OH, OW) = the largest number of each window of x (N, C, H, W)

    Backward needs to know where the maximum was, not x: `position` is its place in the window.
    It is the second result if with_position is true.
    """

    @staticmethod
    def forward(ctx, x, geometry, with_position):
        needed = with_position or ctx.needs_input_grad[0]
        y, position = kernels.max_pool2d_forward(x.array, geometry, needed)
        ctx.input_size, ctx.geometry = x.shape[2:], geometry
        if not needed:
            return wrap(y)
        where = wrap(position)
        ctx.save_for_backward(where)
        ctx.mark_non_differentiable(where)
        return (wrap(y), where) if with_position else wrap(y)

    @staticmethod
    def backward(ctx, gy, *unused):
        (position,) = ctx.saved_tensors
        return MaxPoolScatter.apply(gy, position, ctx.input_size, ctx.geometry), None, None


class MaxPoolScatter(Function):
    """gx (N, C, H, W): each gy goes to the place where its window had the maximum"""

    @staticmethod
    def forward(ctx, gy, position, input_size, geometry):
        ctx.save_for_backward(position)
        ctx.input_size, ctx.geometry = input_size, geometry
        return wrap(kernels.max_pool2d_scatter(gy.array, position.array, input_size, geometry))

    @staticmethod
    def backward(ctx, ggx):
        (position,) = ctx.saved_tensors
        return MaxPoolGather.apply(ggx, position, ctx.geometry), None, None, None


class MaxPoolGather(Function):
    """y (N, C, OH, OW): what x has at those places. With fixed places, each undoes the other"""

    @staticmethod
    def forward(ctx, x, position, geometry):
        ctx.save_for_backward(position)
        ctx.input_size, ctx.geometry = x.shape[2:], geometry
        return wrap(kernels.max_pool2d_gather(x.array, position.array, geometry))

    @staticmethod
    def backward(ctx, gy):
        (position,) = ctx.saved_tensors
        return MaxPoolScatter.apply(gy, position, ctx.input_size, ctx.geometry), None, None


class AvgPool(Function):
    """y = sum of each window of x / divisor (OH, OW)"""

    @staticmethod
    def forward(ctx, x, geometry, divisor):
        ctx.input_size, ctx.geometry, ctx.divisor = x.shape[2:], geometry, divisor
        return wrap(kernels.avg_pool2d_forward(x.array, geometry, divisor))

    @staticmethod
    def backward(ctx, gy):
        return AvgPoolGrad.apply(gy, ctx.input_size, ctx.geometry, ctx.divisor), None, None


class AvgPoolGrad(Function):
    """gx: gy / divisor, to every pixel of the window"""

    @staticmethod
    def forward(ctx, gy, input_size, geometry, divisor):
        ctx.geometry, ctx.divisor = geometry, divisor
        return wrap(kernels.avg_pool2d_backward(gy.array, input_size, geometry, divisor))

    @staticmethod
    def backward(ctx, ggx):
        return AvgPool.apply(ggx, ctx.geometry, ctx.divisor), None, None, None


# ------------------------------------------------------------------------ public functions


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window: (N, C, H, W) or (C, H, W) -> (..., OH, OW).

    kernel_size, stride (default: kernel_size), padding (with -inf, at most half of the kernel),
    dilation: pixels, one int or (vertical, horizontal). ceil_mode: a last window may reach
    beyond the image. return_indices: also the places of the maxima, counted row * W + column
    (int64); of equal numbers the first.
    Raises RuntimeError if the arguments do not fit.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 1.0, 0.0]]])
    >>> mt.nn.functional.max_pool2d(x, 2, return_indices=True)
    (tensor([[[5., 2.]]]), tensor([[[1, 2]]]))
    """
    geometry = pool_geometry("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    if not return_indices:
        return with_batch(input, lambda x: MaxPool.apply(x, geometry, False))
    batch = input.unsqueeze(0) if input.ndim == 3 else input
    y, position = MaxPool.apply(batch, geometry, True)
    indices = wrap(kernels.max_pool2d_indices(position.array, input.shape[-1], geometry))
    return (y.squeeze(0), indices.squeeze(0)) if input.ndim == 3 else (y, indices)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d` with the places of the maxima."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: (N, C, H, W) or (C, H, W) -> (..., OH, OW).

    Arguments as `max_pool2d`, with zeros around the image. count_include_pad: the zeros count as
    pixels. divisor_override: divide the sum by this instead of the number of pixels.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.avg_pool2d(mt.arange(8.0).reshape(1, 2, 4), 2)
    tensor([[[2.5000, 4.5000]]])
    """
    geometry = pool_geometry("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    _floating("avg_pool2d", input)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero, got divisor_override=0")
    if divisor_override is None:
        size = input.shape[-2], input.shape[-1]
        divisor = kernels.window_counts(size, geometry, count_include_pad)
    else:
        divisor = np.full(geometry.out_size, divisor_override)
    return with_batch(input, lambda x: AvgPool.apply(x, geometry, divisor))


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of OH x OW bins that cover the image: (N, C, H, W) or (C, H, W) -> (..., OH, OW).

    output_size: int or (OH, OW); None keeps the length. Bin i goes from floor(i H / OH) to
    ceil((i + 1) H / OH), so that bins overlap where OH does not divide H.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_avg_pool2d(mt.arange(5.0).reshape(1, 1, 5), (1, 2))
    tensor([[[1., 3.]]])
    """
    out = _adaptive_size("adaptive_avg_pool2d", input, output_size)
    _floating("adaptive_avg_pool2d", input)
    (H, W), (OH, OW) = input.shape[-2:], out
    if out == (1, 1):
        return input.mean(dim=(-2, -1), keepdim=True)
    if min(out) > 0 and H % OH == 0 and W % OW == 0:
        return avg_pool2d(input, (H // OH, W // OW))
    rows, columns = kernels.averaging_matrix(H, OH), kernels.averaging_matrix(W, OW)
    return with_batch(input, lambda x: Resize.apply(Resize.apply(x, 2, rows), 3, columns))


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of OH x OW bins that cover the image; bins as in `adaptive_avg_pool2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_max_pool2d(mt.arange(5.0).reshape(1, 1, 5), (1, 2))
    tensor([[[2., 4.]]])
    """
    out = _adaptive_size("adaptive_max_pool2d", input, output_size)
    (H, W), (OH, OW) = input.shape[-2:], out
    if min(out) > 0 and H % OH == 0 and W % OW == 0:
        return max_pool2d(input, (H // OH, W // OW), return_indices=return_indices)
    # Bins of different sizes: find the places, then pick what is there.
    indices = wrap(kernels.adaptive_max_indices(input.array, out))  # (..., OH, OW)
    y = input.flatten(-2).gather(-1, indices.flatten(-2)).reshape(indices.shape)
    return (y, indices) if return_indices else y


# ------------------------------------------------------------------------------ arguments


def pool_geometry(
    function: str,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> PoolGeometry:
    """The checked windows, with the size of the output."""
    _check_image(function, input)
    kernel = pair("kernel_size", kernel_size)
    # torch's default is None; an empty list means the same.
    step = kernel if stride is None or stride == [] or stride == () else pair("stride", stride)
    border, spread = pair("padding", padding), pair("dilation", dilation)
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(kernel)}")
    if min(step) <= 0:
        raise RuntimeError(f"stride should be greater than zero, but got {list(step)}")
    if min(spread) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(spread)}")
    for p, k, d in zip(border, kernel, spread, strict=True):
        if p < 0 or p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                "pad should be at least 0 and at most half of effective kernel size, but got "
                f"pad={p}, kernel_size={k} and dilation={d}"
            )
    out = tuple(
        _out_length(*each, ceil_mode)
        for each in zip(input.shape[-2:], kernel, step, border, spread, strict=True)
    )
    if min(out) <= 0:
        raise RuntimeError(
            f"Given input size: {shape_text(input.shape[-3:])}. Calculated output size: "
            f"{[input.shape[-3], *out]}. Output size is too small"
        )
    return PoolGeometry(kernel, step, border, spread, (out[0], out[1]))


def _out_length(
    length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    # The last window must start inside the image or the padding before it.
    if ceil_mode and (count - 1) * stride >= length + padding:
        count -= 1
    return count


def _adaptive_size(function: str, input: Tensor, output_size: Any) -> Pair:
    if isinstance(output_size, tuple | list) and input.ndim <= len(output_size):
        raise ValueError(
            f"{function}: Input dimension should be at least {len(output_size) + 1}, got "
            f"{shape_text(input.shape)}"
        )
    _check_image(function, input)
    sizes = (output_size,) * 2 if output_size is None or isinstance(output_size, int) else None
    sizes = tuple(output_size) if sizes is None else sizes
    if len(sizes) != 2:
        raise RuntimeError(f"{function}: output_size must be one or two numbers, got {sizes}")
    height, width = (
        length if size is None else int(size)
        for size, length in zip(sizes, input.shape[-2:], strict=True)
    )
    if min(height, width) < 0:
        raise RuntimeError(f"{function}: output_size must not be negative, got {sizes}")
    return height, width


def _check_image(function: str, input: Tensor) -> None:
    if input.ndim not in (3, 4):
        raise RuntimeError(
            f"{function}: Expected 3D or 4D (batch mode) tensor, but got {shape_text(input.shape)}"
        )
    if 0 in input.shape[-3:]:
        raise RuntimeError(
            f"{function}: Expected input to have non-zero size for non-batch dimensions, but "
            f"input has sizes {shape_text(input.shape)}"
        )
    if input.dtype.category == 0:
        raise NotImplementedError(f"{function} of bool tensors; convert with .to(mt.uint8)")


def _floating(function: str, input: Tensor) -> None:
    if not input.dtype.is_floating_point:
        raise NotImplementedError(
            f"{function} of {input.dtype} tensors; convert with .float() first"
        )
