"""What the arrays of a kernel must have in common, looked at before a faster kernel gets them.

The faster kernels go through memory by addresses that they work out from the shape of one of their
arrays. If another one is smaller than promised they would read or write what belongs to somebody
else. So for each kernel in the table that has more than one array there is a function here, of its
name and with its arguments, which compares shapes and raises RuntimeError. Arrays of a type or an
order in memory that a kernel is not made for are its own affair: it declines them or copies them.
An index that is read from memory is checked where it is read.
"""

from __future__ import annotations

import functools
from typing import Any, NoReturn

import numpy as np

from ..backend import Array
from .geometry import ConvGeometry, Pair, PoolGeometry


def _refuse(kernel: str, **arrays: Any) -> NoReturn:
    """Raises RuntimeError with the shapes of the arrays; what is none is quoted as it is."""
    parts = []
    for name, array in arrays.items():
        shape = getattr(array, "shape", array)
        parts.append(f"{name} {tuple(shape) if isinstance(shape, tuple) else shape}")
    raise RuntimeError(
        f"{kernel} got arrays whose shapes do not belong together: {', '.join(parts)}. Has a "
        "tensor been resized, or its data replaced, since it was used or saved?"
    )


# --------------------------------------------------------------------------------- convolution


@functools.lru_cache(1024)
def _check_moves(geometry: ConvGeometry) -> None:
    stride, before, after, dilation, groups = geometry
    if min(*stride, *dilation, groups) < 1 or min(*before, *after) < 0:
        raise RuntimeError(f"a convolution's windows cannot move so: {geometry}")


@functools.lru_cache(1024)
def _windows_fit(size: Pair, kernel_size: Pair, out: Pair, geometry: ConvGeometry) -> bool:
    """Whether `out` windows lie on an image of this size, with less than a step left over.

    A transposed convolution may leave as much as its output_padding, which torch limits so.
    """
    axes = zip(size, kernel_size, out, *geometry[:4], strict=True)
    left = [
        (length + before + after - dilation * (kernel - 1) - 1 - (count - 1) * stride,
         max(stride, dilation))
        for length, kernel, count, stride, before, after, dilation in axes
    ]  # fmt: skip
    return all(0 <= pixels < limit for pixels, limit in left)


def forward(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False
) -> None:
    _check_moves(geometry)
    K, groups = w.shape[0], geometry.groups
    if (
        x.ndim != 4
        or w.ndim != 4
        or x.shape[1] != w.shape[1] * groups
        or K % groups
        or (b is not None and b.shape != (K,))
    ):
        _refuse("a convolution", x=x, weight=w, bias=b, groups=groups)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> None:
    _check_moves(geometry)
    K, groups = w.shape[0], geometry.groups
    if (
        gy.ndim != 4
        or w.ndim != 4
        or gy.shape[1] != K
        or K % groups
        or not _windows_fit(input_size, w.shape[2:], gy.shape[2:], geometry)
    ):
        _refuse(
            "the gradient of a convolution's input",
            gradient=gy, weight=w, input_size=input_size, groups=groups,
        )  # fmt: skip


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> None:
    _check_moves(geometry)
    groups = geometry.groups
    if (
        x.ndim != 4
        or gy.ndim != 4
        or x.shape[0] != gy.shape[0]
        or x.shape[1] % groups
        or gy.shape[1] % groups
        or not _windows_fit(x.shape[2:], kernel_size, gy.shape[2:], geometry)
    ):
        _refuse(
            "the gradient of a convolution's weight",
            x=x, gradient=gy, kernel_size=kernel_size, groups=groups,
        )  # fmt: skip


# ------------------------------------------------------------------------------------- pooling


@functools.lru_cache(1024)
def _check_pool(geometry: PoolGeometry, size: Pair) -> None:
    """That each window begins before the end of an image of this size."""
    kernel_size, stride, padding, dilation, out_size = geometry
    if (
        min(*kernel_size, *stride, *dilation) < 1
        or min(*padding, *out_size) < 0
        or any(
            (count - 1) * step - before >= length
            for count, step, before, length in zip(out_size, stride, padding, size, strict=False)
        )
    ):
        raise RuntimeError(f"a pooling of {size} pixels cannot have these windows: {geometry}")


def max_pool2d_forward(x: Array, geometry: PoolGeometry, with_position: bool = True) -> None:
    _check_pool(geometry, x.shape[2:])
    if x.ndim != 4:
        _refuse("a max pooling", x=x, out_size=geometry.out_size)


def max_pool2d_scatter(
    gy: Array, position: Array, input_size: Pair, geometry: PoolGeometry
) -> None:
    _check_pool(geometry, tuple(input_size))
    if gy.shape != position.shape or gy.shape[2:] != geometry.out_size:
        sizes = {"out_size": geometry.out_size, "input_size": input_size}
        _refuse("the gradient of a max pooling", gradient=gy, positions=position, **sizes)


def max_pool2d_gather(x: Array, position: Array, geometry: PoolGeometry) -> None:
    _check_pool(geometry, x.shape[2:])
    if x.ndim != 4 or (*x.shape[:2], *geometry.out_size) != position.shape:
        out_size = geometry.out_size
        _refuse("a max pooling by positions", x=x, positions=position, out_size=out_size)


def avg_pool2d_forward(x: Array, geometry: PoolGeometry, divisor: Array) -> None:
    _check_pool(geometry, x.shape[2:])
    if x.ndim != 4 or divisor.shape != geometry.out_size:
        _refuse("an average pooling", x=x, divisor=divisor, out_size=geometry.out_size)


def avg_pool2d_backward(
    gy: Array, input_size: Pair, geometry: PoolGeometry, divisor: Array
) -> None:
    _check_pool(geometry, tuple(input_size))
    if not gy.shape[2:] == divisor.shape == geometry.out_size:
        sizes = {"out_size": geometry.out_size, "input_size": input_size}
        _refuse("the gradient of an average pooling", gradient=gy, divisor=divisor, **sizes)


# ------------------------------------------------------------------- normalisation, elementwise


def channel_mean_var(
    x: Array, running_mean: Array | None = None, running_var: Array | None = None,
    momentum: float = 0.0,
) -> None:  # fmt: skip
    for running in (running_mean, running_var):
        if running is not None and running.shape != x.shape[1:2]:
            _refuse("batch statistics", x=x, running_mean=running_mean, running_var=running_var)


def scale_and_shift(
    mean: Array, var: Array, weight: Array | None, bias: Array | None, eps: float
) -> None:
    vectors = [each for each in (var, weight, bias) if each is not None]
    if mean.ndim != 1 or any(each.shape != mean.shape for each in vectors):
        _refuse("a batch norm", mean=mean, var=var, weight=weight, bias=bias)


def batch_norm_forward(
    x: Array, scale: Array, shift: Array, residual: Array | None = None, relu: bool = False
) -> None:
    if not scale.shape == shift.shape == x.shape[1:2] or (
        residual is not None and residual.shape != x.shape
    ):
        _refuse("a batch norm", x=x, scale=scale, shift=shift, residual=residual)


def batch_norm_backward(
    gy: Array, x: Array, weight: Array | None, mean: Array, invstd: Array, batch_statistics: bool,
    y: Array | None = None, residual: bool = False,
) -> None:  # fmt: skip
    C = x.shape[1:2]
    if (
        not (gy.shape == x.shape and mean.shape == invstd.shape == C)
        or (weight is not None and weight.shape != C)
        or (y is not None and y.shape != x.shape)
    ):
        _refuse(
            "the gradient of a batch norm",
            gradient=gy, x=x, weight=weight, mean=mean, invstd=invstd, y=y,
        )  # fmt: skip


def relu_backward(gy: Array, y: Array) -> None:
    if gy.shape != y.shape:
        _refuse("the gradient of relu", gradient=gy, y=y)


def hardtanh_backward(gy: Array, x: Array, low: float, high: float) -> None:
    if gy.shape != x.shape:
        _refuse("the gradient of hardtanh", gradient=gy, x=x)


def cat(arrays: list[Array], axis: int) -> None:
    first = arrays[0]
    for array in arrays[1:]:
        others = [lengths for i, lengths in enumerate(zip(array.shape, first.shape)) if i != axis]
        if array.ndim != first.ndim or any([a != b for a, b in others]):
            _refuse("cat", first=first, another=array)


# ---------------------------------------------------------------------------------------- losses


def cross_entropy(x: Array, target: Array) -> None:
    if x.ndim != 2 or target.shape != x.shape[:1] or target.dtype.kind not in "iu":
        _refuse("a cross entropy", x=x, target=target, target_type=target.dtype)


def cross_entropy_backward(gy: Array, softmax: Array, target: Array) -> None:
    if softmax.ndim != 2 or not gy.shape == target.shape == softmax.shape[:1]:
        _refuse("the gradient of a cross entropy", gradient=gy, softmax=softmax, target=target)


# ------------------------------------------------------------------------------------- optimizers


def _of_one_shape(
    optimizer: str, parameters: list[Array], *others: list[Array | None], **_options: Any
) -> None:
    """Of each parameter, its gradient and its states."""
    for parameter, *its in zip(parameters, *others, strict=True):
        shape = parameter.shape
        for array in its:
            if array is not None and array.shape != shape:
                gradient, *state = its
                states = {f"state_{number}": each for number, each in enumerate(state)}
                _refuse(f"a step of {optimizer}", parameter=parameter, gradient=gradient, **states)


sgd = functools.partial(_of_one_shape, "SGD")
adam = functools.partial(_of_one_shape, "Adam")


# ----------------------------------------------------------------------------------- augmentation


def augment(
    images: Array, key: int, padding: int, flip: bool, mode: str, scale: np.ndarray,
    shift: np.ndarray,
) -> None:  # fmt: skip
    if images.ndim != 4 or not scale.shape == shift.shape == images.shape[3:]:
        _refuse("an augmentation", images=images, scale=scale, shift=shift)
