"""Element types, and the rule by which two of them combine.

The names are torch's. The rule is torch's too, and differs from NumPy's: types fall into three
categories, bool < integer < floating, and a *number* or a 0-d tensor only counts if its category
is higher than that of the tensors with dimensions. So ``float32 tensor * 2.5`` stays float32, and
``int64 tensor + float16 tensor`` is float16 (NumPy would say float64).
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

namespace = "minitorch_cnn"  # what stands before a name where a dtype or a Size is shown


class dtype:
    """The type of a tensor's elements.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2).dtype
    minitorch_cnn.float32
    >>> mt.float32.itemsize, mt.float32.is_floating_point
    (4, True)
    """

    __slots__ = ("category", "is_floating_point", "itemsize", "name", "numpy")

    category: builtins.int

    def __init__(self, name: str, numpy_name: str, category: builtins.int) -> None:
        self.name = name
        self.numpy = np.dtype(numpy_name)
        self.itemsize = self.numpy.itemsize
        self.category = category  # 0 bool, 1 integer, 2 floating
        self.is_floating_point = category == 2

    @property
    def is_complex(self) -> builtins.bool:
        return False

    @property
    def is_signed(self) -> builtins.bool:
        return self.numpy.kind in "if"

    def __repr__(self) -> str:
        return f"{namespace}.{self.name}"

    def __reduce__(self) -> tuple:
        return _of_code, (self.numpy.str,)


bool = dtype("bool", "bool", 0)
uint8 = dtype("uint8", "uint8", 1)
int8 = dtype("int8", "int8", 1)
int16 = short = dtype("int16", "int16", 1)
int32 = int = dtype("int32", "int32", 1)
int64 = long = dtype("int64", "int64", 1)
float16 = half = dtype("float16", "float16", 2)
float32 = float = dtype("float32", "float32", 2)
float64 = double = dtype("float64", "float64", 2)


class NamedType:
    """A type that torch has and tensors here have not: it can be named and compared, not used.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2).dtype == mt.bfloat16
    False
    >>> mt.zeros(2, dtype=mt.bfloat16)
    Traceback (most recent call last):
        ...
    NotImplementedError: bfloat16 is not supported: use float16 (mt.half)
    """

    def __init__(self, name: str, itemsize: builtins.int, instead: str) -> None:
        self.name, self.itemsize, self.instead = name, itemsize, instead
        self.is_floating_point = name == "bfloat16"
        self.is_complex = name.startswith("complex")
        self.is_signed = not name.startswith("uint")

    def __repr__(self) -> str:
        return f"{namespace}.{self.name}"

    def __reduce__(self) -> str:
        return self.name


_PAIRS = "make complex numbers of two tensors: mt.complex(real, imag)"
bfloat16 = NamedType("bfloat16", 2, "use float16 (mt.half)")
complex64 = cfloat = NamedType("complex64", 8, _PAIRS)
complex128 = cdouble = NamedType("complex128", 16, _PAIRS)
complex32 = chalf = NamedType("complex32", 4, _PAIRS)
uint16 = NamedType("uint16", 2, "use int32, which holds all its numbers")
uint32 = NamedType("uint32", 4, "use int64, which holds all its numbers")
uint64 = NamedType("uint64", 8, "use int64")

ALL_DTYPES = (bool, uint8, int8, int16, int32, int64, float16, float32, float64)
_BY_NUMPY = {each.numpy: each for each in ALL_DTYPES}
_NUMPY_TYPES = {type(each) for each in _BY_NUMPY}
_default_dtype = float32


def as_dtype(value: Any) -> dtype:
    """The `dtype` meant by an mt dtype, a NumPy dtype, or Python's bool, int or float.

    Raises TypeError for types that tensors do not have (text, objects, ...), NotImplementedError
    for those of torch (bfloat16, complex64, ...).

    >>> import numpy as np
    >>> as_dtype(np.float64), as_dtype(builtins.int)
    (minitorch_cnn.float64, minitorch_cnn.int64)
    """
    if isinstance(value, dtype):
        return value
    if type(value) in _NUMPY_TYPES and value in _BY_NUMPY:  # the usual case, and a frequent one
        return _BY_NUMPY[value]
    if value is builtins.float:  # as in torch, whatever the default
        return float64
    if isinstance(value, NamedType):
        raise NotImplementedError(f"{value.name} is not supported: {value.instead}")
    if not isinstance(value, type | np.dtype):  # NumPy would take an array for its dtype, too
        raise TypeError(f"not a dtype: {value!r:.60}")
    numpy_dtype = np.dtype(value).newbyteorder("=")
    found = _BY_NUMPY.get(numpy_dtype)
    if found is None:
        names = ", ".join(each.name for each in ALL_DTYPES)
        raise TypeError(f"tensors of NumPy type {numpy_dtype} are not supported; there are {names}")
    return found


def _of_code(code: str) -> dtype:
    """What a pickled dtype is made of again: NumPy's code for it."""
    return as_dtype(np.dtype(code))


def get_default_dtype() -> dtype:
    """The floating type of new tensors made from Python floats: float32 unless it was changed."""
    return _default_dtype


def set_default_dtype(d: dtype) -> None:
    """Makes `d` (a floating dtype) the type of new tensors made from Python floats."""
    global _default_dtype
    new = as_dtype(d)
    if not new.is_floating_point:
        raise TypeError(f"only floating-point types can be the default type, got {new}")
    _default_dtype = new


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type to which both convert: the higher category wins, whatever its size.

    >>> promote_types(int64, float16)
    minitorch_cnn.float16
    >>> promote_types(uint8, int8)
    minitorch_cnn.int16
    """
    if type1 is type2:
        return type1
    type1, type2 = as_dtype(type1), as_dtype(type2)
    if type1.category != type2.category:
        return type1 if type1.category > type2.category else type2
    return _BY_NUMPY[np.promote_types(type1.numpy, type2.numpy)]


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether a result of type `from_` may be written into a tensor of type `to`.

    It may not become of a lower category: floating to integer, or integer to bool.

    >>> can_cast(float64, float16), can_cast(float32, int64)
    (True, False)
    """
    return from_.category <= to.category


def number_dtype(value: builtins.float) -> dtype:
    """The type that a Python number counts as: bool, int64 or the default floating type."""
    if isinstance(value, builtins.bool | np.bool_):
        return bool
    return int64 if isinstance(value, builtins.int | np.integer) else _default_dtype


def result_type(*operands: Any) -> dtype:
    """The type of an elementwise result of tensors and numbers (torch.result_type's rule).

    >>> import minitorch_cnn as mt
    >>> mt.result_type(mt.tensor([1, 2]), 1.5)
    minitorch_cnn.float32
    """
    # One type for each rank of operand: tensors with dimensions, 0-d tensors, Python numbers.
    ranks: list[dtype | None] = [None, None, None]
    for operand in operands:
        if hasattr(operand, "ndim"):
            rank, kind = (0 if operand.ndim else 1), as_dtype(operand.dtype)
        else:
            rank, kind = 2, number_dtype(operand)
        current = ranks[rank]
        ranks[rank] = kind if current is None else promote_types(current, kind)

    result = None
    for kind_or_none in ranks:
        if kind_or_none is None:
            continue
        if result is None or kind_or_none.category > result.category:
            result = kind_or_none
    if result is None:
        raise TypeError("result_type needs at least one tensor or number")
    return result


class finfo:
    """Limits of a floating dtype: bits, eps, max, min, tiny, resolution (as torch.finfo).

    >>> import minitorch_cnn as mt
    >>> print(mt.finfo(mt.float32))  # doctest: +NORMALIZE_WHITESPACE
    finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07,
    smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)
    """

    def __init__(self, type: dtype | None = None) -> None:
        kind = as_dtype(type or _default_dtype)
        if not kind.is_floating_point:
            raise TypeError(f"finfo needs a floating-point dtype, got {kind}; use iinfo")
        limits = np.finfo(kind.numpy)
        self.dtype, self.bits = kind.name, limits.bits
        self.eps, self.tiny = builtins.float(limits.eps), builtins.float(limits.tiny)
        self.smallest_normal = self.tiny
        self.max, self.min = builtins.float(limits.max), builtins.float(limits.min)
        self.resolution = builtins.float(limits.resolution)

    def __repr__(self) -> str:
        names = "resolution", "min", "max", "eps", "smallest_normal", "tiny"
        limits = ", ".join(f"{name}={getattr(self, name):g}" for name in names)
        return f"finfo({limits}, dtype={self.dtype})"


class iinfo:
    """Limits of an integer dtype: bits, max, min (as torch.iinfo).

    >>> import minitorch_cnn as mt
    >>> mt.iinfo(mt.int8)
    iinfo(min=-128, max=127, dtype=int8)
    """

    def __init__(self, type: dtype) -> None:
        kind = as_dtype(type)
        if kind.category != 1:
            raise TypeError(f"iinfo needs an integer dtype, got {kind}; use finfo")
        limits = np.iinfo(kind.numpy)
        self.dtype, self.bits = kind.name, limits.bits
        self.max, self.min = builtins.int(limits.max), builtins.int(limits.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
