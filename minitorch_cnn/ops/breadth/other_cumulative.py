"""Torch's "Other Operations" along a dimension: cumsum, cumprod, cummax, diff, trapezoid, ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import backend, return_types
from ...autograd.function import Function
from ...backend import array_module
from ...dtypes import result_type
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..common import floating
from ..elementwise import exp
from ..join import cat
from ..positions import gather
from ..reduce import accumulator, sum
from ..shape import movedim
from .other_rearrange import flip

__all__ = [
    "cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "diff", "gradient", "trapezoid",
    "trapz", "cumulative_trapezoid",
]  # fmt: skip


class CumSum(Function):
    """y[i] = x[0] + ... + x[i] along axis dim"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int) -> Tensor:
        ctx.dim = dim
        return wrap(x.array.cumsum(dim, x.array.dtype))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        # x[i] is part of y[i] and of all that come later.
        return flip(CumSum.apply(flip(gy, ctx.dim), ctx.dim), ctx.dim), None


class CumProd(Function):
    """y[i] = x[0] * ... * x[i] along axis dim"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int) -> Tensor:
        ctx.dim = dim
        y = wrap(x.array.cumprod(dim, x.array.dtype))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
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


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sums of the first 1, 2, 3, ... elements along a dimension.

    Any shape, and the result has it too; integers and bools give int64. dtype: added up in that
    one. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1, 2, 3]).cumsum(0)
    tensor([1, 3, 6])
    """
    x, axis = accumulator(input, dtype), input._dim(dim)
    return CumSum.apply(x, axis) if x.ndim else x.clone()


def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The products of the first 1, 2, 3, ... elements along a dimension.

    Any shape, and the result has it too; integers and bools give int64. dtype: multiplied in that
    one. The gradient is right where elements are 0 too. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1, 2, 3, 4]).cumprod(0)
    tensor([ 1,  2,  6, 24])
    """
    x, axis = accumulator(input, dtype), input._dim(dim)
    return CumProd.apply(x, axis) if x.ndim else x.clone()


def _running_extreme(kind: Any, input: Tensor, dim: int, ufunc: Any) -> Any:
    """The extreme of the elements so far, and where the last one that equals it stands."""
    axis = input._dim(dim)
    if input.ndim == 0:
        return kind(input.clone(), wrap(np.zeros((), np.int64)))
    array = backend.to_numpy(input.array)  # on the host: CuPy has no running maximum
    so_far = ufunc.accumulate(array, axis)
    reached = (array == so_far) | (array != array)
    lying = [1] * array.ndim
    lying[axis] = -1
    position = np.where(reached, np.arange(array.shape[axis]).reshape(lying), 0)
    last = np.maximum.accumulate(position, axis)
    indices = wrap(backend.to_device(last, input.device))
    return kind(gather(input, axis, indices), indices)


def cummax(input: Tensor, dim: int) -> Any:
    """(values, indices): the largest of the first 1, 2, 3, ... elements along a dimension.

    Any shape, and both have it too; indices (int64): where the last element that equals it stands.
    From a NaN on all are NaN. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> values, indices = mt.tensor([1, 3, 2, 3]).cummax(0)
    >>> values, indices
    (tensor([1, 3, 3, 3]), tensor([0, 1, 1, 3]))
    """
    return _running_extreme(return_types.cummax, input, dim, np.maximum)


def cummin(input: Tensor, dim: int) -> Any:
    """(values, indices): the smallest of the first 1, 2, 3, ... elements along a dimension.

    Shapes and errors are those of `cummax`.

    >>> import minitorch_cnn as mt
    >>> values, indices = mt.tensor([3, 1, 2, 1]).cummin(0)
    >>> values, indices
    (tensor([3, 1, 1, 1]), tensor([0, 1, 1, 3]))
    """
    return _running_extreme(return_types.cummin, input, dim, np.minimum)


class LogCumSumExp(Function):
    """y[i] = log(e^x[0] + ... + e^x[i]) along the last axis"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        # On the host: CuPy has no accumulate for logaddexp.
        sums = np.logaddexp.accumulate(backend.to_numpy(x.array), -1)
        y = wrap(backend.to_device(sums, x.device))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        # dy[i] / dx[j] = e^(x[j] - y[i]) for j <= i: a table, in which no number is above 1.
        x, y = ctx.saved_tensors
        xp = array_module(gy.array)
        n = x.shape[-1]
        later = wrap(xp.tril(xp.ones((n, n), bool)))  # (i, j)
        exponents = (x.unsqueeze(-2) - y.unsqueeze(-1)).masked_fill(~later, -np.inf)
        return sum(gy.unsqueeze(-1) * exp(exponents), -2)


def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """The logarithm of the sum of the first 1, 2, 3, ... exponentials, without overflow.

    Any shape, floating, and the result has it too. Raises NotImplementedError for integers,
    IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([0.0, 0.0, 1000.0]).logcumsumexp(0)  # log 1, log 2, ...
    tensor([0.0000e+00, 6.9315e-01, 1.0000e+03])
    """
    axis = input._dim(dim)
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"logcumsumexp" not implemented for {input.dtype}')
    if input.ndim == 0 or input.numel() == 0:
        return input.clone()
    return movedim(LogCumSumExp.apply(movedim(input, axis, -1)), -1, axis)


# ------------------------------------------------------------------------ differences and integrals


def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """The differences of neighbours along a dimension, n times over: its length falls by n.

    prepend, append: put before and after the input first. For bools: True where neighbours differ.
    Raises RuntimeError for a 0-d tensor or a negative n, IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1, 4, 9, 16]).diff(), mt.tensor([1, 4, 9, 16]).diff(2)
    (tensor([3, 5, 7]), tensor([2, 2]))
    """
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    axis = input._dim(dim)
    x = input
    for each in (prepend, append):
        if each is None:
            continue
        if each.ndim != input.ndim:
            raise RuntimeError(
                "diff expects prepend or append to be the same dimension as input, got "
                f"{each.ndim} dimensions for {input.ndim}"
            )
        if any(d != axis and each.size(d) != input.size(d) for d in range(input.ndim)):
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input "
                f"except along the differencing dimension; got {shape_text(each.shape)} for "
                f"{shape_text(input.shape)} and dim {axis}"
            )
    if n and (prepend is not None or append is not None):
        x = cat([each for each in (prepend, input, append) if each is not None], axis)
    for _ in range(n):
        length = x.size(axis)
        if length == 0:
            break
        before, after = x.narrow(axis, 0, length - 1), x.narrow(axis, 1, length - 1)
        x = before ^ after if x.dtype.category == 0 else after - before
    return x if x is not input else input.clone()


def gradient(
    input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The slopes of a function along dimensions, from its values (any shape), of the same shape.

    In the middle by both neighbours, at the edges by one (edge_order 1) or two (2) of them.
    spacing: the distance of neighbours (None is 1), one for each dimension, or the coordinates, a
    vector for each; dim: one dimension or several, None for all. Raises RuntimeError for another
    edge_order, a spacing that does not fit and a dimension that is too short.

    >>> import minitorch_cnn as mt
    >>> mt.gradient(mt.tensor([1.0, 4.0, 9.0, 16.0]))
    (tensor([3., 4., 6., 7.]),)
    """
    dims = range(input.ndim) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    axes = [input._dim(each) for each in dims]
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"torch.gradient: dim {list(dims)} appears more than once")
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, got "
                           f"{edge_order}")  # fmt: skip
    several = isinstance(spacing, list | tuple)
    steps = list(spacing) if several else [1 if spacing is None else spacing] * len(axes)
    if len(steps) != len(axes):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or a list of length "
            f"{len(axes)}, one for each dimension, but got length {len(steps)}"
        )
    return tuple(
        _slopes(floating(input), axis, step, edge_order)
        for axis, step in zip(axes, steps, strict=True)
    )


def _slopes(x: Tensor, axis: int, step: Any, edge_order: int) -> Tensor:
    length = x.size(axis)
    if length <= edge_order:
        raise RuntimeError(
            f"torch.gradient expected each dimension size to be at least edge_order+1, got "
            f"{length} in dimension {axis}"
        )
    uniform = not (isinstance(step, Tensor) and step.ndim)
    if not uniform and tuple(step.shape) != (length,):
        raise RuntimeError(
            f"torch.gradient expected spacing to be a vector of {length} coordinates for dimension "
            f"{axis}, got shape {shape_text(step.shape)}"
        )
    if not uniform:
        x = x.to(result_type(x, step))  # differences of float32 would not be exact for float64
    turned = x.transpose(axis, -1)

    def at(start: int, stop: int | None) -> Tensor:
        return turned[..., start:stop]

    if uniform:
        middle = (at(2, None) - at(0, -2)) / (2 * step)
        first, last = at(1, 2) - at(0, 1), at(-1, None) - at(-2, -1)
        if edge_order == 2:
            first = 2 * at(1, 2) - 1.5 * at(0, 1) - 0.5 * at(2, 3)
            last = 1.5 * at(-1, None) - 2 * at(-2, -1) + 0.5 * at(-3, -2)
        first, last = first / step, last / step
    else:
        h = step[1:] - step[:-1]  # from each to the next
        slope = (at(1, None) - at(0, -1)) / h
        # A parabola through three neighbours: its slope in the middle and at both ends.
        g, k = h[:-1], h[1:]
        middle = (k * slope[..., :-1] + g * slope[..., 1:]) / (g + k)
        first, last = slope[..., :1], slope[..., -1:]
        if edge_order == 2:
            first, last = 2 * first - middle[..., :1], 2 * last - middle[..., -1:]
    return cat([first, middle, last], -1).transpose(axis, -1)


def _strips(y: Tensor, x: Any, dx: float, dim: int) -> tuple[Tensor, int]:
    """The areas under the straight lines between neighbours, and the dimension."""
    axis = y._dim(dim)
    length = y.size(axis) if y.ndim else 1
    if y.ndim == 0 or length == 0:
        return floating(y).new_zeros(1) if y.ndim == 0 else y.narrow(axis, 0, 0), axis
    height = (y.narrow(axis, 0, length - 1) + y.narrow(axis, 1, length - 1)) / 2
    if x is None:
        return height * dx, axis
    if x.ndim == 1:
        if x.size(0) != length:
            raise RuntimeError(
                f"trapezoid: There must be one `x` value for each sample point, got "
                f"{shape_text(x.shape)} for {length} points"
            )
        lying = [1] * y.ndim
        lying[axis] = -1
        return height * diff(x).reshape(lying), axis
    return height * diff(x, dim=dim), axis


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integral of samples along a dimension by the trapezoidal rule: that dimension disappears.

    y: the samples, any shape. x: where they were taken, a vector or of y's shape; without it they
    are dx apart. Raises RuntimeError for a vector x of another length, IndexError for a dim out of
    range.

    >>> import minitorch_cnn as mt
    >>> y = mt.tensor([1.0, 5.0, 10.0])
    >>> mt.trapezoid(y)  # 3 + 7.5
    tensor(10.5000)
    >>> mt.trapezoid(y, mt.tensor([0.0, 1.0, 3.0]))  # 3 + 2 * 7.5
    tensor(18.)
    """
    areas, axis = _strips(y, x, dx, dim)
    return sum(areas, axis)


trapz = trapezoid


def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1
) -> Tensor:
    """`trapezoid` of the first 2, 3, ... samples: one number less than there are samples.

    (..., n) -> (..., n - 1). Arguments and errors are those of `trapezoid`.

    >>> import minitorch_cnn as mt
    >>> mt.cumulative_trapezoid(mt.tensor([1.0, 5.0, 10.0]))
    tensor([ 3.0000, 10.5000])
    """
    areas, axis = _strips(y, x, dx, dim)
    return cumsum(areas, axis)
