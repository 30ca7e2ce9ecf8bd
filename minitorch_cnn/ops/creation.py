"""New tensors: from data, filled with a value, in steps; and the triangles of a matrix."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .. import backend, dtypes
from ..autograd.modes import state
from ..backend import array_module
from ..dtypes import as_dtype, number_dtype
from ..storage import TypedStorage, UntypedStorage, tensor_of
from ..tensor import Tensor, shape_text, wrap
from .arguments import as_number
from .common import fitting
from .copy import in_format
from .deterministic import uninitialized
from .nested import array_from_nested
from .shape import int_tuple

__all__ = [
    "tensor", "as_tensor", "asarray", "from_numpy", "from_dlpack", "zeros", "ones", "empty",
    "full", "scalar_tensor", "empty_like", "full_like", "zeros_like", "ones_like", "arange",
    "linspace", "logspace", "eye",
]  # fmt: skip


def finish(array: Any, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The new tensor for an array: moved to its device (None: the default one)."""
    result = wrap(backend.to_device(array, device))
    result._inference = state.inference
    if requires_grad and not result.dtype.is_floating_point:
        raise RuntimeError(
            "Only Tensors of floating point and complex dtype can require gradients, got "
            f"{result.dtype}"
        )
    return result.requires_grad_() if requires_grad else result


def _dtype_or_default(dtype: Any) -> np.dtype:
    return (dtypes.get_default_dtype() if dtype is None else as_dtype(dtype)).numpy


# ------------------------------------------------------------------------------- from data


def _array_from(data: Any, dtype: Any, copy: bool) -> Any:
    """A bare array of what the user gave, in that dtype or the one that the data suggests."""
    if isinstance(data, Tensor):
        data = data.array
    wanted = None if dtype is None else as_dtype(dtype).numpy
    if backend.is_array(data):
        kind = as_dtype(data.dtype).numpy if wanted is None else wanted
        return data.astype(kind, order="C") if copy or data.dtype != kind else data
    if hasattr(data, "__array__") and not isinstance(data, np.generic):  # another library's
        array = np.asarray(data)
        return array.astype(as_dtype(array.dtype).numpy if wanted is None else wanted)
    return array_from_nested(data, wanted)


def _tensor_of_storage(data: TypedStorage | UntypedStorage, dtype: Any, device: Any) -> Tensor:
    """A vector in the memory of a storage, of bytes as int64: both as torch has it."""
    kind = data.dtype if isinstance(data, TypedStorage) else dtypes.int64
    return tensor_of(data, kind if dtype is None else as_dtype(dtype)).to(device)


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A new leaf tensor with a copy of the data: numbers, nested lists, arrays, tensors.

    A number gives a 0-d tensor, lists nested n deep give n dimensions. A storage is not copied: a
    vector shares its memory. Without a dtype: Python floats become the default type (float32), ints
    int64, bools bool; arrays and tensors keep theirs; of a mixture, the type to which all convert.
    Raises RuntimeError or TypeError for other things, ValueError for ragged lists and for ints
    beyond int64. Warns of a tensor, as torch does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> mt.tensor(0.5).dtype
    minitorch_cnn.float32
    """
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use x.detach().clone() or "
            "x.detach().clone().requires_grad_(True), rather than tensor(x).",
            stacklevel=3,
        )
    return _copied(data, dtype, device, requires_grad)


def _copied(data: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    if isinstance(data, TypedStorage | UntypedStorage):
        return _tensor_of_storage(data, dtype, device).requires_grad_(requires_grad)
    if device is None and isinstance(data, Tensor):
        device = data.device
    return finish(_array_from(data, dtype, copy=True), device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """As `tensor`, but sharing memory (and history) where nothing must be converted; any shape.

    Raises as `tensor` does.

    >>> import minitorch_cnn as mt, numpy as np
    >>> a = np.zeros(2)
    >>> t = mt.as_tensor(a)
    >>> a[0] = 3
    >>> t
    tensor([3., 0.], dtype=minitorch_cnn.float64)
    """
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    if isinstance(data, TypedStorage | UntypedStorage):
        return _tensor_of_storage(data, dtype, device)
    result = finish(_array_from(data, dtype, copy=False), device)
    result._show_outside()
    return result


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: Any = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """As `as_tensor`, for data of any shape; copy=True always copies, as `tensor` does.

    copy=False never copies an array. requires_grad: the result requires a gradient; None: as obj
    does, and with what obj was computed from; False: it has no history.
    A buffer of bytes (memoryview, bytes, bytearray) is taken for a vector of that dtype, a capsule
    of DLPack's as `from_dlpack` takes it. Raises ValueError if copy=False but the dtype, the device
    or a list need a copy, RuntimeError then for a number, and else as `tensor` does.

    >>> import minitorch_cnn as mt, numpy as np
    >>> a = np.zeros(2)
    >>> shared, copied = mt.asarray(a), mt.asarray(a, copy=True)
    >>> a[0] = 3
    >>> shared[0].item(), copied[0].item()
    (3.0, 0.0)
    """
    if type(obj).__name__ == "PyCapsule":
        obj = from_dlpack(obj)
    elif isinstance(obj, bytes | bytearray | memoryview):
        kind = dtypes.get_default_dtype() if dtype is None else as_dtype(dtype)
        obj = wrap(np.frombuffer(obj, kind.numpy))
    if copy is False:
        _check_alias(obj, dtype)
    if copy:
        return tensor(obj, dtype=dtype, device=device, requires_grad=bool(requires_grad))
    result = as_tensor(obj, dtype, device)
    if copy is False and result.device != (
        obj.device if isinstance(obj, Tensor) else result.device
    ):
        raise ValueError(f"can't alias tensor from device '{obj.device}' to '{result.device}'.")
    if requires_grad is None:
        return result
    return result.requires_grad_() if requires_grad else result.detach()


def _check_alias(obj: Any, dtype: Any) -> None:
    """Raises unless a tensor of that dtype can share the memory of obj."""
    if isinstance(obj, np.generic):
        raise RuntimeError("can't alias NumPy scalars. Leave copy=None, or take an array")
    if not isinstance(obj, Tensor) and not backend.is_array(obj):
        raise ValueError("can't alias arbitrary sequence into a tensor. Leave copy=None")
    if dtype is not None and as_dtype(obj.dtype) is not as_dtype(dtype):
        raise ValueError(
            f"can't alias tensor with dtype '{as_dtype(obj.dtype)}' into dtype '{as_dtype(dtype)}'."
        )


class _Capsule:
    """A capsule of DLPack's, from which NumPy takes an array by these two methods."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # in the computer's memory


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor of the same shape that shares the NumPy array's memory, on the CPU.

    A change of one is a change of the other. Raises TypeError for anything but an array, and for
    an array of a type that tensors do not have (complex numbers, text); warns if it is read-only.

    >>> import minitorch_cnn as mt, numpy as np
    >>> a = np.zeros(2)
    >>> t = mt.from_numpy(a)
    >>> t += 1
    >>> a.tolist()
    [1.0, 1.0]
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    as_dtype(ndarray.dtype)  # raises TypeError for types that tensors do not have
    if not ndarray.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and the tensor shares its non-writable memory: "
            "writing to it is an error. Copy the array (array.copy()) to write to the tensor",
            stacklevel=3,
        )
    result = wrap(ndarray.view())  # the array itself can be given another shape
    result._show_outside(2)
    return result


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor of the same shape that shares the memory of another library's array.

    The two meet by the DLPack protocol; a bare capsule must come from the CPU. Raises TypeError for
    an object without ``__dlpack__``, and for types that tensors do not have.

    >>> import minitorch_cnn as mt, numpy as np
    >>> mt.from_dlpack(np.arange(3))
    tensor([0, 1, 2])
    """
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
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
    """Zeros of that shape: zeros(N, C) or zeros((N, C)); zeros(()) is 0-d.

    Raises RuntimeError for a negative length, TypeError for a dtype that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, dtype=mt.int64)
    tensor([0, 0])
    """
    return full(
        int_tuple(size, "zeros", "size"),
        0,
        dtype=dtypes.get_default_dtype() if dtype is None else dtype,
        device=device,
        requires_grad=requires_grad,
    )


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of that shape: ones(N, C) or ones((N, C)); ones(()) is 0-d.

    Raises as `zeros` does.

    >>> import minitorch_cnn as mt
    >>> mt.ones(2)
    tensor([1., 1.])
    """
    return full(
        int_tuple(size, "ones", "size"),
        1,
        dtype=dtypes.get_default_dtype() if dtype is None else dtype,
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
    """A tensor of that shape, (N, C) for example, whose values are whatever the memory held.

    For memory that is written before it is read. Raises RuntimeError for a negative length, and
    for memory_format=mt.channels_last with other than 4 dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.empty(2, 3).shape
    minitorch_cnn.Size([2, 3])
    """
    shape = valid_shape(int_tuple(size, "empty", "size"))
    xp = backend.module_of(_device(device))
    array = uninitialized(xp.empty(shape, _dtype_or_default(dtype)))
    result = finish(array, device, requires_grad)
    return result if memory_format is None else result.contiguous(memory_format)


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of that shape, (N, C) for example, in which every element is fill_value.

    Without a dtype it is the number's: the default floating type, int64 or bool. Raises
    RuntimeError for a negative length, TypeError for a value that is no number.

    >>> import minitorch_cnn as mt
    >>> mt.full((2,), 0.5), mt.full((2,), 7)
    (tensor([0.5000, 0.5000]), tensor([7, 7]))
    """
    if not isinstance(size, tuple | list):
        raise TypeError(f"full(): argument 'size' must be tuple of ints, not {size!r:.60}")
    shape = valid_shape(int_tuple((size,), "full", "size"))
    value = as_number("full", "fill_value", fill_value)
    kind = number_dtype(value) if dtype is None else as_dtype(dtype)
    xp = backend.module_of(_device(device))
    return finish(xp.full(shape, fitting(value, kind), kind.numpy), device, requires_grad)


def _device(device: Any) -> backend.device:
    return backend.default_device() if device is None else backend.device(device)


def valid_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape. Raises RuntimeError for a negative length in it."""
    if any(length < 0 for length in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {shape_text(shape)}")
    if math.prod(filter(None, shape)) >= 2**60:  # NumPy counts its bytes in 63 bits
        what = "Stride" if 0 in shape else "Storage size"
        raise RuntimeError(f"{what} calculation overflowed with sizes={list(shape)}")
    return shape


def scalar_tensor(
    s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The 0-d tensor of a number, in the default floating type unless a dtype is given.

    Raises ValueError for what is no number.

    >>> import minitorch_cnn as mt
    >>> mt.scalar_tensor(3), mt.tensor(3)
    (tensor(3.), tensor(3))
    """
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
    """Uninitialised, with the same shape, dtype, device and memory layout as another tensor.

    Raises RuntimeError for memory_format=mt.channels_last unless the shape is (N, C, H, W).

    >>> import minitorch_cnn as mt
    >>> mt.empty_like(mt.zeros(2, 3, dtype=mt.int64)).dtype
    minitorch_cnn.int64
    """
    kind = input.dtype if dtype is None else as_dtype(dtype)
    like = input.array
    array = array_module(like).empty_like(like, dtype=kind.numpy)
    if 0 in like.strides:  # expanded axes, which NumPy puts innermost and torch does not
        order = backend.axes_as_in_memory(like)
        shape = [like.shape[axis] for axis in order]
        array = array_module(like).empty(shape, kind.numpy)
        array = array.transpose(backend.inverse_order(order))
    array = uninitialized(in_format(array, memory_format))
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
    """Every element fill_value, with the same shape, dtype, device and layout as another tensor.

    Raises as `empty_like` does.

    >>> import minitorch_cnn as mt
    >>> mt.full_like(mt.tensor([1, 2]), 7)
    tensor([7, 7])
    """
    result = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    result.array.fill(fitting(value, result.dtype))
    return result.requires_grad_() if requires_grad else result


def zeros_like(input: Tensor, **options: Any) -> Tensor:
    """Zeros with the same shape, dtype, device and memory layout as another tensor.

    Raises as `empty_like` does.

    >>> import minitorch_cnn as mt
    >>> mt.zeros_like(mt.tensor([1, 2]))
    tensor([0, 0])
    """
    return full_like(input, 0, **options)


def ones_like(input: Tensor, **options: Any) -> Tensor:
    """Ones with the same shape, dtype, device and memory layout as another tensor.

    Raises as `empty_like` does.

    >>> import minitorch_cnn as mt
    >>> mt.ones_like(mt.tensor([1, 2]), dtype=mt.float32)
    tensor([1., 1.])
    """
    return full_like(input, 1, **options)


# The methods x.new_zeros(...): as zeros(...), with x's dtype and device where none is given.


def new_tensor(
    input: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`tensor(data)` of any shape, with this tensor's dtype and device. Raises as `tensor` does.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(1, dtype=mt.float64).new_tensor([1, 2])
    tensor([1., 2.], dtype=minitorch_cnn.float64)
    """
    kind = input.dtype if dtype is None else dtype
    return _copied(data, kind, device or input.device, requires_grad)


def new_full(
    input: Tensor,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`full` of that size, (N, C) say, with this tensor's dtype and device. Raises as `full` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1]).new_full((2,), 7.9)
    tensor([7, 7])
    """
    return full(
        size,
        fill_value,
        dtype=input.dtype if dtype is None else dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


def new_zeros(input: Tensor, *size: Any, **options: Any) -> Tensor:
    """`zeros(size)` with this tensor's dtype and device: new_zeros(N, C) or new_zeros((N, C)).

    Raises as `zeros` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1]).new_zeros(2)
    tensor([0, 0])
    """
    return new_full(input, int_tuple(size, "new_zeros", "size"), 0, **options)


def new_ones(input: Tensor, *size: Any, **options: Any) -> Tensor:
    """`ones(size)` with this tensor's dtype and device: new_ones(N, C) or new_ones((N, C)).

    Raises as `zeros` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1]).new_ones(2)
    tensor([1, 1])
    """
    return new_full(input, int_tuple(size, "new_ones", "size"), 1, **options)


def new_empty(
    input: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`empty(size)` with this tensor's dtype and device: new_empty(N, C) or new_empty((N, C)).

    Raises as `empty` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1]).new_empty(2, 3).dtype
    minitorch_cnn.int64
    """
    return empty(
        *size,
        dtype=input.dtype if dtype is None else dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


# ------------------------------------------------------------------------------------ in steps


def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from start (0) to end, not included, `step` apart, as a vector (L,).

    int64 if all three are ints, else the default floating type. Raises RuntimeError for step 0,
    for infinite or too distant bounds, and where step leads away from end; TypeError without end.

    >>> import minitorch_cnn as mt
    >>> mt.arange(3), mt.arange(1, 2, 0.5)
    (tensor([0, 1, 2]), tensor([1.0000, 1.5000]))
    """
    if end is None:
        start, end = None, start  # arange(end)
    if end is None:
        raise TypeError("arange() missing 1 required positional argument: 'end'")
    start = 0 if start is None else start
    named = (("start", start), ("end", end), ("step", step))
    bounds = [as_number("arange", name, each) for name, each in named]
    start, end, step = bounds
    if dtype is None:
        whole = all(number_dtype(each).category < 2 for each in bounds)
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    dtype = as_dtype(dtype)
    if step == 0 or (dtype is dtypes.int64 and abs(step) < 1):
        raise RuntimeError(f"arange: step must be nonzero, got {step}")
    if not all(math.isfinite(each) for each in bounds):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end} in steps of {step}")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: arange({start}, {end}, "
            f"{step})"
        )
    if dtype is dtypes.int64:
        start, end, step = (int(each) for each in bounds)
    (count,) = valid_shape((math.ceil((end - start) / step),))
    if dtype.category == 1:  # of the narrower ones the count is that of the bounds as given
        start, step = int(start), int(step)
    steps = np.arange(count) * step + start  # in float64, so that the error does not add up
    return finish(steps.astype(dtype.numpy), device, requires_grad)


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers at equal distances from start to end, both included: a vector (steps,).

    In the default floating type without a dtype. Raises RuntimeError for negative steps.

    >>> import minitorch_cnn as mt
    >>> mt.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    low, high = _bounds("linspace", start, end)
    values = even_steps(low, high, steps, _dtype_or_default(dtype))
    return finish(values, device, requires_grad)


def _bounds(name: str, start: Any, end: Any) -> list[float]:
    """Both as numbers; the gradient of a tensor that has one ends here."""
    bounds = {"start": start, "end": end}.items()
    return [
        float(as_number(name, key, each.detach() if isinstance(each, Tensor) else each))
        for key, each in bounds
    ]


def even_steps(low: float, high: float, steps: int, dtype: Any) -> np.ndarray:
    """`linspace` as an array, rounded as torch rounds it: from each end to the middle.

    A step is a number of the dtype, and a multiple of it is added without rounding in between.

    >>> even_steps(-1.0, 1.0, 5, np.dtype("float32"))
    array([-1. , -0.5,  0. ,  0.5,  1. ], dtype=float32)
    """
    if steps < 2 or dtype not in (np.float32, np.float64):
        return np.linspace(low, high, steps).astype(dtype)
    wide = np.float64 if dtype == np.float32 else np.longdouble
    ends = np.array([low, high], dtype)
    step = ((ends[1] - ends[0]) / dtype.type(steps - 1)).astype(wide)
    index, (first, last) = np.arange(steps), ends.astype(wide)
    from_end = last - step * (steps - 1 - index)
    return np.where(index < steps // 2, first + step * index, from_end).astype(dtype)


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
    """`steps` numbers from base**start to base**end, at equal ratios: a vector (steps,).

    In the default floating type without a dtype. Raises RuntimeError for negative steps.

    >>> import minitorch_cnn as mt
    >>> mt.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    low, high = _bounds("logspace", start, end)
    values = base ** np.linspace(low, high, steps)
    return finish(values.astype(_dtype_or_default(dtype)), device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The matrix (n, m), (n, n) without m, with ones on the diagonal and zeros elsewhere.

    In the default floating type without a dtype. Raises RuntimeError for negative lengths.

    >>> import minitorch_cnn as mt
    >>> mt.eye(2, 3)
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    for name, length in (("n", n), ("m", m)):
        if length is not None and length < 0:
            raise RuntimeError(f"eye: {name} must be greater or equal to 0, got {length}")
    return finish(np.eye(n, m, dtype=_dtype_or_default(dtype)), device, requires_grad)
