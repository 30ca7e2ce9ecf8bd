"""deepcopy and pickle of tensors: tensors that share memory share it in the copy as well."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from .backend import array_module

if TYPE_CHECKING:
    from .tensor import Memory, Tensor


def deep_copy(tensor: Tensor, memo: dict, gradient: bool = True) -> Tensor:
    """What copy.deepcopy makes of a leaf, with its gradient if that is true."""
    from .tensor import wrap

    if not tensor.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user support the deepcopy protocol; "
            "use detach().clone()"
        )
    if id(tensor) in memo:
        return memo[id(tensor)]
    owner, offset = _owner(tensor.array)
    values = copy.deepcopy(owner, memo)
    if owner is not tensor.array:
        values = _view(values, offset, tensor.array.shape, tensor.array.strides)
    result = wrap(values, type(tensor))
    memo[id(tensor)] = result
    result._memory = copy.deepcopy(tensor._memory, memo)
    result._requires_grad = tensor._requires_grad
    if gradient:
        result._grad = copy.deepcopy(tensor._grad, memo)
    result.__dict__.update(copy.deepcopy(tensor.__dict__, memo))
    return result


def reduce(tensor: Tensor, whole: bool = True) -> tuple:
    """What pickle keeps: values, layout and attributes, but no gradient and no graph, as in torch.

    whole: of a part, all that it is a part of, so that two parts of one array remain so.
    """
    array = tensor.array
    owner, offset = _owner(array) if whole else (array, 0)
    layout = None if owner is array else (offset, array.shape, array.strides)
    kind, attributes = type(tensor), tensor.__dict__
    return _unpickle, (kind, owner, layout, tensor._memory, tensor._requires_grad, attributes)


def _unpickle(
    kind: type[Tensor],
    owner: Any,
    layout: tuple | None,
    memory: Memory,
    requires_grad: bool,
    attributes: dict,
) -> Tensor:
    from .tensor import wrap

    array = owner
    if layout is not None:
        offset, shape, strides = layout
        array = _view(owner, offset, shape, strides)
    tensor = wrap(array, kind)
    tensor._memory, tensor._requires_grad = memory, requires_grad
    tensor.__dict__.update(attributes)
    if not owner.flags.owndata:  # pickle's buffers may be somebody else's, who writes to them
        tensor._show_outside()
    return tensor


def _owner(array: Any) -> tuple[Any, int]:
    """The array that this one is a part of, and where in it, in bytes; or the array itself.

    Only an array of the same type that lies in memory without gaps counts as an owner. (What
    else may lie below, a file or a cached piece of memory, is nobody's to copy.)
    """
    owner = array
    while type(owner.base) is type(array) and owner.base.dtype == array.dtype:
        owner = owner.base
    if owner is array or not (owner.flags.c_contiguous or owner.flags.f_contiguous):
        return array, 0
    return owner, _address(array) - _address(owner)


def _view(owner: Any, offset: int, shape: tuple, strides: tuple) -> Any:
    """The part of an array without gaps that starts at `offset`, in bytes."""
    flat = (owner if owner.flags.c_contiguous else owner.T).reshape(-1)
    if isinstance(owner, np.ndarray):
        return np.ndarray(shape, owner.dtype, flat, offset, strides)
    rest = flat[offset // owner.dtype.itemsize :]
    return array_module(owner).lib.stride_tricks.as_strided(rest, shape, strides)


def _address(array: Any) -> int:
    return array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr
