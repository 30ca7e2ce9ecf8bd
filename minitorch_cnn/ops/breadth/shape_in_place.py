"""Methods that give a tensor itself another shape: resize_, unsqueeze_, squeeze_, t_, ..."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...autograd.modes import state
from ...backend import array_module
from ...storage import TypedStorage, UntypedStorage, elements_of, memory_of
from ...tensor import Memory, Tensor, shape_text, wrap
from ..copy import channels_last, channels_last_3d, contiguous_format, in_format, preserve_format
from ..creation import valid_shape
from ..deterministic import uninitialized
from ..inplace import alias_of, check_writable
from ..shape import int_tuple, squeeze, swapaxes, swapdims, t, transpose, unsqueeze
from .indexing_mutating import as_strided

__all__: list[str] = []


def _take_over(input: Tensor, new: Tensor) -> Tensor:
    """input, as what `new` is, which is a view of it or its successor. Returns input.

    Views that were taken before have no place in the new shape: writing through them, where
    gradients are recorded, is refused from here on. So is going back to values saved before.
    """
    input._bump_version()
    before, input._memory = input._memory, Memory()  # old views and saved values have the old one
    input._memory.outside, input._memory.version = before.outside, before.version
    input._memory.behind, input._memory.has_data = (before, *before.behind), before.has_data
    input._set_array(new.array)
    input._aliases = None
    if new.requires_grad and state.grad_enabled:
        input._set_history(*new.edge())
    return input


def _turn(input: Tensor, new: Tensor) -> Tensor:
    """input, which is a view, as `new`: another view of the same tensor. Returns input.

    It was recorded as a view once, so under no_grad it still is.
    """
    before: Any = input._view
    input._bump_version()
    input._set_array(new.array)
    input._view = new._view
    if new._node is not None:
        input._set_history(new._node, new._output)
    elif new._view is not None:
        new._view.alone = before.alone
        if not before.alone:
            new._view.history = -1  # no history that a base has: it is taken again when needed
    return input


def _check(input: Tensor) -> None:
    check_writable(input)
    input.lay_out_by_rows()


def _in_place(name: str, function: Callable[..., Tensor], example: str) -> Callable[..., Tensor]:
    """The method of that name, which ends with an underscore."""

    def method(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        _check(input)
        if input._view is not None:
            return _turn(input, function(input, *args, **kwargs))
        return _take_over(input, function(alias_of(input), *args, **kwargs))

    method.__name__ = method.__qualname__ = name
    method.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    method.__doc__ = (
        f"`{function.__name__}`, of the tensor itself, of any shape. Returns it.\n\n"
        f"Raises as `{function.__name__}` does, and RuntimeError for a leaf that requires a "
        "gradient.\n\n"
        f">>> import minitorch_cnn as mt\n>>> {example}\n"
    )
    return method


_SIZE = "minitorch_cnn.Size([3, 2])"
unsqueeze_ = _in_place("unsqueeze_", unsqueeze, "mt.ones(2).unsqueeze_(0)\ntensor([[1., 1.]])")
squeeze_ = _in_place("squeeze_", squeeze, "mt.ones(1, 2).squeeze_()\ntensor([1., 1.])")
t_ = _in_place("t_", t, f"mt.ones(2, 3).t_().shape\n{_SIZE}")
transpose_ = _in_place("transpose_", transpose, f"mt.ones(2, 3).transpose_(0, 1).shape\n{_SIZE}")
swapaxes_ = _in_place("swapaxes_", swapaxes, f"mt.ones(2, 3).swapaxes_(0, 1).shape\n{_SIZE}")
swapdims_ = _in_place("swapdims_", swapdims, f"mt.ones(2, 3).swapdims_(0, 1).shape\n{_SIZE}")
as_strided_ = _in_place(
    "as_strided_", as_strided, f"mt.arange(6).as_strided_((3, 2), (2, 1)).shape\n{_SIZE}"
)


def resize_(input: Tensor, *sizes: Any, memory_format: Any = contiguous_format) -> Tensor:
    """Gives the tensor that shape, (N, C) for example, and as many elements. Returns it.

    The first elements stay, in the order of memory; new ones are what the memory held.
    memory_format: in which order the new shape lies in memory. Raises RuntimeError for a tensor
    that requires a gradient, for a shape that no tensor has, and where memory that NumPy shares
    would have to grow; NotImplementedError for a view that the memory is too short for.

    >>> import minitorch_cnn as mt
    >>> mt.arange(6).resize_(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if input.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = valid_shape(int_tuple(sizes, "resize_", "sizes"))
    if memory_format is preserve_format:
        raise RuntimeError(f"Unsupported memory format for resize_: {memory_format}")
    if shape == input.shape and memory_format is contiguous_format:
        return input
    _check(input)
    if input._view is not None:
        return _turn(input, _resized_view(input, shape, memory_format))
    flat, start = memory_of(input.array)
    flat = flat[start:]
    count = math.prod(shape)
    if count > flat.size:
        if input._memory.outside == 2:
            raise RuntimeError(
                "Trying to resize storage that is not resizable: NumPy has it, too. Use x.clone()"
            )
        grown = uninitialized(array_module(flat).empty(count, flat.dtype))
        grown[: flat.size] = flat
        flat = grown
    array = flat[:count].reshape(shape)
    if memory_format is not contiguous_format:  # the same elements, where that order has them
        array = array_module(flat).lib.stride_tricks.as_strided(
            flat, shape, [step * flat.itemsize for step in _steps(shape, memory_format)]
        )
    return _take_over(input, wrap(array))


def _steps(shape: tuple[int, ...], memory_format: Any) -> tuple[int, ...]:
    """How many elements the axes of a tensor of that shape lie apart, in that order."""
    lying = np.empty(shape, bool)
    return wrap(in_format(lying, memory_format)).stride()


def _resized_view(input: Tensor, shape: tuple[int, ...], memory_format: Any) -> Tensor:
    """The view of that shape which begins in memory where input does."""
    flat, start = memory_of(input.array)
    if start + math.prod(shape) > flat.size or not input.numel():  # NumPy forgets where these begin
        raise NotImplementedError(
            f"resize_: a view cannot grow the memory of its base, of {flat.size} elements, nor "
            f"begin as an empty part of it, to have the shape {shape_text(shape)}; use x.clone()"
        )
    return as_strided(input, shape, _steps(shape, memory_format), start)


def resize_as_(
    input: Tensor, the_template: Tensor, memory_format: Any = contiguous_format
) -> Tensor:
    """`resize_` to the shape of another tensor, any shape. Raises as `resize_` does.

    memory_format: preserve_format takes over the template's.

    >>> import minitorch_cnn as mt
    >>> mt.arange(4).resize_as_(mt.ones(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    if memory_format is preserve_format:
        formats = (contiguous_format, channels_last, channels_last_3d)
        memory_format = next(
            (each for each in formats if the_template.is_contiguous(each)), contiguous_format
        )
    return resize_(input, the_template.shape, memory_format=memory_format)


def set_(
    input: Tensor,
    source: Any = None,
    storage_offset: int = 0,
    size: Any = None,
    stride: Any = None,
) -> Tensor:
    """Makes the tensor one with another's memory and shape, any shape. Returns it.

    source: a tensor, or a storage, of which `size`, `stride` and `storage_offset` say what part
    and in which order; None: a new memory without elements. Raises RuntimeError for a tensor that
    requires a gradient while gradients are recorded, for another dtype, and as `as_strided`.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2).set_(mt.zeros(3))
    tensor([0., 0., 0.])
    >>> mt.zeros(0).set_(mt.arange(6.0).storage(), 1, (2, 2), (1, 2))
    tensor([[1., 3.],
            [2., 4.]])
    """
    if source is None:
        source = input.new_empty(0)
    if isinstance(source, TypedStorage | UntypedStorage):
        source = wrap(elements_of(source, input.dtype))
        size = source.shape if size is None else size
    if (input.requires_grad and state.grad_enabled) or source.dtype is not input.dtype:
        raise RuntimeError(
            f"set_: needs a {input.dtype} that requires no gradient, got {source.dtype} for "
            f"requires_grad={input.requires_grad}"
        )
    if size is not None:
        shape = int_tuple((size,), "set_", "size")
        steps = _steps(shape, None) if stride is None else stride
        start = source.storage_offset() + storage_offset
        source = as_strided(source.detach(), shape, steps, start)
    _check(input)
    input._view = None
    _take_over(input, source)
    source._show_outside()
    input._show_outside()
    return input
