"""Fractional max-pooling: windows whose distances are drawn, so that sizes shrink by any factor.

Benjamin Graham, "Fractional max-pooling", 2015. The distance of neighbouring windows is one of
the two whole numbers around (length - kernel) / (outputs - 1), in a random order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import backend
from ...backend import array_module
from ...kernels.geometry import numbers
from ...random import default_generator
from ...tensor import Tensor, shape_text, wrap
from ..arguments import as_ints
from ..common import is_number
from ..positions import gather
from ..window import empty_pool

__all__ = ["fractional_max_pool2d", "fractional_max_pool3d"]


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The maximum of OH x OW windows at random distances: (N, C, H, W) -> (N, C, OH, OW).

    kernel_size: int or (KH, KW); output_size: int or (OH, OW), or output_ratio: a fraction of
    the length, one number or two. Every image and channel draws its own distances, from the
    default generator, or takes the numbers of _random_samples (N, C, 2) in [0, 1).
    return_indices: also the places of the maxima, row * W + column.
    Raises ValueError unless exactly one of output_size and output_ratio is given, RuntimeError for
    sizes that do not fit.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.fractional_max_pool2d(mt.zeros(1, 3, 7, 7), 2, output_ratio=0.6).shape
    minitorch_cnn.Size([1, 3, 4, 4])
    """
    return _fractional(
        2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """`fractional_max_pool2d` for volumes (N, C, D, H, W), with _random_samples (N, C, 3).

    Raises as `fractional_max_pool2d` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.fractional_max_pool3d(mt.zeros(1, 3, 7, 7, 7), 2, output_size=4).shape
    minitorch_cnn.Size([1, 3, 4, 4, 4])
    """
    return _fractional(
        3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


def _fractional(
    dims: int,
    input: Tensor,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    samples: Tensor | None,
) -> Any:
    name = f"fractional_max_pool{dims}d"
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got "
            f"{shape_text(input.shape)}"
        )
    if input.ndim == dims + 1:
        result = _fractional(
            dims, input.unsqueeze(0), kernel_size, output_size, output_ratio, True, samples
        )
        y, indices = (each.squeeze(0) for each in result)
        return (y, indices) if return_indices else y
    if 0 in input.shape[1:]:
        raise RuntimeError(
            f"{name}(): Expected input to have non-zero size for non-batch dimensions, but got "
            f"{shape_text(input.shape)}"
        )
    lengths = input.shape[2:]
    kernel = _lengths(name, "kernel_size", kernel_size, dims)
    if (output_size is None) == (output_ratio is None):
        raise ValueError(
            f"{name} requires specifying either an output_size or an output_ratio, got "
            f"{output_size} and {output_ratio}"
        )
    if output_size is not None:
        out = _lengths(name, "output_size", as_ints(name, "output_size", output_size), dims)
    else:
        ratios = (output_ratio,) * dims if is_number(output_ratio) else tuple(output_ratio)
        if len(ratios) != dims:
            raise ValueError(
                f"{name} requires output_ratio to either be a single Int or tuple of Ints. It has "
                f"{dims} dimensions, but got {ratios}"
            )
        out = tuple(int(n * ratio) for n, ratio in zip(lengths, ratios, strict=True))
    if samples is not None and samples.shape != (*input.shape[:2], dims):
        raise RuntimeError(
            f"{name}(): Expect _random_samples to have shape {[*input.shape[:2], dims]}, got "
            f"{shape_text(samples.shape)}"
        )
    if 0 in out:
        y = empty_pool(input, out, adaptive=False)
        return (y, y.detach().long()) if return_indices else y
    names = ("time", "height", "width")[-dims:]
    for along, length, k, count in zip(names, lengths, kernel, out, strict=True):
        if k <= 0 or count < 0 or count + k - 1 > length:
            raise RuntimeError(
                f"{name}(): pool {along} {k} or output {along} {count} too large relative to input "
                f"{along} {length}: each output needs a place of its own"
            )
    N, C = input.shape[:2]
    if samples is None:
        kind = np.float64 if input.dtype.numpy == np.float64 else np.float32
        draws = default_generator.rng.uniforms(N * C * dims, kind).reshape(N, C, dims)
        draws = draws.astype(np.float64)
    else:
        draws = backend.to_numpy(samples.array).astype(np.float64)

    place = np.zeros((N, C, *[1] * (2 * dims)), np.int64)  # (N, C, OH, OW, KH, KW)
    # torch's samples belong to the axes W, H of an image, but D, H, W of a volume.
    draws = draws[..., ::-1] if dims == 2 else draws
    for axis, (length, k, count) in enumerate(zip(lengths, kernel, out, strict=True)):
        starts = _window_starts(draws[..., axis], length, k, count)  # (N, C, O)
        members = starts[..., None] + np.arange(k)  # (N, C, O, K)
        shape = [N, C, *[1] * (2 * dims)]
        shape[2 + axis], shape[2 + dims + axis] = count, k
        place = place * length + members.reshape(shape)
    xp = array_module(input.array)
    count, area = math.prod(out), math.prod(kernel)
    place = xp.asarray(place.reshape(N, C, count * area))
    flat = input.flatten(2)  # (N, C, H*W)
    windows = xp.take_along_axis(flat.array, place, 2).reshape(N, C, count, area)
    place = place.reshape(N, C, count, area)
    best = xp.argmax(windows, axis=3)[..., None]
    indices = wrap(xp.take_along_axis(place, best, 3)[..., 0])  # (N, C, OH*OW)
    y = gather(flat, 2, indices).reshape(N, C, *out)
    return (y, indices.reshape(N, C, *out)) if return_indices else y


def _lengths(function: str, name: str, value: Any, dims: int) -> tuple[int, ...]:
    if isinstance(value, tuple | list) and len(value) != dims:
        raise RuntimeError(
            f"{function}: {name} must either be a single Int or tuple of Ints, one for each of "
            f"{dims} dimensions, got {value}"
        )
    return numbers(name, value, dims)


def _window_starts(draws: np.ndarray, length: int, kernel: int, count: int) -> np.ndarray:
    """The first place of each window, for draws (N, C) in [0, 1): (N, C, count)."""
    last = length - kernel
    if count == 1:
        return np.full((*draws.shape, 1), last)
    step = last / (count - 1)
    u = draws[..., None]
    starts = ((np.arange(count) + u) * step).astype(np.int64) - (u * step).astype(np.int64)
    starts[..., -1] = last
    return starts
