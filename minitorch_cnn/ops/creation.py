"""New tensors: from data, filled with a value, in steps; and the triangles of a matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import backend, dtypes
from ..backend import array_module
from ..dtypes import as_dtype, number_dtype
from ..tensor import Tensor, shape_text, wrap
from .copy import in_format
from .shape import int_tuple

__all__ = [
    "tensor", "as_tensor", "asarray", "from_numpy", "from_dlpack", "zeros", "ones", "empty",
    "full", "scalar_tensor", "empty_like", "full_like", "zeros_like", "ones_like", "arange",
    "linspace", "logspace", "eye",
]  # fmt: skip


def finish(array: Any, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The new tensor for an array: moved to its device (None: the default one)."""
    result = wrap(backend.to_device(array, device))
    return result.requires_grad_() if requires_grad else result


def _dtype_or_default(dtype: Any) -> np.dtype:
    return (dtypes.get_default_dtype() if dtype is None else as_dtype(dtype)).numpy


# ------------------------------------------------------------------------------- from data


def _first_leaf(data: Any) -> Any:
    """The first thing in nested lists that is no list."""
    while isinstance(data, list | tuple):
        if not data:
            return None
        data = data[0]
    return data


def _without_tensors(data: Any) -> Any:
    if isinstance(data, Tensor):
        return backend.to_numpy(data.array)
    return [_without_tensors(each) for each in data] if isinstance(data, list | tuple) else data


def _array_from(data: Any, dtype: Any, copy: bool) -> Any:
    """A bare array of what the user gave, in that dtype or the one that the data suggests."""
    if isinstance(data, Tensor):
        data = data.array
    wanted = None if dtype is None else as_dtype(dtype).numpy
    if backend.is_array(data):
        kind = as_dtype(data.dtype).numpy if wanted is None else wanted
        return data.astype(kind, order="C") if copy or data.dtype != kind else data
    leaf = _first_leaf(data)
    if isinstance(leaf, Tensor):
        data = _without_tensors(data)
    try:
        array = np.array(data)
    except OverflowError as error:
        raise RuntimeError(f"Overflow when unpacking long: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"cannot make a tensor of {type(leaf).__name__}: {data!r:.60}; numbers and bools are "
            "supported"
        )
    keeps_type = isinstance(leaf, np.ndarray | np.generic | Tensor)
    if wanted is None and array.dtype.kind == "f" and not keeps_type:
        wanted = dtypes.get_default_dtype().numpy
    if array.dtype == np.uint64 and wanted is None:
        raise RuntimeError(f"Overflow when unpacking long: {data!r:.60}")
    return array.astype(as_dtype(array.dtype).numpy if wanted is None else wanted, copy=False)


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A new leaf tensor with a copy of the data: numbers, nested lists, arrays, tensors.

    Without a dtype: Python floats become the default type (float32), ints int64, bools bool;
    arrays and tensors keep theirs. Raises TypeError for other things, ValueError for ragged
    lists.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> mt.tensor(0.5).dtype
    minitorch_cnn.float32
    """
    if device is None and isinstance(data, Tensor):
        device = data.device
    return finish(_array_from(data, dtype, copy=True), device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """As `tensor`, but sharing memory (and history) where nothing must be converted.

    >>> import minitorch_cnn as mt, numpy as np
    >>> a = np.zeros(2)
    >>> t = mt.as_tensor(a)
    >>> a[0] = 3
    >>> t
    tensor([3., 0.], dtype=minitorch_cnn.float64)
    """
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    result = finish(_array_from(data, dtype, copy=False), device)
    result._show_outside()
    return result


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """As `as_tensor`; copy=True always copies, requires_grad makes it a leaf that does."""
    if copy:
        return tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)
    result = as_tensor(obj, dtype, device)
    if copy is False and backend.is_array(obj) and result.array is not obj:
        raise ValueError("asarray: copy=False, but the dtype or device asked for needs a copy")
    return result.requires_grad_() if requires_grad else result


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares the NumPy array's memory, on the CPU."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    as_dtype(ndarray.dtype)  # raises TypeError for types that tensors do not have
    result = wrap(ndarray)
    result._show_outside()
    return result


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of another library's (through the DLPack protocol).

    >>> import minitorch_cnn as mt, numpy as np
    >>> mt.from_dlpack(np.arange(3))
    tensor([0, 1, 2])
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        raise TypeError(f"from_dlpack needs an object with __dlpack__, got {type(ext_tensor)}")
    on_cpu = ext_tensor.__dlpack_device__()[0] == 1
    xp = backend.module_of(backend.device("cpu" if on_cpu else "cuda"))
    array = xp.from_dlpack(ext_tensor)
    as_dtype(array.dtype)  # raises TypeError for types that tensors do not have
    result = wrap(array)
    result._show_outside()
    return result


# ------------------------------------------------------------------------- filled with a value


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of that shape: zeros(2, 3) or zeros((2, 3)).

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, dtype=mt.int64)
    tensor([0, 0])
    """
    return full(
        int_tuple(size),
        0,
        dtype=dtype or dtypes.get_default_dtype(),
        device=device,
        requires_grad=requires_grad,
    )


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of that shape: ones(2, 3) or ones((2, 3))."""
    return full(
        int_tuple(size),
        1,
        dtype=dtype or dtypes.get_default_dtype(),
        device=device,
        requires_grad=requires_grad,
    )


def empty(
    *size: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of that shape whose values are whatever the memory held."""
    shape = _valid_shape(int_tuple(size))
    xp = backend.module_of(_device(device))
    result = finish(xp.empty(shape, _dtype_or_default(dtype)), device, requires_grad)
    return result if memory_format is None else result.contiguous(memory_format)


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of that shape in which every element is fill_value.

    >>> import minitorch_cnn as mt
    >>> mt.full((2,), 0.5), mt.full((2,), 7)
    (tensor([0.5000, 0.5000]), tensor([7, 7]))
    """
    shape = _valid_shape(int_tuple((size,)))
    kind = number_dtype(fill_value) if dtype is None else as_dtype(dtype)
    xp = backend.module_of(_device(device))
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    return finish(xp.full(shape, value, kind.numpy), device, requires_grad)


def _device(device: Any) -> backend.device:
    return backend.default_device() if device is None else backend.device(device)


def _valid_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    if any(length < 0 for length in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {shape_text(shape)}")
    return shape


def scalar_tensor(
    s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The 0-d tensor of a number, in the default floating type unless a dtype is given."""
    kind = dtype or dtypes.get_default_dtype()
    return full((), s, dtype=kind, device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Uninitialised, with the shape, dtype, device and memory layout of another tensor."""
    kind = input.dtype if dtype is None else as_dtype(dtype)
    array = array_module(input.array).empty_like(input.array, dtype=kind.numpy)
    array = in_format(array, memory_format)
    return finish(array, input.device if device is None else device, requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Every element fill_value, with the shape, dtype, device and layout of another tensor."""
    result = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    result.array.fill(fill_value.item() if isinstance(fill_value, Tensor) else fill_value)
    return result.requires_grad_() if requires_grad else result


def zeros_like(input: Tensor, **options: Any) -> Tensor:
    """Zeros with the shape, dtype, device and memory layout of another tensor."""
    return full_like(input, 0, **options)


def ones_like(input: Tensor, **options: Any) -> Tensor:
    """Ones with the shape, dtype, device and memory layout of another tensor."""
    return full_like(input, 1, **options)


# The methods x.new_zeros(...): as zeros(...), with x's dtype and device where none is given.


def new_tensor(
    input: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`tensor(data)` with this tensor's dtype and device."""
    return tensor(
        data, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad
    )


def new_full(
    input: Tensor,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`full(size, fill_value)` with this tensor's dtype and device."""
    return full(
        size,
        fill_value,
        dtype=dtype or input.dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


def new_zeros(input: Tensor, *size: Any, **options: Any) -> Tensor:
    """`zeros(size)` with this tensor's dtype and device."""
    return new_full(input, int_tuple(size), 0, **options)


def new_ones(input: Tensor, *size: Any, **options: Any) -> Tensor:
    """`ones(size)` with this tensor's dtype and device."""
    return new_full(input, int_tuple(size), 1, **options)


def new_empty(
    input: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`empty(size)` with this tensor's dtype and device."""
    return empty(
        *size,
        dtype=dtype or input.dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


# ------------------------------------------------------------------------------------ in steps


def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from start (0) to end, not included, `step` apart: int64 if all three are ints.

    >>> import minitorch_cnn as mt
    >>> mt.arange(3), mt.arange(1, 2, 0.5)
    (tensor([0, 1, 2]), tensor([1.0000, 1.5000]))
    """
    if end is None:
        start, end = 0, start
    bounds = [each.item() if isinstance(each, Tensor) else each for each in (start, end, step)]
    start, end, step = bounds
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    if not all(math.isfinite(each) for each in bounds):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end} in steps of {step}")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: arange({start}, {end}, "
            f"{step})"
        )
    if dtype is None:
        whole = all(number_dtype(each).category < 2 for each in bounds)
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    count = math.ceil((end - start) / step)
    steps = np.arange(count) * step + start  # in float64, so that the error does not add up
    return finish(steps.astype(as_dtype(dtype).numpy), device, requires_grad)


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers at equal distances from start to end, both included.

    >>> import minitorch_cnn as mt
    >>> mt.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    values = np.linspace(float(start), float(end), steps)
    return finish(values.astype(_dtype_or_default(dtype)), device, requires_grad)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers from base**start to base**end, at equal ratios."""
    values = base ** np.linspace(float(start), float(end), steps)
    return finish(values.astype(_dtype_or_default(dtype)), device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The n x m matrix (n x n without m) with ones on the diagonal and zeros elsewhere."""
    return finish(np.eye(n, m, dtype=_dtype_or_default(dtype)), device, requires_grad)
