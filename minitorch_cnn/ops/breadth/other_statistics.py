"""Statistics: quantiles, the most frequent element, histograms, covariance, membership."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import backend
from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..common import as_operand
from ..elementwise import sqrt
from ..indexing import diagonal
from ..positions import gather
from ..products import matmul
from ..reduce import ValuesAndIndices, dims_of, kept_shape, mean, median, needs_elements, sum
from ..shape import movedim, mT, reshape
from .comparison import argsort, searchsorted, sort

# ---------------------------------------------------------------------------- without the NaNs


def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of the elements that are not NaN.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.0, float("nan"), 3.0]).nanmean()
    tensor(2.)
    """
    x = input if dtype is None else input.to(dtype)
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"nanmean(): expected input to have floating point dtype, got {x.dtype}")
    present = ~x.isnan()
    total = sum(where(present, x, 0.0), dim, keepdim)
    return total / sum(present.to(x.dtype), dim, keepdim)


def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of the elements that are not NaN."""
    if dim is None:
        return nanmedian(reshape(input, -1), 0).values
    axis = input._dim(dim)
    if input.ndim == 0:
        return median(input, dim, keepdim)
    needs_elements("nanmedian", input, (axis,))
    order = argsort(input, axis)  # NaNs come last
    present = sum(~input.isnan(), axis, True)
    return _at(input, axis, gather(order, axis, ((present - 1) // 2).clamp(min=0)), keepdim)


def _at(input: Tensor, axis: int, index: Tensor, keepdim: bool) -> ValuesAndIndices:
    """The elements at the positions `index`, which has length 1 along axis."""
    values = gather(input, axis, index)
    if keepdim or input.ndim == 0:
        return ValuesAndIndices(values, index)
    return ValuesAndIndices(values.squeeze(axis), index.squeeze(axis))


# -------------------------------------------------------------------------------------- by rank


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the k-th smallest element along a dimension, counted from 1.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([30, 10, 20]).kthvalue(2).values
    tensor(20)
    """
    axis = input._dim(dim)
    length = input.size(axis) if input.ndim else 1
    if not 1 <= k <= length:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: k={k}")
    if input.ndim == 0:
        return ValuesAndIndices(input.clone(), argsort(input))
    return _at(input, axis, argsort(input, axis).narrow(axis, k - 1, 1), keepdim)


def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the most frequent element along a dimension, the smallest of several.

    indices: the last position of that element.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([3, 1, 1, 3, 2]).mode().values
    tensor(1)
    """
    axis = input._dim(dim)
    if input.ndim == 0:
        return ValuesAndIndices(input.clone(), argsort(input))
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
    return _at(input, axis, gather(order, axis, place), keepdim)


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

    q: a number, or a vector, for which the result has a new first dimension. Between two elements
    it is interpolated, or by `interpolation` the lower, the higher, the nearest or their midpoint.

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
    """`quantile` of the elements that are not NaN."""
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
    low, high = place.detach().floor(), place.detach().ceil()
    below, above = (gather(ranked, -1, each.long()) for each in (low, high))
    weight = 0.5 if interpolation == "midpoint" else place - low
    y = below + (above - below) * weight
    if not skip_nan:
        y = y.masked_fill(missing.any(-1, True), math.nan)
    y = movedim(y, -1, 0)  # (Q, ...)
    if keepdim:
        dims = dims_of(input, dim)
        y = reshape(y, (y.size(0), *kept_shape(input.shape, dims)))
    return y if parts.ndim else y.squeeze(0)


# ------------------------------------------------------------------------------------ counting


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` equal pieces of [min, max].

    Elements outside are not counted. min = max = 0 means from the smallest to the largest one.

    >>> import minitorch_cnn as mt
    >>> mt.histc(mt.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    if bins <= 0:
        raise RuntimeError(f"torch.histc(): bins must be > 0, but got {bins}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"histc" not implemented for {input.dtype}')
    low, high = float(min), float(max)
    if low == high == 0 and input.numel():
        low, high = float(input.array.min()), float(input.array.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise RuntimeError(f"torch.histc: range of [{low}, {high}] is not finite, or max < min")
    xp = array_module(input.array)
    counts, _ = xp.histogram(input.array.reshape(-1), bins, (low, high))
    return wrap(counts.astype(input.array.dtype))


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The number of the bucket, between sorted boundaries, into which each element falls.

    right: elements equal to a boundary belong to the bucket above it instead of the one below.

    >>> import minitorch_cnn as mt
    >>> mt.bucketize(mt.tensor([0.5, 1.0, 9.0]), mt.tensor([1.0, 2.0]))
    tensor([0, 0, 2])
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """True where an element is one of the test elements (invert: where it is not).

    >>> import minitorch_cnn as mt
    >>> mt.isin(mt.tensor([1, 2, 3]), mt.tensor([2, 5]))
    tensor([False,  True, False])
    """
    some = elements if isinstance(elements, Tensor) else test_elements
    if not isinstance(some, Tensor):
        raise TypeError("isin(): at least one of elements and test_elements must be a Tensor")
    arrays = [
        each.array if isinstance(each, Tensor) else array_module(some.array).asarray(each)
        for each in (as_operand(elements, some), as_operand(test_elements, some))
    ]
    return wrap(array_module(some.array).isin(*arrays, invert=invert))


# ------------------------------------------------------------------------------------ covariance


def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariance matrix of variables in rows, of which each column is an observation.

    fweights: how often each observation occurs (integers); aweights: its relative weight.

    >>> import minitorch_cnn as mt
    >>> mt.cov(mt.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions, got {input.ndim}"
        )
    if input.dtype.category == 0:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = reshape(input, (1, -1)) if input.ndim < 2 else input
    x = x if x.dtype.is_floating_point else x.float()
    weights = _weights(x, fweights, aweights)
    if weights is None:
        norm: Any = x.new_full((), x.size(1) - correction)
        centred = weighted = x - mean(x, 1, True)
    else:
        total = sum(weights)
        centred = x - sum(x * weights, 1, True) / total
        weighted, norm = centred * weights, total - correction
        if aweights is not None and correction:
            norm = total - correction * sum(weights * aweights) / total
    return (matmul(centred, mT(weighted)) / norm.clamp(min=0)).squeeze()


def _weights(x: Tensor, fweights: Any, aweights: Any) -> Tensor | None:
    weights = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        if given.ndim > 1 or given.numel() != x.size(1):
            raise RuntimeError(
                f"cov(): expected {name} to have one element for each of the {x.size(1)} "
                f"observations, got shape {shape_text(given.shape)}"
            )
        if given.dtype.is_floating_point == (name == "fweights"):
            raise RuntimeError(f"cov(): wrong dtype of {name}: {given.dtype}")
        if bool((given < 0).any()):
            raise RuntimeError(f"cov(): {name} cannot be negative")
        weights = given if weights is None else weights * given
    return weights


def corrcoef(input: Tensor) -> Tensor:
    """The correlation matrix of variables in rows: `cov` over both standard deviations."""
    c = cov(input)
    if c.ndim == 0:
        return c / c
    deviation = sqrt(diagonal(c))
    y = c / deviation.unsqueeze(1) / deviation.unsqueeze(0)
    return y.clamp(-1, 1)
