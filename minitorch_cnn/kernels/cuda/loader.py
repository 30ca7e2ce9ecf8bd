"""Compiles the files in source/ when a kernel of theirs is first needed, and launches kernels.

Compiling is done by NVRTC through CuPy, which keeps the results on disk. A file is compiled anew
for each element type and index type (the -D options; see source/common.cuh) and for each GPU.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import Array, import_cupy, is_array
from ..geometry import ConvGeometry, Lengths

SOURCE = Path(__file__).parent / "source"
THREADS = 256  # of a block; no kernel depends on it, but for common.cuh's MAX_THREADS
MOST_BLOCKS = 1 << 14  # several times what any GPU runs at once: the rest is the kernels' loops
# 32-bit indices are used below this many elements, and leave room for the last stride of a loop.
SMALL = 1 << 30

# Element types, as (ELEMENT, SUM) in C++.
TYPES = {
    "float16": ("__half", "float"),
    "float32": ("float", "float"),
    "float64": ("double", "double"),
}

# struct Windows of source/common.cuh
WINDOWS = np.dtype(
    [
        (name, np.int32)
        for name in (
            *("N", "C", "H", "W", "OH", "OW", "KH", "KW"),
            *(
                "stride_h",
                "stride_w",
                "padding_h",
                "padding_w",
                "dilation_h",
                "dilation_w",
                "groups",
            ),
        )
    ]
)


def conv_windows(
    shape: Lengths, out_size: Lengths, kernel_size: Lengths, geometry: ConvGeometry
) -> np.ndarray:
    """struct Windows of a convolution of images of this shape, (N, C, H, W).

    out_size: of y. A transposed convolution may leave a last row or column of x without a window,
    so it does not always follow from the rest.
    """
    stride, before, _, dilation, groups = geometry
    return np.array((*shape, *out_size, *kernel_size, *stride, *before, *dilation, groups), WINDOWS)


def takes(*arrays: Array | None) -> bool:
    """True if the kernels are made for these: all of one element type; None does not count."""
    names = {str(array.dtype) for array in arrays if array is not None}
    return len(names) == 1 and names <= TYPES.keys()


def address(array: Array) -> int:
    """Where an array begins in the GPU's memory."""
    return array.data.ptr


def source_text(file: str) -> str:
    """A file with common.cuh in front of it, as it is compiled."""
    # One text instead of an #include: CuPy's cache on disk does not look into included files.
    parts = []
    for name in ("common.cuh", file):
        parts += [f'#line 1 "{name}"', (SOURCE / name).read_text(encoding="utf-8")]
    return "\n".join(parts)


def options(dtype: str, index: str) -> tuple[str, ...]:
    element, total = TYPES[dtype]
    return "-std=c++17", f"-DELEMENT={element}", f"-DSUM={total}", f"-DINDEX={index}"


@functools.cache
def kernel(file: str, name: str, dtype: str, index: str) -> Any:
    """A compiled kernel, to be called with a grid, a block and arguments."""
    return _module(file, dtype, index).get_function(name)


@functools.cache
def _module(file: str, dtype: str, index: str) -> Any:
    return import_cupy().RawModule(code=source_text(file), options=options(dtype, index))


def index_type(args: tuple) -> str:
    """int if it can count the elements of every array among the arguments."""
    largest = max((arg.size for arg in args if is_array(arg)), default=0)
    return "int" if largest < SMALL else "long long"


def check_gpu(array: Array) -> None:
    """Raises RuntimeError for an array on another GPU than the current one, where kernels run.

    CUDA would only say, at some later call, that an address was illegal.
    """
    if isinstance(array, np.ndarray):  # the table of an optimizer's parameters
        return
    current, there = import_cupy().cuda.runtime.getDevice(), array.data.device_id
    if there != current:
        raise RuntimeError(
            f"a tensor is on GPU {there}, but this thread computes on GPU {current}: use "
            f"mt.cuda.set_device({there}), or `with mt.cuda.device({there}):` around this"
        )


def launch(file: str, name: str, dtype: Any, blocks: int, *args: Any) -> None:
    """Runs kernel `name` of source/`file`, compiled for elements of `dtype`.

    blocks: how many are useful (none: nothing is done). args: arrays, None for a null pointer,
    Python numbers (long long and double in C++), 0-d structured NumPy arrays for structs.
    """
    if blocks == 0:
        return
    check_gpu(args[0])
    compiled = kernel(file, name, str(dtype), index_type(args))
    compiled((min(blocks, MOST_BLOCKS),), (THREADS,), args)


def launch_elementwise(file: str, name: str, dtype: Any, count: int, *args: Any) -> None:
    """`launch` with a thread for each of `count` elements; count is the kernel's last argument."""
    launch(file, name, dtype, -(-count // THREADS), *args, count)
