"""Normalised exponentials: softmax, log_softmax, logsumexp, all safe from overflow.

exp(x) overflows beyond 88 in float32. Subtracting the largest element first changes nothing in
the quotient exp(x_i) / sum_j exp(x_j) and makes every exponent at most 0.
"""

from __future__ import annotations

from typing import Any

from ..autograd.function import Function
from ..autograd.names import called
from ..backend import array_module
from ..dtypes import as_dtype
from ..tensor import Tensor, wrap
from .arithmetic import where
from .common import floating
from .elementwise import exp, log
from .precision import full_precision
from .reduce import amax, dims_of, sum

__all__ = ["softmax", "log_softmax", "logsumexp"]


class Softmax(Function):
    """y_i = exp(x_i) / sum_j exp(x_j) along axis dim"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int) -> Tensor:
        ctx.dim = dim
        xp, array = array_module(x.array), x.array
        if array.size == 0:
            y = wrap(array.copy())
            ctx.save_for_backward(y)
            return y
        e = xp.exp(array - array.max(dim, keepdims=True))
        y = wrap(e / e.sum(dim, keepdims=True))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        # dy_i / dx_j = y_i (delta_ij - y_j)
        (y,) = ctx.saved_tensors
        weighted = gy * y
        return weighted - y * sum(weighted, ctx.dim, True), None


class LogSoftmax(Function):
    """y_i = x_i - log(sum_j exp(x_j)) along axis dim"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int) -> Tensor:
        ctx.dim = dim
        xp, array = array_module(x.array), x.array
        if array.size == 0:
            y = wrap(array.copy())
            ctx.save_for_backward(y)
            return y
        shifted = array - array.max(dim, keepdims=True)
        y = wrap(shifted - xp.log(xp.exp(shifted).sum(dim, keepdims=True)))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        # dy_i / dx_j = delta_ij - softmax_j
        (y,) = ctx.saved_tensors
        return gy - exp(y) * sum(gy, ctx.dim, True), None


def _normalise(operation: Any, input: Tensor, dim: Any, dtype: Any) -> Tensor:
    if dim is None:
        raise TypeError("softmax needs the dimension along which to normalise, e.g. dim=1")
    (input,) = full_precision(input)
    x = input if dtype is None else input.to(as_dtype(dtype))
    if not x.dtype.is_floating_point:
        raise NotImplementedError(
            f'"softmax" not implemented for {x.dtype}: give dtype=mt.float32, or x.float()'
        )
    axis = x._dim(dim)
    if x.ndim == 0:
        return operation.apply(x.reshape(1), 0).reshape(())
    return operation.apply(x, axis)


def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """exp(x_i) / sum_j exp(x_j) along a dimension: positive numbers that sum to 1.

    The result has the same shape, and the dtype if one is given. The largest element is subtracted
    first, so that nothing overflows. Raises NotImplementedError for integers without a dtype,
    TypeError without a dim or for anything but a tensor, IndexError for a dim that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.softmax(mt.tensor([0.0, 0.0, 1000.0]), 0)
    tensor([0., 0., 1.])
    """
    return _normalise(Softmax, input, dim, dtype)


def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """log(softmax(x)), of the same shape, exact also where softmax rounds to 0 or 1.

    Raises as `softmax` does.

    >>> import minitorch_cnn as mt
    >>> mt.log_softmax(mt.tensor([0.0, 0.0, 1000.0]), 0)
    tensor([-1000., -1000.,     0.])
    """
    return _normalise(LogSoftmax, input, dim, dtype)


def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log(sum_i exp(x_i)) over one or more dimensions, which disappear or (keepdim) have length 1.

    A smooth maximum: (N, C) with dim 1 gives (N,). Nothing overflows on the way. Raises TypeError
    for anything but a tensor, IndexError for a dim that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.logsumexp(mt.tensor([100.0, 100.0]), 0)
    tensor(100.6931)
    """
    (input,) = full_precision(input)
    x = floating(input)
    dims = dims_of(x, dim)
    if x.array.size == 0:
        return log(sum(exp(x), dims, keepdim))
    with_infinities = amax(x.detach(), dims, True)
    # inf - inf is NaN: an infinite maximum is left where it is
    shift = where(with_infinities.isfinite(), with_infinities, 0.0)
    y = log(sum(exp(x - shift), dims, True)) + shift
    return called(y if keepdim else y.squeeze(dims), "LogsumexpBackward0")
