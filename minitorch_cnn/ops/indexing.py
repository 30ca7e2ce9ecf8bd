"""Taking elements by position: x[...], narrow, select, diagonal, and by index tensors.

A basic index (ints, slices, None, ...) gives a view; its gradient is put back into zeros. An
advanced index (masks, tensors of positions) gives a copy; positions may repeat, and then their
gradients add up.
"""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from .. import backend
from ..autograd.function import Function, ViewFunction
from ..backend import array_module
from ..tensor import Tensor, shape_text, wrap
from .arguments import as_int
from .common import brief
from .creation import as_tensor

__all__ = [
    "select", "narrow", "diagonal", "diag", "nonzero", "argwhere", "index_select", "index_add",
]  # fmt: skip

WHOLE = slice(None)

# -------------------------------------------------------------------------------------- views


class PutIntoZeros(Function):
    """y = zeros, with x in the place where a view looks: the gradient of taking that view"""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, shape: tuple[int, ...], view_function: type[ViewFunction], args: tuple
    ) -> Tensor:
        ctx.view_function, ctx.args = view_function, args
        y = array_module(x.array).zeros(shape, x.array.dtype)
        view_function.view(y, *args)[...] = x.array
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return ctx.view_function.apply(gy, *ctx.args), None, None, None


class BasicIndex(ViewFunction):
    """y = x[index] for ints, slices and None"""

    @staticmethod
    def view(array: Any, index: tuple) -> Any:
        index = (*index, ...)  # with "...", a single element is a view as well, not a number
        return array[index]

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return PutIntoZeros.apply(gy, ctx.shape, BasicIndex, ctx.args), None


class Diagonal(ViewFunction):
    """y[..., i] = x[..., i, ..., i + offset, ...]"""

    @staticmethod
    def view(array: Any, offset: int, dim1: int, dim2: int) -> Any:
        # by strides, because numpy's own diagonal cannot be written to
        xp = array_module(array)
        front = xp.moveaxis(array, (dim1, dim2), (-2, -1))
        front = front[..., max(-offset, 0) :, max(offset, 0) :]
        length = min(front.shape[-2:])
        strides = (*front.strides[:-2], front.strides[-2] + front.strides[-1])
        return xp.lib.stride_tricks.as_strided(front, (*front.shape[:-2], length), strides)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return PutIntoZeros.apply(gy, ctx.shape, Diagonal, ctx.args), None, None, None


class Unfold(ViewFunction):
    """y = the windows of `size` elements along axis dim, `step` apart, as a new last axis"""

    @staticmethod
    def view(array: Any, dim: int, size: int, step: int) -> Any:
        count = (array.shape[dim] - size) // step + 1
        shape = (*array.shape[:dim], count, *array.shape[dim + 1 :], size)
        stride = array.strides[dim]
        strides = (*array.strides[:dim], stride * step, *array.strides[dim + 1 :], stride)
        return array_module(array).lib.stride_tricks.as_strided(array, shape, strides)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        # Windows may overlap, so their gradients are added, position by position.
        dim, size, step = ctx.args
        xp = array_module(gy.array)
        count = gy.shape[dim]
        positions = (xp.arange(count)[:, None] * step + xp.arange(size)).reshape(-1)
        windows = gy.movedim(-1, dim + 1).flatten(dim, dim + 1)
        return index_add(gy.new_zeros(ctx.shape), dim, wrap(positions), windows), None, None, None


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at position `index` of a dimension, which disappears, as a view.

    (N, C, H, W) with dim 1 gives (N, H, W). Raises IndexError for a 0-d tensor, and for a position
    or a dim that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2], [3, 4]]).select(1, -1)
    tensor([2, 4])
    """
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, length = input._dim(dim), input.size(dim)
    if not -length <= index < length:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {shape_text(input.shape)} "
            f"at dimension {dim}"
        )
    return BasicIndex.apply(input, (*[WHOLE] * dim, operator.index(index)))


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` elements of a dimension from position `start` on, as a view.

    (N, C, H, W) with dim 0 gives (length, C, H, W). start: an int or a 0-d tensor; negative ones
    count from the end. Raises IndexError for a start out of range, RuntimeError for more elements
    than there are and for a 0-d input.

    >>> import minitorch_cnn as mt
    >>> mt.arange(5).narrow(0, 1, 3)
    tensor([1, 2, 3])
    """
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, Tensor) and (start.ndim or start.dtype.category != 1):
        raise RuntimeError(
            f"start must be an 0-dim integral Tensor, got {start.dtype}, {list(start.shape)}"
        )
    dim, total, first = input._dim(dim), input.size(dim), as_int("narrow", "start", start)
    if not -total <= first <= total:
        raise IndexError(
            f"start out of range (expected to be in range of [{-total}, {total}], but got {first})"
        )
    first = first + total if first < 0 else first
    if length < 0 or first + length > total:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({total}).")
    return BasicIndex.apply(input, (*[WHOLE] * dim, slice(first, first + length)))


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal over two dimensions, as a view; it becomes the last dimension.

    (N, H, W) over dimensions 1 and 2 gives (N, min(H, W)). offset: how far above (below, if
    negative) the main diagonal. Raises RuntimeError if the two dimensions are the same, IndexError
    for one that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.arange(9).reshape(3, 3).diagonal(1)
    tensor([1, 5])
    """
    first, second = input._dim(dim1), input._dim(dim2)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return Diagonal.apply(input, offset, first, second)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal (L,) of a matrix (n, m), or a matrix (n, n) with a vector (n,) on its diagonal.

    diagonal: how far above (below, if negative) the main one. The result is a copy. Raises
    RuntimeError for other numbers of dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.diag(mt.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if input.ndim == 2:
        return Diagonal.apply(input, diagonal, 0, 1).clone()
    if input.ndim != 1:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    n = input.size(0) + abs(diagonal)
    return PutIntoZeros.apply(input, (n, n), Diagonal, (diagonal, 0, 1))


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of `size` elements along a dimension, `step` apart, as a view (``x.unfold``).

    (N, L) along dimension 1 gives (N, (L - size) // step + 1, size). Raises RuntimeError for a size
    beyond the length and a step below 1, IndexError for a dimension that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.arange(5).unfold(0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    if input.ndim == 0:
        return unfold(input.reshape(1), dimension, size, step)[0]
    dim = input._dim(dimension)
    if size < 0 or step <= 0:
        which = (
            f"size is {size} but must be >= 0" if size < 0 else f"step is {step} but must be > 0"
        )
        raise RuntimeError(f"unfold: {which}")
    if size > input.size(dim):
        raise RuntimeError(
            f"maximum size for tensor at dimension {dim} is {input.size(dim)} but size is {size}"
        )
    return Unfold.apply(input, dim, size, step)


# ------------------------------------------------------------------------------------ x[index]


def save_index(ctx: Any, index: tuple) -> None:
    """Saves an index of arrays and others for backward, which frees the arrays afterwards.

    They are copies: backward must not find other positions there than were checked.
    """
    arrays = [wrap(each.copy()) if backend.is_array(each) else None for each in index]
    ctx.save_for_backward(*arrays)
    pairs = zip(index, arrays, strict=True)
    ctx._others = tuple(each if array is None else None for each, array in pairs)


def saved_index(ctx: Any) -> tuple:
    """What `save_index` saved."""
    pairs = zip(ctx.saved_tensors, ctx._others, strict=True)
    return tuple(other if each is None else each.array for each, other in pairs)


class AdvancedIndex(Function):
    """y = x[index], with arrays of positions or masks among the index's elements"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: tuple) -> Tensor:
        ctx.shape = x.shape
        if ctx.needs_input_grad[0]:
            save_index(ctx, index)
        try:
            return wrap(x.array[index])
        except IndexError as error:
            raise IndexError(_in_words(str(error), x.shape)) from None

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return AddIntoZeros.apply(gy, ctx.shape, saved_index(ctx)), None


class AddIntoZeros(Function):
    """y = zeros, with y[index] += x: repeated positions add up"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, shape: tuple[int, ...], index: tuple) -> Tensor:
        ctx.index = index
        y = array_module(x.array).zeros(shape, x.array.dtype)
        backend.scatter_add(y, index, x.array)
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return AdvancedIndex.apply(gy, ctx.index), None, None


def _in_words(error: str, shape: tuple[int, ...]) -> str:
    """NumPy's message in words that somebody who looks for torch's will find."""
    if "boolean" in error:
        return (
            f"The shape of the mask does not match the indexed tensor {shape_text(shape)}: {error}"
        )
    where = "for dimension with size 0: " if error.endswith("with size 0") else ""
    return where + error.replace("axis", "dimension")


def getitem(input: Tensor, index: Any) -> Tensor:
    """``input[index]`` for ints, slices, None, Ellipsis, masks, index tensors, lists and mixtures.

    A view where there are only ints, slices (with positive steps), None and Ellipsis. An int takes
    its axis away, None adds one of length 1: (N, C, H, W) with [0, None] gives (1, C, H, W).
    Raises IndexError for positions out of range, too many of them, or what is no index; ValueError
    for a step below 1.

    >>> import minitorch_cnn as mt
    >>> x = mt.arange(6).reshape(2, 3)
    >>> x[:, 1], x[mt.tensor([1, 1]), 0], x[x > 3]
    (tensor([1, 4]), tensor([3, 3]), tensor([4, 5]))
    """
    basic, advanced = split_index(input, index)
    part = BasicIndex.apply(input, basic) if basic else input
    if not advanced:
        return part if basic else BasicIndex.apply(input, ())
    return AdvancedIndex.apply(part, advanced)


def split_index(input: Tensor, index: Any) -> tuple[tuple, tuple]:
    """An index as a basic one followed by an advanced one: x[index] is x[basic][advanced].

    torch takes ints, slices and None first. NumPy counts an int beside an index tensor as
    advanced too, which moves axes (x[0, :, [1, 2]] has its shape turned around).
    """
    if isinstance(index, list) and len(index) < 32 and any(map(_makes_a_tuple, index)):
        warnings.warn(
            f"a list as index is read as a tuple here: write x[tuple(...)], got {brief(index)}",
            stacklevel=3,
        )
        index = tuple(index)
    given = index if isinstance(index, tuple) else (index,)
    items = [_index_item(each, input) for each in given]
    count = sum(_dims_taken(each) for each in items)
    if count > input.ndim:
        hint = "" if input.ndim else " (invalid index of a 0-dim tensor: use x.item())"
        raise IndexError(
            f"too many indices for tensor of dimension {input.ndim}: got {count}{hint}"
        )
    basic: list[Any] = []
    advanced: list[Any] = []  # beside each dimension of x[basic]
    for each in items:
        if each is Ellipsis:
            basic += [WHOLE] * (input.ndim - count)
            advanced += [WHOLE] * (input.ndim - count)
        elif isinstance(each, int) and not isinstance(each, bool):
            position = sum(1 for b in basic if b is not None)
            length = input.size(position)
            if not -length <= each < length:
                raise IndexError(
                    f"index {each} is out of bounds for dimension {position} with size {length}"
                )
            basic.append(each)
        elif each is None or isinstance(each, slice):
            basic.append(each)
            advanced.append(WHOLE)
        else:
            basic += [WHOLE] * _dims_taken(each)
            advanced.append(each)
    if all(isinstance(each, slice) for each in advanced):
        advanced = []
    if all(isinstance(each, slice) and each == WHOLE for each in basic):
        basic = []
    return tuple(basic), tuple(advanced)


def _makes_a_tuple(item: Any) -> bool:
    """Whether a list with this element is a tuple of indices: torch's old rule, as NumPy had it."""
    return item is None or item is Ellipsis or isinstance(item, Tensor | slice | list | tuple)


def _dims_taken(item: Any) -> int:
    """How many dimensions of the tensor an element of an index stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    if backend.is_array(item) and item.dtype == bool:
        return item.ndim
    return 1


def _index_item(item: Any, input: Tensor) -> Any:
    """One element of an index as a Python value or a bare array on the tensor's device."""
    if item is None or item is Ellipsis or isinstance(item, bool | int):
        return item
    if isinstance(item, np.integer):
        return int(item)
    if isinstance(item, slice):
        given = (item.start, item.stop, item.step)
        try:
            bounds = [None if each is None else operator.index(each) for each in given]
        except TypeError:
            raise TypeError(
                f"slice indices must be integers or None or have an __index__ method, got {item}"
            ) from None
        if bounds[2] is not None and bounds[2] <= 0:
            raise ValueError(f"step must be greater than zero, got {bounds[2]}")
        return slice(*bounds)
    if isinstance(item, Tensor):
        array = item.array
    elif backend.is_array(item):
        array = item
    elif isinstance(item, list | tuple | range):
        array = as_tensor(list(item)).array
        if array.size == 0:
            array = array.astype(np.int64)
    else:
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
            f"valid indices (got {type(item).__name__})"
        )
    if array.dtype.kind == "f":
        raise IndexError(
            f"tensors used as indices must be long, int, byte or bool tensors, got {array.dtype}"
        )
    if array.dtype == np.uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is deprecated, please use a dtype torch.bool instead: "
            "a tensor of uint8 is a mask here, not positions",
            stacklevel=4,
        )
        array = array.astype(bool)
    if array.ndim == 0 and array.dtype != bool:
        return int(array)
    return backend.to_device(array, input.device)


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The positions of the elements that are not 0: (count, ndim), or a tensor for each axis.

    as_tuple: ndim vectors of shape (count,), which together are an index. int64, in the order of
    the rows. Never raises for a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[0, 5], [7, 0]]).nonzero()
    tensor([[0, 1],
            [1, 0]])
    """
    xp = array_module(input.array)
    if as_tuple:
        return tuple(wrap(each) for each in xp.nonzero(xp.atleast_1d(input.array)))
    if input.ndim == 0:
        return wrap(xp.zeros((int(bool(input.array)), 0), np.int64))
    return wrap(xp.stack(xp.nonzero(input.array), axis=1))


argwhere = nonzero


# --------------------------------------------------------------- along one axis: index_select, add


class IndexSelect(Function):
    """y = the slices of x at the positions `index` of axis dim"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, index: Tensor) -> Tensor:
        ctx.shape, ctx.dim = x.shape, dim
        ctx.save_for_backward(index)
        return wrap(array_module(x.array).take(x.array, index.array, axis=dim))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (index,) = ctx.saved_tensors
        return index_add(gy.new_zeros(ctx.shape), ctx.dim, index, gy), None, None


class IndexAdd(Function):
    """y = x, with source[i] added to the slice index[i] of axis dim"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
        ctx.dim = dim
        ctx.save_for_backward(index)
        y = x.array.copy(order="K")
        backend.scatter_add(y, (*[WHOLE] * dim, index.array), source.array)
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (index,) = ctx.saved_tensors
        return gy, None, None, index_select(gy, ctx.dim, index)


def check_index(index: Tensor, length: int, dim: int, error: type[Exception] = IndexError) -> None:
    """Raises an error if an element of `index` is no position in a dimension of that length.

    Only on the CPU: on a GPU the test would wait for everything that is still being computed.
    """
    if index.dtype.category != 1:
        raise RuntimeError(f"index must be an integer tensor (int64), got {index.dtype}")
    if index.is_cuda or index.array.size == 0:
        return
    low, high = int(index.array.min()), int(index.array.max())
    if low < 0 or high >= length:
        raise error(
            f"index {low if low < 0 else high} is out of bounds for dimension {dim} with size "
            f"{length}"
        )


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of a dimension at the positions `index`, a vector (L,) of integers.

    (N, C) along dimension 1 gives (N, L); positions may repeat. Raises IndexError for a position
    out of range (on the CPU; RuntimeError for a matrix or more without elements) and for an index
    that is no vector, RuntimeError for a floating one.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2, 3], [4, 5, 6]]).index_select(1, mt.tensor([2, 0]))
    tensor([[3, 1],
            [6, 4]])
    """
    dim = input._dim(dim)
    if index.ndim > 1:
        raise IndexError(f"index_select(): Index is supposed to be a vector, got {index.ndim}-D")
    if input.ndim == 0:
        if index.numel() != 1:
            raise RuntimeError(
                "index_select(): Index to scalar can have only 1 value, got "
                f"{index.numel()} value(s)"
            )
        return input.reshape(1).index_select(0, index).reshape(())
    try:
        check_index(index, input.size(dim), dim)
    except IndexError as error:
        if input.ndim == 1 or input.numel():
            raise
        raise RuntimeError(  # so in torch, where nothing can be selected
            "index_select(): self indexing axis dim should be positive, it has no elements"
            if input.size(dim) == 0
            else f"INDICES element is out of DATA bounds: {error}"
        ) from None
    return IndexSelect.apply(input, dim, index.reshape(-1))


def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """input, with alpha * source[i] added to its slice index[i] along a dimension.

    input: (N, C), say; index: (L,), integers; source: (L, C) for dim 0. Repeated positions add up.
    Raises RuntimeError for a position out of range (on the CPU; IndexError for a vector), and if
    shapes or dtypes do not fit.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(3).index_add(0, mt.tensor([0, 2, 2]), mt.tensor([1.0, 2.0, 3.0]))
    tensor([1., 0., 5.])
    """
    dim = input._dim(dim)
    if input.ndim == 0 and source.ndim <= 1:
        added = index_add(input.reshape(1), 0, index, source.reshape(-1), alpha=alpha)
        return added.reshape(())
    if index.ndim > 1:
        raise IndexError(f"index_add(): Index is supposed to be a vector, got {index.ndim}-D")
    try:
        check_index(index, input.size(dim) if input.ndim else 1, dim)
    except IndexError as error:
        if input.ndim <= 1:
            raise
        raise RuntimeError(str(error)) from None  # as in torch, which adds whole slices then
    expected = (*input.shape[:dim], index.numel(), *input.shape[dim + 1 :])
    if tuple(source.shape) != expected:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension: "
            f"index_add() got a source of shape {shape_text(source.shape)}, expected "
            f"{shape_text(expected)} for an index of {index.numel()} along dimension {dim} of "
            f"{shape_text(input.shape)}"
        )
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"index_add(): self ({input.dtype}) and source ({source.dtype}) must have the same "
            "scalar type"
        )
    scaled = source if alpha == 1 else source * alpha
    return IndexAdd.apply(input, dim, index.reshape(-1), scaled)
