"""The arguments that convolutions and poolings share, for 1, 2 and 3 dimensions, checked once.

What the checks look at are shapes and numbers, not data. So each combination is checked when it
first comes, and found in a table from then on: a network asks for the same ones in every step.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from ..kernels.geometry import (
    ConvGeometry,
    Lengths,
    Pair,
    PoolGeometry,
    conv_geometry,
    numbers,
    output_size,
)
from ..tensor import Tensor
from .arguments import as_int

AXES = {1: "length", 2: "height, width", 3: "depth, height, width"}


def pair(name: str, value: Any) -> Pair:
    """(vertical, horizontal) from one int or two. Raises RuntimeError for anything else.

    >>> pair("stride", 2)
    (2, 2)
    """
    vertical, horizontal = numbers(name, value, 2)
    return vertical, horizontal


def with_batch(input: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """function(input) for images (N, C, H, W), and for one image (C, H, W) without a batch."""
    if input.ndim == 3:
        return function(input.unsqueeze(0)).squeeze(0)
    return function(input)


def empty_pool(input: Tensor, out: tuple[int, ...], adaptive: bool = True) -> Tensor:
    """A pooling's result (..., *out) without elements, through which gradients (zeros) go back.

    adaptive: as in torch, that is so for a batch without images only; from images without pixels
    or channels, backward raises RuntimeError.
    """
    spatial = tuple(range(-len(out), 0))
    y = input.sum(spatial, True, dtype=input.dtype).expand(*input.shape[: -len(out)], *out)
    if adaptive and 0 in y.shape[1:] and y.requires_grad:
        y.register_hook(_refuse_empty)
    return y


def _refuse_empty(gradient: Tensor) -> None:
    raise RuntimeError(
        "Expected grad_output to have non-zero size for non-batch dimensions, but grad_output has "
        f"sizes {list(gradient.shape)}"
    )


def hashable(value: Any) -> Any:
    """What may be a key of the tables: users write stride=[1, 2] as well."""
    return tuple(value) if isinstance(value, list) else value


def by_axes(lengths: Lengths) -> str:
    """Lengths as error messages show them: 3 x 4."""
    return " x ".join(map(str, lengths))


# ---------------------------------------------------------------------------- convolutions


@functools.lru_cache(1024, typed=True)
def conv_window(
    function: str,
    dims: int,
    input: Lengths,
    weight: Lengths,
    bias: Lengths | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> ConvGeometry:
    """The geometry of a convolution in `dims` dimensions, from the shapes of its tensors.

    input: (N, C, ...) or (C, ...); weight: (K, C/groups, ...); bias: (K,) or None. Raises
    RuntimeError, with the sizes, if they do not fit together.
    """
    geometry = _checked(function, dims, input, weight, stride, padding, dilation, groups)
    channels, expected = input[-dims - 1], weight[1] * groups
    if channels != expected:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight)}, expected input{list(input)} "
            f"to have {expected} channels, but got {channels} channels instead"
        )
    _check_bias(weight, bias, weight[0])
    size, kernel = input[-dims:], weight[2:]
    if min(output_size(size, kernel, geometry)) <= 0:
        before, after, dilated = geometry.before, geometry.after, geometry.dilation
        padded = tuple(n + b + a for n, b, a in zip(size, before, after, strict=True))
        reach = tuple(d * (k - 1) + 1 for d, k in zip(dilated, kernel, strict=True))
        raise RuntimeError(
            f"Calculated padded input size per channel: ({by_axes(padded)}). Kernel size: "
            f"({by_axes(reach)}). Kernel size can't be greater than actual input size"
        )
    return geometry


@functools.lru_cache(1024, typed=True)
def transposed_window(
    function: str,
    dims: int,
    input: Lengths,
    weight: Lengths,
    bias: Lengths | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> tuple[ConvGeometry, Lengths]:
    """The geometry of the convolution that this is the gradient of, and the size of the result.

    input: (N, K, ...) or (K, ...); weight: (K, C/groups, ...); bias: (C,) or None. Raises
    RuntimeError, with the sizes, if they do not fit together, and TypeError for padding="same".
    """
    if isinstance(padding, str):
        raise TypeError(f"{function}: padding must be numbers, got {padding!r}")
    geometry = _checked(function, dims, input, weight, stride, padding, dilation, groups)
    channels = input[-dims - 1]
    if channels != weight[0]:
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight)}, expected input{list(input)} to "
            f"have {weight[0]} channels, but got {channels} channels instead"
        )
    _check_bias(weight, bias, weight[1] * groups)
    extra = numbers("output_padding", output_padding, dims)
    if min(extra) < 0:
        raise RuntimeError(f"negative output_padding is not supported, got {list(extra)}")
    for e, s, d in zip(extra, geometry.stride, geometry.dilation, strict=True):
        if e >= max(s, d):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got "
                f"output_padding {list(extra)}, stride {list(geometry.stride)} and dilation "
                f"{list(geometry.dilation)}"
            )
    size = tuple(
        (n - 1) * s - b - a + d * (k - 1) + e + 1
        for n, s, b, a, d, k, e in zip(input[-dims:], *geometry[:4], weight[2:], extra, strict=True)
    )
    if min(size) <= 0 or min(input[-dims:]) == 0:
        raise RuntimeError(
            f"Given input size per channel: ({by_axes(input[-dims:])}). Calculated output size "
            f"per channel: ({by_axes(size)}). Output size is too small"
        )
    return geometry, size


def _checked(
    function: str,
    dims: int,
    input: Lengths,
    weight: Lengths,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> ConvGeometry:
    """What both directions check: the numbers of dimensions, the steps, the groups."""
    if len(input) not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {function}, but "
            f"got input of size: {list(input)}"
        )
    if len(weight) != dims + 2:
        raise RuntimeError(
            f"{function}: weight must have {dims + 2} dimensions (filters, channels per group, "
            f"{AXES[dims]}), got size {list(weight)}"
        )
    if 0 in weight[2:]:
        raise RuntimeError(f"the kernel must not be empty, got weight {list(weight)}")
    geometry = conv_geometry(stride, padding, dilation, groups, weight[2:])
    if weight[0] == 0:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but "
            f"got weight of size {list(weight)} instead"
        )
    if weight[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size {list(weight)} instead"
        )
    return geometry


def _check_bias(weight: Lengths, bias: Lengths | None, channels: int) -> None:
    if bias is not None and bias != (channels,):
        raise RuntimeError(
            f"Given weight of size {list(weight)}, expected bias to be 1-dimensional with "
            f"{channels} elements, but got bias of size {list(bias)} instead"
        )


# --------------------------------------------------------------------------------- pooling


@functools.lru_cache(1024, typed=True)
def pool_window(
    function: str,
    dims: int,
    input: Lengths,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> PoolGeometry:
    """The windows of a pooling in `dims` dimensions, with the size of the output.

    input: (N, C, ...) or (C, ...). stride: None or () is kernel_size. Raises RuntimeError if the
    arguments do not fit.
    """
    check_image(function, dims, input)
    kernel = numbers("kernel_size", kernel_size, dims)
    # torch's default is None; an empty list means the same.
    step = kernel if stride is None or stride == () else numbers("stride", stride, dims)
    border, dilation = numbers("padding", padding, dims), numbers("dilation", dilation, dims)
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(kernel)}")
    if min(step) <= 0:
        raise RuntimeError(
            f"stride should not be zero: it must be greater than zero, but got {list(step)}"
        )
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")
    for p, k, d in zip(border, kernel, dilation, strict=True):
        if p < 0 or p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                "pad should be at least 0 and at most half of effective kernel size, but got "
                f"pad={p}, kernel_size={k} and dilation={d}"
            )
    axes = zip(input[-dims:], kernel, step, border, dilation, strict=True)
    out = tuple(_out_length(*axis, ceil_mode) for axis in axes)
    if min(out) <= 0:
        given = "x".join(map(str, input[-dims - 1 :]))
        left = "x".join(map(str, (input[-dims - 1], *out)))
        raise RuntimeError(
            f"Given input size: ({given}). Calculated output size: ({left}). Output size is too "
            "small"
        )
    return PoolGeometry(kernel, step, border, dilation, out)


def _out_length(
    length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    # The last window must start inside the image or the padding before it.
    if ceil_mode and (count - 1) * stride >= length + padding:
        count -= 1
    return count


def adaptive_size(function: str, dims: int, input: Lengths, output_size: Any) -> Any:
    """The lengths of an adaptive pooling's result: None in a tuple keeps the input's."""
    if isinstance(output_size, tuple | list) and len(input) <= len(output_size):
        raise ValueError(
            f"{function}: Input dimension should be at least {len(output_size) + 1}, got "
            f"{list(input)}"
        )
    # As in torch, images without channels have a mean, volumes have none.
    spatial_only = function in ("adaptive_avg_pool1d", "adaptive_avg_pool2d")
    check_image(function, dims, input, len(input) - dims if spatial_only else 1)
    single = not isinstance(output_size, tuple | list)
    sizes = (as_int(function, "output_size", output_size),) * dims if single else output_size
    if len(sizes) != dims:
        raise RuntimeError(f"{function}: output_size must be one or {dims} numbers, got {sizes}")
    lengths = tuple(
        length if size is None else as_int(function, "output_size", size)
        for size, length in zip(sizes, input[-dims:], strict=True)
    )
    if min(lengths) < 0:
        raise RuntimeError(f"{function}: output_size must not be negative, got {sizes}")
    if math.prod(lengths) * math.prod(input[:-dims]) >= 2**60:
        raise RuntimeError(f"{function}: Storage size calculation overflowed with sizes={sizes}")
    return lengths


def check_image(function: str, dims: int, input: Lengths, start: int | None = None) -> None:
    """Raises RuntimeError unless this is the shape of `dims`-dimensional images with pixels.

    start: the first dimension that must not be empty; by default that of the channels.
    """
    if len(input) not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{function}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor, but got "
            f"{list(input)}"
        )
    if 0 in input[-dims - 1 if start is None else start :]:
        raise RuntimeError(
            f"{function}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor: Expected input "
            f"to have non-zero size for non-batch dimensions, but input has sizes {list(input)}"
        )
