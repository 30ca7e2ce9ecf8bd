"""Reductions: many elements to one, over all dimensions or some.

Forward adds up (or multiplies, ...); backward spreads the gradient of the one result over the
elements that it came from. `dims` is always a tuple of axes counted from the front.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import dtypes
from ..autograd.function import Function
from ..backend import array_module, constant
from ..dtypes import as_dtype, dtype
from ..tensor import Tensor, shape_text, wrap
from .arguments import as_int, as_number
from .arithmetic import where
from .common import check_tensor
from .elementwise import abs as absolute
from .positions import gather
from .shape import int_tuple, reshape

__all__ = [
    "sum", "nansum", "mean", "var", "std", "var_mean", "std_mean", "norm", "amax", "amin",
    "aminmax", "argmax", "argmin", "max", "min", "median", "all", "any", "count_nonzero",
]  # fmt: skip


def dims_of(x: Tensor, dim: Any, function: str = "reduction") -> tuple[int, ...]:
    """The axes meant by `dim` (None or an empty tuple: all), counted from the front."""
    if dim is None:
        return tuple(range(x.ndim))
    given = int_tuple((dim,), function, "dim")
    dims = tuple(x._dim(each) for each in given) or tuple(range(x.ndim))
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {shape_text(given)} appears multiple times in the list of dims")
    return dims if x.ndim else ()


def _count(x: Tensor, dims: tuple[int, ...]) -> int:
    return math.prod(x.array.shape[dim] for dim in dims)


def kept_shape(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` with length 1 in the reduced dimensions, to broadcast against what was reduced."""
    return tuple([1 if i in dims else n for i, n in enumerate(shape)])


def needs_elements(name: str, x: Tensor, dims: tuple[int, ...]) -> None:
    if _count(x, dims) == 0:
        raise IndexError(
            f"{name}(): Expected reduction dim {shape_text(dims)} to have non-zero size, but the "
            f"tensor has shape {shape_text(x.shape)}"
        )


# ----------------------------------------------------------------------------------- sum, mean


class Sum(Function):
    """y = the sum of x over dims"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
        ctx.shape, ctx.dims = x.shape, dims
        array = x.array
        if array.dtype == np.float16:  # half precision loses small addends: add in single
            return wrap(array.sum(dims, np.float32, keepdims=keepdim).astype(np.float16))
        return wrap(array.sum(dims, array.dtype, keepdims=keepdim))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return Spread.apply(gy, ctx.shape, ctx.dims), None, None


class Spread(Function):
    """The gradient of a sum: every number that was added up gets the same gy"""

    @staticmethod
    def forward(ctx: Any, gy: Tensor, shape: tuple[int, ...], dims: tuple[int, ...]) -> Tensor:
        ctx.shape, ctx.dims = gy.array.shape, dims
        kept = [1 if i in dims else n for i, n in enumerate(shape)]
        return wrap(array_module(gy.array).broadcast_to(gy.array.reshape(kept), shape))

    @staticmethod
    def backward(ctx: Any, ggx: Tensor) -> tuple:
        return reshape(Sum.apply(ggx, ctx.dims, False), ctx.shape), None, None


def accumulator(x: Tensor, kind: dtype | None) -> Tensor:
    """x in the type in which to add up: the asked one, or int64 for integers and bools."""
    if kind is not None:
        return x.to(as_dtype(kind))
    return x if x.dtype.is_floating_point else x.to(dtypes.int64)


def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over all elements, a 0-d tensor, or over some dimensions: (N, C) with dim 1 -> (N,).

    Integers and bools give int64. keepdim leaves length 1 where a dimension would disappear. Raises
    IndexError for a dim out of range, RuntimeError for one that is given twice.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1, 2], [3, 4]])
    >>> x.sum(), x.sum(0), x.sum((0, 1), keepdim=True)
    (tensor(10), tensor([4, 6]), tensor([[10]]))
    """
    return Sum.apply(accumulator(input, dtype), dims_of(input, dim), keepdim)


def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum with NaN counted as 0: a 0-d tensor, or (N, C) with dim 1 -> (N,).

    Raises as `sum` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.0, float("nan"), 2.0]).nansum()
    tensor(3.)
    """
    return sum(where(input != input, 0, input), dim, keepdim, dtype=dtype)


def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over all elements, a 0-d tensor, or over some dimensions: (N, C) with dim 1 -> (N,).

    Of no elements it is NaN. Raises RuntimeError for integers, and else as `sum` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1.0, 2.0], [3.0, 4.0]]).mean(1)
    tensor([1.5000, 3.5000])
    """
    x = input if dtype is None else input.to(as_dtype(dtype))
    if not x.dtype.is_floating_point:
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be a floating point dtype. "
            f"Got: {x.dtype}; pass dtype=mt.float32, or .float() first"
        )
    if x.dtype is dtypes.float16:  # the sum may be too large for half precision
        return mean(x.to(dtypes.float32), dim, keepdim).to(dtypes.float16)
    dims = dims_of(x, dim)
    count = _count(x, dims)
    total = Sum.apply(x, dims, keepdim)
    return total / count if count else total * math.nan


# ------------------------------------------------------------------------------------ variance


class Var(Function):
    """y = sum((x - mean(x))^2) / divisor over dims"""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, dims: tuple[int, ...], divisor: float, keepdim: bool
    ) -> Tensor:
        ctx.dims, ctx.divisor = dims, divisor
        ctx.save_for_backward(x)
        xp = array_module(x.array)
        array = x.array.astype(np.float32) if x.array.dtype == np.float16 else x.array
        centred = array - array.mean(dims, keepdims=True)
        y = xp.square(centred).sum(dims, keepdims=keepdim)
        with np.errstate(divide="ignore", invalid="ignore"):
            y = y / constant(divisor, array, y.dtype)
        return wrap(y.astype(x.array.dtype))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        # d mean / dx drops out: the deviations from the mean sum to 0.
        (x,) = ctx.saved_tensors
        gy = reshape(gy, kept_shape(x.shape, ctx.dims))
        factor = 2 / ctx.divisor if ctx.divisor else math.nan
        return gy * (x - mean(x, ctx.dims, True)) * factor, None, None, None


class SafeSqrt(Function):
    """y = sqrt(x), with gradient 0 at 0: for lengths and deviations, whose gradient at 0 is 0"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = wrap(array_module(x.array).sqrt(x.array))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        zero = y == 0
        return where(zero, 0.0, gy / (2 * where(zero, 1.0, y)))


def var(
    input: Tensor,
    dim: Sequence[int] | int | bool | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance: squared deviations from the mean, summed and divided by N - correction.

    Of all elements, a 0-d tensor, or over some dimensions: (N, C) with dim 1 -> (N,). correction: 1
    by default (Bessel's); `unbiased=False` is correction 0. NaN if N is too small. Raises
    RuntimeError for integers, and else as `sum` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.0, 2.0, 3.0, 4.0]).var(correction=0)
    tensor(1.2500)
    """
    if isinstance(dim, bool):  # torch's older form: var(unbiased)
        unbiased, dim = dim, None
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"std and var only support floating point dtypes, got {input.dtype}")
    dims = dims_of(input, dim, "var")
    correction = builtins.int(unbiased) if correction is None else correction
    return Var.apply(input, dims, builtins.max(0, _count(input, dims) - correction), keepdim)


def std(
    input: Tensor,
    dim: Sequence[int] | int | bool | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation: the square root of `var`, of the same shape. Raises as `var` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.0, 1.0, 7.0, 7.0]).std(correction=0)
    tensor(3.)
    """
    return SafeSqrt.apply(var(input, dim, unbiased, keepdim, correction=correction))


def var_mean(
    input: Tensor,
    dim: Sequence[int] | int | bool | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """(var, mean): two 0-d tensors, or over some dimensions (N, C) -> two of (N,).

    Raises as `var` does.

    >>> import minitorch_cnn as mt
    >>> mt.var_mean(mt.tensor([1.0, 1.0, 7.0, 7.0]), correction=0)
    (tensor(9.), tensor(4.))
    """
    variance = var(input, dim, unbiased, keepdim, correction=correction)
    return variance, mean(input, None if isinstance(dim, bool) else dim, keepdim)


def std_mean(
    input: Tensor,
    dim: Sequence[int] | int | bool | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """(std, mean): two 0-d tensors, or over some dimensions (N, C) -> two of (N,).

    Raises as `var` does.

    >>> import minitorch_cnn as mt
    >>> mt.std_mean(mt.tensor([1.0, 1.0, 7.0, 7.0]), correction=0)
    (tensor(3.), tensor(4.))
    """
    deviation = std(input, dim, unbiased, keepdim, correction=correction)
    return deviation, mean(input, None if isinstance(dim, bool) else dim, keepdim)


def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """The p-norm (sum |x|^p)^(1/p); "fro" is p = 2, inf the largest and -inf the smallest |x|.

    p=None is 2 as well. Of all elements, a 0-d tensor, or over some dimensions: (N, C) with dim 1
    -> (N,). At 0 the gradient is 0. Raises RuntimeError for integers, NotImplementedError for
    another name, and else as `sum` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([3.0, 4.0]).norm(), mt.tensor([3.0, -4.0]).norm(1)
    (tensor(5.), tensor(7.))
    """
    x = input if dtype is None else input.to(as_dtype(dtype))
    if p is None:
        p = 2
    if not isinstance(p, str):
        p = as_number("norm", "p", p)
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"norm: expected a floating point tensor as input, got {x.dtype}")
    if x.dtype is dtypes.float16:  # the squares and their sum would be beyond its range
        return norm(x.to(dtypes.float32), p, dim, keepdim).to(x.dtype)
    if p == "fro" or p == 2:
        return SafeSqrt.apply(sum(x * x, dim, keepdim))
    if isinstance(p, str):
        raise NotImplementedError(
            f"norm: p={p!r} is not supported; use a number or 'fro', or mt.linalg.matrix_norm"
        )
    if p == math.inf:
        return amax(absolute(x), _or_all(dim), keepdim)
    if p == -math.inf:
        return amin(absolute(x), _or_all(dim), keepdim)
    if p == 0:
        return sum((x != 0).to(x.dtype), dim, keepdim)
    if p == 1:
        return sum(absolute(x), dim, keepdim)
    # At 0 powers and roots have infinite slopes; torch's rule is that the gradient is 0 there.
    zero = x == 0
    powers = where(zero, 0.0 if p > 0 else math.inf, where(zero, 1.0, absolute(x)) ** p)
    total = sum(powers, dim, keepdim)
    flat = (total == 0) | (total == math.inf)
    root = where(flat, 1.0, total) ** (1 / p)
    return where(flat, total.detach() ** (1 / p), root)


def _or_all(dim: Any) -> Any:
    return () if dim is None else dim


# ----------------------------------------------------------------------------- largest, smallest


class Extreme(Function):
    """y = the largest (or smallest) x over dims; equal ones share the gradient evenly"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dims: tuple[int, ...], keepdim: bool, choose: str) -> Tensor:
        ctx.dims = dims
        y = getattr(x.array, choose)(dims, keepdims=True)
        shape = y.shape if keepdim else [n for i, n in enumerate(y.shape) if i not in dims]
        y = wrap(y.reshape(shape))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, y = ctx.saved_tensors
        shape = kept_shape(x.shape, ctx.dims)
        is_chosen = (x.detach() == reshape(y.detach(), shape)).to(gy.dtype)
        share = is_chosen / sum(is_chosen, ctx.dims, True)
        return reshape(gy, shape) * share, None, None, None


def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The largest element, a 0-d tensor, or over some dimensions: (N, C) with dim 1 -> (N,).

    Equal ones share the gradient evenly; with NaN among them it is NaN. Raises IndexError for a dim
    out of range and where there is no element.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 7], [5, 3]]).amax(1)
    tensor([7, 5])
    """
    dims = dims_of(input, dim)
    needs_elements("amax", input, dims)
    return Extreme.apply(input, dims, keepdim, "max")


def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest element, a 0-d tensor, or over some dimensions: (N, C) with dim 1 -> (N,).

    Equal ones share the gradient evenly; with NaN among them it is NaN. Raises as `amax` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 7], [5, 3]]).amin(1)
    tensor([1, 3])
    """
    dims = dims_of(input, dim)
    needs_elements("amin", input, dims)
    return Extreme.apply(input, dims, keepdim, "min")


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """(min, max), a named tuple of 0-d tensors, or along a dimension: (N, C) -> two of (N,).

    Raises as `amax` does.

    >>> import minitorch_cnn as mt
    >>> mt.aminmax(mt.tensor([[1, 7], [5, 3]]), dim=1).max
    tensor([7, 5])
    """
    dims = _or_all(dim)
    return MinAndMax(amin(input, dims, keepdim), amax(input, dims, keepdim))


def _arg(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    dims = dims_of(input, dim)
    needs_elements(name, input, dims)
    if input.ndim == 0:
        return wrap(array_module(input.array).zeros((), np.int64))
    axis = None if dim is None else dims[0]
    index = getattr(input.array, name)(axis, keepdims=keepdim)
    return wrap(index)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position (int64) of the first largest element: of all, or along a dimension.

    Without dim, a 0-d tensor that counts through the flattened input; (N, C) with dim 1 -> (N,).
    Raises as `amax` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 7], [5, 3]]).argmax(1), mt.tensor([[1, 7], [5, 3]]).argmax()
    (tensor([1, 0]), tensor(1))
    """
    return _arg("argmax", input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position (int64) of the first smallest element: of all, or along a dimension.

    Without dim, a 0-d tensor that counts through the flattened input; (N, C) with dim 1 -> (N,).
    Raises as `amax` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 7], [5, 3]]).argmin(1), mt.tensor([[1, 7], [5, 3]]).argmin()
    (tensor([0, 1]), tensor(0))
    """
    return _arg("argmin", input, dim, keepdim)


class ValuesAndIndices(NamedTuple):
    """The result of max(x, dim), sort(x), ...: elements, and where they stood."""

    values: Tensor
    indices: Tensor


class MinAndMax(NamedTuple):
    min: Tensor
    max: Tensor


def _at_position(input: Tensor, dim: int, index: Tensor, keepdim: bool) -> ValuesAndIndices:
    """The elements at the positions `index`, which has length 1 along dim."""
    values = gather(input, dim, index)
    if keepdim or input.ndim == 0:
        return ValuesAndIndices(values, index)
    return ValuesAndIndices(values.squeeze(dim), index.squeeze(dim))


def max(input: Tensor, dim: Tensor | int | None = None, keepdim: bool = False) -> Any:
    """The largest element; with a dimension, (values, indices) along it; with a tensor, `maximum`.

    A 0-d tensor; (N, C) with dim 1 gives two of (N,), of equal elements the first. Raises
    IndexError for a dim out of range and where there is no element, TypeError for anything but a
    tensor.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1, 7], [5, 3]])
    >>> x.max(), x.max(1).values, x.max(1).indices
    (tensor(7), tensor([7, 5]), tensor([1, 0]))
    """
    check_tensor("max", input)
    if dim is None:
        return amax(input)
    if isinstance(dim, Tensor):
        return input.maximum(dim)
    dim = as_int("max", "dim", dim)
    return _at_position(input, dim, argmax(input, dim, True), keepdim)


def min(input: Tensor, dim: Tensor | int | None = None, keepdim: bool = False) -> Any:
    """The smallest element; with a dimension, (values, indices) along it; with a tensor, `minimum`.

    A 0-d tensor; (N, C) with dim 1 gives two of (N,), of equal elements the first. Raises as `max`
    does.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1, 7], [5, 3]])
    >>> x.min(), x.min(1).values, x.min(1).indices
    (tensor(1), tensor([1, 3]), tensor([0, 1]))
    """
    check_tensor("min", input)
    if dim is None:
        return amin(input)
    if isinstance(dim, Tensor):
        return input.minimum(dim)
    dim = as_int("min", "dim", dim)
    return _at_position(input, dim, argmin(input, dim, True), keepdim)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The element in the middle, the lower of two; with a dimension, (values, indices) along it.

    A 0-d tensor; (N, C) with dim 1 gives two of (N,). Raises as `amax` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([4.0, 1.0, 3.0, 2.0]).median()
    tensor(2.)
    """
    if dim is None:
        return median(reshape(input, -1), 0).values
    axis = input._dim(dim)
    needs_elements("median", input, dims_of(input, dim))
    array = input.array.reshape(1) if input.ndim == 0 else input.array
    order = array_module(array).argsort(array, axis=axis)
    middle = (array.shape[axis] - 1) // 2
    index = order.take([middle], axis)
    unknown = array != array  # NaN, if there is one: then the middle is unknown
    index = array_module(array).where(
        unknown.any(axis, keepdims=True), unknown.argmax(axis, keepdims=True), index
    )
    index = wrap(index.reshape(kept_shape(input.shape, (axis,))))
    return _at_position(input, axis, index, keepdim)


# --------------------------------------------------------------------------------- true or false


def _truth(name: str, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    xp = array_module(input.array)
    result = getattr(xp, name)(input.array != 0, dims_of(input, dim), keepdims=keepdim)
    return wrap(xp.asarray(result, np.uint8 if input.dtype is dtypes.uint8 else bool))


def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """True where every element is true or not 0: a 0-d tensor, or (N, C) with dim 1 -> (N,).

    bool, but uint8 for uint8; of no elements it is True. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2], [0, 3]]).all(1)
    tensor([ True, False])
    """
    return _truth("all", input, dim, keepdim)


def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """True where some element is true or not 0: a 0-d tensor, or (N, C) with dim 1 -> (N,).

    bool, but uint8 for uint8; of no elements it is False. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[0, 0], [0, 3]]).any(1)
    tensor([False,  True])
    """
    return _truth("any", input, dim, keepdim)


def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not 0 (int64): a 0-d tensor, or (N, C) with dim 1 -> (N,).

    NaN is not 0. Raises as `sum` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[0, 2], [3, 4]]).count_nonzero(1)
    tensor([1, 2])
    """
    return sum(input != 0, dim)
