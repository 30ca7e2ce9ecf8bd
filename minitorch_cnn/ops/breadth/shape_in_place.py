"""Methods that give a tensor itself another shape: resize_, unsqueeze_, squeeze_, t_, ..."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from ...autograd.modes import state
from ...backend import array_module
from ...tensor import Memory, Tensor, wrap
from ..inplace import alias_of, check_writable
from ..shape import int_tuple, squeeze, swapaxes, swapdims, t, transpose, unsqueeze
from .indexing_mutating import as_strided

__all__: list[str] = []


def _take_over(input: Tensor, new: Tensor) -> Tensor:
    """input, as what `new` is, which is a view of it or its successor. Returns input.

    Views that were taken before have no place in the new shape: writing through them, where
    gradients are recorded, is refused from here on. So is going back to values saved before.
    """
    outside = input._memory.outside
    input._bump_version()
    input._memory = Memory()  # by which old views and saved values are told apart
    input._memory.outside = outside
    input.array, input._aliases = new.array, None
    if new.requires_grad and state.grad_enabled:
        input._set_history(*new.edge())
    return input


def _check(name: str, input: Tensor) -> None:
    check_writable(input)
    if input._view is not None:
        raise NotImplementedError(
            f"{name}: the shape of a view cannot be changed in place; use what "
            f"x.{name.removesuffix('_')}(...) returns"
        )
    input.lay_out_by_rows()


def _in_place(name: str, function: Callable[..., Tensor], example: str) -> Callable[..., Tensor]:
    """The method of that name, which ends with an underscore."""

    def method(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        _check(name, input)
        return _take_over(input, function(alias_of(input), *args, **kwargs))

    method.__name__ = method.__qualname__ = name
    method.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    method.__doc__ = (
        f"`{function.__name__}`, of the tensor itself, of any shape. Returns it.\n\n"
        f"Raises as `{function.__name__}` does, RuntimeError for a leaf that requires a gradient,\n"
        "and NotImplementedError for a view.\n\n"
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


def resize_(input: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Gives the tensor that shape, (N, C) for example, and as many elements. Returns it.

    The first elements stay, in the order of memory; new ones are what the memory held. Raises
    RuntimeError for a tensor that requires a gradient, NotImplementedError for a view.

    >>> import minitorch_cnn as mt
    >>> mt.arange(6).resize_(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if input.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = int_tuple(sizes, "resize_", "sizes")
    if shape == input.shape:
        return input
    _check("resize_", input)
    flat = array_module(input.array).ascontiguousarray(input.array).reshape(-1)
    count = math.prod(shape)
    if count > flat.size:
        grown = array_module(flat).empty(count, flat.dtype)
        grown[: flat.size] = flat
        flat = grown
    return _take_over(input, wrap(flat[:count].reshape(shape)))


def resize_as_(input: Tensor, the_template: Tensor) -> Tensor:
    """`resize_` to the shape of another tensor, any shape. Raises as `resize_` does.

    >>> import minitorch_cnn as mt
    >>> mt.arange(4).resize_as_(mt.ones(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return resize_(input, the_template.shape)


def set_(input: Tensor, source: Tensor) -> Tensor:
    """Makes the tensor one with another's memory and shape, any shape. Returns it.

    Raises RuntimeError for a tensor that requires a gradient or has another dtype, and
    NotImplementedError for a view and for storages.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2).set_(mt.zeros(3))
    tensor([0., 0., 0.])
    """
    if input.requires_grad or source.dtype is not input.dtype:
        raise RuntimeError(
            f"set_: needs a {input.dtype} that requires no gradient, got {source.dtype} for "
            f"requires_grad={input.requires_grad}"
        )
    _check("set_", input)
    _take_over(input, source)
    source._show_outside()
    input._show_outside()
    return input
