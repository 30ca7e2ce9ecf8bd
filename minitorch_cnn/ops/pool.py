"""Pooling: maximum and mean of windows, at a fixed stride or adapted to an output size."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..autograd.function import Function
from ..kernels import PoolGeometry
from ..kernels.geometry import Pair
from ..tensor import Tensor, wrap
from .memory_format import laid_like, like
from .resize import Resize
from .window import adaptive_size, empty_pool, hashable, pool_window, with_batch

__all__ = [
    "max_pool2d", "max_pool2d_with_indices", "avg_pool2d", "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
]  # fmt: skip


class MaxPool(Function):
    """y (N, C, OH, OW) = the largest number of each window of x (N, C, H, W)

    Backward needs to know where the maximum was, not x: `position` is its place in the window.
    with_indices: the places in the image, row * W + column, are the second result.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, geometry: PoolGeometry, with_indices: bool
    ) -> Tensor | tuple[Tensor, Tensor]:
        needed = with_indices or ctx.needs_input_grad[0]
        y, position = kernels.max_pool2d_forward(x.array, geometry, needed)
        ctx.input_size, ctx.geometry = x.shape[2:], geometry
        if not needed:
            return laid_like(x, y)
        find, width = kernels.max_pool2d_indices, x.shape[-1]
        indices = (laid_like(x, find(position, width, geometry)),) if with_indices else ()
        ctx.save_for_backward(wrap(position), *indices)  # so that a change of them is noticed
        ctx.mark_non_differentiable(*indices)
        return (laid_like(x, y), *indices) if with_indices else laid_like(x, y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor, *unused: Any) -> tuple:
        position = ctx.saved_tensors[0]
        return MaxPoolScatter.apply(gy, position, ctx.input_size, ctx.geometry), None, None


class MaxPoolScatter(Function):
    """gx (N, C, H, W): each gy goes to the place where its window had the maximum"""

    @staticmethod
    def forward(
        ctx: Any, gy: Tensor, position: Tensor, input_size: Pair, geometry: PoolGeometry
    ) -> Tensor:
        ctx.save_for_backward(position)
        ctx.input_size, ctx.geometry = input_size, geometry
        return wrap(kernels.max_pool2d_scatter(gy.array, position.array, input_size, geometry))

    @staticmethod
    def backward(ctx: Any, ggx: Tensor) -> tuple:
        (position,) = ctx.saved_tensors
        return MaxPoolGather.apply(ggx, position, ctx.geometry), None, None, None


class MaxPoolGather(Function):
    """y (N, C, OH, OW): what x has at those places. With fixed places, each undoes the other"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, position: Tensor, geometry: PoolGeometry) -> Tensor:
        ctx.save_for_backward(position)
        ctx.input_size, ctx.geometry = x.shape[2:], geometry
        return wrap(kernels.max_pool2d_gather(x.array, position.array, geometry))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (position,) = ctx.saved_tensors
        return MaxPoolScatter.apply(gy, position, ctx.input_size, ctx.geometry), None, None


class AvgPool(Function):
    """y = sum of each window of x / divisor (OH, OW)"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, geometry: PoolGeometry, divisor: Any) -> Tensor:
        ctx.input_size, ctx.geometry, ctx.divisor = x.shape[2:], geometry, divisor
        return laid_like(x, kernels.avg_pool2d_forward(x.array, geometry, divisor))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return AvgPoolGrad.apply(gy, ctx.input_size, ctx.geometry, ctx.divisor), None, None


class AvgPoolGrad(Function):
    """gx: gy / divisor, to every pixel of the window"""

    @staticmethod
    def forward(
        ctx: Any, gy: Tensor, input_size: Pair, geometry: PoolGeometry, divisor: Any
    ) -> Tensor:
        ctx.geometry, ctx.divisor = geometry, divisor
        return wrap(kernels.avg_pool2d_backward(gy.array, input_size, geometry, divisor))

    @staticmethod
    def backward(ctx: Any, ggx: Tensor) -> tuple:
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
    moves = kernel_size, stride, padding, dilation, ceil_mode
    return max_pool_images(input, pool_geometry("max_pool2d", 2, input, *moves), return_indices)


def max_pool_images(input: Tensor, geometry: PoolGeometry, return_indices: bool) -> Any:
    """`max_pool2d` of checked arguments."""
    if not return_indices:
        return with_batch(input, lambda x: MaxPool.apply(x, geometry, False))
    batch = input.unsqueeze(0) if input.ndim == 3 else input
    y, indices = MaxPool.apply(batch, geometry, True)
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
    """`max_pool2d` with the places of the maxima: two tensors (N, C, OH, OW), values and int64.

    Raises as `max_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[1.0, 5.0], [3.0, 4.0]]])
    >>> mt.nn.functional.max_pool2d_with_indices(x, 2)
    (tensor([[[5.]]]), tensor([[[1]]]))
    """
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
    Raises RuntimeError if the arguments do not fit, NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.avg_pool2d(mt.arange(8.0).reshape(1, 2, 4), 2)
    tensor([[[2.5000, 4.5000]]])
    """
    geometry = pool_geometry("avg_pool2d", 2, input, kernel_size, stride, padding, 1, ceil_mode)
    check_mean("avg_pool2d", input, divisor_override)
    return avg_pool_images(input, geometry, count_include_pad, divisor_override)


def avg_pool_images(
    input: Tensor, geometry: PoolGeometry, count_include_pad: bool, divisor_override: int | None
) -> Tensor:
    """`avg_pool2d` of checked arguments."""
    if divisor_override is None:
        divisor = kernels.window_counts(tuple(input.shape[-2:]), geometry, count_include_pad)
    else:
        divisor = np.full(geometry.out_size, divisor_override)
    return with_batch(input, lambda x: AvgPool.apply(x, geometry, divisor))


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of OH x OW bins that cover the image: (N, C, H, W) or (C, H, W) -> (..., OH, OW).

    output_size: int or (OH, OW); None keeps the length. Bin i goes from floor(i H / OH) to
    ceil((i + 1) H / OH), so that bins overlap where OH does not divide H.
    Raises RuntimeError or ValueError if the arguments do not fit, NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_avg_pool2d(mt.arange(5.0).reshape(1, 1, 5), (1, 2))
    tensor([[[1., 3.]]])
    """
    out = adaptive_size("adaptive_avg_pool2d", 2, input.shape, output_size)
    check_mean("adaptive_avg_pool2d", input)
    (H, W), (OH, OW) = input.shape[-2:], out
    if 0 in out or input.numel() == 0:
        return empty_pool(input, out)
    if out == (1, 1):
        return input.mean(dim=(-2, -1), keepdim=True)
    if H % OH == 0 and W % OW == 0:
        return avg_pool2d(input, (H // OH, W // OW))
    rows, columns = kernels.averaging_matrix(H, OH), kernels.averaging_matrix(W, OW)
    return with_batch(input, lambda x: like(x, Resize.apply(Resize.apply(x, 2, rows), 3, columns)))


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of OH x OW bins that cover the image: (N, C, H, W) or (C, H, W) -> (..., OH, OW).

    Bins as in `adaptive_avg_pool2d`. return_indices: also the places of the maxima, row * W +
    column (int64). Raises RuntimeError or ValueError if the arguments do not fit,
    NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_max_pool2d(mt.arange(5.0).reshape(1, 1, 5), (1, 2))
    tensor([[[2., 4.]]])
    """
    out = adaptive_size("adaptive_max_pool2d", 2, input.shape, output_size)
    check_mean("adaptive_max_pool2d", input)
    if 0 in out or input.numel() == 0:
        y = empty_pool(input, out)
        return (y, y.detach().long()) if return_indices else y
    (H, W), (OH, OW) = input.shape[-2:], out
    if H % OH == 0 and W % OW == 0:
        return max_pool2d(input, (H // OH, W // OW), return_indices=return_indices)
    # Bins of different sizes: find the places, then pick what is there.
    indices = wrap(kernels.adaptive_max_indices(input.array, out))  # (..., OH, OW)
    y = input.flatten(-2).gather(-1, indices.flatten(-2)).reshape(indices.shape)
    return (like(input, y), like(input, indices)) if return_indices else like(input, y)


# ------------------------------------------------------------------------------ arguments


def pool_geometry(
    function: str,
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> PoolGeometry:
    """The windows of a pooling in `dims` dimensions, after all checks of its arguments."""
    _no_bool(function, input)
    moves = hashable(kernel_size), hashable(stride), hashable(padding), hashable(dilation)
    return pool_window(function, dims, input.array.shape, *moves, bool(ceil_mode))


def check_mean(function: str, input: Tensor, divisor_override: int | None = None) -> None:
    """Raises NotImplementedError for integers, as torch does for more than means."""
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}: use .float()')
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero, got divisor_override=0")


def _no_bool(function: str, input: Tensor) -> None:
    if input.dtype.category == 0:
        raise NotImplementedError(f'"{function}" not implemented for bool: use .to(mt.uint8)')
