"""Pooling of volumes (N, C, D, H, W) or (C, D, H, W).

A window of KD x KH x KW is KD windows of KH x KW, one a slice. The maximum of their maxima, and
the sum of their sums, are the window's: so the slices are pooled as images first, and then their
results along the depth, as images of D x (OH*OW) pixels with windows of KD x 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import kernels
from ..backend import array_module
from ..tensor import Tensor, shape_text, wrap
from .pool import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    max_pool2d,
    pool_geometry,
)
from .positions import gather
from .window import numbers

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
    return_indices are counted (depth * H + row) * W + column.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.max_pool3d(mt.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[7.]]]])
    """
    kernel, step, border = _windows("max_pool3d", input, kernel_size, stride, padding)
    spread = numbers("dilation", dilation, 3)

    def pool_image(x: Tensor) -> Any:
        return max_pool2d(
            x, kernel[1:], step[1:], border[1:], spread[1:], ceil_mode, return_indices
        )

    def pool_depth(x: Tensor) -> Any:
        return max_pool2d(
            x,
            (kernel[0], 1),
            (step[0], 1),
            (border[0], 0),
            (spread[0], 1),
            ceil_mode,
            return_indices,
        )

    return _maximum(input, pool_image, pool_depth, return_indices)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """`max_pool3d` with return_indices."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of OD x OH x OW bins that cover the volume; bins as `adaptive_avg_pool2d`'s."""
    OD, OH, OW = _adaptive_size("adaptive_max_pool3d", input, output_size)

    def pool_image(x: Tensor) -> Any:
        return adaptive_max_pool2d(x, (OH, OW), return_indices)

    def pool_depth(x: Tensor) -> Any:
        return adaptive_max_pool2d(x, (OD, OH * OW), return_indices)

    return _maximum(input, pool_image, pool_depth, return_indices)


def _maximum(
    input: Tensor, pool_image: Callable, pool_depth: Callable, return_indices: bool
) -> Any:
    """The maximum over images, then over the depth."""
    if not return_indices:
        y, size = _columns(pool_image(_slices(input)), input)
        return _volume(pool_depth(y), input, size)
    y, where = pool_image(_slices(input))
    y, size = _columns(y, input)
    where, _ = _columns(where, input)  # (N, C, D, OH*OW): places in the slices
    y, slot = pool_depth(y)
    # `slot` counts slice * (OH*OW) + column. The place in the volume: that slice, and the place
    # that the maximum of its window had there.
    depth = slot // where.shape[-1]
    place = depth * (input.shape[-2] * input.shape[-1]) + gather(where, -2, depth)
    return _volume(y, input, size), _volume(place, input, size)


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

    Arguments as `avg_pool2d`, one int or three (depth, vertical, horizontal).

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.avg_pool3d(mt.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[3.5000]]]])
    """
    kernel, step, border = _windows("avg_pool3d", input, kernel_size, stride, padding)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero, got divisor_override=0")
    image_windows = kernel[1:], step[1:], border[1:]
    depth_windows = (kernel[0], 1), (step[0], 1), (border[0], 0)
    images = _slices(input)
    y, size = _columns(avg_pool2d(images, *image_windows, ceil_mode, divisor_override=1), input)
    sums = _volume(avg_pool2d(y, *depth_windows, ceil_mode, divisor_override=1), input, size)
    if divisor_override is not None:
        return sums / divisor_override
    counts = [
        kernels.window_counts(
            (x.shape[-2], x.shape[-1]),
            pool_geometry("avg_pool3d", x, *windows, 1, ceil_mode),
            count_include_pad,
        )
        for x, windows in ((y, depth_windows), (images, image_windows))
    ]
    pixels = counts[0][:, :1, None] * counts[1]  # (OD, 1, 1) * (OH, OW)
    divisor = array_module(input.array).asarray(pixels, input.array.dtype)
    return sums / wrap(divisor)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of OD x OH x OW bins that cover the volume; bins as `adaptive_avg_pool2d`'s.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_avg_pool3d(mt.arange(8.0).reshape(1, 2, 2, 2), 1)
    tensor([[[[3.5000]]]])
    """
    OD, OH, OW = _adaptive_size("adaptive_avg_pool3d", input, output_size)
    y, size = _columns(adaptive_avg_pool2d(_slices(input), (OH, OW)), input)
    return _volume(adaptive_avg_pool2d(y, (OD, OH * OW)), input, size)


# --------------------------------------------------------------------- between the two passes


def _slices(input: Tensor) -> Tensor:
    """Every slice of a volume as an image: (N, C*D, H, W)."""
    batch = input.unsqueeze(0) if input.ndim == 4 else input
    return batch.flatten(1, 2)


def _columns(images: Tensor, input: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Pooled slices (N, C*D, OH, OW) as (N, C, D, OH*OW), and (OH, OW)."""
    C, D = input.shape[-4], input.shape[-3]
    size = (images.shape[-2], images.shape[-1])
    return images.unflatten(1, (C, D)).flatten(-2), size


def _volume(columns: Tensor, input: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, OD, OH*OW) as (N, C, OD, OH, OW), without the batch if the input has none."""
    volume = columns.unflatten(-1, size)
    return volume.squeeze(0) if input.ndim == 4 else volume


# ------------------------------------------------------------------------------- arguments


def _windows(
    function: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any
) -> tuple[tuple[int, ...], ...]:
    _check_volume(function, input)
    kernel = numbers("kernel_size", kernel_size, 3)
    # torch's default is None; an empty list means the same.
    same = stride is None or stride == [] or stride == ()
    return kernel, kernel if same else numbers("stride", stride, 3), numbers("padding", padding, 3)


def _adaptive_size(function: str, input: Tensor, output_size: Any) -> tuple[int, ...]:
    if isinstance(output_size, tuple | list) and input.ndim <= len(output_size):
        raise ValueError(
            f"{function}: Input dimension should be at least {len(output_size) + 1}, got "
            f"{shape_text(input.shape)}"
        )
    _check_volume(function, input)
    sizes = (output_size,) * 3 if output_size is None or isinstance(output_size, int) else None
    sizes = tuple(output_size) if sizes is None else sizes
    if len(sizes) != 3:
        raise RuntimeError(f"{function}: output_size must be one or three numbers, got {sizes}")
    return tuple(
        length if size is None else int(size)
        for size, length in zip(sizes, input.shape[-3:], strict=True)
    )


def _check_volume(function: str, input: Tensor) -> None:
    if input.ndim not in (4, 5):
        raise RuntimeError(
            f"{function}: Expected 4D or 5D (batch mode) tensor, but got {shape_text(input.shape)}"
        )
    if 0 in input.shape[-4:]:
        raise RuntimeError(
            f"{function}: Expected input to have non-zero size for non-batch dimensions, but "
            f"input has sizes {shape_text(input.shape)}"
        )
