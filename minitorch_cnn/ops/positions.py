"""Taking and putting elements by tensors of positions: gather, scatter, masks, take, ...

gather and scatter mirror each other: y[i][j] = x[index[i][j]][j] takes (for dim 0), and
y[index[i][j]][j] = src[i][j] puts. So each is the other's gradient.
"""

from __future__ import annotations

from typing import Any

from .. import backend
from ..autograd.function import Function
from ..autograd.names import called
from ..backend import array_module
from ..dtypes import int64
from ..tensor import Tensor, shape_text, wrap
from .arguments import as_number
from .arithmetic import where
from .common import fitting, is_number
from .indexing import (
    AddIntoZeros,
    AdvancedIndex,
    check_index,
    getitem,
    save_index,
    saved_index,
    split_index,
)
from .shape import broadcast_shapes, broadcast_tensors, expand

__all__ = [
    "gather", "scatter", "scatter_add", "take", "take_along_dim", "masked_fill",
    "masked_select", "index_put",
]  # fmt: skip


def along(index: Any, dim: int) -> tuple:
    """The full index of a bare array: `index` in axis dim, every other axis counting up."""
    xp = array_module(index)
    grid = []
    for axis, length in enumerate(index.shape):
        shape = [1] * index.ndim
        shape[axis] = length
        grid.append(index if axis == dim else xp.arange(length).reshape(shape))
    return tuple(grid)


class Gather(Function):
    """y[i][j] = x[index[i][j]][j], for dim 0"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, index: Tensor) -> Tensor:
        ctx.shape, ctx.dim = x.shape, dim
        ctx.save_for_backward(index)
        return wrap(x.array[along(index.array, dim)])

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (index,) = ctx.saved_tensors
        return AddIntoZeros.apply(gy, ctx.shape, along(index.array, ctx.dim)), None, None


class Scatter(Function):
    """y = x, with y[index[i][j]][j] = src[i][j], for dim 0; src may be a number"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, index: Tensor, src: Tensor | float) -> Tensor:
        ctx.dim = dim
        ctx.save_for_backward(index)
        y = x.array.copy(order="K")
        place = along(index.array, dim)
        if isinstance(src, Tensor):
            ctx.src_shape = src.shape
            y[place] = src.array[tuple(slice(n) for n in index.array.shape)]
        else:
            y[place] = src
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (index,) = ctx.saved_tensors
        gx = gsrc = None
        if ctx.needs_input_grad[0]:
            gx = Scatter.apply(gy, ctx.dim, index, 0.0)
        if ctx.needs_input_grad[3]:
            gsrc = _padded(Gather.apply(gy, ctx.dim, index), ctx.src_shape)
        return gx, None, None, gsrc


class ScatterAdd(Function):
    """y = x, with y[index[i][j]][j] += src[i][j], for dim 0"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
        ctx.dim, ctx.src_shape = dim, src.shape
        ctx.save_for_backward(index)
        y = x.array.copy(order="K")
        used = src.array[tuple(slice(n) for n in index.array.shape)]
        backend.scatter_add(y, along(index.array, dim), used)
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (index,) = ctx.saved_tensors
        return gy, None, None, _padded(Gather.apply(gy, ctx.dim, index), ctx.src_shape)


class Untouched(Function):
    """y = x, into which an index without elements puts nothing of src: its gradient is zeros"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, src: Tensor | float) -> Tensor:
        ctx.src_shape = src.shape if isinstance(src, Tensor) else None
        return wrap(x.array.copy(order="K"))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return gy, gy.new_zeros(ctx.src_shape) if ctx.needs_input_grad[1] else None


def _padded(gradient: Tensor, shape: tuple) -> Tensor:
    """Zeros of that shape around the gradient: the index may cover only a part of src."""
    if gradient.shape == shape:
        return gradient
    xp = array_module(gradient.array)
    covered = xp.ix_(*(xp.arange(n) for n in gradient.array.shape))
    return AddIntoZeros.apply(gradient, shape, covered)


def check_positions(name: str, input: Tensor, dim: int, index: Tensor) -> int:
    """The dimension counted from the front. Raises where index and input do not fit."""
    dim = input._dim(dim)
    if index.array.size == 0:
        return dim
    if max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as input tensor: {name}() got "
            f"index {shape_text(index.shape)} and input {shape_text(input.shape)}"
        )
    check_index(index, input.size(dim) if input.ndim else 1, dim, RuntimeError)  # as in torch
    for axis, (n, length) in enumerate(zip(index.shape, input.shape, strict=False)):
        if axis != dim and n > length:
            raise RuntimeError(
                f"Size does not match at dimension {axis}: expected index "
                f"{shape_text(index.shape)} to be no larger than self {shape_text(input.shape)} "
                f"apart from dimension {dim}"
            )
    return dim


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """For each element of `index`, the element of input at that position along a dimension.

    The result has the index's shape: ``out[i][j] = input[index[i][j]][j]`` for dim 0,
    ``input[i][index[i][j]]`` for dim 1. Raises RuntimeError for a position out of range (on the
    CPU), and if index has other dimensions than input, is larger in another one, or is no integer
    tensor.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1, 2], [3, 4]])
    >>> mt.gather(x, 1, mt.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    if sparse_grad:
        raise NotImplementedError("gather: sparse_grad=True is not supported")
    dim = check_positions("gather", input, dim, index)
    if index.array.size == 0:
        return input.reshape(-1)[:0].reshape(index.shape)
    if input.ndim == 0 or index.ndim == 0:
        return gather(input.reshape(-1), 0, index.reshape(-1)).reshape(index.shape)
    return Gather.apply(input, dim, index)


def check_source(name: str, index: Tensor, src: Tensor, input: Tensor) -> None:
    """Raises where src has another dtype than input, or is smaller than an index with elements."""
    if src.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, got {input.dtype} and "
            f"{src.dtype}"
        )
    if index.array.size == 0:
        return
    places, values = index.shape or (1,), src.shape or (1,)  # a number counts as a vector
    if len(places) != len(values) or any(n > m for n, m in zip(places, values, strict=True)):
        raise RuntimeError(
            f"Expected index {shape_text(index.shape)} to be no larger than src "
            f"{shape_text(src.shape)} in {name}()"
        )


def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: Any = None,
) -> Tensor:
    """input with elements of src (or one number) put at the positions `index` along a dimension.

    The result has the input's shape: ``out[index[i][j]][j] = src[i][j]`` for dim 0. Of repeated
    positions, one wins; `scatter_add` adds them up. Raises TypeError without src or value,
    RuntimeError for a position out of range (on the CPU), shapes or dtypes that do not fit and a
    reduce other than "add" and "multiply".

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 3).scatter(1, mt.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce!r}")
    source = src if value is None else as_number("scatter", "value", value)
    if source is None:
        raise TypeError("scatter() needs src (a tensor) or value (a number)")
    if not isinstance(source, Tensor) and not is_number(source):
        raise TypeError(f"scatter() needs a tensor or a number, got {type(source).__name__}")
    if not isinstance(source, Tensor):
        source = fitting(source, input.dtype)
    if reduce is not None:
        if not isinstance(source, Tensor):
            source = input.new_full(index.shape, source)
        if reduce == "add":
            return scatter_add(input, dim, index, source)
        from .breadth.indexing_scatter import scatter_reduce  # rare, and made of what is here

        return scatter_reduce(input, dim, index, source, "prod")
    dim = check_positions("scatter", input, dim, index)
    if isinstance(source, Tensor):
        check_source("scatter", index, source, input)
        source = source.reshape(source.shape or (1,))
    if index.numel() == 0:  # of any number of dimensions
        return Untouched.apply(input, source)
    if input.ndim == 0 or index.ndim == 0:
        return scatter(input.reshape(-1), 0, index.reshape(-1), source).reshape(input.shape)
    return Scatter.apply(input, dim, index, source)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """input with elements of src added at the positions `index` along a dimension.

    The result has the input's shape: ``out[index[i][j]][j] += src[i][j]`` for dim 0. Raises
    IndexError for a position out of range (on the CPU), RuntimeError for shapes or dtypes that do
    not fit.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(3).scatter_add(0, mt.tensor([0, 0, 2]), mt.tensor([1.0, 2.0, 3.0]))
    tensor([3., 0., 3.])
    """
    dim = check_positions("scatter_add", input, dim, index)
    check_source("scatter_add", index, src, input)
    if index.numel() == 0:
        return Untouched.apply(input, src)
    if 0 in (input.ndim, index.ndim, src.ndim):
        flat = [each.reshape(-1) for each in (input, index, src)]
        return scatter_add(flat[0], 0, *flat[1:]).reshape(input.shape)
    return ScatterAdd.apply(input, dim, index, src)


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at positions of the flattened input, in the index's shape.

    Negative positions count from the end. Raises IndexError for a position out of range and for a
    floating index.

    >>> import minitorch_cnn as mt
    >>> mt.take(mt.tensor([[1, 2], [3, 4]]), mt.tensor([[0, -1]]))
    tensor([[1, 4]])
    """
    return getitem(input.reshape(-1), index)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """As `gather`, but input and indices broadcast; without dim, both are flattened.

    indices: int64, negative ones count from the end; (N, C) with (N, K) and dim 1 gives
    (N, K). Raises RuntimeError for another dtype or number of dimensions and for a position out of
    range.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[3, 1], [5, 9]])
    >>> x.take_along_dim(x.argmax(1, keepdim=True), 1)
    tensor([[3],
            [9]])
    """
    if indices.dtype is not int64:
        raise RuntimeError(
            f"take_along_dim(): dtype of indices should be Long (int64) but got {indices.dtype}"
        )
    if dim is None:
        return take_along_dim(input.reshape(-1), indices.reshape(-1), 0)
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "take_along_dim(): input and indices should have the same number of dimensions, but "
            f"got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = input._dim(dim)
    indices = where(indices < 0, indices + input.size(dim), indices)  # counted from the end
    others = list(input.shape), list(indices.shape)
    for shape in others:
        shape[dim] = 1
    common = broadcast_shapes(*others)
    wide_input = (*common[:dim], input.size(dim), *common[dim + 1 :])
    wide_index = (*common[:dim], indices.size(dim), *common[dim + 1 :])
    return gather(expand(input, wide_input), dim, expand(indices, wide_index))


# -------------------------------------------------------------------------------------- masks


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """input with `value` (a number or a 0-d tensor) where the mask (bool, broadcast) is true.

    Raises RuntimeError if the mask is not bool, for a value that is not 0-d or does not fit the
    dtype, and for shapes that do not broadcast.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([1.0, -2.0])
    >>> x.masked_fill(x < 0, 0)
    tensor([1., 0.])
    """
    if mask.dtype.category != 0:
        raise RuntimeError(f"masked_fill only supports boolean masks, but got mask {mask.dtype}")
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                "masked_fill only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.ndim} dimension(s)."
            )
        value = value.to(input.dtype)
    elif is_number(value):
        value = fitting(value, input.dtype)
    return called(where(mask, value, input), "MaskedFillBackward0")


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """A vector (count,) of the elements where the mask (bool, broadcast) is true.

    Raises RuntimeError if the mask is not bool or does not broadcast.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1, 2], [3, 4]])
    >>> x.masked_select(x % 2 == 0)
    tensor([2, 4])
    """
    if mask.dtype.category != 0:
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, got {mask.dtype}")
    wide, wide_mask = broadcast_tensors(input, mask)
    return getitem(wide, wide_mask)


# ------------------------------------------------------------------------------- x[index] = value


class IndexPut(Function):
    """y = x, with y[index] = values, or with values added there"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, values: Tensor, index: Any, accumulate: bool) -> Tensor:
        save_index(ctx, index)
        ctx.accumulate = accumulate
        y = x.array.copy(order="K")
        if accumulate:
            backend.scatter_add(y, index, values.array)
        else:
            y[index] = values.array
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        gx = None
        index = saved_index(ctx)
        gvalues = AdvancedIndex.apply(gy, index)
        if ctx.needs_input_grad[0]:
            gx = gy
            if not ctx.accumulate:
                gx = IndexPut.apply(gy, gvalues.new_zeros(gvalues.shape), index, False)
        return gx, gvalues, None, None


def index_put(
    input: Tensor, indices: tuple[Tensor, ...], values: Tensor, accumulate: bool = False
) -> Tensor:
    """input with ``input[indices] = values``, or ``+=`` with accumulate (repetitions add up).

    The result has the input's shape; values broadcast to the shape of the part. Raises RuntimeError
    if the dtypes differ or values do not broadcast, IndexError for a position out of range.

    >>> import minitorch_cnn as mt
    >>> where = (mt.tensor([0, 0]),)
    >>> mt.zeros(2).index_put(where, mt.tensor(1.0), accumulate=True)
    tensor([2., 0.])
    """
    _, advanced = split_index(input, tuple(indices))
    if values.dtype is not input.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {input.dtype} for "
            f"the destination and {values.dtype} for the source."
        )
    place_shape = input.array[advanced].shape
    return IndexPut.apply(input, expand(values, place_shape), advanced, accumulate)
