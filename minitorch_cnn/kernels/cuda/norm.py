"""Batch normalisation; see ../array/norm.py for the definitions and formulas."""

from __future__ import annotations

import math

import numpy as np

from ...backend import Array, array_module
from ...backend.arrays import compute_type
from ..array.norm import move_towards, unbiased
from .arrays import channels_first, channels_last
from .elementwise import relu_backward
from .loader import THREADS, launch, launch_elementwise, takes

MOST_CHUNKS = 512  # enough blocks to keep a large GPU busy, few enough to add up quickly
LEAST_ROWS = 16  # of a chunk for each thread: less is not worth a partial result


def _chunks(x: Array) -> tuple[int, int, int]:
    """(M, C, chunks): M pixels of C channels, added up in so many pieces."""
    C = x.shape[1]
    M = x.size // C
    rows_at_once = max(THREADS // C, 1)
    return M, C, min(math.ceil(M / (rows_at_once * LEAST_ROWS)), MOST_CHUNKS)


def _blocks(C: int, chunks: int) -> int:
    """A block for each chunk and for each piece of the channels that a block's threads cover."""
    return chunks * math.ceil(C / THREADS)


def channel_mean_var(
    x: Array,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    momentum: float = 0.0,
) -> tuple[Array, Array]:
    if not takes(x) or x.size == 0:
        return NotImplemented
    xp = array_module(x)
    M, C, chunks = _chunks(x)
    kind = compute_type(x)
    partial = xp.empty((chunks, C, 3), kind)  # struct Moments
    mean, variance = xp.empty(C, kind), xp.empty(C, kind)
    args = channels_last(x), partial, M, C, chunks
    launch("norm.cu", "moments_of_chunks", x.dtype, _blocks(C, chunks), *args)
    launch("norm.cu", "mean_and_variance", x.dtype, C, partial, mean, variance, C, chunks)
    move_towards(running_mean, mean, momentum)
    move_towards(running_var, unbiased(variance, x), momentum)
    return mean, variance


def batch_norm_forward(
    x: Array, scale: Array, shift: Array, residual: Array | None = None, relu: bool = False
) -> Array:
    if not takes(x, residual):
        return NotImplemented
    x = channels_last(x)
    residual = None if residual is None else channels_last(residual)
    y = array_module(x).empty_like(x)
    vectors = _vector(scale, x), _vector(shift, x)
    args = x, *vectors, residual, y, int(relu), x.shape[-1]
    launch_elementwise("norm.cu", "normalize", x.dtype, x.size, *args)
    return channels_first(y)


def batch_norm_backward(
    gy: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    invstd: Array,
    batch_statistics: bool,
    y: Array | None = None,
    residual: bool = False,
) -> tuple[Array, Array, Array, Array | None]:
    if not takes(gy, x, y) or x.size == 0:
        return NotImplemented
    xp = array_module(x)
    M, C, chunks = _chunks(x)
    if residual and y is not None:
        gy, y = relu_backward(gy, y), None
    gresidual = gy if residual else None
    gy, x = channels_last(gy), channels_last(x)
    y = None if y is None else channels_last(y)
    mean, invstd = _vector(mean, x), _vector(invstd, x)
    weight = None if weight is None else _vector(weight, x)

    partial = xp.empty((chunks, C, 2), mean.dtype)  # struct Products
    sources = gy, y, x, mean, partial, M, C, chunks
    launch("norm.cu", "products_of_chunks", x.dtype, _blocks(C, chunks), *sources)

    gweight, gbias, a, b, c = (xp.empty(C, mean.dtype) for _ in range(5))
    vectors = weight, mean, invstd, gweight, gbias, a, b, c
    sizes = int(batch_statistics), M, C, chunks
    launch("norm.cu", "gradient_coefficients", x.dtype, C, partial, *vectors, *sizes)

    gx = xp.empty_like(x)
    args = gy, y, x, a, b, c, gx, int(batch_statistics), C
    launch_elementwise("norm.cu", "normalize_backward", x.dtype, x.size, *args)
    return channels_first(gx), gweight, gbias, gresidual


def _vector(values: Array, x: Array) -> Array:
    """A number for each channel, contiguous, in the type that is calculated in."""
    return array_module(x).ascontiguousarray(values, np.dtype(compute_type(x)))
