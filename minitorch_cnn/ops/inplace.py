"""Writing into tensors in place, without ever getting a wrong gradient.

Three things make `x.mul_(y)` safe:

1. The result is computed by the ordinary, recorded operation and then written over x's memory;
   x takes over the result's history. Nothing else needs to know that it happened in place.
2. The write raises the version of that memory. A value that some backward needs and that was
   overwritten is found out there (autograd/function.py: SavedTensor), as in torch.
3. If x is a view, its base changed as well: the base gets the history "as before, but with this
   part replaced" (WriteIntoView), and all its views take their history from it again.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.custom import check_places, shares_places
from ..autograd.function import Function
from ..autograd.modes import state
from ..backend import array_module, axes_as_in_memory, inverse_order, scatter_add
from ..dtypes import float16
from ..tensor import Memory, Tensor, shape_text, view_of_array, view_of_tensor, wrap
from .arguments import as_number
from .common import array_of, as_operand, fitting, is_number, same_device, sum_to
from .indexing import AdvancedIndex, BasicIndex, save_index, saved_index, split_index
from .overlap import check_overlap


class WriteIntoView(Function):
    """y = x with the part that `steps` lead to replaced by value."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Any, steps: tuple) -> Tensor:
        ctx.steps = steps
        ctx.order = axes_as_in_memory(x.array)
        y = x.array.copy(order="K")
        view_of_array(y, steps)[...] = value.array
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        # Steps such as view(-1) lead into the memory of x. Of a gradient that lies otherwise, they
        # would only make a copy.
        gy = gy.permute(ctx.order).contiguous().permute(inverse_order(ctx.order))
        part = view_of_tensor(gy, ctx.steps)
        gx = WriteIntoView.apply(gy, part.new_zeros(part.shape), ctx.steps)
        return gx, part.clone(), None


class Replace(Function):
    """y = x, over which new was written: x has a gradient of zeros from now on"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, new: Tensor) -> Tensor:
        return wrap(x.array)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return gy.new_zeros(gy.shape), gy


class PutByIndex(Function):
    """y = x with y[index] = value, for an index of masks or integer tensors."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Any, index: Any) -> Tensor:
        save_index(ctx, index)
        ctx.value_shape = value.shape
        y = x.array.copy(order="K")
        y[index] = value.array
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        index = saved_index(ctx)
        part = AdvancedIndex.apply(gy, index)
        gx = PutByIndex.apply(gy, gy.new_zeros(()), index)
        return gx, sum_to(part, ctx.value_shape), None


def check_writable(tensor: Tensor) -> None:
    """Raises RuntimeError for a leaf that requires a gradient, or a view of one.

    And for a tensor made in inference mode, and for a view that cannot hand the change on.
    """
    tensor._before_write()
    if tensor._inference and not state.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. Make a "
            "normal tensor of it outside inference_mode with clone()."
        )
    if not state.grad_enabled:
        return
    base = tensor if tensor._view is None else tensor._view.base
    if base._memory is not tensor._memory:
        raise RuntimeError(
            "a view is being modified in place whose base was given another shape in place "
            "(by unsqueeze_, resize_, ...) after it was taken. Take the view anew."
        )
    if not (tensor.requires_grad or base.requires_grad):
        return
    if tensor._view is not None:
        tensor._view.check_in_touch()
    if base.is_leaf:
        what = "a leaf Variable" if base is tensor else "a view of a leaf Variable"
        raise RuntimeError(
            f"{what} that requires grad is being used in an in-place operation. Change it under "
            "mt.no_grad(), or use the operation without the underscore."
        )


def write(target: Tensor, new: Tensor, replaced: bool = False) -> Tensor:
    """Writes the values of `new` over those of target, which takes over new's history.

    replaced: new was not computed from target, whose own history gets gradients of zeros.
    """
    same_device(target, new)
    if new.array.shape != target.array.shape:
        raise RuntimeError(
            f"output with shape {shape_text(target.shape)} doesn't match the broadcast shape "
            f"{shape_text(new.shape)}"
        )
    if new.dtype.category > target.dtype.category:
        raise RuntimeError(
            f"result type {new.dtype} can't be cast to the desired output type {target.dtype}"
        )
    check_places(target)
    if target._view is not None and state.grad_enabled and new.requires_grad:
        target._view.check_in_touch()
    target._before_write()
    _unguarded(target.array)[...] = new.array
    target._bump_version()
    if state.grad_enabled and (new.requires_grad or target.requires_grad):
        new = new.to(target.dtype)
        gone = replaced or not new.requires_grad
        if gone and target._view is None and target.requires_grad:
            new = Replace.apply(alias_of(target), new)
        take_over_history(target, new)
    return target


def _unguarded(array: Any) -> Any:
    """The array without the guard that NumPy puts on expanded memory and all parts of it."""
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        array = array.view()
        try:
            array.flags.writeable = True
        except ValueError as error:
            raise ValueError("the tensor's memory is a read-only NumPy array") from error
    return array


def take_over_history(target: Tensor, new: Tensor) -> None:
    """Gives target, which was written to, the history of new, and its base what comes of that."""
    view = target._view
    if view is None:
        target._set_history(*new.edge())
        return
    base = view.base
    written = WriteIntoView.apply(alias_of(base), new, view.steps)
    if written.requires_grad:
        base._set_history(*written.edge())
    target._refresh_view()


def _become(target: Tensor, new: Tensor) -> Tensor:
    """`write` for a target that was put off: it has no memory yet, so it takes new's."""
    same = new.shape == target.shape and new.dtype is target.dtype and new.device == target.device
    if not same or (target.requires_grad and not new.requires_grad and state.grad_enabled):
        return write(target, new)
    target._memory, target._deferred = new._memory, new._deferred
    if new._deferred is None:
        target._set_array(new.array)
    if new._node is not None:
        target._set_history(new._node, new._output)
    return target


def alias_of(tensor: Tensor) -> Tensor:
    """The tensor as it is now: same memory, same history, a name of its own."""
    alias = wrap(tensor.array)
    alias._memory = tensor._memory
    if tensor.requires_grad:
        node, output = tensor.edge()
        if node is tensor:
            return tensor
        alias._set_history(node, output)
    return alias


def _fill_at(array: Any, dim: int, index: Tensor, value: Any) -> None:
    array[(slice(None),) * (dim % array.ndim) + (index.array,)] = array_of(value)


def _put_at(array: Any, indices: Any, values: Tensor, accumulate: bool = False) -> None:
    where = tuple(each.array for each in indices)
    if accumulate:
        scatter_add(array, where, values.array)
    else:
        array[where] = values.array


def _fill_masked(array: Any, mask: Tensor, value: Any) -> None:
    array[array_module(array).broadcast_to(mask.array, array.shape)] = array_of(value)


# What torch writes into expanded tensors: of the elements that share a place, the last one stays.
EXPANDED: dict[str, Callable[..., None]] = {
    "index_fill": _fill_at,
    "index_put": _put_at,
    "masked_fill": _fill_masked,
}


def _may_write_expanded(name: str, target: Tensor, *others: Any) -> bool:
    """Whether `target` is an expanded tensor that the operation writes into; torch warns then.

    Where a gradient would have to follow, it is not done: `check_places` refuses.
    """
    recorded = any(isinstance(each, Tensor) and each.requires_grad for each in (target, *others))
    if (recorded and state.grad_enabled) or not shares_places(target):
        return False
    warnings.warn(
        f"Use of {name}_ on expanded tensors is deprecated, x[index] = value among it: an element "
        "is written wherever its memory is seen. Please clone() the tensor before.",
        stacklevel=5,
    )
    return True


def make_inplace(operation: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The in-place form of an operation: ``add_ = make_inplace(add)``."""
    name = getattr(operation, "__name__", "operation")

    def inplace(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(input)
        if input._deferred is not None:
            return _become(input, operation(input, *args, **kwargs))
        before = input
        given = [*args, *kwargs.values()]
        if name == "index_put":
            given += kwargs.get("indices", args[0] if args else ())
        others = [each for each in given if isinstance(each, Tensor)]
        if others:
            check_overlap(input, others, name)
        if name in EXPANDED and _may_write_expanded(name, input, *others):
            operation(input, *args, **kwargs)  # raises what is to be raised
            EXPANDED[name](_unguarded(input.array), *args, **kwargs)
            input._bump_version()
            return input
        if state.grad_enabled and (input.requires_grad or any(t.requires_grad for t in others)):
            # Backward may need the values that are about to be overwritten: give it a copy.
            before = alias_of(input)
            before._set_array(input.array.copy(order="K"))
            before._memory = Memory()
        return write(input, operation(before, *args, **kwargs))

    inplace.__name__ = inplace.__qualname__ = name + "_"
    inplace.__doc__ = (
        f"`{name}`, written over the tensor itself, of any shape. Returns it.\n\n"
        f"Raises as `{name}` does, and RuntimeError for a leaf that requires a gradient, if the\n"
        "result has another shape or a higher kind of dtype, or if another operand shares part of\n"
        "the tensor's memory."
    )
    return inplace


def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Writes the values of src (broadcast, converted, moved) over this tensor. Returns it.

    src: a tensor that expands to the same shape, or a number. Raises RuntimeError for a leaf that
    requires a gradient, for shapes that do not fit and for a src that shares a part of this
    tensor's memory, TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 2).copy_(mt.tensor([1.0, 2.0]))
    tensor([[1., 2.],
            [1., 2.]])
    """
    check_writable(input)
    if not isinstance(src, Tensor):
        check_places(input)
        return fill_(input, as_number("copy_", "src", src))
    check_overlap(input, [src], "copy")
    source = src.to(input.device).to(input.dtype)
    if source.shape != input.shape:
        source = source.expand(input.shape)
    return write(input, source, replaced=True)


def _without_leading_ones(value: Any, ndim: int) -> Any:
    """The value without leading dimensions of length 1 beyond ndim: what is assigned may have them.

    >>> import minitorch_cnn as mt
    >>> _without_leading_ones(mt.zeros(1, 1, 2, 1), 2).shape
    minitorch_cnn.Size([2, 1])
    """
    extra = value.ndim - ndim
    if extra <= 0 or any(n != 1 for n in value.shape[:extra]):
        return value
    return value.reshape(value.shape[extra:])


def fill_(input: Tensor, value: Any) -> Tensor:
    """Sets every element, whatever the tensor's shape, to a number or a 0-d tensor. Returns it.

    Raises RuntimeError for a leaf that requires a gradient and for a larger value, TypeError for
    what is no number.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(3).fill_(7)
    tensor([7., 7., 7.])
    """
    check_writable(input)
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(f"fill_ needs a 0-d value, got shape {shape_text(value.shape)}")
        return copy_(input, value)
    if not is_number(value):
        raise TypeError(f"fill_ needs a number, got {type(value).__name__}: {value!r:.60}")
    value = fitting(value, input.dtype)
    if state.grad_enabled and input.requires_grad:
        return write(input, wrap(array_module(input.array).full_like(input.array, value)))
    _unguarded(input.array).fill(value)
    input._bump_version()
    return input


def zero_(input: Tensor) -> Tensor:
    """Sets every element, whatever the tensor's shape, to 0. Returns it. Raises as `fill_` does.

    >>> import minitorch_cnn as mt
    >>> mt.ones(3).zero_()
    tensor([0., 0., 0.])
    """
    return fill_(input, 0)


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``: a number or a tensor that broadcasts to the part.

    A part such as (N, C) takes values of shape (N, C), (C,) or (N, 1), converted to its dtype; only
    for masks and index tensors they must have it, as in torch. Raises RuntimeError for a leaf that
    requires a gradient and for a value that does not fit, and else as `getitem` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(2, 3)
    >>> x[:, 1] = mt.tensor([5.0, 6.0])
    >>> x[x == 0] = -1
    >>> x
    tensor([[-1.,  5., -1.],
            [-1.,  6., -1.]])
    """
    basic, advanced = split_index(input, index)
    part = BasicIndex.apply(input, basic) if basic else input
    source = as_operand(value, input)
    if is_number(source) and input.dtype is float16 and abs(source) >= 65520:
        source = math.copysign(math.inf, source)  # refused by fill_, but torch takes x[mask] = -1e9
    if not advanced:
        if isinstance(source, Tensor):
            source = _without_leading_ones(source, part.ndim)
        copy_(part, source)
        return
    check_writable(input)
    if not _may_write_expanded("index_put", input, source):
        check_places(input)
    check_overlap(part, [source], "index_put")
    if not isinstance(source, Tensor):
        source = input.new_tensor(fitting(source, input.dtype))
    elif isinstance(value, Tensor) and value.numel() > 1 and value.dtype is not input.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{input.dtype} for the destination and {value.dtype} for the source"
        )
    source = source.to(input.device).to(input.dtype)
    if source.ndim > 1 and source.shape[0] == 1:
        source = _without_leading_ones(source, part.array[advanced].ndim)
    try:
        if state.grad_enabled and (input.requires_grad or source.requires_grad):
            write(part, PutByIndex.apply(alias_of(part), source, advanced))
            return
        _unguarded(part.array)[advanced] = source.array
    except ValueError as error:
        raise RuntimeError(
            f"shape mismatch: a value of shape {shape_text(source.shape)} cannot be put into "
            f"the indexed part of a tensor of shape {shape_text(input.shape)} ({error})"
        ) from None
    input._bump_version()
