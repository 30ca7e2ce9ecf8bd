"""A stand-in for CuPy that computes with NumPy and refuses what CuPy refuses.

It is on the path only where the tests run with ``--backend standin``. It offers the names that
every version of CuPy listed in ../names has, takes the arguments that these take, and keeps
CuPy's rules: no conversion to NumPy but by `get`, no NumPy arrays among the arguments, arrays
without axes instead of scalars, results of elementwise functions in row-major memory. It says
nothing about CUDA: neither about kernels nor about speed.
"""

import numpy as np

from . import _rules, cuda
from ._array import ARRAY_ARGUMENTS, call_ufunc, matmul, ndarray, unwrapped, wrapped

__version__ = "standin"
__all__ = ["cuda", "matmul", "ndarray"]

# These take lists, numbers and NumPy arrays; from the host is a transfer.
_UPLOADING = {"array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray"}
# Their results' shapes depend on the values, so the host has to wait for them.
_WAITING = {"nonzero", "flatnonzero", "argwhere", "unique", "setdiff1d", "intersect1d", "extract"}
_WAITING |= {"bincount", "compress", "histogram"}


class ufunc:
    """An elementwise function, and those of its methods that CuPy has."""

    def __init__(self, name):
        self.__name__ = self.name = name

    def __call__(self, *args, **kwargs):
        return call_ufunc(self.name, args, kwargs)

    def at(self, a, indices, b=None):
        if self.name not in {"add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or"}:
            raise NotImplementedError(f"`cupy_{self.name}.at` is not supported yet")
        getattr(np, self.name).at(unwrapped(a), unwrapped(indices), unwrapped(b))

    def outer(self, A, B, **kwargs):
        return wrapped(getattr(np, self.name).outer(unwrapped(A), unwrapped(B), **kwargs))

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        if self.name not in {"add", "multiply"}:
            raise NotImplementedError(f"`cupy_{self.name}.reduce` is not supported yet")
        return wrapped(getattr(np, self.name).reduce(unwrapped(array), axis, dtype, None, keepdims))


def _function(full, function):
    """A function of NumPy behind CuPy's signature and rules."""
    name = full.rpartition(".")[2]

    def call(*args, **kwargs):
        _rules.check_arguments(full, args, kwargs)
        if name in _UPLOADING:
            return _upload(name, *args, **kwargs)
        _rules.refuse_host_arrays([*args, *kwargs.values()])
        for signature in _rules.signatures(full).values():
            for argument, value in signature.bind(*args, **kwargs).arguments.items():
                wanted = argument in ARRAY_ARGUMENTS and (name, argument) != ("where", "x")
                if wanted and not isinstance(value, ndarray):
                    raise TypeError(f"{full}: Unsupported type {type(value)} for {argument!r}")
        if name in _WAITING:
            _rules.count("syncs", full)
        kwargs = {key: value for key, value in kwargs.items() if key != "blocking"}
        with np.errstate(all="ignore"):
            return wrapped(function(*unwrapped(args), **unwrapped(kwargs)))

    call.__name__ = name
    return call


def _upload(name, a, dtype=None, order=None, blocking=False, **options):
    from_host = not isinstance(a, ndarray) and not (
        isinstance(a, list | tuple) and a and all(isinstance(each, ndarray) for each in a)
    )
    if from_host:
        _rules.count("h2d", f"cupy.{name}")
        a = np.array(a)  # memory of its own: the GPU does not share the host's
    order = {} if order is None else {"order": order}
    copy = options.pop("copy", name == "array")
    host = getattr(np, name)
    if name == "array":
        result = host(unwrapped(a), dtype, copy=copy, **order, **options)
    elif name in ("ascontiguousarray", "asfortranarray"):
        result = host(unwrapped(a), dtype)
    else:
        result = host(unwrapped(a), dtype, **order)
    return a if isinstance(a, ndarray) and result is a._host else wrapped(result)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


def get_default_memory_pool():
    return cuda.default_pool


def get_default_pinned_memory_pool():
    return cuda.default_pinned_pool


class _Namespace:
    """A submodule of CuPy, such as cupy.linalg."""

    def __init__(self, name, host):
        self._name, self._host = name, host

    def __getattr__(self, name):
        full = f"{self._name}.{name}"
        _rules.require(full)
        return _function(full, getattr(self._host, name))


class _Lib:
    stride_tricks = _Namespace("cupy.lib.stride_tricks", np.lib.stride_tricks)


lib = _Lib()
linalg = _Namespace("cupy.linalg", np.linalg)


def __getattr__(name):
    """cupy.NAME: what CuPy has of NumPy's names."""
    full = f"cupy.{name}"
    if name.startswith("__"):
        raise AttributeError(name)
    _rules.require(full)
    if _rules.is_ufunc(full):
        found = ufunc(name)
    else:
        host = getattr(np, name)
        is_plain = isinstance(host, type) or not callable(host)
        found = host if is_plain else _function(full, host)
    globals()[name] = found
    return found
