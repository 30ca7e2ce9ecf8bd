"""Runs the CUDA kernels on the processor, with NumPy arrays in the place of CuPy's.

`HostDevice.kernel` takes the place of kernels.cuda.loader.kernel. The sources are the very files
that NVRTC compiles on a GPU, built by g++ with host/cuda_on_host.h. Every launch

- checks the arguments against the kernel's parameters, which CuPy does not;
- runs with a few blocks and threads drawn at random, because kernels must not count on a number;
- works on copies of the arrays between guard zones, and fails if a guard changed.
"""

import ctypes
import fcntl
import functools
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

from minitorch_cnn.kernels.cuda import arrays, loader

HERE = Path(__file__).parent
# Both index types are built, one for each element type: all six would only take longer.
INDEX = {"float16": "long long", "float32": "int", "float64": "long long"}
GUARD = 256  # bytes before and after each array
GUARD_BYTE = 0xA5
THREADS = (1, 5, 32, 48, 256)
BLOCKS = (1, 2, 3)


class Parameter(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("bytes", ctypes.c_int), ("pointee", ctypes.c_int)]


def kernel_files() -> list[str]:
    return sorted(path.name for path in loader.SOURCE.glob("*.cu"))


def kernel_names(text: str) -> list[str]:
    return re.findall(r'extern "C" __global__ void (\w+)\(', text)


def all_kernels() -> str:
    """One source with the kernels of all files: common.cuh has to be read only once."""
    first, *others = kernel_files()
    text = loader.source_text(first)
    for file in others:
        text += f'\n#line 1 "{file}"\n' + (loader.SOURCE / file).read_text(encoding="utf-8")
    return text


def host_text(kernels: str) -> str:
    """C++ for the processor: the kernels, and an entry for each."""
    entries = [f"HOST_ENTRY({name})" for name in kernel_names(kernels)]
    return "\n".join(['#include "cuda_on_host.h"', kernels, *entries, ""])


def build_library(folder: Path, text: str, dtype: str, extra: tuple[str, ...] = ()) -> Path:
    """`text` as a shared library for one element type; built once, whoever asks."""
    command = [shutil.which("g++"), "-std=c++17", "-O1", "-g", "-shared", "-fPIC", "-pthread"]
    command += ["-ffp-contract=off", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror"]
    command += ["-Wno-unknown-pragmas", f"-I{HERE / 'host'}", *extra]
    command += loader.options(dtype, INDEX[dtype])
    header = (HERE / "host" / "cuda_on_host.h").read_text()
    digest = hashlib.sha256(repr((text, header, command)).encode()).hexdigest()[:16]
    library = folder / f"{digest}.so"
    with open(folder / f"{digest}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run in several processes
        if not library.exists():
            source = folder / f"{digest}.cpp"
            source.write_text(text)
            unfinished = folder / f"{digest}.part"
            subprocess.run([*command, str(source), "-o", str(unfinished)], check=True)
            unfinished.rename(library)
    return library


class HostDevice:
    """Kernels as functions of NumPy arrays.

    together: the blocks of a launch run at once, as threads; otherwise one after another.
    """

    def __init__(self, folder: Path, extra: tuple[str, ...] = (), together: bool = False):
        self.folder, self.extra, self.together = folder, extra, together
        self.rng = np.random.default_rng(0)
        self.launches: list[str] = []
        self._libraries: dict[str, ctypes.CDLL] = {}

    def library(self, dtype: str) -> ctypes.CDLL:
        if dtype not in self._libraries:
            text = host_text(all_kernels())
            path = build_library(self.folder, text, dtype, self.extra)
            self._libraries[dtype] = ctypes.CDLL(str(path))
        return self._libraries[dtype]

    def kernel(self, file: str, name: str, dtype: str, index: str):
        """As loader.kernel: something to be called with a grid, a block and arguments."""
        assert name in kernel_names((loader.SOURCE / file).read_text()), f"no {name} in {file}"
        return functools.partial(self._launch, name, dtype)

    def _launch(self, name: str, dtype: str, grid: tuple, block: tuple, args: tuple) -> None:
        assert len(grid) == len(block) == 1 and grid[0] >= 1 and 1 <= block[0] <= loader.THREADS
        self.launches.append(name)
        library = self.library(dtype)
        parameters = (Parameter * 64)()
        count = getattr(library, f"describe_{name}")(parameters)
        assert count == len(args), f"{name} has {count} parameters, got {len(args)} arguments"

        copies: dict[int, tuple[np.ndarray, ctypes.Array]] = {}  # by address of the original
        values = [
            self._value(f"{name}, argument {i}", arg, parameters[i], copies)
            for i, arg in enumerate(args)
        ]
        pointers = (ctypes.c_void_p * count)(*(ctypes.addressof(value) for value in values))
        blocks = min(grid[0], int(self.rng.choice(BLOCKS)))
        threads = int(self.rng.choice(THREADS))
        backwards = bool(self.rng.integers(2))
        in_step = getattr(library, f"host_{name}")(
            blocks, threads, backwards, self.together, pointers
        )
        assert in_step & 1, f"{name}: some threads ended while others waited at a barrier"
        for original, copy in copies.values():
            _check_guards(name, copy)
            ctypes.memmove(original.ctypes.data, ctypes.addressof(copy) + GUARD, original.nbytes)

    def _value(self, place: str, arg, parameter: Parameter, copies: dict):
        """An argument as a ctypes object whose address cuLaunchKernel would get."""
        kind = chr(parameter.kind)
        if arg is None:
            assert kind == "p", f"{place}: None for a parameter that is no pointer"
            return ctypes.c_void_p(None)
        if isinstance(arg, np.ndarray) and arg.dtype.fields is None:
            assert kind == "p", f"{place}: an array for a parameter that is no pointer"
            assert parameter.pointee % arg.itemsize == 0, f"{place}: wrong element type"
            assert arrays.is_dense(arg), f"{place}: not dense, strides {arg.strides}"
            if arg.ctypes.data not in copies:
                copies[arg.ctypes.data] = arg, _guarded_copy(arg)
            return ctypes.c_void_p(ctypes.addressof(copies[arg.ctypes.data][1]) + GUARD)
        if isinstance(arg, np.ndarray):
            assert kind == "s" and parameter.bytes == arg.nbytes, f"{place}: another struct"
            return (ctypes.c_char * arg.nbytes).from_buffer_copy(arg.tobytes())
        if type(arg) is int:
            assert kind == "i" and parameter.bytes == 8, f"{place}: no long long parameter"
            return ctypes.c_longlong(arg)
        assert type(arg) is float, f"{place}: an argument of type {type(arg)}"
        assert kind == "f" and parameter.bytes == 8, f"{place}: no double parameter"
        return ctypes.c_double(arg)


def _guarded_copy(array: np.ndarray) -> ctypes.Array:
    copy = (ctypes.c_ubyte * (array.nbytes + 2 * GUARD))()
    ctypes.memset(copy, GUARD_BYTE, len(copy))
    ctypes.memmove(ctypes.addressof(copy) + GUARD, array.ctypes.data, array.nbytes)
    return copy


def _check_guards(name: str, copy: ctypes.Array) -> None:
    data = np.frombuffer(copy, np.uint8)
    assert (data[:GUARD] == GUARD_BYTE).all(), f"{name} wrote before the start of an array"
    assert (data[-GUARD:] == GUARD_BYTE).all(), f"{name} wrote behind the end of an array"
