"""Products and running sums: prod, cumsum, cumprod."""

from __future__ import annotations

from typing import Any

from ...autograd.function import Function
from ...backend import array_module
from ...tensor import Tensor, wrap
from ..arithmetic import where
from ..join import cat
from ..reduce import accumulator, kept_shape, sum
from ..shape import movedim, reshape
from .other_rearrange import flip


class Prod(Function):
    """y = the product of x over axis dim"""

    @staticmethod
    def forward(ctx, x, dim, keepdim):
        ctx.dim = dim
        y = wrap(x.array.prod(dim, x.array.dtype, keepdims=keepdim))
        ctx.save_for_backward(x)
        return y

    @staticmethod
    def backward(ctx, gy):
        # The slope for x[i] is the product of all the others: those before it times those after.
        # Not y / x[i], which fails where an element is 0.
        (x,) = ctx.saved_tensors
        gy = reshape(gy, kept_shape(x.shape, (ctx.dim,)))
        after = flip(_product_before(flip(x, ctx.dim), ctx.dim), ctx.dim)
        return gy * _product_before(x, ctx.dim) * after, None, None


def _product_before(x: Tensor, dim: int) -> Tensor:
    """y[i] = x[0] x[1] ... x[i - 1], y[0] = 1"""
    one = x.narrow(dim, 0, 1) * 0 + 1 if x.size(dim) else x
    return cumprod(cat([one, x.narrow(dim, 0, max(x.size(dim) - 1, 0))], dim), dim)


class CumSum(Function):
    """y[i] = x[0] + ... + x[i] along axis dim"""

    @staticmethod
    def forward(ctx, x, dim):
        ctx.dim = dim
        return wrap(x.array.cumsum(dim, x.array.dtype))

    @staticmethod
    def backward(ctx, gy):
        # x[i] is part of y[i] and of all that come later.
        return flip(CumSum.apply(flip(gy, ctx.dim), ctx.dim), ctx.dim), None


class CumProd(Function):
    """y[i] = x[0] * ... * x[i] along axis dim"""

    @staticmethod
    def forward(ctx, x, dim):
        ctx.dim = dim
        y = wrap(x.array.cumprod(dim, x.array.dtype))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, gy):
        x, y = ctx.saved_tensors
        if not (x.array == 0).any():
            later = flip(CumSum.apply(flip(gy * y, ctx.dim), ctx.dim), ctx.dim)
            return later / x, None
        # dy[i] / dx[k] is the product of x[0..i] without x[k]: put a 1 in its place, for every k.
        # An n x n table, but right where elements are 0, and so rare that it need not be fast.
        xp = array_module(x.array)
        rows = movedim(x, ctx.dim, -1).unsqueeze(-2)  # (..., 1, i)
        one = wrap(xp.eye(x.size(ctx.dim), dtype=bool))  # (k, i)
        products = CumProd.apply(where(one, 1.0, rows), -1 % rows.ndim)  # (..., k, i)
        reached = wrap(xp.triu(xp.ones(one.shape, bool)))  # i >= k
        slopes = where(reached, products, 0.0)
        gx = sum(slopes * movedim(gy, ctx.dim, -1).unsqueeze(-2), -1)  # (..., k)
        return movedim(gx, -1, ctx.dim), None


def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product of all elements, or along one dimension. Integers and bools give int64."""
    x = accumulator(input, dtype)
    if dim is None or x.ndim == 0:
        return Prod.apply(reshape(x, -1), 0, False)
    return Prod.apply(x, x._dim(dim), keepdim)


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sums of the first 1, 2, 3, ... elements along a dimension.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1, 2, 3]).cumsum(0)
    tensor([1, 3, 6])
    """
    x, axis = accumulator(input, dtype), input._dim(dim)
    return CumSum.apply(x, axis) if x.ndim else x.clone()


def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The products of the first 1, 2, 3, ... elements along a dimension."""
    x, axis = accumulator(input, dtype), input._dim(dim)
    return CumProd.apply(x, axis) if x.ndim else x.clone()
