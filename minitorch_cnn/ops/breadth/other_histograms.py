"""Histograms over bins of any width, of numbers and of points: histogram, histogramdd."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import return_types
from ...backend import Array, array_module
from ...tensor import Tensor, shape_text, wrap
from ..arguments import as_int
from ..common import same_device
from ..creation import even_steps

__all__ = ["histogram", "histogramdd"]


def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """How many elements fall into each bin, and the edges of the bins: (bins,) and (bins + 1,).

    input: any shape, floating. bins: how many, of the same width; or a vector of their edges, which
    rise. range: (low, high) of the first and the last edge; otherwise the smallest and the largest
    element. An element at an edge belongs to the bin that begins there, at the last edge to the
    last bin; those outside, and NaN, are not counted. weight: what each element counts, in the
    input's shape. density: divided by the sum and by the bin's width, so that the area is 1.

    Raises RuntimeError for bins below 1 and for shapes, types or ranges that do not fit,
    NotImplementedError for integers. There is no gradient.

    >>> import minitorch_cnn as mt
    >>> hist, edges = mt.histogram(mt.tensor([0.0, 1.0, 1.5, 4.0]), 2)
    >>> hist, edges
    (tensor([3., 1.]), tensor([0., 2., 4.]))
    """
    if weight is not None:
        if weight.shape != input.shape:
            raise RuntimeError(_misfit(input, weight))
        weight = weight.reshape(-1)
    hist, edges = _count(
        input.reshape(-1, 1), [bins], range, weight, density, isinstance(bins, Tensor)
    )
    return return_types.histogram(hist, edges[0])


def histogramdd(
    input: Tensor,
    bins: int | Sequence[int] | Sequence[Tensor],
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """`histogram` of points: (..., D) -> how many of them are in each box, (bins_1, ..., bins_D).

    bins: how many in each of the D dimensions, one number for all of them, or a vector of edges for
    each. range: low and high of each dimension, 2 D numbers. weight: (...), what each point counts.
    Returns the counts and a tuple of the edges. Raises as `histogram` does.

    >>> import minitorch_cnn as mt
    >>> points = mt.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [2.0, 2.0]])
    >>> mt.histogramdd(points, [2, 2]).hist
    tensor([[0., 1.],
            [1., 2.]])
    """
    if input.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    dims = input.shape[-1]
    if dims == 0:
        raise RuntimeError("torch.histogramdd: the points must have coordinates, got none")
    each = [bins] * dims if isinstance(bins, int) else list(bins)
    if len(each) != dims:
        raise RuntimeError(
            f"torch.histogramdd: the size of bins ({len(each)}) must be equal to the innermost "
            f"dimension of the input ({dims})"
        )
    if weight is not None:
        if weight.shape != input.shape[:-1]:
            raise RuntimeError(_misfit(input, weight))
        weight = weight.reshape(-1)
    given = isinstance(each[0], Tensor)
    if any(isinstance(one, Tensor) is not given for one in each):
        raise TypeError("torch.histogramdd: bins must be all numbers or all tensors of edges")
    points = input.reshape(math.prod(input.shape[:-1]), dims)
    return return_types.histogramdd(*_count(points, each, range, weight, density, given))


def _misfit(input: Tensor, weight: Tensor) -> str:
    return (
        "torch.histogramdd: if weight tensor is provided it should have a number for each element "
        f"or point, but got input with shape {shape_text(input.shape)} and weight with shape "
        f"{shape_text(weight.shape)}"
    )


def _count(
    points: Tensor,
    bins: list[Any],
    limits: Sequence[float] | None,
    weight: Tensor | None,
    density: bool,
    given: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The histogram of points (n, D) with weight (n,), and the edges; given: bins are edges."""
    if not points.dtype.is_floating_point:
        raise NotImplementedError(f'"histogramdd" not implemented for {points.dtype}')
    same_device(points, *(bins if given else ()), weight)
    if weight is not None and weight.dtype is not points.dtype:
        raise RuntimeError(
            "torch.histogramdd: input tensor and weight tensor should have the same dtype, but got "
            f"input {points.dtype}, and weight {weight.dtype}"
        )
    x, dims = points.detach().array, len(bins)
    xp = array_module(x)
    if given:
        if limits is not None:
            raise RuntimeError("torch.histogramdd: range is not taken with the edges of the bins")
        edges = [_edges_given(axis, each, points) for axis, each in enumerate(bins)]
    else:
        spans = _spans(x, dims, limits)
        edges = [_edges(axis, count, spans[axis], x) for axis, count in enumerate(bins)]

    box: Any = 0
    inside: Any = True
    for axis, lines in enumerate(edges):
        place = x[:, axis]
        last = len(lines) - 1
        # A place at an edge belongs to the bin behind it, at the last edge to the one before it.
        index = xp.clip(xp.searchsorted(lines, place, side="right") - 1, 0, last - 1)
        inside = inside & (place >= lines[0]) & (place <= lines[-1])  # NaN is not
        box = box * last + index
    shape = tuple(len(lines) - 1 for lines in edges)
    factors = None if weight is None else weight.detach().array[inside].astype(np.float64)
    counts = xp.bincount(box[inside], factors, math.prod(shape)).reshape(shape)
    counts = counts.astype(x.dtype)
    if density:
        with np.errstate(all="ignore"):  # NaN, as in torch, if nothing was counted
            counts = counts / counts.sum()
            for axis, lines in enumerate(edges):
                counts = counts / (lines[1:] - lines[:-1]).reshape(-1, *[1] * (dims - 1 - axis))
    return wrap(counts), tuple(wrap(lines) for lines in edges)


def _edges_given(axis: int, edges: Tensor, points: Tensor) -> Array:
    if edges.ndim != 1:
        raise RuntimeError(
            f"torch.histogramdd: bins tensor should have one dimension, but got {edges.ndim} "
            f"dimensions in the bins tensor for dimension {axis}"
        )
    if edges.dtype is not points.dtype:
        raise RuntimeError(
            "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got "
            f"input with dtype {points.dtype} and bins for dimension {axis} with {edges.dtype}"
        )
    _check_number(axis, edges.numel() - 1)
    return edges.detach().array.copy()


def _check_number(axis: int, number: int) -> None:
    if number <= 0:
        raise RuntimeError(
            f"torch.histogram(): bins must be > 0, but got {number} for dimension {axis}"
        )


def _spans(x: Array, dims: int, limits: Sequence[float] | None) -> list[tuple[float, float]]:
    """The lowest and the highest edge of each dimension."""
    if limits is not None:
        if len(limits) != 2 * dims:
            raise RuntimeError(
                f"torch.histogramdd: for a {dims}-dimensional histogram range should have "
                f"{2 * dims} elements, but got {len(limits)}"
            )
        spans = [
            (float(low), float(high)) for low, high in zip(limits[::2], limits[1::2], strict=True)
        ]
    elif len(x) == 0:
        spans = [(0.0, 1.0)] * dims
    else:
        spans = [(float(x[:, axis].min()), float(x[:, axis].max())) for axis in range(dims)]
    for axis, (low, high) in enumerate(spans):
        if not (math.isfinite(low) and math.isfinite(high)):
            raise RuntimeError(
                f"torch.histogramdd: dimension {axis}'s range [{low:g}, {high:g}] is not finite"
            )
        if low > high:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} "
                f"for dimension {axis}"
            )
    return [(low - 0.5, high + 0.5) if low == high else (low, high) for low, high in spans]


def _edges(axis: int, count: Any, span: tuple[float, float], x: Array) -> Array:
    count = as_int("histogram", "bins", count)
    _check_number(axis, count)
    return array_module(x).asarray(even_steps(*span, count + 1, x.dtype), x.dtype)
