"""MINITORCH_CNN_CHECK=1: every array of a compiled kernel lies between guard zones.

A kernel gets copies of its arrays, each with a zone of a known pattern before and after it. What it
has written is copied back, and a zone that has changed is an error that names the kernel. The
pattern is NaN in float32 and -1 in int64: what is read from a zone shows in the results. Arrays
have to lie in memory row by row, as the kernels take for granted. It costs time and memory, and is
for tests.

What is read and thrown away shows in no result: a register tile may read more columns than there
are. With MINITORCH_CNN_CHECK=2 each copy ends where the memory of this process ends, and whoever
reads or writes beyond is killed by a signal (`python -X faulthandler` says where).
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import ahead

WANTED = os.environ.get("MINITORCH_CNN_CHECK") in ("1", "2")
FENCED = os.environ.get("MINITORCH_CNN_CHECK") == "2"
ZONE = 4096  # bytes on either side; arrays begin with a page, as large ones do without guards
PATTERN = 0xFF


class Guarded:
    """A copy of an array between two zones."""

    def __init__(self, array: np.ndarray) -> None:
        if not array.flags.c_contiguous:
            raise RuntimeError(f"an array of strides {array.strides}, shape {array.shape}")
        self.array = array
        if FENCED:
            memory = _before_a_fence(array.nbytes)
            start = memory.size - array.nbytes
        else:
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


def _before_a_fence(size: int) -> np.ndarray:
    """At least so many bytes of the pattern; to touch the byte behind the last one is a signal."""
    page = mmap.PAGESIZE
    usable = -(-size // page) * page
    memory = np.frombuffer(mmap.mmap(-1, usable + page), np.uint8)
    memory[:usable] = PATTERN
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    if protect(ctypes.c_void_p(memory.ctypes.data + usable), ctypes.c_size_t(page), 0):
        raise OSError(ctypes.get_errno(), "mprotect has failed")
    return memory[:usable]


def guarded(run: Callable[..., None]) -> Callable[..., None]:
    """`threads.run`, with guards around all arrays. An array that comes twice is copied once.

    A kernel that may run ahead is not run before somebody waits, as late as can be: who looks at
    its results without waiting finds what was there before, in each run.
    """

    def run_guarded(kernel: Any, *args: Any, parts: int | None = None) -> None:
        if ahead.mode.on and kernel.name in compiled:
            ahead.unfinished.append([0, (kernel, args, parts)])
            return
        ahead.wait()
        run_now(kernel, *args, parts=parts)
        compiled.add(kernel.name)

    def finish() -> None:
        calls = [call for _, call in ahead.unfinished]
        ahead.unfinished.clear()
        for kernel, args, parts in calls:
            run_now(kernel, *args, parts=parts)

    def run_now(kernel: Any, *args: Any, parts: int | None) -> None:
        before, ahead.mode.on = ahead.mode.on, False
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
        finally:
            ahead.mode.on = before

    compiled: set[str] = set()  # what cannot fail any more because it cannot be compiled
    ahead.finish = finish
    return run_guarded


def _identity(array: np.ndarray) -> tuple:
    return array.ctypes.data, array.shape, array.dtype
