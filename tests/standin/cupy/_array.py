"""cupy.ndarray: a NumPy array behind CuPy's rules."""

import operator
import weakref

import numpy as np

from . import _rules

# Names of arguments that are arrays on the GPU: neither lists nor numbers.
ARRAY_ARGUMENTS = {"a", "x", "arr", "ary", "m", "array", "x1", "condition", "input"}
# Methods whose result the host must wait for.
FETCHING = {"get", "item", "tolist", "tobytes", "dump", "dumps", "tofile"}
WAITING = {"nonzero", "compress", "choose"}


class _Memory:
    """cupy.cuda.MemoryPointer: where an array begins."""

    def __init__(self, array):
        self.ptr = array.ctypes.data
        self.device_id = 0


class _Flags:
    def __init__(self, array):
        self.c_contiguous = array.flags.c_contiguous
        self.f_contiguous = array.flags.f_contiguous
        self.owndata = array.flags.owndata


class ndarray:
    """An array "on the GPU". NumPy cannot get at it but by `get`."""

    __slots__ = ("__weakref__", "_host")
    __array_priority__ = 100
    __hash__ = None

    def __new__(cls, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is not None or strides is not None:
            raise NotImplementedError("stand-in: ndarray(memptr=..., strides=...)")
        return wrapped(np.empty(shape, dtype, order))

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        # CuPy would take the call over; a call of NumPy's function is a mistake all the same.
        if any(isinstance(each, np.generic) for each in inputs) and method == "__call__":
            return call_ufunc(ufunc.__name__, inputs, kwargs)
        raise TypeError(f"Unsupported type: numpy.{ufunc.__name__} with a cupy.ndarray")

    # ---- attributes

    shape = property(lambda self: self._host.shape)

    @shape.setter
    def shape(self, value):
        self._host.shape = value

    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    strides = property(lambda self: self._host.strides)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    flags = property(lambda self: _Flags(self._host))
    data = property(lambda self: _Memory(self._host))
    T = property(lambda self: wrapped(self._host.T))
    real = property(lambda self: wrapped(self._host.real))

    @property
    def base(self):
        """The array whose memory this is a part of: the same object each time, as in CuPy."""
        host = self._host.base
        while host is not None and type(host) is not np.ndarray:
            host = getattr(host, "base", None)  # what as_strided puts in between
        return None if host is None else wrapped(host)

    @property
    def device(self):
        from .cuda import Device

        return Device(0)

    # ---- methods, by CuPy's names and arguments

    def __getattr__(self, name):
        full = f"cupy.ndarray.{name}"
        if name.startswith("__"):
            raise AttributeError(name)
        _rules.require(full)
        method = getattr(self._host, name)

        def call(*args, **kwargs):
            _rules.check_arguments(full, (self, *args), kwargs)
            _rules.refuse_host_arrays([*args, *kwargs.values()])
            if name in WAITING:
                _rules.count("syncs", full)
            return wrapped(method(*unwrapped(args), **unwrapped(kwargs)))

        return call

    def get(self, stream=None, order="C", out=None, blocking=True):
        _rules.count("d2h", "cupy.ndarray.get")
        _rules.count("syncs", "cupy.ndarray.get")
        return np.array(self._host, order=order)

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.shape != self.shape or arr.dtype != self.dtype:
            raise ValueError(f"Shape mismatch or dtype mismatch: {arr.shape} and {self.shape}")
        _rules.count("uploads" if stream else "h2d", "cupy.ndarray.set")
        self._host[...] = arr

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def tobytes(self, order="C"):
        return self.get().tobytes(order)

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __index__(self):
        return operator.index(self.get())

    def __repr__(self):
        return repr(self.get())

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return wrapped(self._host.copy())

    def __reduce__(self):
        return _asarray, (self.get(),)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        return self._host.__dlpack__()

    def __dlpack_device__(self):
        return self._host.__dlpack_device__()

    def __getitem__(self, slices):
        _check_index(slices)
        return wrapped(self._host[unwrapped(slices)])

    def __setitem__(self, slices, value):
        _check_index(slices, writing=True)
        if isinstance(value, np.ndarray):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._host[unwrapped(slices)] = unwrapped(value)


def _check_index(slices, writing=False):
    for each in slices if isinstance(slices, tuple) else (slices,):
        _rules.refuse_host_arrays(each)
        if isinstance(each, list):
            _rules.count("h2d", "a list as an index")
        if isinstance(each, ndarray) and each.dtype == bool and not writing:
            # How many elements are chosen decides the shape: the host has to wait for it.
            _rules.count("syncs", "x[mask]")


def _asarray(host):
    return wrapped(np.array(host))


_arrays = weakref.WeakValueDictionary()  # by the id of NumPy's array, which each keeps alive


def wrapped(result):
    """NumPy's result as CuPy gives it: scalars are arrays without axes."""
    if isinstance(result, np.ndarray | np.generic):
        host = np.asarray(result)
        array = _arrays.get(id(host))
        if array is None:
            array = _arrays[id(host)] = object.__new__(ndarray)
            array._host = host
        return array
    if isinstance(result, tuple):
        parts = [wrapped(each) for each in result]
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    return [wrapped(each) for each in result] if isinstance(result, list) else result


def unwrapped(value):
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, tuple | list):
        return type(value)(unwrapped(each) for each in value)
    return {k: unwrapped(v) for k, v in value.items()} if isinstance(value, dict) else value


def call_ufunc(name, args, kwargs):
    """An elementwise function: arrays and scalars only; a new result lies row by row."""
    full = f"cupy.{name}"
    _rules.require(full)
    _rules.check_arguments(full, args, kwargs)
    for each in args:
        if not isinstance(each, ndarray | int | float | complex | np.generic):
            raise TypeError(f"Unsupported type {type(each)}")
    _same_result_in_both_versions(name, args)
    host = unwrapped(kwargs)
    if not kwargs.get("casting"):
        host.pop("casting", None)
    with np.errstate(all="ignore"):
        result = getattr(np, name)(*unwrapped(args), **host)
    if kwargs.get("out") is not None or len(args) > getattr(np, name).nin:
        return kwargs.get("out") if kwargs.get("out") is not None else args[-1]
    if isinstance(result, tuple):
        return tuple(wrapped(np.ascontiguousarray(each)) for each in result)
    return wrapped(np.ascontiguousarray(result).reshape(np.shape(result)))


def _same_result_in_both_versions(name, args):
    """CuPy 13 lets a NumPy scalar take on the array's type, CuPy 14 does not (NEP 50)."""
    scalars = [each for each in args if isinstance(each, np.generic)]
    arrays = [each.dtype for each in args if isinstance(each, ndarray)]
    if scalars and arrays:
        kind = np.result_type(*arrays)
        for each in scalars:
            if np.result_type(kind, each.dtype) != kind and each.dtype.kind == kind.kind:
                raise TypeError(
                    f"cupy.{name} of {kind} and the NumPy scalar {each!r}: CuPy 13 gives {kind}, "
                    f"CuPy 14 {np.result_type(kind, each.dtype)}; use a Python number"
                )


_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
    "floordiv": "floor_divide", "mod": "remainder", "pow": "power", "and": "bitwise_and",
    "or": "bitwise_or", "xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift",
}  # fmt: skip
_COMPARE = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal"}
_COMPARE |= {"gt": "greater", "ge": "greater_equal"}


def _operand(value):
    return isinstance(value, ndarray | int | float | complex | np.generic)


def _bind_operators():
    def binary(name, swapped=False, inplace=False):
        def method(self, other):
            if isinstance(other, np.ndarray):
                raise TypeError(f"Unsupported type {np.ndarray}")
            if not _operand(other):
                return NotImplemented
            whole = self.dtype.kind in "iu" and isinstance(other, int)
            if name == "power" and whole and other < 0 and not (inplace or swapped):
                # CuPy gives 0, NumPy refuses
                return wrapped((self._host.astype(float) ** other).astype(self.dtype))
            pair = (other, self) if swapped else (self, other)
            return call_ufunc(name, pair, {"out": self} if inplace else {})

        return method

    for short, name in _BINARY.items():
        setattr(ndarray, f"__{short}__", binary(name))
        setattr(ndarray, f"__r{short}__", binary(name, swapped=True))
        setattr(ndarray, f"__i{short}__", binary(name, inplace=True))
    for short, name in _COMPARE.items():
        setattr(ndarray, f"__{short}__", binary(name))
    for short, name in {"neg": "negative", "abs": "absolute", "invert": "invert"}.items():
        setattr(ndarray, f"__{short}__", lambda self, name=name: call_ufunc(name, (self,), {}))
    ndarray.__pos__ = lambda self: self.copy()
    ndarray.__matmul__ = lambda self, other: matmul(self, other)


def matmul(a, b, out=None):
    for each in (a, b):
        if not isinstance(each, ndarray):
            raise TypeError(f"Unsupported type {type(each)}")
    if out is None:
        return wrapped(np.ascontiguousarray(np.matmul(a._host, b._host)))
    np.matmul(a._host, b._host, out=out._host)
    return out


_bind_operators()
ndarray.__module__ = "cupy"
