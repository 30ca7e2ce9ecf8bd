"""torch's old names for new tensors of one dtype: ``mt.LongTensor([1, 2])``, FloatTensor(3, 4)."""

from __future__ import annotations

from typing import Any

from ... import dtypes
from ...tensor import Size, Tensor
from ..creation import empty, tensor

__all__ = [
    "FloatTensor", "DoubleTensor", "HalfTensor", "LongTensor", "IntTensor", "ShortTensor",
    "CharTensor", "ByteTensor", "BoolTensor",
]  # fmt: skip


class _TensorType(type):
    """Called, it makes a tensor of its dtype; a tensor of that dtype on the CPU is an instance."""

    dtype: dtypes.dtype

    def __call__(cls, *data: Any) -> Any:
        if not data or isinstance(data[0], (int, Size)):  # a size, not a value
            return empty(*data or (0,), dtype=cls.dtype)
        if len(data) != 1:
            raise TypeError(f"{cls.__name__}() takes a sequence of values or a size, got {data}")
        values = data[0]
        return tensor(values.detach() if isinstance(values, Tensor) else values, dtype=cls.dtype)

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, Tensor) and value.dtype is cls.dtype and not value.is_cuda


def _constructor(name: str, dtype: dtypes.dtype) -> _TensorType:
    text = f"""A tensor of {dtype}: of the given values, or uninitialised of a size.

    {name}([1, 0]) holds two values; {name}(2, 3) is two rows of three, with whatever was in
    the memory. Any shape. Raises TypeError for several arguments that are no size. A tensor of
    this dtype on the CPU is an instance of it, whoever made it.

    >>> import minitorch_cnn as mt
    >>> mt.{name}([1, 0]).dtype, mt.{name}(2, 3).shape
    ({dtype!r}, minitorch_cnn.Size([2, 3]))
    >>> isinstance(mt.zeros(2, dtype={dtype!r}), mt.{name})
    True
    """.replace("dtype=minitorch_cnn.", "dtype=mt.")
    return _TensorType(name, (), {"__doc__": text, "dtype": dtype, "__module__": __name__})


FloatTensor = _constructor("FloatTensor", dtypes.float32)
DoubleTensor = _constructor("DoubleTensor", dtypes.float64)
HalfTensor = _constructor("HalfTensor", dtypes.float16)
LongTensor = _constructor("LongTensor", dtypes.int64)
IntTensor = _constructor("IntTensor", dtypes.int32)
ShortTensor = _constructor("ShortTensor", dtypes.int16)
CharTensor = _constructor("CharTensor", dtypes.int8)
ByteTensor = _constructor("ByteTensor", dtypes.uint8)
BoolTensor = _constructor("BoolTensor", dtypes.bool)
