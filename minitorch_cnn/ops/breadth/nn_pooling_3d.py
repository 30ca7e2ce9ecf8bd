"""Pooling of volumes (N, C, D, H, W) or (C, D, H, W).

A window of KD x KH x KW is KD windows of KH x KW, one a slice. The maximum of their maxima, and
the sum of their sums, are the window's: so the slices are pooled as images first, and then their
results along the depth, as images of D x (OH*OW) pixels with windows of KD x 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import kernels
from ...autograd.function import Function
from ...autograd.modes import state
from ...backend import array_module
from ...kernels import PoolGeometry
from ...tensor import Tensor, wrap
from ..adaptive_pool import adaptive_avg_pool2d, adaptive_max_pool2d
from ..memory_format import lies_by_pixels, like
from ..pool import avg_pool_images, check_mean, max_pool_images, pool_geometry
from ..positions import gather
from ..window import adaptive_size, empty_pool

__all__ = [
    "max_pool3d", "max_pool3d_with_indices", "adaptive_max_pool3d", "avg_pool3d",
    "adaptive_avg_pool3d",
]  # fmt: skip


def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window: (N, C, D, H, W) or (C, D, H, W) -> (..., OD, OH, OW).

    Arguments as `max_pool2d`, one int or three (depth, vertical, horizontal). The places of
    return_indices are counted (depth * H + row) * W + column. Raises as `max_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.max_pool3d(mt.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[7.]]]])
    """
    moves = kernel_size, stride, padding, dilation, ceil_mode
    geometry = pool_geometry("max_pool3d", 3, input, *moves)

    def pool_image(x: Tensor) -> Any:
        return max_pool_images(x, geometry.image(), return_indices)

    def pool_depth(x: Tensor) -> Any:
        return max_pool_images(x, _along_depth(geometry), return_indices)

    return _maximum(input, pool_image, pool_depth, return_indices, _lies_by_pixels(input))


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """`max_pool3d` with the places of the maxima: two tensors (N, C, OD, OH, OW), values and int64.

    Raises as `max_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.max_pool3d_with_indices(mt.arange(8.0).reshape(1, 2, 2, 2), 2)
    (tensor([[[[7.]]]]), tensor([[[[7]]]]))
    """
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of OD x OH x OW bins of a volume: (N, C, D, H, W) -> (N, C, OD, OH, OW).

    Bins as in `adaptive_avg_pool2d`; return_indices: also the places of the maxima, counted as in
    `max_pool3d`. Raises as `adaptive_max_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.arange(8.0).reshape(1, 2, 2, 2)
    >>> mt.nn.functional.adaptive_max_pool3d(x, (2, 1, 1)).flatten()
    tensor([3., 7.])
    """
    out = OD, OH, OW = adaptive_size("adaptive_max_pool3d", 3, input.shape, output_size)
    if 0 in out or input.numel() == 0:
        check_mean("adaptive_max_pool3d", input)
        y = empty_pool(input, out)
        return (y, y.detach().long()) if return_indices else y

    def pool_image(x: Tensor) -> Any:
        return adaptive_max_pool2d(x, (OH, OW), return_indices)

    def pool_depth(x: Tensor) -> Any:
        return adaptive_max_pool2d(x, (OD, OH * OW), return_indices)

    return _maximum(input, pool_image, pool_depth, return_indices)


class Beside(Function):
    """y, with places of it that must not change before its backward"""

    @staticmethod
    def forward(ctx: Any, y: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        return wrap(y.array)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor, None]:
        _ = ctx.saved_tensors  # raises if somebody has changed them
        return gy, None


def _maximum(
    input: Tensor,
    pool_image: Callable,
    pool_depth: Callable,
    return_indices: bool,
    by_pixels: bool = False,
) -> Any:
    """The maximum over images, then over the depth; by_pixels: how all of it lies in memory."""
    if not return_indices:
        y, size = _columns(pool_image(_slices(input, by_pixels)), input, by_pixels)
        return _volume(pool_depth(y), input, size)
    y, where = pool_image(_slices(input, by_pixels))
    y, size = _columns(y, input, by_pixels)
    where, _ = _columns(where, input, by_pixels)  # (N, C, D, OH*OW): places in the slices
    y, slot = pool_depth(y)
    # `slot` counts slice * (OH*OW) + column. The place in the volume: that slice, and the place
    # that the maximum of its window had there.
    depth = slot // where.shape[-1]
    place = depth * (input.shape[-2] * input.shape[-1]) + gather(where, -2, depth)
    place = _volume(like(y, place), input, size)
    return Beside.apply(_volume(y, input, size), place), place


def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: (N, C, D, H, W) or (C, D, H, W) -> (..., OD, OH, OW).

    Arguments as `avg_pool2d`, one int or three (depth, vertical, horizontal). Raises as
    `avg_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.avg_pool3d(mt.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[3.5000]]]])
    """
    geometry = pool_geometry("avg_pool3d", 3, input, kernel_size, stride, padding, 1, ceil_mode)
    check_mean("avg_pool3d", input, divisor_override)
    image, depth = geometry.image(), _along_depth(geometry)
    y, size = _columns(avg_pool_images(_slices(input), image, True, 1), input)
    sums = _volume(avg_pool_images(y, depth, True, 1), input, size)
    if divisor_override is not None:
        return sums / divisor_override
    D, H, W = input.shape[-3:]
    slices = kernels.window_counts((D, 1), depth, count_include_pad)[:, :1, None]  # (OD, 1, 1)
    pixels = kernels.window_counts((H, W), image, count_include_pad)  # (OH, OW)
    divisor = array_module(input.array).asarray(slices * pixels, input.array.dtype)
    return sums / wrap(divisor)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of OD x OH x OW bins of a volume: (N, C, D, H, W) -> (N, C, OD, OH, OW).

    Bins as in `adaptive_avg_pool2d`. Raises as `adaptive_avg_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_avg_pool3d(mt.arange(8.0).reshape(1, 2, 2, 2), 1)
    tensor([[[[3.5000]]]])
    """
    out = OD, OH, OW = adaptive_size("adaptive_avg_pool3d", 3, input.shape, output_size)
    if 0 in out or input.numel() == 0:
        check_mean("adaptive_avg_pool3d", input)
        return empty_pool(input, out)
    y, size = _columns(adaptive_avg_pool2d(_slices(input), (OH, OW)), input)
    return _volume(adaptive_avg_pool2d(y, (OD, OH * OW)), input, size)


# --------------------------------------------------------------------- between the two passes


def _lies_by_pixels(input: Tensor) -> bool:
    """Of a batch as torch guesses it; a single volume must have no gaps either.

    False while somebody looks on: `explain` and ONNX know the way by slices.
    """
    if state.observer is not None:
        return False
    if input.ndim == 5:
        return lies_by_pixels(input.array)
    return bool(input.array.transpose(1, 2, 3, 0).flags.c_contiguous)


def _slices(input: Tensor, by_pixels: bool = False) -> Tensor:
    """Every slice of a volume as an image: (N, C*D, H, W), or (N*D, C, H, W) if it lies so."""
    batch = input.unsqueeze(0) if input.ndim == 4 else input
    return batch.transpose(1, 2).flatten(0, 1) if by_pixels else batch.flatten(1, 2)


def _columns(
    images: Tensor, input: Tensor, by_pixels: bool = False
) -> tuple[Tensor, tuple[int, int]]:
    """Pooled slices, as `_slices` has them, as (N, C, D, OH*OW), and (OH, OW)."""
    C, D = input.shape[-4], input.shape[-3]
    columns = images.flatten(-2)
    if by_pixels:
        columns = columns.unflatten(0, (-1, D)).transpose(1, 2)
    else:
        columns = columns.unflatten(1, (C, D))
    return columns, (images.shape[-2], images.shape[-1])


def _volume(columns: Tensor, input: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, OD, OH*OW) as (N, C, OD, OH, OW), without the batch if the input has none."""
    volume = columns.unflatten(-1, size)
    return volume.squeeze(0) if input.ndim == 4 else volume


def _along_depth(geometry: PoolGeometry) -> PoolGeometry:
    """The windows of (N, C, D, OH*OW): those of the first axis, one column wide."""
    kernel_size, stride, padding, dilation, (OD, OH, OW) = geometry
    return PoolGeometry(
        (kernel_size[0], 1), (stride[0], 1), (padding[0], 0), (dilation[0], 1), (OD, OH * OW)
    )
