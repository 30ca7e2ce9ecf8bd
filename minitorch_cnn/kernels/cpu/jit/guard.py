"""MINITORCH_CNN_CHECK=1: every array of a compiled kernel lies between guard zones.

A kernel gets copies of its arrays, each with a zone of a known pattern before and after it. What it
has written is copied back, and a zone that has changed is an error that names the kernel. The
pattern is NaN in float32 and -1 in int64: what is read from a zone shows in the results. Arrays
have to lie in memory row by row, as the kernels take for granted. It costs time and memory, and is
for tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

WANTED = os.environ.get("MINITORCH_CNN_CHECK") == "1"
ZONE = 4096  # bytes on either side; arrays begin with a page, as large ones do without guards
PATTERN = 0xFF


class Guarded:
    """A copy of an array between two zones."""

    def __init__(self, array: np.ndarray) -> None:
        if not array.flags.c_contiguous:
            raise RuntimeError(f"an array of strides {array.strides}, shape {array.shape}")
        self.array = array
        memory = np.full(array.nbytes + 3 * ZONE, PATTERN, np.uint8)
        start = ZONE + -memory.ctypes.data % ZONE
        stop = start + array.nbytes
        self.zones = memory[:start], memory[stop:]
        self.copy = memory[start:stop].view(array.dtype).reshape(array.shape)
        self.copy[...] = array
        self.copy.flags.writeable = array.flags.writeable

    def finish(self) -> None:
        """Copies back what was written. Raises RuntimeError if a zone was written to."""
        for side, zone in zip(("before", "after"), self.zones, strict=True):
            if (zone != PATTERN).any():
                raise RuntimeError(
                    f"it wrote {side} an array {self.array.shape} {self.array.dtype}"
                )
        if self.array.flags.writeable and self.copy.tobytes() != self.array.tobytes():
            self.array[...] = self.copy


def guarded(run: Callable[..., None]) -> Callable[..., None]:
    """`threads.run`, with guards around all arrays. An array that comes twice is copied once."""

    def run_guarded(kernel: Any, *args: Any, parts: int | None = None) -> None:
        try:
            guards = {
                _identity(arg): Guarded(arg)
                for arg in args
                if isinstance(arg, np.ndarray) and arg.size
            }
            copies = (
                guards[_identity(arg)].copy if isinstance(arg, np.ndarray) and arg.size else arg
                for arg in args
            )
            run(kernel, *copies, parts=parts)
            for guard in guards.values():
                guard.finish()
        except RuntimeError as error:
            raise RuntimeError(f"the compiled kernel {kernel.name}: {error}") from error

    return run_guarded


def _identity(array: np.ndarray) -> tuple:
    return array.ctypes.data, array.shape, array.dtype
