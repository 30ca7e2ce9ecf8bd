"""How the kernels are compiled, and where compiled code is kept.

Numba compiles a function when it is called for the first time, which takes seconds for a large
one; afterwards the code is read from the disk. What a compiled function calls is compiled into it
once more. That is what makes small helpers free (`compiled`), and what takes too long with large
ones: those are compiled once and called by name (`external`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils
from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic as _intrinsic

from . import helper

if config.DISABLE_JIT:  # type: ignore[attr-defined]
    raise ImportError("NUMBA_DISABLE_JIT is set, so Numba compiles nothing")

# "contract": a * b + c may be one instruction. Nothing else about the numbers is given up.
# No "nrt": nobody counts who refers to an array. Two threads that take a row of the same array in
# their loops would wait for each other at the count; therefore kernels cannot make arrays.
_OPTIONS: Any = {"fastmath": {"contract"}, "error_model": "numpy", "_nrt": False}
_CALLED: Any = {**_OPTIONS, "nogil": True, "no_cfunc_wrapper": True}
_INSIDE: Any = {**_CALLED, "no_cpython_wrapper": True}

# For functions that Python calls, and for functions that only compiled code calls.
entry: Any = njit(**_CALLED)
compiled: Any = njit(**_INSIDE)

# A process that is forked while another thread compiles would find the compiler locked for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )

_files = sorted(Path(__file__).parents[1].rglob("*.py"))
_sources = [(file.name, file.stat().st_mtime, file.stat().st_size) for file in _files]


class _CheckedFiles(IndexDataCacheFile):
    """Numba's files, with a checksum behind what is pickled. A damaged one counts as missing: it is
    compiled and written again."""

    def _dump(self, obj: Any) -> bytes:
        data: bytes = super()._dump(obj)
        return data + zlib.crc32(data).to_bytes(4, "little")

    def _load_index(self) -> Any:
        try:
            with open(self._index_path, "rb") as file:
                pickle.load(file)  # Numba's version, which has no checksum
                _unwrapped(file.read())
            return super()._load_index()
        except Exception:  # a damaged pickle can raise nearly anything
            return {}

    def _load_data(self, name: str) -> Any:
        with open(self._data_path(name), "rb") as file:
            return pickle.loads(_unwrapped(file.read()))


def _unwrapped(content: bytes) -> bytes:
    """What `_dump` was given. Raises OSError, as a missing file does, if it is damaged."""
    if zlib.crc32(content[:-4]).to_bytes(4, "little") != content[-4:]:
        raise OSError("a file of compiled code is damaged")
    return content[:-4]


class _DiskCache(FunctionCache):
    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError):  # the disk is full: the code works without being kept
            super().save_overload(sig, data)
            helper.start_once()


@functools.cache
def _no_cache() -> NullCache:
    warnings.warn(
        "compiled kernels are not kept: neither this package's folder nor a cache in the home "
        "folder can be written. Every process compiles them again, which takes seconds for each. "
        "Set NUMBA_CACHE_DIR to a folder that can be written.",
        RuntimeWarning,
        stacklevel=2,
    )
    return NullCache()


def disk_cache(function: Callable) -> Any:
    """Where compiled code of a function is kept.

    It counts as old when any file of this tier has changed. Numba would look at one file only,
    but a kernel is made of functions of several.
    """
    try:
        cache: Any = _DiskCache(function)
    except RuntimeError:  # "no locator available"
        return _no_cache()
    files = cache._cache_file
    base = os.path.basename(files._index_path).removesuffix(".nbi")
    cache._cache_file = _CheckedFiles(cache.cache_path, base, _sources)
    return cache


def entry_now(*argument_types: types.Type) -> Callable[[Callable], Any]:
    """Compiles a function at once, for Python to call."""

    def decorate(function: Callable) -> Any:
        made: Any = entry(function)
        made._cache = disk_cache(function)
        made.compile(argument_types)
        return made

    return decorate


# A function for kernels that is written in LLVM's language. It is called with numbers, but what is
# written here gets their types, and tells Numba the result's and what writes the code.
intrinsic: Any = _intrinsic
Intrinsic = tuple[Any, Callable[..., Any]]

INT = types.int64
PAIR = types.UniTuple(INT, 2)
THREE_PAIRS = types.UniTuple(PAIR, 3)
SHAPE = types.UniTuple(INT, 4)


def define(function: Callable, argument_types: tuple, result: types.Type, code: Callable) -> None:
    """Tells Numba what a function does with arguments of these types: `code` writes it in LLVM's
    language."""

    class Template(ConcreteTemplate):
        key = function
        cases = [signature(result, *argument_types)]

    infer_global(function, types.Function(Template))
    lower_builtin(function, *argument_types)(code)


def external(*argument_types: types.Type, result: types.Type = types.void) -> Callable:
    """Compiles a function once, for other compiled functions to call by its name.

    Its arguments are numbers and tuples of numbers: of an array, the address.
    """

    def decorate(function: Callable) -> Callable:
        name = f"minitorch_cnn_{function.__name__}"
        made: Any = CFunc(function, (argument_types, result), {}, _OPTIONS)
        made._cache = disk_cache(function)
        made.compile()
        llvm.add_symbol(name, made.address)

        def call(
            context: Any, builder: ir.IRBuilder, signature: Any, arguments: list[ir.Value]
        ) -> ir.Value:
            nothing = result == types.void
            kind = ir.VoidType() if nothing else context.get_value_type(result)
            kinds = [context.get_value_type(kind) for kind in argument_types]
            known = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(kind, kinds), name
            )
            value = builder.call(known, arguments)
            return context.get_dummy_value() if nothing else value

        define(function, argument_types, result, call)
        return function

    return decorate
