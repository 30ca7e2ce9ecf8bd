"""Pooling: maximum and mean of windows. To a given output size: adaptive_pool.py"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..autograd.deferred import ScatteredGradient
from ..autograd.function import Function
from ..backend import ahead
from ..kernels import PoolGeometry
from ..kernels.geometry import Pair
from ..tensor import Tensor, later, running, wrap
from .activation import ReLU
from .memory_format import laid_like
from .window import hashable, pool_window, with_batch

__all__ = ["max_pool2d", "max_pool2d_with_indices", "avg_pool2d"]


class MaxPool(Function):
    """y (N, C, OH, OW) = the largest number of each window of x (N, C, H, W)

    Backward needs to know where the maximum was, not x: `position` is its place in the window.
    with_indices: the places in the image, row * W + column, are the second result.
    """

    runs_ahead = True

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, geometry: PoolGeometry, with_indices: bool
    ) -> Tensor | tuple[Tensor, Tensor]:
        needed = with_indices or ctx.needs_input_grad[0]
        array = x.arriving
        y, position = kernels.max_pool2d_forward(array, geometry, needed)
        ctx.input_size, ctx.geometry = array.shape[2:], geometry
        result = laid_like(x, y)
        if not needed:
            return result
        indices: tuple[Tensor, ...] = ()
        if with_indices:
            find, width = kernels.max_pool2d_indices, array.shape[3]
            indices = (laid_like(x, ahead.completed(find, position, width, geometry)),)
        pair: tuple[Tensor, ...] = ()
        if x._node is not None and issubclass(x._node._function, ReLU):
            # For its mask (ScatteredGradient), which can do without them: each has a Memory of its
            # own here, so that a write to them is no error, as it is none in torch.
            pair = running(array), running(result.arriving)
            ctx.memories = [(each._memory, each._memory.version) for each in (x, result)]
        ctx.save_for_backward(running(position), *indices, *pair)
        ctx.mark_non_differentiable(*indices)
        return (result, indices[0]) if indices else result

    @staticmethod
    def backward(ctx: Any, gy: Tensor, *unused: Any) -> tuple:
        position, *others = ctx.saved_tensors
        gx = MaxPoolScatter.apply(gy, position, ctx.input_size, ctx.geometry)
        memories = getattr(ctx, "memories", [])
        unchanged = [memory.is_unchanged_since(version) for memory, version in memories]
        if unchanged == [True, True] and isinstance(gx._deferred, ScatteredGradient):
            x, y = others[-2:]
            gx._deferred.of_relu = x.arriving, y.arriving
        return gx, None, None


class MaxPoolScatter(Function):
    """gx (N, C, H, W): each gy goes to the place where its window had the maximum"""

    runs_ahead = True

    @staticmethod
    def forward(
        ctx: Any, gy: Tensor, position: Tensor, input_size: Pair, geometry: PoolGeometry
    ) -> Tensor:
        ctx.save_for_backward(position)
        ctx.input_size, ctx.geometry = input_size, geometry
        gy_array, places = gy.arriving, position.arriving

        def scatter(values: Any) -> Any:
            return kernels.max_pool2d_scatter(values, places, input_size, geometry)

        shape = *gy_array.shape[:2], *input_size
        return later(ScatteredGradient(scatter, shape, gy_array, places), gy, position)

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

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, x: Tensor, geometry: PoolGeometry, divisor: Any) -> Tensor:
        ctx.input_size, ctx.geometry, ctx.divisor = x.shape[2:], geometry, divisor
        return laid_like(x, kernels.avg_pool2d_forward(x.arriving, geometry, divisor))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return AvgPoolGrad.apply(gy, ctx.input_size, ctx.geometry, ctx.divisor), None, None


class AvgPoolGrad(Function):
    """gx: gy / divisor, to every pixel of the window"""

    runs_ahead = True

    @staticmethod
    def forward(
        ctx: Any, gy: Tensor, input_size: Pair, geometry: PoolGeometry, divisor: Any
    ) -> Tensor:
        ctx.geometry, ctx.divisor = geometry, divisor
        return running(kernels.avg_pool2d_backward(gy.arriving, input_size, geometry, divisor))

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
    return pool_window(function, dims, input.shape, *moves, bool(ceil_mode))


def check_mean(function: str, input: Tensor, divisor_override: int | None = None) -> None:
    """Raises NotImplementedError for integers, as torch does for more than means."""
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}: use .float()')
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero, got divisor_override=0")


def _no_bool(function: str, input: Tensor) -> None:
    if input.dtype.category == 0:
        raise NotImplementedError(f'"{function}" not implemented for bool: use .to(mt.uint8)')
