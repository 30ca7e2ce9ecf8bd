"""Reductions: many elements to one, over all dimensions or some.

Forward adds up (or multiplies, ...); backward spreads the gradient of the one result over the
elements that it came from. `dims` is always a tuple of axes counted from the front.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dtypes, return_types
from ..autograd.function import Function
from ..autograd.names import called
from ..backend import array_module, constant
from ..dtypes import as_dtype, dtype
from ..tensor import Tensor, shape_text, wrap
from .arguments import as_int
from .arithmetic import where
from .common import check_tensor
from .division import Div
from .positions import gather
from .shape import int_tuple, reshape

__all__ = [
    "sum", "nansum", "mean", "var", "std", "var_mean", "std_mean", "amax", "amin",
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


def needs_elements(name: str, x: Tensor, dims: tuple[int, ...], dim: Any = 0) -> None:
    """Raises torch's errors for nothing to choose from; dim: None if the user gave none."""
    if _count(x, dims) == 0 and dim is None:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
            f"reduction dim with the 'dim' argument: the tensor has shape {shape_text(x.shape)}"
        )
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
    if total._node is not None:
        total._node.of_mean = True  # so that the division is called a mean
    return Div.apply(total, float(count)) if count else total * math.nan


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
        array = x.array
        centred = array - array.sum(dims, keepdims=True) / builtins.max(_count(x, dims), 1)
        y = xp.square(centred).sum(dims, keepdims=keepdim)
        with np.errstate(divide="ignore", invalid="ignore"):
            y = y / constant(divisor, array, y.dtype)
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        # d mean / dx drops out: the deviations from the mean sum to 0.
        (x,) = ctx.saved_tensors
        gy = reshape(gy, kept_shape(x.shape, ctx.dims))
        centred = x - mean(x, ctx.dims, True)
        if ctx.divisor == 0:  # torch's rule, by which an infinite slope has no sign
            return gy * where(centred == 0, math.nan, math.inf), None, None, None
        return gy * centred * (2 / ctx.divisor), None, None, None


class VarMean(Function):
    """Both the variance, as `Var`, and the mean"""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, dims: tuple[int, ...], divisor: float, keepdim: bool
    ) -> tuple[Tensor, Tensor]:
        variance = Var.forward(ctx, x, dims, divisor, keepdim)
        ctx.set_materialize_grads(False)  # 0 times a slope that is NaN would be NaN
        with np.errstate(divide="ignore", invalid="ignore"):
            count = constant(_count(x, dims), x.array, x.array.dtype)
            average = x.array.sum(dims, keepdims=keepdim) / count
        return variance, wrap(average)

    @staticmethod
    def backward(ctx: Any, gv: Tensor | None, gm: Tensor | None) -> tuple:
        (x,) = ctx.saved_tensors
        gx = None if gv is None else Var.backward(ctx, gv)[0]
        if gm is not None:
            of_mean = Spread.apply(gm / builtins.max(_count(x, ctx.dims), 1), x.shape, ctx.dims)
            gx = of_mean if gx is None else gx + of_mean
        return gx, None, None, None


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
    dims, divisor = _of_variance(input, dim, unbiased, correction)
    if input.dtype is dtypes.float16:  # squares may be beyond its range
        return Var.apply(input.to(dtypes.float32), dims, divisor, keepdim).to(dtypes.float16)
    return Var.apply(input, dims, divisor, keepdim)


def _of_variance(input: Tensor, dim: Any, unbiased: bool, correction: Any) -> tuple[Any, float]:
    """The dimensions of a variance, and what the sum of squares is divided by."""
    if isinstance(dim, bool):  # torch's older form: var(unbiased)
        unbiased, dim = dim, None
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"std and var only support floating point dtypes, got {input.dtype}")
    dims = dims_of(input, dim, "var")
    correction = builtins.int(unbiased) if correction is None else correction
    return dims, builtins.max(0, _count(input, dims) - correction)


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
    if input.dtype is dtypes.float16:
        single = input.to(dtypes.float32)
        return std(single, dim, unbiased, keepdim, correction=correction).to(dtypes.float16)
    variance = var(input, dim, unbiased, keepdim, correction=correction)
    return called(SafeSqrt.apply(variance), "StdBackward0")


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
    dims, divisor = _of_variance(input, dim, unbiased, correction)
    if input.dtype is not dtypes.float16:
        return VarMean.apply(input, dims, divisor, keepdim)
    variance, average = VarMean.apply(input.to(dtypes.float32), dims, divisor, keepdim)
    return variance.to(dtypes.float16), average.to(dtypes.float16)


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


def _or_all(dim: Any) -> Any:
    return () if dim is None else dim


# ----------------------------------------------------------------------------- largest, smallest


class Extreme(Function):
    """y = the largest (or smallest) x over dims; equal ones share the gradient evenly

    Where y is NaN, torch has three rules: the NaNs among x share it, all x get NaN, or all get 0.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, dims: tuple[int, ...], keepdim: bool, choose: str, at_nan: str
    ) -> Tensor:
        ctx.dims, ctx.at_nan = dims, at_nan
        y = getattr(x.array, choose)(dims, keepdims=True)
        shape = y.shape if keepdim else [n for i, n in enumerate(y.shape) if i not in dims]
        y = wrap(y.reshape(shape))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, y = ctx.saved_tensors
        shape = kept_shape(x.shape, ctx.dims)
        share = _even_share(x.detach(), reshape(y.detach(), shape), ctx.dims, ctx.at_nan)
        return reshape(gy, shape) * share, None, None, None, None


def _even_share(x: Tensor, y: Tensor, dims: tuple[int, ...], at_nan: str) -> Tensor:
    """1 / n at the n elements of x over dims that equal y, 0 elsewhere."""
    chosen = x == y
    if at_nan == "share":
        chosen = chosen | ((x != x) & (y != y))
    chosen = chosen.to(x.dtype)
    count = sum(chosen, dims, True)
    return chosen / (count.clamp(min=1) if at_nan == "zero" else count)


class Middle(Function):
    """y = the middle one of all x, which `ranked` finds; equal ones share the gradient evenly"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ranked: Callable[..., Any]) -> Tensor:
        y = ranked(reshape(x, -1), 0).values.clone() if x.numel() else x.new_full((), math.nan)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, y = ctx.saved_tensors
        share = _even_share(x.detach(), y.detach(), tuple(range(x.ndim)), "share")
        return gy * share, None


def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The largest element, a 0-d tensor, or over some dimensions: (N, C) with dim 1 -> (N,).

    Equal ones share the gradient evenly; with NaN among them it is NaN. Raises IndexError for a dim
    out of range or without elements, RuntimeError for no elements at all.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 7], [5, 3]]).amax(1)
    tensor([7, 5])
    """
    dims = dims_of(input, dim)
    needs_elements("amax", input, dims, None if dim == () else dim)
    return Extreme.apply(input, dims, keepdim, "max", "nan")


def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest element, a 0-d tensor, or over some dimensions: (N, C) with dim 1 -> (N,).

    Equal ones share the gradient evenly; with NaN among them it is NaN. Raises as `amax` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 7], [5, 3]]).amin(1)
    tensor([1, 3])
    """
    dims = dims_of(input, dim)
    needs_elements("amin", input, dims, None if dim == () else dim)
    return Extreme.apply(input, dims, keepdim, "min", "nan")


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """(min, max), a named tuple of 0-d tensors, or along a dimension: (N, C) -> two of (N,).

    Raises as `amax` does.

    >>> import minitorch_cnn as mt
    >>> mt.aminmax(mt.tensor([[1, 7], [5, 3]]), dim=1).max
    tensor([7, 5])
    """
    dims = _or_all(dim)
    return return_types.aminmax(amin(input, dims, keepdim), amax(input, dims, keepdim))


def _arg(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    dims = dims_of(input, dim)
    needs_elements(name, input, dims)
    if input.ndim == 0:
        return wrap(array_module(input.array).zeros((), np.int64))
    axis = None if dim is None else dims[0]
    index = getattr(input.array, name)(axis, keepdims=keepdim)
    return wrap(index)


def _no_bools(name: str, input: Tensor) -> Tensor:
    if input.dtype.category == 0:
        raise RuntimeError(f"{name}(): does not support bool input")
    return input


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position (int64) of the first largest element: of all, or along a dimension.

    Without dim, a 0-d tensor that counts through the flattened input; (N, C) with dim 1 -> (N,).
    Raises RuntimeError for bools, and else as `amax` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 7], [5, 3]]).argmax(1), mt.tensor([[1, 7], [5, 3]]).argmax()
    (tensor([1, 0]), tensor(1))
    """
    return _arg("argmax", _no_bools("argmax", input), dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position (int64) of the first smallest element: of all, or along a dimension.

    Without dim, a 0-d tensor that counts through the flattened input; (N, C) with dim 1 -> (N,).
    Raises as `argmax` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 7], [5, 3]]).argmin(1), mt.tensor([[1, 7], [5, 3]]).argmin()
    (tensor([0, 1]), tensor(0))
    """
    return _arg("argmin", _no_bools("argmin", input), dim, keepdim)


def at_position(kind: Any, input: Tensor, dim: int, index: Tensor, keepdim: bool) -> Any:
    """kind(values, index) of the elements at the positions `index`, which has length 1 along dim.

    Without keepdim that dimension disappears from both.
    """
    values = gather(input, dim, index)
    if keepdim or input.ndim == 0:
        return kind(values, index)
    return kind(values.squeeze(dim), index.squeeze(dim))


def _of_all(name: str, input: Tensor) -> Tensor:
    dims = dims_of(input, None)
    needs_elements(name, input, dims, None)
    return Extreme.apply(input, dims, False, name, "share")


def max(input: Tensor, dim: Tensor | int | None = None, keepdim: bool = False) -> Any:
    """The largest element; with a dimension, (values, indices) along it; with a tensor, `maximum`.

    A 0-d tensor; (N, C) with dim 1 gives two of (N,), of equal elements the first. Raises
    IndexError for a dim out of range or without elements, RuntimeError for no elements at all,
    TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1, 7], [5, 3]])
    >>> x.max(), x.max(1).values, x.max(1).indices
    (tensor(7), tensor([7, 5]), tensor([1, 0]))
    """
    check_tensor("max", input)
    if dim is None:
        return _of_all("max", input)
    if isinstance(dim, Tensor):
        return input.maximum(dim)
    dim = as_int("max", "dim", dim)
    return at_position(return_types.max, input, dim, _arg("argmax", input, dim, True), keepdim)


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
        return _of_all("min", input)
    if isinstance(dim, Tensor):
        return input.minimum(dim)
    dim = as_int("min", "dim", dim)
    return at_position(return_types.min, input, dim, _arg("argmin", input, dim, True), keepdim)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The element in the middle, the lower of two; with a dimension, (values, indices) along it.

    A 0-d tensor, NaN of no elements; (N, C) with dim 1 gives two of (N,). Raises
    NotImplementedError for bools, and else as `amax` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([4.0, 1.0, 3.0, 2.0]).median()
    tensor(2.)
    """
    if dim is None:
        return Middle.apply(input, median)
    if input.dtype.category == 0:
        raise NotImplementedError('"median" not implemented for bool')
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
    return at_position(return_types.median, input, axis, index, keepdim)


# --------------------------------------------------------------------------------- true or false


def _truth(name: str, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    xp = array_module(input.array)
    # As in torch, an empty list of dimensions is none here, and all of them for `sum`.
    dims = () if dim is not None and not isinstance(dim, int) and not dim else dims_of(input, dim)
    result = getattr(xp, name)(input.array != 0, dims, keepdims=keepdim)
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
