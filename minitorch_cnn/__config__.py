"""torch.__config__: what a report of an error should say about the library.

>>> import minitorch_cnn as mt
>>> print(mt.__config__.show())  # doctest: +ELLIPSIS
minitorch_cnn ...
"""

from __future__ import annotations

from .config import config_text, get_num_interop_threads, get_num_threads


def show() -> str:
    """Which tier of kernels, BLAS library, threads and instructions are in use."""
    return config_text()


def parallel_info() -> str:
    """How many threads compute."""
    return (
        f"get_num_threads() : {get_num_threads()}\n"
        f"get_num_interop_threads() : {get_num_interop_threads()}\n"
    )


def _cxx_flags() -> str:
    """None: nothing here is written in C++."""
    return ""
