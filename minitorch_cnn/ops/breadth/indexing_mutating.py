"""Torch's "... Mutating Ops": a tensor with a part replaced, by index_fill, put, slice_scatter, ...

None of them changes its input; those of them that torch has with an underscore are methods too.
"""

from __future__ import annotations

import operator
from typing import Any

from ...autograd.function import ViewFunction
from ...backend import array_module
from ...storage import memory_of
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..common import is_number, same_device
from ..indexing import WHOLE, BasicIndex, Diagonal, check_index, index_add, index_select
from ..inplace import WriteIntoView
from ..positions import IndexPut, index_put
from ..shape import broadcast_tensors, int_tuple, reshape

__all__ = [
    "fill", "index_fill", "index_copy", "masked_scatter", "put", "select_scatter",
    "slice_scatter", "diagonal_scatter", "as_strided",
]  # fmt: skip


def _vector_index(name: str, input: Tensor, dim: int, index: Tensor) -> tuple[int, Any]:
    """The dimension counted from the front, and the positions as an array counted so too."""
    dim = input._dim(dim)
    if not isinstance(index, Tensor) or index.dtype.category != 1:
        raise IndexError(f"{name}(): Expected dtype int64 for index, got {index!r:.60}")
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index should have dimension 1 or 0 (got {index.ndim})")
    length = input.size(dim) if input.ndim else 1
    array = index.array.reshape(-1)
    positions = array + (array < 0) * length  # negative ones count from the end
    check_index(wrap(positions), length, dim)
    return dim, positions


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like input in which every element is `value` (a number or a 0-d tensor).

    Any shape and dtype. Raises RuntimeError for a value tensor of more dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.fill(mt.zeros(2), 3.0)
    tensor([3., 3.])
    """
    return input.clone().fill_(value)


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """input with the slices at the positions `index` of a dimension set to a number.

    index: a vector of integers; negative ones count from the end. value: a number or a 0-d tensor.
    Raises IndexError for an index that is out of range, not of integers or no vector; RuntimeError
    or TypeError for another value.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(3).index_fill(0, mt.tensor([0, 2]), 5.0)
    tensor([5., 0., 5.])
    """
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.ndim} dimension(s)."
            )
        value = value.to(input.dtype)
    elif not is_number(value):
        raise TypeError(f"index_fill(): value must be a number, got {type(value).__name__}")
    else:
        value = input.new_full((), value)
    dim, positions = _vector_index("index_fill", input, dim, index)
    xp = array_module(input.array)
    chosen = xp.zeros(input.size(dim) if input.ndim else 1, bool)
    chosen[positions] = True
    lying = [1] * input.ndim
    if input.ndim:
        lying[dim] = -1
    return where(wrap(chosen.reshape(lying)), value, input)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """input with its slice index[i] along a dimension replaced by source[i].

    index: a vector of k integers; source: the input's shape with length k in that dimension, and
    its dtype. Raises RuntimeError for another dtype, IndexError if index is out of range or the
    shapes do not fit.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(3).index_copy(0, mt.tensor([2, 0]), mt.tensor([1.0, 4.0]))
    tensor([4., 0., 1.])
    """
    dim, positions = _vector_index("index_copy", input, dim, index)
    if not index.is_cuda and (index.array < 0).any():
        raise IndexError(
            f"index_copy_(): index {int(index.array.min())} is out of bounds: it is negative"
        )
    if source.dtype is not input.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{input.dtype} and (source) {source.dtype}"
        )
    same_device(input, source)
    if input.ndim == 0:
        return index_copy(reshape(input, 1), 0, index, reshape(source, -1)).reshape(())
    expected = (*input.shape[:dim], positions.size, *input.shape[dim + 1 :])
    if tuple(source.shape) != expected and not (source.ndim == 0 and positions.size == 1):
        raise IndexError(
            f"index_copy_(): source has shape {shape_text(source.shape)}; expected "
            f"{shape_text(expected)} for {positions.size} slices along dimension {dim} of "
            f"{shape_text(input.shape)}"
        )
    place = (*[WHOLE] * dim, positions)
    return IndexPut.apply(input, source.expand(expected), place, False)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """input with the elements of source, one after the other, where the mask (bool) is true.

    input and mask broadcast; source has any shape, the input's dtype, and at least as many elements
    as there are places. Raises RuntimeError otherwise.

    >>> import minitorch_cnn as mt
    >>> mask = mt.tensor([True, False, True])
    >>> mt.zeros(3).masked_scatter(mask, mt.tensor([7.0, 8.0, 9.0]))
    tensor([7., 0., 8.])
    """
    if mask.dtype.category != 0:
        raise RuntimeError(
            f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype}"
        )
    if source.dtype is not input.dtype:
        raise RuntimeError(
            "masked_scatter_: expected self and source to have same dtypes but got "
            f"{input.dtype} and {source.dtype}"
        )
    wide, wide_mask = broadcast_tensors(input, mask)
    count = int(wide_mask.array.sum())
    if count > source.numel():
        raise RuntimeError(
            f"masked_scatter: expected self and source to have enough elements: the mask has "
            f"{count} true elements, source {source.numel()}"
        )
    return IndexPut.apply(wide, reshape(source, -1)[:count], (wide_mask.array,), False)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """input with source at positions of its flattened form; accumulate adds instead.

    input, index, source: any shapes; the result has the input's shape. index: integers, as many as
    source has elements. Raises RuntimeError otherwise, IndexError for a position out of range.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 2).put(mt.tensor([3]), mt.tensor([5.0]))
    tensor([[0., 0.],
            [0., 5.]])
    """
    if index.dtype.category != 1:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {index.dtype}")
    if index.numel() != source.numel():
        raise RuntimeError(
            f"put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source.numel()}, index.numel() = {index.numel()}"
        )
    flat = reshape(input, -1)
    _, positions = _vector_index("put_", flat, 0, reshape(index, -1))
    put_there = index_put(flat, (wrap(positions),), reshape(source, -1), accumulate)
    return reshape(put_there, input.shape)


# ------------------------------------------------------------------------------ a view replaced


def _replaced(name: str, input: Tensor, src: Tensor, view: type[ViewFunction], *args: Any) -> Any:
    shape = view.view(input.array, *args).shape
    if tuple(src.shape) != tuple(shape):
        raise RuntimeError(
            f"expected src to have a size equal to the {name} of self. src size = "
            f"{shape_text(src.shape)}, {name} size = {shape_text(shape)}"
        )
    return WriteIntoView.apply(input, src.to(input.dtype), ((view, args),))


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """input with the slice at position `index` of a dimension replaced by src.

    src: the input's shape without that dimension. Raises RuntimeError for another shape, IndexError
    for an index or dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.select_scatter(mt.zeros(2, 2), mt.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    dim, position = input._dim(dim), operator.index(index)
    length = input.size(dim)
    if not -length <= position < length:
        raise IndexError(
            f"select_scatter(): index {index} out of range for tensor of size "
            f"{shape_text(input.shape)} at dimension {dim}"
        )
    return _replaced("slice", input, src, BasicIndex, (*[WHOLE] * dim, position))


def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """input with ``input[start:end:step]`` along a dimension replaced by src.

    input: any shape; src: the shape of that slice. Raises RuntimeError for another shape or a step
    below 1, IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.slice_scatter(mt.zeros(5), mt.tensor([1.0, 2.0, 3.0]), step=2)
    tensor([1., 0., 2., 0., 3.])
    """
    if step < 1:
        raise RuntimeError(f"slice step must be positive, got {step}")
    part = slice(start, end, step)
    return _replaced("slice", input, src, BasicIndex, (*[WHOLE] * input._dim(dim), part))


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """input with a diagonal replaced by src; offset 1 is the one above the main diagonal.

    input: any shape; src: the shape of ``input.diagonal(offset, dim1, dim2)``. Raises RuntimeError
    for another shape or dim1 = dim2, IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.diagonal_scatter(mt.zeros(2, 2), mt.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    first, second = input._dim(dim1), input._dim(dim2)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return _replaced("diagonal", input, src, Diagonal, offset, first, second)


# ------------------------------------------------------------------------------------ as_strided


class AsStrided(ViewFunction):
    """y = the elements that lie at given steps in x's memory, the first `offset` behind x's"""

    @staticmethod
    def view(
        array: Any, shape: tuple[int, ...], steps: tuple[int, ...], offset: int, own: tuple
    ) -> Any:
        flat, first = memory_of(array)
        bytes_apart = [step * array.itemsize for step in steps]
        strided = array_module(array).lib.stride_tricks.as_strided
        return strided(flat[first + offset :], shape, bytes_apart)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        # Elements may occur several times: their gradients add up. Those of the memory that are
        # not x's have none, and where x itself looks at one several times, it is shared.
        xp = array_module(gy.array)
        shape, steps, offset, own = ctx.args
        here, there = (
            _places(xp, *each).reshape(-1) for each in ((ctx.shape, own), (shape, steps))
        )
        low = min(0, offset)
        count = max(_reach(ctx.shape, own), offset + _reach(shape, steps)) + 1 - low
        memory = index_add(gy.new_zeros(count), 0, wrap(there + (offset - low)), reshape(gy, -1))
        gx = index_select(memory, 0, wrap(here - low))
        if any(step == 0 and n > 1 for n, step in zip(ctx.shape, own, strict=True)):
            gx = gx / wrap(xp.bincount(here)[here].astype(gy.array.dtype))
        return reshape(gx, ctx.shape), None, None, None, None


def _places(xp: Any, shape: tuple[int, ...], steps: tuple[int, ...]) -> Any:
    """Where each element lies, counted from the first one."""
    places = xp.zeros(shape, int)
    for axis, step in enumerate(steps):
        lying = [1] * len(shape)
        lying[axis] = -1
        places = places + xp.arange(shape[axis]).reshape(lying) * step
    return places


def _reach(shape: tuple[int, ...], steps: tuple[int, ...]) -> int:
    """How far from the first element the last one lies; -1 if there is none."""
    if not all(shape):
        return -1
    return sum((n - 1) * step for n, step in zip(shape, steps, strict=True))


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the tensor's memory with any shape and any steps (counted in elements).

    Element (i, j) of the result is element offset + i * stride[0] + j * stride[1] of the memory,
    so one may occur several times: windows that overlap cost no memory. storage_offset: None is
    that of the input, of any shape. Raises RuntimeError if it would reach beyond the memory.

    >>> import minitorch_cnn as mt
    >>> mt.as_strided(mt.arange(4), (3, 2), (1, 1))
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    shape, steps = (
        int_tuple((given,), "as_strided", name)
        for given, name in ((size, "size"), (stride, "stride"))
    )
    flat, first = memory_of(input.array)
    offset = first if storage_offset is None else storage_offset
    if len(shape) != len(steps):
        raise RuntimeError(
            f"mismatch in length of strides and shape: {shape_text(shape)}, {shape_text(steps)}"
        )
    if min(steps, default=0) < 0:
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{shape_text(steps)}"
        )
    if min((*shape, offset), default=0) < 0:
        raise RuntimeError(
            f"as_strided: sizes and offset must not be negative, got {shape_text(shape)} and "
            f"{offset}"
        )
    if all(shape) and offset + _reach(shape, steps) >= flat.size:
        raise RuntimeError(
            f"setStorage: sizes {shape_text(shape)}, strides {shape_text(steps)}, storage offset "
            f"{offset} reach element {offset + _reach(shape, steps)} of a memory of {flat.size}"
        )
    return AsStrided.apply(input, shape, steps, offset - first, input.stride())
