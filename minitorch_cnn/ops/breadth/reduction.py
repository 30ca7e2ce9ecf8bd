"""Torch's "Reduction Ops" beyond reduce.py: prod, norm, without the NaNs, by rank, dist, unique."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import backend, return_types
from ...autograd.function import Function
from ...autograd.names import called
from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..arguments import as_number
from ..arithmetic import lerp, where
from ..common import NO_GRADIENT, WithoutGradient
from ..join import cat
from ..norms import p_norm
from ..positions import gather
from ..reduce import (
    Middle,
    accumulator,
    at_position,
    dims_of,
    kept_shape,
    median,
    needs_elements,
    sum,
)
from ..shape import expand, movedim, reshape
from .comparison import argsort, sort
from .linalg_matrix_properties import matrix_norm
from .other_cumulative import cumprod
from .other_rearrange import flip

__all__ = [
    "prod", "norm", "dist", "nanmean", "nanmedian", "mode", "quantile", "nanquantile", "unique",
    "unique_consecutive",
]  # fmt: skip


class Prod(Function):
    """y = the product of x over axis dim"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, keepdim: bool) -> Tensor:
        ctx.dim = dim
        y = wrap(x.array.prod(dim, x.array.dtype, keepdims=keepdim))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        # The slope for x[i] is the product of all the others: y / x[i], or where an element is 0
        # those before it times those after.
        x, y = ctx.saved_tensors
        kept = kept_shape(x.shape, (ctx.dim,))
        gy, y = reshape(gy, kept), reshape(y, kept)
        if not (x.array == 0).any():
            return gy * y / x, None, None
        after = flip(_product_before(flip(x, ctx.dim), ctx.dim), ctx.dim)
        return gy * _product_before(x, ctx.dim) * after, None, None


def _product_before(x: Tensor, dim: int) -> Tensor:
    """y[i] = x[0] x[1] ... x[i - 1], y[0] = 1"""
    one = x.new_ones(kept_shape(x.shape, (dim,))) if x.size(dim) else x
    return cumprod(cat([one, x.narrow(dim, 0, max(x.size(dim) - 1, 0))], dim), dim)


def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product of all elements, or along one dimension, which keepdim leaves with length 1.

    Any shape; integers and bools give int64. dtype: multiplied in that one. The gradient is right
    where elements are 0 too. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1, 2], [3, 4]])
    >>> x.prod(), x.prod(1)
    (tensor(24), tensor([ 2, 12]))
    """
    x = accumulator(input, dtype)
    if dim is None or x.ndim == 0:
        return Prod.apply(reshape(x, -1), 0, False)
    return Prod.apply(x, x._dim(dim), keepdim)


def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """The p-norm (sum |x|^p)^(1/p); inf is the largest and -inf the smallest |x|.

    "fro" and None are p = 2, "nuc" the sum of the singular values of a matrix. Of all elements, a
    0-d tensor, or over some dimensions: (N, C) with dim 1 -> (N,). At 0 the gradient is 0. Raises
    RuntimeError for integers, another name and no elements where that has no norm, and else as
    `sum` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([3.0, 4.0]).norm(), mt.tensor([3.0, -4.0]).norm(1)
    (tensor(5.), tensor(7.))
    """
    if p == "nuc":
        matrix = range(input.ndim) if dim is None else dim
        return matrix_norm(input, "nuc", tuple(matrix), keepdim, dtype=dtype)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm: Order {p} not supported: use a number, 'fro' or 'nuc'")
    p = 2 if p is None or p == "fro" else as_number("norm", "p", p)
    return called(p_norm(input, p, dim, keepdim, dtype), "LinalgVectorNormBackward0")


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other, over all elements: a 0-d tensor.

    Any shapes that broadcast. Raises RuntimeError if they do not, and for integers.

    >>> import minitorch_cnn as mt
    >>> mt.dist(mt.tensor([3.0, 0.0]), mt.tensor([0.0, 4.0]))
    tensor(5.)
    """
    return p_norm(input - other, p)


# --------------------------------------------------------------------------------- without the NaNs


def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of the elements that are not NaN, NaN where there are none.

    Any shape, floating. dim: a number, several or None for all; keepdim leaves them with length 1.
    Raises RuntimeError for integers, IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.0, float("nan"), 3.0]).nanmean()
    tensor(2.)
    """
    x = input if dtype is None else input.to(dtype)
    if not x.dtype.is_floating_point:
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{x.dtype.name}"
        )
    present = ~x.isnan()
    total = sum(where(present, x, 0.0), dim, keepdim)
    return total / sum(present.to(x.dtype), dim, keepdim)


def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of the elements that are not NaN: of all, or with dim (values, indices) along it.

    Any shape. Of an even number the lower of the two in the middle. keepdim leaves the dimension
    with length 1. Raises IndexError for a dim out of range or without elements.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([5.0, float("nan"), 1.0, 3.0]).nanmedian()
    tensor(3.)
    """
    if dim is None:
        return Middle.apply(input, nanmedian)
    axis = input._dim(dim)
    if input.ndim == 0:
        return median(input, dim, keepdim)
    needs_elements("nanmedian", input, (axis,))
    order = argsort(input, axis)  # NaNs come last
    present = sum(~input.isnan(), axis, True)
    return at_position(
        return_types.nanmedian,
        input,
        axis,
        gather(order, axis, ((present - 1) // 2).clamp(min=0)),
        keepdim,
    )


# ------------------------------------------------------------------------------------------ by rank


def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the most frequent element along a dimension, the smallest of several.

    Any shape. The dimension disappears, or with keepdim has length 1. indices: the last position of
    that element. Raises IndexError for a dim out of range or without elements.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([3, 1, 1, 3, 2]).mode().values
    tensor(1)
    """
    axis = input._dim(dim)
    if input.ndim == 0:
        return return_types.mode(input.clone(), argsort(input))
    needs_elements("mode", input, (axis,))
    order = argsort(input, axis)
    ranked = np.moveaxis(backend.to_numpy(gather(input.detach(), axis, order).array), axis, -1)
    n = ranked.shape[-1]
    starts = np.ones(ranked.shape, bool)  # where another value begins
    starts[..., 1:] = ranked[..., 1:] != ranked[..., :-1]
    begin = np.maximum.accumulate(np.where(starts, np.arange(n), 0), -1)
    length_so_far = np.arange(n) - begin + 1
    last = length_so_far.argmax(-1)  # where the longest run of equal values ends
    place = wrap(backend.to_device(np.expand_dims(last, axis), input.device))
    return at_position(return_types.mode, input, axis, gather(order, axis, place), keepdim)


INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The value below which the part q (from 0 to 1) of the elements lies.

    input: float32 or float64, any shape; dim: None for all elements. q: a number, or a vector, for
    which the result has a new first dimension. Between two elements it is interpolated, or by
    `interpolation` the "lower", the "higher", the "nearest" or their "midpoint". NaN if one element
    is. Raises RuntimeError for other dtypes, q outside [0, 1], another interpolation or no
    elements; IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([0.0, 1.0, 2.0, 3.0]).quantile(0.5)
    tensor(1.5000)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """`quantile` of the elements that are not NaN.

    Arguments, shapes and errors are those of `quantile`.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([0.0, float("nan"), 1.0]).nanquantile(0.5)
    tensor(0.5000)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


def _quantile(
    name: str, input: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str, skip_nan: bool
) -> Tensor:
    if not input.dtype.is_floating_point or input.array.dtype == np.float16:
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype, got "
                           f"{input.dtype}")  # fmt: skip
    if input.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {interpolation}"
        )
    parts = q if isinstance(q, Tensor) else input.new_tensor(q)
    if parts.ndim > 1 or parts.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}() q must be a scalar or a vector of the same dtype as the input "
            f"({input.dtype}), got shape {shape_text(parts.shape)} and {parts.dtype}"
        )
    if bool(((parts < 0) | (parts > 1)).any()):
        raise RuntimeError(f"{name}() q values must be in the range [0, 1], got {q}")
    x = reshape(input, -1) if dim is None or input.ndim == 0 else movedim(input, dim, -1)
    ranked = sort(x, -1).values  # NaNs come last
    missing = x.isnan()
    count = sum(~missing, -1, True) if skip_nan else sum(missing | True, -1, True)  # (..., 1)
    place = reshape(parts, -1) * (count - 1).clamp(min=0).to(x.dtype)  # (..., Q)
    low = place.detach().floor()
    if interpolation == "lower":
        place = low
    elif interpolation == "higher":
        place = place.detach().ceil()
    elif interpolation == "nearest":
        place = place.detach().round()
    if not skip_nan:  # the last one is NaN, where one is
        place = where(missing.any(-1, True), count.to(x.dtype) - 1, place)
    low, high = place.detach().floor(), place.detach().ceil()
    below, above = (gather(ranked, -1, each.long()) for each in (low, high))
    if interpolation == "linear":
        y = lerp(below, above, expand(place - low, below.shape))
    else:
        y = lerp(below, above, 0.5) if interpolation == "midpoint" else below
    y = movedim(y, -1, 0)  # (Q, ...)
    if keepdim:
        dims = dims_of(input, dim)
        y = reshape(y, (y.size(0), *kept_shape(input.shape, dims)))
    return y if parts.ndim else y.squeeze(0)


# ------------------------------------------------------------------------------- different elements


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in rising order (or slices along dim); and where each came from.

    Any shape -> (how many,), or the shape with another length along dim. return_inverse: for each
    element its number among them (int64, the input's shape, or the length of dim). return_counts:
    how often each occurs. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([3, 1, 3]).unique(return_inverse=True, return_counts=True)
    (tensor([1, 3]), tensor([1, 0, 1]), tensor([1, 2]))
    """
    xp = array_module(input.array)
    axis = None if dim is None else input._dim(dim)
    values, inverse, counts = xp.unique(  # no NaN equals another
        input.array, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    results = [WithoutGradient.apply(input, values, NO_GRADIENT.format("unique"))]
    if return_inverse:
        results.append(wrap(inverse.reshape(input.array.shape if axis is None else -1)))
    if return_counts:
        results.append(wrap(counts))
    return results[0] if len(results) == 1 else tuple(results)


def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements (or slices along dim) without those that equal the one before them.

    Shapes and the other results are those of `unique`. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1, 1, 2, 1]).unique_consecutive(return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
    xp = array_module(input.array)
    axis = 0 if dim is None else input._dim(dim)
    array = input.array.reshape(-1) if dim is None else xp.moveaxis(input.array, axis, 0)
    n = array.shape[0]
    rows = array.reshape(n, -1) if array.size else xp.zeros((n, 0))
    starts = xp.ones(n, bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(1)
    first = xp.nonzero(starts)[0]
    values = xp.moveaxis(array[first], 0, axis)
    results = [WithoutGradient.apply(input, values, NO_GRADIENT.format("unique_consecutive"))]
    if return_inverse:
        run = xp.cumsum(starts.astype(np.int64)) - 1
        results.append(wrap(run.reshape(input.array.shape if dim is None else -1)))
    if return_counts:
        results.append(wrap(xp.diff(xp.append(first, n))))
    return results[0] if len(results) == 1 else tuple(results)
