"""Fourier transforms: three linear maps, whose gradients are each other's.

y = F x with F[k, n] = exp(-2 pi i k n / N). The gradient of a linear map is its transposed,
conjugated matrix: of F, that is the transform backward, without the 1 / N.

    Transform     complex -> complex, along several axes, forward or backward
    RealForward   real -> the first N / 2 + 1 of N complex numbers; the others mirror them
    RealBackward  these -> real
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, wrap
from ..creation import arange
from ..join import cat
from .complex_numbers import ComplexTensor, as_complex_array, as_pairs

__all__: list[str] = []


class Transform(Function):
    """y = the transform of pairs (..., 2) along the axes, times scale"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, axes: tuple, backward: bool, scale: float) -> Tensor:
        ctx.args = axes, backward, scale
        array, fft = as_complex_array(x.array), array_module(x.array).fft
        y = (fft.ifftn if backward else fft.fftn)(array, axes=axes)
        if backward:  # the library divides by the number of points
            scale *= math.prod(array.shape[axis] for axis in axes)
        return wrap(as_pairs((y * scale).astype(array.dtype)))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        axes, backward, scale = ctx.args
        return Transform.apply(gy, axes, not backward, scale), None, None, None


class RealForward(Function):
    """y (..., N // 2 + 1, ..., 2) = the transform of a real x (..., N, ...) along an axis"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, axis: int, scale: float) -> Tensor:
        ctx.axis, ctx.scale, ctx.length = axis, scale, x.shape[axis]
        y = array_module(x.array).fft.rfft(x.array, axis=axis) * scale
        return wrap(as_pairs(y).astype(x.array.dtype))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        whole = resized(gy, ctx.axis, ctx.length)
        return Transform.apply(whole, (ctx.axis,), True, ctx.scale)[..., 0], None, None


class RealBackward(Function):
    """y (..., N, ...), real, = the transform backward of pairs (..., N // 2 + 1, ..., 2)"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, axis: int, length: int, scale: float) -> Tensor:
        ctx.args = axis, length, scale
        array = as_complex_array(x.array)
        y = array_module(array).fft.irfft(array, length, axis) * (scale * length)
        return wrap(y.astype(x.array.dtype))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        axis, length, scale = ctx.args
        gx = RealForward.apply(gy, axis, scale)
        count = gx.shape[axis]  # all but the first, and the middle one, stand for two
        k = arange(count, device=gy.device)
        twice = ((k > 0) & (2 * k < length)).to(gy.dtype) + 1
        return gx * twice.reshape(count, *[1] * (gx.ndim - 1 - axis)), None, None, None


def resized(x: Tensor, axis: int, length: int) -> Tensor:
    """x with that length of an axis: cut off, or with zeros at the end."""
    there = x.shape[axis]
    if length < there:
        return x.narrow(axis, 0, length)
    if length == there:
        return x
    shape = (*x.shape[:axis], length - there, *x.shape[axis + 1 :])
    return cat([x, x.new_zeros(shape)], axis)


def _scale(norm: str | None, count: int, backward: bool) -> float:
    """By what a transform of `count` points is multiplied."""
    if norm not in (None, "backward", "ortho", "forward"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    if norm == "ortho":
        return 1 / math.sqrt(count)
    return 1 / count if backward == (norm != "forward") else 1.0


def _plan(x: Any, lengths: Any, dims: Any, name: str) -> tuple[list[int], list[int]]:
    """The axes, counted from the front, and their lengths; -1 and None: as they are."""
    if lengths is not None and dims is not None and len(lengths) != len(dims):
        raise RuntimeError(f"{name}: s and dim must have the same length, got {lengths} and {dims}")
    if dims is None:
        dims = range(-len(lengths), 0) if lengths is not None else range(x.ndim)
    axes = []
    for dim in dims:
        if not -x.ndim <= dim < x.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-x.ndim}, {x.ndim - 1}], "
                f"but got {dim})"
            )
        axes.append(dim % x.ndim)
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"{name}: dims must be unique, got {tuple(dims)}")
    given = [None] * len(axes) if lengths is None else lengths
    sizes = [x.shape[a] if n in (None, -1) else n for a, n in zip(axes, given, strict=True)]
    if any(n < 1 for n in sizes):
        raise RuntimeError(f"{name}: Invalid number of data points: {sizes}")
    return axes, sizes


def _pairs(x: Any) -> Tensor:
    """The pairs of a complex tensor, or of a real one with zeros beside it."""
    if isinstance(x, ComplexTensor):
        return x.pairs
    real = _real(x).unsqueeze(-1)
    return cat([real, real.new_zeros(real.shape)], -1)


def _real(x: Any) -> Tensor:
    if isinstance(x, ComplexTensor):
        raise RuntimeError("rfft expects a real input tensor, but got a complex one")
    if not isinstance(x, Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}: {x!r:.60}")
    if x.dtype.name == "float16":
        raise RuntimeError("Unsupported dtype float16: Fourier transforms need float32 or float64")
    return x if x.dtype.is_floating_point else x.float()


def transform(
    name: str, x: Any, lengths: Any, dims: Any, norm: str | None, backward: bool
) -> ComplexTensor:
    """fftn, ifftn and their special cases."""
    axes, sizes = _plan(x, lengths, dims, name)
    pairs = _pairs(x)
    for axis, size in zip(axes, sizes, strict=True):
        pairs = resized(pairs, axis, size)
    scale = _scale(norm, math.prod(sizes), backward)
    return ComplexTensor(Transform.apply(pairs, tuple(axes), backward, scale))


def real_forward(name: str, x: Any, lengths: Any, dims: Any, norm: str | None) -> ComplexTensor:
    """rfftn and its special cases: the last axis gives half of its points."""
    axes, sizes = _plan(x, lengths, dims, name)
    values = _real(x)
    for axis, size in zip(axes, sizes, strict=True):
        values = resized(values, axis, size)
    pairs = RealForward.apply(values, axes[-1], _scale(norm, math.prod(sizes), False))
    if len(axes) > 1:
        pairs = Transform.apply(pairs, tuple(axes[:-1]), False, 1.0)
    return ComplexTensor(pairs)


def real_backward(name: str, x: Any, lengths: Any, dims: Any, norm: str | None) -> Tensor:
    """irfftn and its special cases: the last axis has half of its points, N // 2 + 1."""
    axes, sizes = _plan(x, lengths, dims, name)
    if lengths is None or lengths[-1] in (None, -1):
        sizes[-1] = 2 * (x.shape[axes[-1]] - 1)
        if sizes[-1] < 1:
            raise RuntimeError(f"{name}: Invalid number of data points ({sizes[-1]}) specified")
    pairs = _pairs(x)
    for axis, size in zip(axes[:-1], sizes[:-1], strict=True):
        pairs = resized(pairs, axis, size)
    pairs = resized(pairs, axes[-1], sizes[-1] // 2 + 1)
    if len(axes) > 1:
        pairs = Transform.apply(pairs, tuple(axes[:-1]), True, 1.0)
    scale = _scale(norm, math.prod(sizes), True)
    return RealBackward.apply(pairs, axes[-1], sizes[-1], scale)


def shift(x: Any, dims: Any, sign: int) -> Any:
    """Rolled by half the length of each axis, so that the middle comes to the front or back."""
    every: Sequence[int] = range(x.ndim) if dims is None else dims
    chosen = (dims,) if isinstance(dims, int) else tuple(every)
    halves = [x.shape[d] // 2 if sign > 0 else (x.shape[d] + 1) // 2 for d in chosen]
    return x.roll(tuple(halves), chosen)
