"""Normalisation: batch, group, layer, instance and local response norm.

All but the last do the same to different sets of numbers: subtract their mean and divide by their
standard deviation, then let the layer scale and shift the result as it likes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import kernels
from ..autograd.function import Function
from ..autograd.modes import is_grad_enabled
from ..backend import array_module
from ..dtypes import finfo
from ..kernels.layout import compute_type
from ..tensor import Tensor, shape_text, wrap
from .common import same_device
from .pad import pad
from .precision import full_precision


class Standardize(Function):
    """xhat = (x - mean) / sqrt(var + eps) over the dimensions dims, and invstd = 1 / sqrt(...)

    Backward needs nothing but the two results, and is made of their products and means. As they
    are outputs of this very Function, it can be differentiated again.
    """

    @staticmethod
    def forward(ctx, x, dims, eps):
        xp = array_module(x.array)
        ctx.dims = dims
        ctx.set_materialize_grads(False)
        deviation = x.array.astype(compute_type(x.array))
        deviation -= deviation.mean(dims, keepdims=True)
        variance = (deviation * deviation).mean(dims, keepdims=True)
        invstd = 1 / xp.sqrt(variance + eps)
        deviation *= invstd
        xhat = wrap(deviation.astype(x.array.dtype, copy=False))
        invstd = wrap(invstd.astype(x.array.dtype, copy=False))
        ctx.save_for_backward(xhat, invstd)
        return xhat, invstd

    @staticmethod
    def backward(ctx, gxhat, ginvstd):
        xhat, invstd = ctx.saved_tensors
        gx = None
        if gxhat is not None:
            gx = standardize_gradient(gxhat, xhat, invstd, ctx.dims)
        if ginvstd is not None:
            # d invstd / dx = -invstd^3 (x - mean) / M
            count = xhat.numel() // max(invstd.numel(), 1)
            through_invstd = ginvstd * invstd * invstd * xhat * (-1 / max(count, 1))
            gx = through_invstd if gx is None else gx + through_invstd
        return gx, None, None


def standardize_gradient(gxhat: Tensor, xhat: Tensor, invstd: Tensor, dims: tuple) -> Tensor:
    """The gradient of xhat = (x - mean) invstd with respect to x.

    A shift of x and a stretch of x leave xhat as it is. So what of gxhat points along a shift
    (its mean) or along a stretch (its component along xhat) is taken out.
    """
    along_shift = gxhat.mean(dim=dims, keepdim=True)
    along_stretch = (gxhat * xhat).mean(dim=dims, keepdim=True)
    return invstd * (gxhat - along_shift - xhat * along_stretch)


class BatchNorm(Function):
    """y = (x - mean) / sqrt(var + eps) * weight + bias, with a number of each for each channel

    batch_statistics: mean and var are those of x itself, and depend on it; otherwise constants.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, mean, var, eps, batch_statistics):
        xp = array_module(x.array)
        ctx.eps, ctx.batch_statistics = eps, batch_statistics
        ctx.save_for_backward(x, weight, mean, var)
        kind = compute_type(x.array)
        scale = 1 / xp.sqrt(var.array.astype(kind) + eps)
        if weight is not None:
            scale = scale * weight.array
        shift = -mean.array.astype(kind) * scale
        if bias is not None:
            shift = shift + bias.array
        return wrap(kernels.batch_norm_forward(x.array, scale, shift))

    @staticmethod
    def backward(ctx, gy):
        x, weight, mean, var = ctx.saved_tensors
        if is_grad_enabled():
            # Somebody will differentiate this gradient: the same formulas, recorded.
            gx, gweight, gbias = BatchNorm.recorded_backward(ctx, gy, x, weight, mean, var)
        else:
            xp = array_module(x.array)
            kind = compute_type(x.array)
            invstd = 1 / xp.sqrt(var.array.astype(kind) + ctx.eps)
            arrays = kernels.batch_norm_backward(
                gy.array,
                x.array,
                None if weight is None else weight.array,
                mean.array,
                invstd,
                ctx.batch_statistics,
            )
            gx, gweight, gbias = map(wrap, arrays)
        needs = ctx.needs_input_grad
        return (
            gx,
            gweight if needs[1] else None,
            gbias if needs[2] else None,
            None,
            None,
            None,
            None,
        )

    @staticmethod
    def recorded_backward(ctx, gy, x, weight, mean, var):
        dims = (0, *range(2, x.ndim))
        if ctx.batch_statistics:
            xhat, invstd = Standardize.apply(x, dims, ctx.eps)
        else:
            invstd = _per_channel((var + ctx.eps).rsqrt(), x)
            xhat = (x - _per_channel(mean, x)) * invstd
        gxhat = gy if weight is None else gy * _per_channel(weight, x)
        if ctx.batch_statistics:
            gx = standardize_gradient(gxhat, xhat, invstd, dims)
        else:
            gx = gxhat * invstd
        return gx, (gy * xhat).sum(dim=dims), gy.sum(dim=dims)


def _per_channel(vector: Tensor, x: Tensor) -> Tensor:
    """(C,) as (1, C, 1, ...), to go with x (N, C, ...)."""
    return vector.reshape(1, -1, *(1,) * (x.ndim - 2))


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalises each channel of (N, C, ...) over the batch and all pixels.

    training: with the mean and variance of this very batch; and running_mean, running_var (C),
    if given, move towards them: running = (1 - momentum) running + momentum batch, where the
    variance is the unbiased one. Otherwise with running_mean and running_var.
    weight, bias: (C,) or None. In float16 the sums are float32.
    Raises ValueError if there is one value per channel only (its deviation would be 0), and
    RuntimeError for vectors that are missing or of the wrong length.

    Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training" (2015).

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1.0], [3.0]])
    >>> mt.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    if input.shape == (0,):  # torch takes this one as well
        return input.clone()
    if input.ndim < 2:
        raise RuntimeError(f"batch_norm expects (N, C, ...), got {shape_text(input.shape)}")
    C = input.shape[1]
    if not training and (running_mean is None or running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be defined in evaluation mode")
    vectors = dict(running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    for name, vector in vectors.items():
        if vector is None:
            continue
        same_device(input, vector)
        if vector.shape != (C,):
            raise RuntimeError(f"{name} should contain {C} elements not {vector.numel()}")
        # float16 images may go with float32 statistics and parameters, nothing else is mixed.
        if vector.dtype is not input.dtype and vector.array.dtype != compute_type(input.array):
            raise RuntimeError(
                f"batch_norm: {name} has type {vector.dtype}, but input has {input.dtype}"
            )
    if not training:
        return BatchNorm.apply(input, weight, bias, running_mean, running_var, eps, False)

    count = input.numel() // max(C, 1)
    if count == 1:
        raise ValueError(
            "Expected more than 1 value per channel when training, got input size "
            f"{shape_text(input.shape)}"
        )
    if count == 0:  # an empty batch: nothing to normalise, and nothing to learn about averages
        return BatchNorm.apply(
            input, weight, bias, input.new_zeros(C), input.new_ones(C), eps, False
        )
    mean, var = (wrap(each) for each in kernels.channel_mean_var(input.array))
    _move_towards(running_mean, mean.array, momentum)
    _move_towards(running_var, var.array * (count / (count - 1)), momentum)
    return BatchNorm.apply(input, weight, bias, mean, var, eps, True)


def _move_towards(running: Tensor | None, batch: Any, momentum: float) -> None:
    """running = (1 - momentum) running + momentum batch, in place and unrecorded."""
    if running is None:
        return
    array = running.array
    array *= 1 - momentum
    array += (momentum * batch).astype(array.dtype, copy=False)
    running._bump_version()


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalises every channel of every image of (N, C, ...) by itself.

    use_input_stats False normalises with running_mean and running_var (C) instead; with True
    they move towards the average over the images.
    Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization" (2016).

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.instance_norm(mt.tensor([[[1.0, 3.0], [10.0, 30.0]]]))
    tensor([[[-1.0000,  1.0000],
             [-1.0000,  1.0000]]])
    """
    if input.ndim < 3:
        raise ValueError(
            f"Expected (N, C, L) or (N, C, H, W) for instance_norm, got {shape_text(input.shape)}"
        )
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    count = math.prod(input.shape[2:])
    if count == 1:
        raise ValueError(
            "Expected more than 1 spatial element when training, got input size "
            f"{shape_text(input.shape)}"
        )
    dims = tuple(range(2, input.ndim))
    if running_mean is not None or running_var is not None:
        images = input.array.astype(compute_type(input.array), copy=False)
        unbiased = count / max(count - 1, 1)
        _move_towards(running_mean, images.mean(dims).mean(0), momentum)
        _move_towards(running_var, images.var(dims).mean(0) * unbiased, momentum)
    y, _ = Standardize.apply(input, dims, eps)
    return _affine(y, weight, bias)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalises groups of C / num_groups channels of each image of (N, C, ...).

    weight, bias: (C,) or None. Raises RuntimeError if num_groups does not divide C.
    Wu and He, "Group Normalization" (2018).

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[1.0], [3.0], [10.0], [30.0]]])
    >>> mt.nn.functional.group_norm(x, 2).flatten()
    tensor([-1.0000,  1.0000, -1.0000,  1.0000])
    """
    (input,) = full_precision(input)
    if input.ndim < 2:
        raise RuntimeError(f"group_norm expects (N, C, ...), got {shape_text(input.shape)}")
    N, C = input.shape[:2]
    if num_groups <= 0 or C % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {shape_text(input.shape)} and num_groups={num_groups}"
        )
    if N * math.prod(input.shape[2:]) * (C // num_groups) == 1:
        raise ValueError(
            "Expected more than 1 value per channel when training, got input size "
            f"{shape_text(input.shape)}"
        )
    groups = input.reshape(N, num_groups, math.prod(input.shape[1:]) // num_groups)
    y, _ = Standardize.apply(groups, (2,), eps)
    return _affine(y.reshape(input.shape), weight, bias)


def _affine(y: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """y * weight + bias, with a number of each for each channel."""
    for name, vector in (("weight", weight), ("bias", bias)):
        if vector is not None and vector.shape != (y.shape[1],):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape {shape_text(vector.shape)} and input of shape "
                f"{shape_text(y.shape)}"
            )
    if weight is not None:
        y = y * _per_channel(weight, y)
    return y if bias is None else y + _per_channel(bias, y)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalises over the last dimensions, whose lengths are normalized_shape.

    weight, bias: of that shape, or None. Raises RuntimeError if the input does not end in it.
    Ba, Kiros and Hinton, "Layer Normalization" (2016).

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.layer_norm(mt.tensor([[1.0, 3.0], [10.0, 30.0]]), (2,))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """
    (input,) = full_precision(input)
    dims = _normalized_dims(input, normalized_shape, weight=weight, bias=bias)
    y, _ = Standardize.apply(input, dims, eps)
    if weight is not None:
        y = y * weight
    return y if bias is None else y + bias


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / sqrt(mean(x^2) + eps) over the last dimensions, times weight: no mean is subtracted.

    eps: None is the machine epsilon of the input's type.
    Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019).

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.rms_norm(mt.tensor([1.0, 7.0]), (2,))
    tensor([0.2000, 1.4000])
    """
    dims = _normalized_dims(input, normalized_shape, weight=weight)
    if eps is None:
        eps = finfo(input.dtype).eps
    y = input * ((input * input).mean(dim=dims, keepdim=True) + eps).rsqrt()
    return y if weight is None else y * weight


def _normalized_dims(
    input: Tensor, normalized_shape: Sequence[int], **parameters: Tensor | None
) -> tuple[int, ...]:
    """The last dimensions, checked against the input and the parameters."""
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least "
            "one element, but got normalized_shape = []"
        )
    for name, parameter in parameters.items():
        if parameter is not None and parameter.shape != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of "
                f"shape {shape_text(parameter.shape)} and normalized_shape = {list(shape)}"
            )
    if input.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape "
            f"[*, {', '.join(map(str, shape))}], but got input of size {shape_text(input.shape)}"
        )
    return tuple(range(input.ndim - len(shape), input.ndim))


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divides each number of (N, C, ...) by (k + alpha m) ** beta, m being the mean square of
    the same pixel in `size` neighbouring channels (channels beyond the ends count as zeros).

    Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks" (2012), section 3.3, where alpha multiplies the sum instead of the mean.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[3.0], [4.0]]])
    >>> mt.nn.functional.local_response_norm(x, 2, alpha=2.0, beta=0.5, k=0.0).flatten()
    tensor([1.0000, 0.8000])
    """
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)"
        )
    if size < 1:
        raise ValueError(f"local_response_norm: size must be at least 1, got {size}")
    C = input.shape[1]
    pixels = (0, 0) * (input.ndim - 2)
    squares = pad(input * input, (*pixels, size // 2, (size - 1) // 2))  # (N, C + size - 1, ...)
    total = squares[:, :C]
    for offset in range(1, size):
        total = total + squares[:, offset : offset + C]
    return input / (total * (alpha / size) + k) ** beta
