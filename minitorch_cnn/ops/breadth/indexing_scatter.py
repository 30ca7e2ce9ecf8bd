"""Torch's "... Mutating Ops": many values put into one place, by scatter_reduce and index_reduce.

For dim 0 every src[i][j] goes to y[index[i][j]][j], as in `scatter`; what meets there is combined:
added, multiplied, averaged, or the largest or smallest is kept. The elements of the input take
part too, unless include_self is false.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import backend
from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, wrap
from ..arithmetic import where
from ..common import WithoutGradient
from ..division import div
from ..positions import (
    Untouched,
    along,
    check_positions,
    check_source,
    gather,
    scatter,
    scatter_add,
)
from ..shape import expand, reshape

__all__ = ["scatter_reduce", "index_reduce"]

REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


class ScatterExtreme(Function):
    """y = the largest (or smallest) of what meets in a place; equal ones share the gradient"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, index: Tensor, src: Tensor, choose: str) -> Tensor:
        ctx.dim = dim
        y = x.array.copy()
        used = src.array[tuple(slice(n) for n in index.array.shape)]
        backend.scatter_extreme(y, along(index.array, dim), used, choose)
        y = wrap(y)
        ctx.save_for_backward(x, index, src, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        x, index, src, y = (each.detach() for each in ctx.saved_tensors)
        from_self = (x == y).to(gy.dtype)
        covered = tuple(slice(n) for n in index.shape)
        from_src = (src[covered] == gather(y, ctx.dim, index)).to(gy.dtype)
        count = scatter_add(from_self, ctx.dim, index, from_src)
        share = gy / where(count == 0, 1.0, count)
        gsrc = src.new_zeros(src.shape)
        gsrc[covered] = from_src * gather(share, ctx.dim, index)
        return share * from_self, None, None, gsrc, None


class ScatterProduct(Function):
    """y = the product of what meets in a place"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
        ctx.dim = dim
        y = x.array.copy()
        used = src.array[tuple(slice(n) for n in index.array.shape)]
        backend.scatter_multiply(y, along(index.array, dim), used, dim)
        y = wrap(y)
        ctx.save_for_backward(x, index, src, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        # The slope for a factor is the product of the others: y divided by it. Where one factor
        # is 0, its slope is the product without it and the others have 0; where two are, all have.
        x, index, src, y = ctx.saved_tensors
        used = src[tuple(slice(n) for n in index.shape)]
        zeros = scatter_add((x == 0).to(gy.dtype), ctx.dim, index, (used == 0).to(gy.dtype))
        at_index = [gather(each, ctx.dim, index) for each in (gy, zeros)]
        if not (zeros.array > 0).any():
            gx, gused = gy * y / x, at_index[0] * gather(y, ctx.dim, index) / used
        else:
            ones = where(x == 0, 1.0, x), where(used == 0, 1.0, used)
            others = ScatterProduct.apply(ones[0], ctx.dim, index, ones[1]).detach()
            gx = gy * _slope(x, others, zeros)
            gused = at_index[0] * _slope(used, gather(others, ctx.dim, index), at_index[1])
            gx, gused = (WithoutGradient.apply(g, g.array, NO_SECOND) for g in (gx, gused))
        return gx, None, None, PutIntoCorner.apply(gused, src.shape)


def _slope(factor: Tensor, others: Tensor, zeros: Tensor) -> Tensor:
    """The slope for a factor, given the product of the factors that are not 0, and their number."""
    alone = where((factor == 0) & (zeros == 1), others, 0.0)
    return where(zeros == 0, others / where(factor == 0, 1.0, factor), alone)


NO_SECOND = (
    "Double backward is unsupported for scatter_reduce and index_reduce of products in which an "
    "element is 0"
)


class PutIntoCorner(Function):
    """y = zeros of a larger shape, with x in its first corner"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        ctx.covered = tuple(slice(n) for n in x.array.shape)
        y = array_module(x.array).zeros(shape, x.array.dtype)
        y[ctx.covered] = x.array
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        return gy[ctx.covered], None


def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """input with elements of src combined into the positions `index` along a dimension.

    For dim 0, src[i][j] goes to y[index[i][j]][j]. input: any shape, which the result has too.
    index: int64, no longer than src in any dimension, nor than input in the others than dim.
    reduce: "sum", "prod", "mean", "amax" or "amin". include_self: the input's own elements take
    part; otherwise they only stay where nothing is put. Raises RuntimeError for another reduce or
    for shapes or dtypes that do not fit, IndexError for positions out of range.

    >>> import minitorch_cnn as mt
    >>> index = mt.tensor([0, 0, 2])
    >>> mt.zeros(3).scatter_reduce(0, index, mt.tensor([1.0, 2.0, 3.0]), "amax")
    tensor([2., 0., 3.])
    """
    if reduce not in REDUCTIONS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}."
        )
    dim = check_positions("scatter_reduce", input, dim, index)
    check_source("scatter_reduce", index, src, input)
    if index.numel() == 0:
        return Untouched.apply(input, src)
    if 0 in (input.ndim, index.ndim, src.ndim):
        flat, at, value = (reshape(each, -1) for each in (input, index, src))
        y = scatter_reduce(flat, 0, at, value, reduce, include_self=include_self)
        return y.reshape(input.shape)
    x = input if include_self else scatter(input, dim, index, _neutral(reduce, input))
    if reduce == "sum":
        return scatter_add(x, dim, index, src)
    if reduce == "prod":
        return ScatterProduct.apply(x, dim, index, src)
    if reduce != "mean":
        return ScatterExtreme.apply(x, dim, index, src, reduce)
    ones = src.detach().new_ones(index.shape)
    counts = x.detach().new_ones(x.shape) if include_self else x.detach().new_zeros(x.shape)
    counts = scatter_add(counts, dim, index, ones).clamp(min=1)
    rounding = None if input.dtype.is_floating_point else "floor"
    return div(scatter_add(x, dim, index, src), counts, rounding_mode=rounding)


def _neutral(reduce: str, input: Tensor) -> Any:
    """What changes nothing when it is combined: 0 for a sum, 1 for a product, -inf for amax."""
    if reduce in ("sum", "mean", "prod"):
        return 1 if reduce == "prod" else 0
    kind = input.array.dtype
    if kind.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    if kind.kind == "b":
        return reduce == "amin"
    return int(np.iinfo(kind).min if reduce == "amax" else np.iinfo(kind).max)


def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """input with the slices source[i] combined into its slices index[i] along a dimension.

    index: a vector of k int64; source: the input's shape with length k in that dimension. reduce:
    "prod", "mean", "amax" or "amin". include_self: as for `scatter_reduce`. Raises RuntimeError for
    another reduce or shapes that do not fit, IndexError for positions out of range or an index that
    is no vector.

    >>> import minitorch_cnn as mt
    >>> source = mt.tensor([[1.0, 4.0], [3.0, 2.0]])
    >>> mt.zeros(1, 2).index_reduce(0, mt.tensor([0, 0]), source, "amax")
    tensor([[3., 4.]])
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}"
        )
    dim = input._dim(dim)
    if index.ndim > 1:
        raise IndexError(f"index_reduce(): Index is supposed to be a vector, got {index.ndim}-D")
    if source.ndim != input.ndim or index.numel() != (source.size(dim) if source.ndim else 1):
        raise RuntimeError(
            f"index_reduce(): index of {index.numel()} elements does not fit source "
            f"{list(source.shape)} along dimension {dim} of input {list(input.shape)}"
        )
    lying = [1] * source.ndim
    if source.ndim:
        lying[dim] = -1
    every = expand(reshape(index, lying), source.shape)
    return scatter_reduce(input, dim, every, source, reduce, include_self=include_self)
