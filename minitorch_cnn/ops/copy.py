"""Copies: of the values, into another type, onto another device, into another memory layout."""

from __future__ import annotations

import numbers
from typing import Any

from .. import backend, dtypes
from ..autograd.function import Function
from ..backend.arrays import axes_as_in_memory, inverse_order
from ..dtypes import dtype
from ..tensor import Tensor, wrap

__all__ = [
    "clone", "channels_last", "channels_last_3d", "contiguous_format", "memory_format",
    "preserve_format",
]  # fmt: skip


class memory_format:
    """How the elements of an image tensor lie in memory; its shape is (N, C, H, W) in any case.

    contiguous_format: row by row, channel after channel. channels_last: pixel by pixel, the
    channels of a pixel side by side; channels_last_3d: the same of volumes, (N, C, D, H, W).
    preserve_format: as the input does. A value of this class
    never raises; who takes one says which it can do.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(1, 3, 2, 2)
    >>> x.stride(), x.to(memory_format=mt.channels_last).stride()
    ((12, 4, 2, 1), (12, 1, 6, 3))
    """

    def __init__(self, name: str, ndim: int = 0) -> None:
        """ndim: how many dimensions a tensor must have, if it matters."""
        self.name, self.ndim = name, ndim

    def __repr__(self) -> str:
        return f"minitorch_cnn.{self.name}"


contiguous_format = memory_format("contiguous_format")
channels_last = memory_format("channels_last", 4)
channels_last_3d = memory_format("channels_last_3d", 5)
preserve_format = memory_format("preserve_format")


def in_format(array: Any, layout: memory_format | None) -> Any:
    """The array in that layout: itself if it lies so already, a copy otherwise."""
    xp = backend.array_module(array)
    if layout is None or layout is preserve_format:
        return array
    if layout is contiguous_format:
        return xp.ascontiguousarray(array).reshape(array.shape)
    if array.ndim != layout.ndim:
        raise RuntimeError(
            f"required rank {layout.ndim} tensor to use {layout.name} format, got {array.ndim}"
        )
    return xp.moveaxis(xp.ascontiguousarray(xp.moveaxis(array, 1, -1)), -1, 1)


def _copied(array: Any, kind: Any) -> Any:
    """A copy in that dtype, its axes in the same order (NumPy puts expanded ones innermost)."""
    if 0 not in array.strides:
        return array.astype(kind)
    order = axes_as_in_memory(array)
    copy = array.transpose(order).astype(kind, order="C").transpose(inverse_order(order))
    axes = zip(array.shape, array.strides, copy.strides, strict=True)
    # The step of an axis of length 1 stays 0: by it `interpolate` tells x[None] from a batch.
    steps = [0 if n == 1 and old == 0 else new for n, old, new in axes]
    return backend.array_module(copy).lib.stride_tricks.as_strided(copy, copy.shape, steps)


class Clone(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, layout: memory_format | None) -> Tensor:
        return wrap(in_format(_copied(x.array, x.array.dtype), layout))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return gy, None


class Contiguous(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, layout: memory_format | None) -> Tensor:
        return wrap(in_format(x.array, layout))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return gy, None


class ToType(Function):
    """y = x in another dtype; the gradient goes back in x's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kind: dtype) -> Tensor:
        ctx.kind = x.dtype
        return wrap(_copied(x.array, kind.numpy))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return gy.to(ctx.kind), None


class ToDevice(Function):
    """y = x on another device; the gradient goes back to x's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, where: backend.device, non_blocking: bool) -> Tensor:
        ctx.where = x.device
        return wrap(backend.to_device(x.array, where, non_blocking))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return gy.to(ctx.where), None, None


def clone(input: Tensor, *, memory_format: memory_format = preserve_format) -> Tensor:
    """A copy of the values in new memory, of the same shape and dtype.

    Gradients pass through to the original. memory_format: how the copy lies in memory. Raises
    RuntimeError for channels_last if the input is not (N, C, H, W).

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(2)
    >>> y = x.clone()
    >>> y += 1
    >>> x
    tensor([0., 0.])
    """
    return Clone.apply(input, memory_format)


def contiguous(input: Tensor, memory_format: memory_format = contiguous_format) -> Tensor:
    """`input` itself if its memory has that layout already, else a copy that has it; any shape.

    The values are the same, only their order in memory changes. Raises RuntimeError for
    channels_last if the input is not (N, C, H, W).

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(2, 3).t()
    >>> x.stride(), x.contiguous().stride()
    ((1, 3), (2, 1))
    """
    if input.is_contiguous(memory_format):
        return input
    return Contiguous.apply(input, memory_format)


def to(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor with another dtype, on another device, or like another tensor; any shape.

    ``x.to(mt.float64)``, ``x.to("cuda")``, ``x.to(device, dtype)``, ``x.to(other)``; keywords
    dtype, device, non_blocking, copy, memory_format. Returns x itself where nothing changes.
    non_blocking: a tensor in pinned memory travels to a GPU while that computes.
    Raises TypeError for a dtype that does not exist, RuntimeError for a device that does not.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1, 2]).to(mt.float32)
    tensor([1., 2.])
    >>> mt.tensor([1.9, -1.9]).to(mt.int64)
    tensor([ 1, -1])
    """
    kind, where, copy, layout = parse_to(*args, **kwargs)
    y = input
    if where is not None and not _is_there(input, where):
        flags = [arg for arg in args if isinstance(arg, bool)]  # non_blocking, copy
        non_blocking = kwargs.get("non_blocking", flags[:1] == [True])
        y = ToDevice.apply(y, where, non_blocking)
    if kind is not None and kind is not y.dtype:
        y = ToType.apply(y, kind)
    if layout is not None and layout is not preserve_format:
        y = contiguous(y, layout)
    return clone(y) if copy and y is input else y


def parse_to(
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: memory_format | None = None,
) -> tuple[dtype | None, backend.device | None, bool, memory_format | None]:
    """What the arguments of `to` mean: (dtype, device, copy, memory_format), None for no change.

    By position: device, dtype, or one of the two alone, or a tensor for both; then non_blocking and
    copy, which are bools. Raises TypeError for anything else.
    """
    first, *rest = args or (None,)
    if isinstance(first, Tensor):
        dtype, device = first.dtype, first.device
    elif first is not None and not _names_device(first):
        dtype = first
    else:
        device = device if first is None else first
        if rest and (second := rest.pop(0)) is not None:
            dtype = second
    if len(rest) > 2 or not all(isinstance(arg, bool) for arg in rest) or isinstance(dtype, bool):
        given = ", ".join(type(arg).__name__ for arg in args)
        raise TypeError(
            f"to() received an invalid combination of arguments - got ({given}), but expected "
            "(device, dtype, non_blocking, copy), (dtype, non_blocking, copy) or (tensor, "
            "non_blocking, copy)"
        )
    copy = copy or rest[1:] == [True]
    kind = None if dtype is None else dtypes.as_dtype(dtype)
    where = None if device is None else backend.device(device)
    return kind, where, copy, memory_format


def _names_device(value: Any) -> bool:
    number = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return number or isinstance(value, str | backend.device)


def _is_there(tensor: Tensor, where: backend.device) -> bool:
    here = tensor.device
    return here.type == where.type and where.index in (None, here.index)


def cpu(input: Tensor) -> Tensor:
    """The tensor, of any shape, on the CPU; itself if it is there. Never raises.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(2)
    >>> x.cpu() is x
    True
    """
    return to(input, backend.CPU)


def cuda(
    input: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None
) -> Tensor:
    """The tensor, of any shape, on a GPU; device: which one, the current one by default.

    non_blocking and memory_format as for `to`. Raises RuntimeError where CuPy or a GPU is missing.

    >>> import minitorch_cnn as mt
    >>> x = mt.ones(2)
    >>> y = x.cuda() if mt.cuda.is_available() else x
    >>> y.sum().item()
    2.0
    """
    place = backend.device("cuda" if device is None else device)
    return to(input, place, non_blocking=non_blocking, memory_format=memory_format)


def pin_memory(input: Tensor) -> Tensor:
    """A copy, of the same shape, in host memory that the system may not move.

    From there ``to("cuda", non_blocking=True)`` is quicker, and goes on while the GPU computes.
    Raises RuntimeError where CuPy or a GPU is missing.

    >>> import minitorch_cnn as mt
    >>> x = mt.ones(2).pin_memory() if mt.cuda.is_available() else mt.ones(2)
    >>> x.is_pinned() == mt.cuda.is_available()
    True
    """
    return wrap(backend.pin(backend.to_numpy(input.array)))


def is_pinned(input: Tensor) -> bool:
    """True for a tensor, of any shape, from `pin_memory`; False without a GPU. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2).is_pinned()
    False
    """
    return backend.is_pinned(input.array)


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor, of any shape, in the dtype of `other`, on its device.

    Itself where nothing changes. Never raises for two tensors.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.5, -1.5]).type_as(mt.tensor([0]))
    tensor([ 1, -1])
    """
    return to(input, other)


# torch's old names of types, "torch.FloatTensor" for one, by which `type` tells what a tensor is.
TYPE_NAMES = {
    "FloatTensor": dtypes.float32,
    "DoubleTensor": dtypes.float64,
    "HalfTensor": dtypes.float16,
    "LongTensor": dtypes.int64,
    "IntTensor": dtypes.int32,
    "ShortTensor": dtypes.int16,
    "CharTensor": dtypes.int8,
    "ByteTensor": dtypes.uint8,
    "BoolTensor": dtypes.bool,
}


def named_type(name: str) -> tuple[dtype, str]:
    """The dtype and the device of such a name. Raises ValueError for one that does not exist.

    >>> named_type("torch.cuda.LongTensor")
    (minitorch_cnn.int64, 'cuda')
    """
    place, _, kind = name.rpartition(".")
    device = {"torch": "cpu", "torch.cuda": "cuda"}.get(place.replace("minitorch_cnn", "torch"))
    if device is None or kind not in TYPE_NAMES:
        raise ValueError(f"invalid type: {name!r}")
    return TYPE_NAMES[kind], device


def as_type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The tensor in another dtype; without one, torch's name of its type: "torch.FloatTensor".

    dtype: a dtype, such a name, or a class like mt.FloatTensor; the latter two say the device too.
    Raises ValueError for a name that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2).type(), mt.ones(2).type("torch.LongTensor")
    ('torch.FloatTensor', tensor([1, 1]))
    """
    if dtype is None:
        name = next(name for name, kind in TYPE_NAMES.items() if kind is input.dtype)
        return f"torch.{'cuda.' if input.is_cuda else ''}{name}"
    if isinstance(dtype, str):
        kind, place = named_type(dtype)
        return to(input, place, kind, non_blocking)
    if hasattr(dtype, "type_name"):  # mt.FloatTensor and its like
        return as_type(input, dtype.type_name, non_blocking)
    return to(input, dtypes.get_default_dtype() if dtype is Tensor else dtypes.as_dtype(dtype))


def _to_dtype(kind: dtype) -> Any:
    def convert(input: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
        return to(input, kind, memory_format=memory_format)

    convert.__doc__ = f"The tensor as {kind.name}; itself if it is so already."
    return convert


# The methods whose names are types: x.float(), x.long(), ... (bound by ops/methods.py).
CONVERSIONS = {
    "half": _to_dtype(dtypes.float16),
    "float": _to_dtype(dtypes.float32),
    "double": _to_dtype(dtypes.float64),
    "bool": _to_dtype(dtypes.bool),
    "byte": _to_dtype(dtypes.uint8),
    "char": _to_dtype(dtypes.int8),
    "short": _to_dtype(dtypes.int16),
    "int": _to_dtype(dtypes.int32),
    "long": _to_dtype(dtypes.int64),
    "type": as_type,
}
