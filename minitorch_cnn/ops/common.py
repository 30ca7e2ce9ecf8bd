"""What every elementwise operation needs: common types, one device, and undoing a broadcast."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from .. import backend, dtypes
from ..autograd.function import Function
from ..dtypes import dtype, number_dtype, result_type
from ..tensor import Tensor, wrap


def is_number(value: Any) -> bool:
    """True for Python's and NumPy's real numbers and bools (not for tensors)."""
    return isinstance(value, numbers.Real | np.bool_)


def check_tensor(name: str, value: Any) -> None:
    """Raises TypeError unless the value is a Tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name}(): the first argument must be a Tensor, got {type(value).__name__}: "
            f"{value!r:.60}"
        )


def brief(value: Any) -> str:
    """A value for a message: the start of its repr.

    >>> brief([1, 2])
    '[1, 2]'
    """
    try:
        return f"{value!r:.60}"
    except RecursionError:
        return f"{type(value).__name__} of endless depth"


def as_operand(value: Any, like: Tensor) -> Any:
    """A tensor or a Python number from what a user wrote beside the tensor `like`."""
    if isinstance(value, Tensor):
        return value
    if is_number(value):
        return value.item() if isinstance(value, np.generic) else value
    if backend.is_array(value):
        return wrap(backend.to_device(value, like.device))
    raise TypeError(
        f"expected a tensor or a number, got {type(value).__name__}: {brief(value)}; "
        "make a tensor of it with mt.tensor(...)"
    )


def same_device(*operands: Any) -> None:
    """Raises RuntimeError, naming both, if tensors lie on two devices."""
    first = None
    for each in operands:
        if not isinstance(each, Tensor):
            continue
        on_cpu = type(each._deferred or each.arriving) is np.ndarray  # the usual case
        where = backend.CPU if on_cpu else each.device
        if first is None:
            first = where
        elif where is not first and where != first:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{first} and {where}! Move one of them with .to(...)"
            )


def alike(a: Any, b: Any) -> bool:
    """Whether both are tensors of one shape, dtype and device."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return False
    x, y = a._deferred or a.arriving, b._deferred or b.arriving
    return x.shape == y.shape and x.dtype == y.dtype and a.device == b.device


def operands(a: Any, b: Any, floating: bool = False, of_numbers: bool = False) -> tuple[Any, Any]:
    """Two operands made ready: tensors of one dtype on one device, or a tensor and a number.

    floating: the result must be of a floating type (division, for instance). of_numbers: two
    numbers will do, of which the first becomes a tensor.
    """
    if of_numbers and is_number(a) and is_number(b):
        a = wrap(np.array(a, number_dtype(a).numpy))
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        raise TypeError(f"expected at least one tensor, got {a!r:.60} and {b!r:.60}")
    a = as_operand(a, b if isinstance(b, Tensor) else a)
    b = as_operand(b, a if isinstance(a, Tensor) else b)
    if isinstance(a, Tensor) and isinstance(b, Tensor) and a.device != b.device:
        # As in torch, a 0-d tensor on the CPU may join one on a GPU; anything else is a mistake.
        if a.ndim == 0 and not a.is_cuda:
            a = a.to(b.device)
        elif b.ndim == 0 and not b.is_cuda:
            b = b.to(a.device)
        same_device(a, b)
    kind = result_type(a, b)
    if floating and not kind.is_floating_point:
        kind = dtypes.get_default_dtype()
    return cast(a, kind), cast(b, kind)


def cast(operand: Any, kind: dtype) -> Any:
    """The operand in that dtype; numbers take on the type of the tensor they meet."""
    if isinstance(operand, Tensor):
        return operand if operand.dtype is kind else operand.to(kind)
    if kind.is_floating_point:
        return float(operand)
    return operand if kind.category == 0 else wrapped(operand, kind)


def wrapped(value: int, kind: dtype) -> int:
    """The number modulo 2**bits, in the range of an integer type: -1 is 255 in uint8.

    Arithmetic takes numbers so; raises OverflowError for one of more than 64 bits.
    """
    limits = np.iinfo(kind.numpy)
    if limits.min <= value <= limits.max:
        return value
    if not -(2**63) <= value < 2**64:
        raise OverflowError(f"int too big to convert: {value} has more than 64 bits")
    value &= 2**limits.bits - 1
    return value - 2**limits.bits if value > limits.max else value


def fitting(value: Any, kind: dtype) -> Any:
    """A number as it is written into a tensor of that type: a fraction is cut off in integers.

    Raises RuntimeError for a number that the type does not hold. As in torch, unsigned types hold
    negative ones down to -max, wrapped, and inf is no overflow of a floating type.

    >>> fitting(2.7, dtypes.int8), fitting(-1, dtypes.uint8)
    (2, 255)
    """
    if kind.category == 0:
        return bool(value)
    if kind.is_floating_point:
        if abs(value) <= float(np.finfo(kind.numpy).max) or not math.isfinite(value):
            return float(value)
    elif math.isfinite(value):
        limits = np.iinfo(kind.numpy)
        low = limits.min or -limits.max
        if low <= value <= limits.max and (value >= 0 or limits.min or value == int(value)):
            return wrapped(int(value), kind)
    raise RuntimeError(f"value {value} cannot be converted to type {kind.name} without overflow")


def floating(x: Any) -> Tensor:
    """x, or for an integer or bool tensor x in the default floating type."""
    if not isinstance(x, Tensor):
        raise TypeError(f"expected a Tensor, got {type(x).__name__}: {x!r:.60}")
    return x if x.dtype.is_floating_point else x.to(dtypes.get_default_dtype())


def array_of(operand: Any) -> Any:
    """The bare array of a tensor; a number as it is."""
    return operand.array if isinstance(operand, Tensor) else operand


def with_number(operation: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """The operation on the arrays of two operands. A number meets float16 in single precision, as
    in torch: 70000 would be infinite in float16, and 1e-6 has two digits."""
    x, y = array_of(a), array_of(b)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return operation(x, y)
    array = x if isinstance(a, Tensor) else y
    if array.dtype != np.float16:
        return operation(x, y)
    single = array.astype(np.float32)
    pair = (single, y) if isinstance(a, Tensor) else (x, single)
    return operation(*pair).astype(np.float16)


def shape_of(operand: Any) -> tuple[int, ...]:
    """The shape of a tensor, () for a number."""
    return (operand._deferred or operand.arriving).shape if isinstance(operand, Tensor) else ()


def check_broadcast(a: Any, b: Any) -> None:
    """Raises RuntimeError with both shapes if they do not broadcast together."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return
    for back in range(1, min(a.ndim, b.ndim) + 1):
        m, n = a.array.shape[-back], b.array.shape[-back]
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at "
                f"non-singleton dimension {max(a.ndim, b.ndim) - back}: shapes {list(a.shape)} "
                f"and {list(b.shape)} do not broadcast"
            )


def sum_to(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Undoes a broadcast: adds g up over the dimensions along which `shape` was stretched.

    Broadcasting copies a value to many places; the gradients of all the copies add up.

    >>> import minitorch_cnn as mt
    >>> sum_to(mt.ones(2, 3), (3,))
    tensor([2., 2., 2.])
    """
    if (g._deferred or g.arriving).shape == tuple(shape):
        return g
    extra = g.ndim - len(shape)
    stretched = [i + extra for i, n in enumerate(shape) if n == 1 and g.array.shape[i + extra] != 1]
    g = g.sum(dim=(*range(extra), *stretched), keepdim=True)
    return g.reshape(shape) if extra else g


def public_names(namespace: dict[str, Any]) -> list[str]:
    """The names in a namespace that is made of imports, without its modules and private names."""
    return [
        name
        for name, value in namespace.items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]


NO_GRADIENT = "the derivative for {!r} is not implemented: detach it"


class WithoutGradient(Function):
    """A result through which no gradient is known: backward refuses, and does not go past it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, result: Any, why: str) -> Tensor:
        ctx.why = why
        return wrap(result)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        raise NotImplementedError(ctx.why)
