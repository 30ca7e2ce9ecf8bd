"""Batch normalisation: statistics, normalising, and the gradient, each in as few passes as can be.

All of it is bound by memory, not by arithmetic. So x is looked at as rows of consecutive numbers,
(P, Q, D): D holds the channels of a pixel (or of r neighbouring pixels, if the channels are few:
NumPy adds rows of 16 numbers several times slower than rows of 256), Q the pixels of an image, P
the images. Each pass goes by blocks of P that stay in the cache.
"""

from __future__ import annotations

import math

from ...backend import Array, array_module
from ...backend.arrays import compute_type, image_blocks, new_like
from .elementwise import relu_backward

WIDE = 256  # numbers in a row from which NumPy's loops run at full speed


def _rows(x: Array) -> Array:
    """x (N, C, ...) as (P, Q, r*C) with the channels last; a view if the memory is so already."""
    C = x.shape[1]
    # (N, C, H, W) -> (N, H, W, C)
    last = x.transpose(0, *range(2, x.ndim), 1)
    last = array_module(x).ascontiguousarray(last, compute_type(x))
    P, Q, D = (1, x.shape[0], C) if x.ndim == 2 else (x.shape[0], math.prod(x.shape[2:]), C)
    while Q % 2 == 0 and 0 < D < WIDE and Q > 0:
        Q, D = Q // 2, D * 2
    return last.reshape(P, Q, D)


def _back(rows: Array, like: Array) -> Array:
    """The opposite of `_rows`: shape and type of `like`, channels-last in memory."""
    N, C, *spatial = like.shape
    y = rows.reshape(N, *spatial, C).transpose(0, like.ndim - 1, *range(1, like.ndim - 1))
    return y.astype(like.dtype, copy=False)


def _tile(vector: Array, rows: Array) -> Array:
    """A value for each channel, repeated to the width of the rows."""
    width = rows.shape[2]
    tiled = array_module(rows).tile(vector, width // max(vector.shape[0], 1))
    return tiled.astype(rows.dtype, copy=False)


def channel_mean_var(
    x: Array,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    momentum: float = 0.0,
) -> tuple[Array, Array]:
    """Mean and (biased) variance of each channel of x (N, C, ...): two arrays (C).

    running_mean, running_var (C), if given, are moved towards them (`move_towards`).

    In one pass: each image gets its own mean and its own sum of squared deviations, and the law
    of total variance puts them together,

        variance = mean of the variances within + variance of the means.

    That is as accurate as two passes. The textbook's E[x^2] - E[x]^2 is not: in float32 it loses
    all digits where the mean is large compared with the deviation.
    """
    xp = array_module(x)
    C = x.shape[1]
    rows = _rows(x)
    P, Q, D = rows.shape
    means = xp.empty((P, D), rows.dtype)
    variances = xp.empty((P, D), rows.dtype)
    for images in image_blocks(rows):
        block = rows[images]
        mean = block.sum(1, keepdims=True)
        mean /= Q
        deviation = block - mean
        deviation *= deviation
        means[images] = mean[:, 0]
        variances[images] = deviation.sum(1)
    means, variances = means.reshape(-1, C), variances.reshape(-1, C) / Q
    mean = means.mean(0)
    means -= mean
    means *= means
    var = variances.mean(0) + means.mean(0)
    move_towards(running_mean, mean, momentum)
    move_towards(running_var, unbiased(var, x), momentum)
    return mean, var


def unbiased(var: Array, x: Array) -> Array:
    """The variance that x (N, C, ...) is a sample of, from the variance of its channels."""
    count = x.size // max(x.shape[1], 1)
    return var * (count / max(count - 1, 1))


def move_towards(running: Array | None, batch: Array, momentum: float) -> None:
    """running = (1 - momentum) running + momentum batch, in place."""
    if running is not None:
        running *= 1 - momentum
        running += (momentum * batch).astype(running.dtype, copy=False)


def scale_and_shift(
    mean: Array, var: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """1 / sqrt(var + eps), and the scale and shift of (x - mean) / sqrt(var + eps) weight + bias;
    all (C), at least in single precision.
    """
    invstd = 1 / array_module(var).sqrt(var.astype(compute_type(var), copy=False) + eps)
    scale = invstd if weight is None else invstd * weight
    shift = -mean.astype(invstd.dtype, copy=False) * scale
    return invstd, scale, shift if bias is None else shift + bias


def channel_sum(x: Array) -> Array:
    """The sum of each channel of x (N, C, ...): (C)."""
    return x.sum((0, *range(2, x.ndim)), dtype=compute_type(x)).astype(x.dtype, copy=False)


def batch_norm_forward(
    x: Array, scale: Array, shift: Array, residual: Array | None = None, relu: bool = False
) -> Array:
    """y = x * scale + shift [+ residual], at least 0 with relu; scale and shift for each channel.

    What follows a batch norm in a residual block is done in the same pass over the memory.
    """
    xp = array_module(x)
    rows = _rows(x)
    residual_rows = None if residual is None else _rows(residual)
    scale, shift = _tile(scale, rows), _tile(shift, rows)
    y = new_like(rows)
    for images in image_blocks(rows):
        xp.multiply(rows[images], scale, out=y[images])
        y[images] += shift
        if residual_rows is not None:
            y[images] += residual_rows[images]
        if relu:
            xp.maximum(y[images], 0, out=y[images])
    return _back(y, x)


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
    """gx, the gradients of weight and bias (C), and that of the residual if there is one.

    y: the output, if the forward pass had relu. Then gy counts only where y > 0. That much of it
    is the gradient of the residual.

    With xhat = (x - mean) invstd, y = weight xhat + bias and M numbers a channel,

        gbias   = sum of gy,    gweight = sum of gy xhat,
        gx      = weight invstd (gy - gbias / M - xhat gweight / M),

    Ioffe and Szegedy, "Batch Normalization" (2015), section 3. The two subtracted terms are there
    because mean and invstd depend on x; without batch_statistics they do not.
    """
    xp = array_module(x)
    C = x.shape[1]
    if y is not None:
        gy = relu_backward(gy, y)
    gresidual = gy if residual else None
    x_rows, gy_rows = _rows(x), _rows(gy)
    P, _, D = x_rows.shape
    tiled_mean = _tile(mean, x_rows)
    sums = xp.empty((P, D), x_rows.dtype)
    products = xp.empty((P, D), x_rows.dtype)
    for images in image_blocks(x_rows):
        sums[images] = gy_rows[images].sum(1)
        deviation = x_rows[images] - tiled_mean
        deviation *= gy_rows[images]
        products[images] = deviation.sum(1)
    gbias = sums.reshape(-1, C).sum(0)
    gweight = products.reshape(-1, C).sum(0) * invstd

    # gx = a gy + b x + c, where a, b and c are numbers for each channel
    a = invstd if weight is None else weight * invstd
    gx = new_like(gy_rows)
    tiled_a = _tile(a, x_rows)
    if not batch_statistics:
        xp.multiply(gy_rows, tiled_a, out=gx)
        return _back(gx, gy), gweight, gbias, gresidual
    count = max(x.size // max(C, 1), 1)
    b = -a * invstd * gweight / count
    tiled_b, tiled_c = _tile(b, x_rows), _tile(-a * gbias / count - b * mean, x_rows)
    for images in image_blocks(x_rows):
        part = gx[images]
        xp.multiply(gy_rows[images], tiled_a, out=part)
        part += x_rows[images] * tiled_b
        part += tiled_c
    return _back(gx, gy), gweight, gbias, gresidual
