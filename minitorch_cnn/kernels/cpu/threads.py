"""Threads for the kernels: a loop over images, shared by the cores.

A kernel is compiled with `nogil=True`, so several Python threads run it at the same time. It gets
two numbers more, which part it is and of how many, and works on its own share of the loop:

    @compiled
    def double(part, parts, x):
        start, stop = share(x.size, part, parts)
        for i in range(start, stop):
            x[i] *= 2

    run(double, x)

Shares depend on nothing but the number of threads, so a sum comes out the same in every run. Where
nothing is summed up, threads rather take the next piece of work from a common counter (`take`):
then it does not matter that one of them starts later, or is slower.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# "contract": a * b + c may be one instruction. Nothing else about the numbers is given up.
compiled = njit(nogil=True, cache=True, fastmath={"contract"}, error_model="numpy")


@compiled
def share(count, part, parts):
    """(start, stop) of the given part of range(count); the parts differ by one at most."""
    return count * part // parts, count * (part + 1) // parts


@compiled
def address(array):
    """Where an array begins, as an int64.

    That does not keep the array: Numba frees an array of its own after the last line that names
    it. A kernel that works in such an array takes the address in the loop that uses it.
    """
    return np.int64(array.ctypes.data)


@intrinsic
def _fetch_and_add(typingctx, place, number):
    """The int64 at an address, to which the number is added before another thread can see it."""

    def code(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", pointer, args[1], "monotonic")

    return types.int64(types.int64, types.int64), code


def counter() -> np.ndarray:
    """What the threads of one `run` take their work from."""
    return np.zeros(1, np.int64)


@compiled
def take(counter, count):
    """The first of the next `count` pieces of work, which no other thread will get."""
    return _fetch_and_add(address(counter), count)


class _Worker(threading.Thread):
    """Runs what it is given, one call after another, and tells when a call is done."""

    def __init__(self) -> None:
        super().__init__(name="minitorch_cnn kernel", daemon=True)
        self.calls: SimpleQueue = SimpleQueue()
        self.finished: SimpleQueue = SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            kernel, args = self.calls.get()
            try:
                kernel(*args)
                error = None
            except BaseException as raised:  # goes to the caller's thread
                error = raised
            del kernel, args  # hold no arrays while waiting
            self.finished.put(error)


def _default_count() -> int:
    text = os.environ.get("MINITORCH_CNN_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS", "")
    if text.isdigit() and int(text) > 0:
        return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_count = _default_count()
_workers: list[_Worker] = []
_in_use = threading.Lock()


def _forget_workers() -> None:
    """Threads do not survive a fork: the child process starts its own when it needs them."""
    global _workers, _in_use
    _workers, _in_use = [], threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


def get_num_threads() -> int:
    """How many threads a kernel is shared by."""
    return _count


def set_num_threads(count: int) -> None:
    """Shares each kernel among `count` threads; `mt.set_num_threads` has checked the number."""
    global _count
    _count = count


# Work of fewer numbers than this is done before a second thread has woken up.
SMALL = 1 << 14


def parts_for(numbers: int) -> int:
    """How many threads shall share the work on so many numbers."""
    return 1 if numbers < SMALL else _count


def run(kernel: Callable, *args: Any, parts: int | None = None) -> None:
    """kernel(part, parts, *args) for each part, at the same time; waits for all of them.

    parts: the number of shares, as many as there are threads if not given. Small work is done
    faster by one thread than by waking another: give parts=1.
    """
    parts = _count if parts is None else min(parts, _count)
    # A second Python thread that comes while the workers are busy does its work alone.
    if parts == 1 or not _in_use.acquire(blocking=False):
        for part in range(parts):
            kernel(part, parts, *args)
        return
    try:
        while len(_workers) < parts - 1:
            _workers.append(_Worker())
        helpers = _workers[: parts - 1]
        for part, worker in enumerate(helpers, start=1):
            worker.calls.put((kernel, (part, parts, *args)))
        error = None
        try:
            kernel(0, parts, *args)
        except BaseException as raised:
            error = raised
        for worker in helpers:
            error = worker.finished.get() or error
        if error is not None:
            raise error
    finally:
        _in_use.release()
