"""Normalisation: group, layer, instance, RMS and local response norm, and vectors of length 1.

The first four do the same to different sets of numbers: subtract their mean and divide by their
standard deviation, then let the layer scale and shift the result as it likes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..autograd.names import called
from ..dtypes import finfo
from ..kernels import compute_type
from ..tensor import Tensor, shape_text
from .batch_norm import batch_norm, move_towards
from .out import write_out
from .pad import pad
from .precision import full_precision
from .standardize import Standardize, per_channel

__all__ = [
    "instance_norm", "group_norm", "layer_norm", "rms_norm", "local_response_norm", "normalize",
]  # fmt: skip


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

    use_input_stats False normalises with running_mean and running_var (C,) instead; with True
    they move towards the average over the images. weight, bias: (C,) or None.
    Raises ValueError for fewer than 3 dimensions and for images of one pixel, RuntimeError for a
    weight or bias of another length.
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
        move_towards(running_mean, images.mean(dims).mean(0), momentum)
        move_towards(running_var, images.var(dims).mean(0) * unbiased, momentum)
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

    weight, bias: (C,) or None. Raises RuntimeError if num_groups does not divide C or a weight or
    bias has another length, ValueError if there is a single number to normalise.
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
    return called(_affine(y.reshape(input.shape), weight, bias), "NativeGroupNormBackward0")


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
        y = y * per_channel(weight, y)
    elif bias is None:
        y = _to_write_over(y)
    return y if bias is None else y + per_channel(bias, y)


def _to_write_over(y: Tensor) -> Tensor:
    """Standardize needs its result for backward; a ReLU in place may come next, and gets a copy."""
    return y.clone() if y.requires_grad else y


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalises over the last dimensions, whose lengths are normalized_shape: (D,) for (..., D).

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
    elif bias is None:
        y = _to_write_over(y)
    return called(y if bias is None else y + bias, "NativeLayerNormBackward0")


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / sqrt(mean(x^2) + eps) over the last dimensions, times weight: no mean is subtracted.

    input: (N, ..., D) with normalized_shape (D,), say; weight: of that shape, or None. eps: None is
    the machine epsilon of the input's type. Raises RuntimeError if the input does not end in it.
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
    input: Tensor,
    size: int,
    alpha: float | Tensor = 1e-4,
    beta: float | Tensor = 0.75,
    k: float | Tensor = 1.0,
) -> Tensor:
    """Divides each number of (N, C, ...) by (k + alpha m) ** beta, m being the mean square of
    the same pixel in `size` neighbouring channels (channels beyond the ends count as zeros).

    Raises ValueError for fewer than 3 dimensions and for a size below 1.
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


def normalize(
    input: Tensor,
    p: float | None = 2.0,
    dim: Any = 1,
    eps: float | Tensor = 1e-12,
    out: Tensor | None = None,
) -> Tensor:
    """input divided by its p-norm along dim (by eps where the norm is smaller); the same shape.

    (N, C) with dim 1: each row gets length 1. dim: one, several or None, all. out: a tensor to
    write the result into. Raises RuntimeError for integers, IndexError for a dim that does not
    exist.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.normalize(mt.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    result = input / input.norm(p, dim, keepdim=True).clamp(min=eps)
    return result if out is None else write_out("normalize", result, out)
