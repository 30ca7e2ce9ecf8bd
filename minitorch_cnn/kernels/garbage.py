"""Python's garbage collector, out of the way while kernels are imported and compiled."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def not_collected() -> Iterator[None]:
    """Numba makes a hundred thousand objects that stay: to look through them for garbage again and
    again would take a tenth of a second, and seconds if kernels have to be compiled."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
