"""torch's old names for new tensors of one dtype: ``mt.LongTensor([1, 2])``, FloatTensor(3, 4)."""

from __future__ import annotations

import math
import warnings
from typing import Any

from ... import dtypes
from ...backend import check_old_device
from ...storage import TypedStorage, UntypedStorage, tensor_of
from ...tensor import Size, Tensor
from ..creation import arange, empty, tensor

__all__ = [
    "FloatTensor", "DoubleTensor", "HalfTensor", "LongTensor", "IntTensor", "ShortTensor",
    "CharTensor", "ByteTensor", "BoolTensor", "range",
]  # fmt: skip


class _TensorType(type):
    """Called, it makes a tensor of its dtype; a tensor of that dtype, on that device, is one."""

    dtype: dtypes.dtype
    type_name: str
    is_cuda: bool

    def __new__(mcs, name: str, bases: tuple, namespace: dict) -> Any:
        """One of these classes. Raises TypeError for a class made from it."""
        for base in bases:
            raise TypeError(f"type '{base.type_name}' is not an acceptable base type")
        return super().__new__(mcs, name, bases, namespace)

    def __call__(cls, *data: Any, device: Any = None) -> Any:
        where = "cuda" if cls.is_cuda else "cpu"
        check_old_device(device, where, any(isinstance(each, Tensor) for each in data))
        if not data or isinstance(data[0], (int, Size)):  # a size, not a value
            return empty(*data or (0,), dtype=cls.dtype, device=where)
        if len(data) != 1:
            raise TypeError(
                f"{cls.__name__}() received an invalid combination of arguments: it takes a "
                f"sequence of values or a size, got {data}"
            )
        if isinstance(data[0], TypedStorage | UntypedStorage):
            return tensor_of(data[0], cls.dtype)
        given = data[0]
        if not isinstance(given, Tensor):
            return tensor(given, dtype=cls.dtype, device=where)
        if not isinstance(given, cls):
            raise TypeError(f"{cls.__name__}(): expected {cls.type_name}, got {given.type()}")
        return given.view_as(given)

    def __instancecheck__(cls, value: object) -> bool:
        return (
            isinstance(value, Tensor) and value.dtype is cls.dtype and value.is_cuda == cls.is_cuda
        )


def constructor(name: str, dtype: dtypes.dtype, is_cuda: bool = False) -> _TensorType:
    """The class of that name."""
    text = f"""A tensor of {dtype}: of the given values, or uninitialised of a size.

    {name}([1, 0]) holds two values; {name}(2, 3) is two rows of three, with whatever was in
    the memory; {name}(x) is a view of a tensor. Any shape. Raises TypeError for several arguments
    that are no size, and for a tensor of another dtype, RuntimeError for a device of another kind.
    A tensor of this dtype on the CPU is an instance of it, whoever made it.

    >>> import minitorch_cnn as mt
    >>> mt.{name}([1, 0]).dtype, mt.{name}(2, 3).shape
    ({dtype!r}, minitorch_cnn.Size([2, 3]))
    >>> isinstance(mt.zeros(2, dtype={dtype!r}), mt.{name})
    True
    """.replace("dtype=minitorch_cnn.", "dtype=mt.")
    if is_cuda:
        text = f"As mt.{name}, on the GPU. Raises RuntimeError where CuPy or a GPU is missing."
    full_name = f"torch.{'cuda.' if is_cuda else ''}{name}"
    namespace = {"dtype": dtype, "type_name": full_name, "is_cuda": is_cuda}
    return _TensorType(name, (), namespace | {"__doc__": text, "__module__": __name__})


FloatTensor = constructor("FloatTensor", dtypes.float32)
DoubleTensor = constructor("DoubleTensor", dtypes.float64)
HalfTensor = constructor("HalfTensor", dtypes.float16)
LongTensor = constructor("LongTensor", dtypes.int64)
IntTensor = constructor("IntTensor", dtypes.int32)
ShortTensor = constructor("ShortTensor", dtypes.int16)
CharTensor = constructor("CharTensor", dtypes.int8)
ByteTensor = constructor("ByteTensor", dtypes.uint8)
BoolTensor = constructor("BoolTensor", dtypes.bool)


def range(start: Any, end: Any, step: Any = 1, **options: Any) -> Tensor:
    """As `arange`, but with `end`, and in the default floating type: a vector (L,).

    Raises RuntimeError for steps that lead elsewhere. torch warns that it will be removed.

    >>> import minitorch_cnn as mt
    >>> mt.range(1, 3)
    tensor([1., 2., 3.])
    """
    warnings.warn(
        "torch.range is deprecated and will be removed: unlike Python's range it includes the end. "
        "Use torch.arange, which produces values in [start, end).",
        stacklevel=3,
    )
    if step == 0 or (end - start) * step < 0:
        raise RuntimeError(f"range: step {step} does not lead from {start} to {end}")
    count = math.floor((end - start) / step) + 1
    kind = options.pop("dtype", None) or dtypes.get_default_dtype()
    return (arange(count, dtype=dtypes.float64, **options) * step + start).to(kind)
