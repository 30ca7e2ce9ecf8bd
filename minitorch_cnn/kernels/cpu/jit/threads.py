"""Threads for the kernels: a loop over images, shared by the cores.

A kernel gets two numbers besides its arrays, which part it is and of how many, and works on its own
share of the loop. Its parts are run at the same time, by this thread and by workers:

    @kernel
    def double(part, parts, x):
        start, stop = share(x.size, part, parts)
        for i in range(start, stop):
            x[i] *= 2

    run(double, x)

Shares depend on nothing but the number of threads, so a sum comes out the same in every run. Where
nothing is summed up, threads rather take the next piece of work from a common counter (`take`):
then it does not matter that one of them starts later, or is slower.

Calls go through a queue (calls.py), so that Python may be ahead of the workers (backend/ahead.py).
To wake a sleeping thread takes 50 microseconds, as long as many a kernel. So a worker goes on
looking for work for a while before it sleeps.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.compiler import compile_internal
from numba.core.targetconfig import ConfigStack

from ....backend import ahead
from ...fallback import CannotCompile
from ...garbage import not_collected
from . import calls, guard
from .calls import ARGUMENTS, I32, I64, PART, fetch_and_add, place_of_arguments, run_parts
from .compiling import Intrinsic, compiled, disk_cache, entry, intrinsic
from .cores import default_count


@compiled
def share(count: int, part: int, parts: int) -> tuple[int, int]:
    """(start, stop) of the given part of range(count); the parts differ by one at most."""
    return count * part // parts, count * (part + 1) // parts


@intrinsic
def address(typingctx: Any, array: types.Type) -> Intrinsic:
    """Where an array begins, as an int64."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        struct = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.ptrtoint(struct.data, I64)

    return types.int64(array), code


def counter() -> np.ndarray:
    """What the threads of one `run` take their work from."""
    return np.zeros(1, np.int64)


@compiled
def take(counter: np.ndarray, count: int) -> int:
    """The first of the next `count` pieces of work, which no other thread will get."""
    return fetch_and_add(address(counter), count)


# -------------------------------------------------------------------------- a kernel as numbers


@intrinsic
def _as_numbers(typingctx: Any, kernel: Any, arguments: Any, place: Any) -> Intrinsic:
    """(function, data, bytes): addresses of code that runs one part of a kernel, and of its
    arguments, and how large its arrays are.

    The arguments are put into `place`; where that is 0, into memory that is there until the
    function returns in which this is written.
    """

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        own = cgutils.alloca_once(builder, args[1].type)
        size = context.get_abi_sizeof(args[1].type)
        if size > calls.SLOT - ARGUMENTS:
            raise TypeError(f"the arguments of a kernel have {size} bytes, too many for a slot")
        given = builder.inttoptr(args[2], own.type)
        nowhere = builder.icmp_unsigned("==", args[2], args[2].type(0))
        data = builder.select(nowhere, own, given)
        builder.store(args[1], data)
        name = builder.module.get_unique_name("part")
        function = ir.Function(builder.module, PART, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        inside = ir.IRBuilder(function.append_basic_block("entry"))
        place = inside.inttoptr(function.args[0], data.type)
        unpacked = cgutils.unpack_tuple(inside, inside.load(place))
        # The kernel becomes part of the library that is being made, and is compiled with it.
        flags = ConfigStack().top().copy()
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        call = types.none(types.int64, types.int64, *arguments.types)
        made = compile_internal(
            context.typing_context, context, context.active_code_library,
            kernel.dispatcher.py_func, call.args, call.return_type, flags, {},
        )  # fmt: skip
        numbers = [function.args[2], function.args[3], *unpacked]
        status, _ = context.call_internal_no_propagate(inside, made.fndesc, call, numbers)
        for instruction in inside.block.instructions:
            if isinstance(instruction, ir.CallInstr):
                instruction.attributes.add("noinline")  # the code is there already
        inside.ret(inside.zext(status.is_error, I32))
        total = I64(0)
        for index, kind in enumerate(arguments.types):
            if isinstance(kind, types.Array):
                array = context.make_array(kind)(
                    context, builder, builder.extract_value(args[1], index)
                )
                total = builder.add(total, builder.mul(array.nitems, array.itemsize))
        numbers = [builder.ptrtoint(function, I64), builder.ptrtoint(data, I64), total]
        return context.make_tuple(builder, signature.return_type, numbers)

    return types.UniTuple(types.int64, 3)(kernel, arguments, place), code


class Kernel:
    """What `kernel` makes of a function."""

    def __init__(self, function: Callable) -> None:
        self.name = function.__name__
        inner = compiled(function)

        def start(
            parts: int, queue: int, lead: int, let_others_run: int, sleep: int, *arguments: Any
        ) -> int:
            function, data, size = _as_numbers(inner, arguments, place_of_arguments(queue))
            return run_parts(function, data, size, parts, queue, lead, let_others_run, sleep)

        compiled_start: Any = entry(start)
        compiled_start._cache = disk_cache(function)
        self.compiled = compiled_start
        self.start = self._first_start

    def _first_start(self, *arguments: Any) -> int:
        """Compiles, and leaves the way to the compiled code."""
        with not_collected():
            status: int = self.compiled(*arguments)
        self.start = self.compiled
        return status


kernel = Kernel


# ------------------------------------------------------------------------------------- workers


class _Worker(threading.Thread):
    def __init__(self, box: int) -> None:
        super().__init__(name="minitorch_cnn kernel", daemon=True)
        self.box = box
        self.wake: SimpleQueue = SimpleQueue()
        self.start()

    def run(self) -> None:
        while self.wake.get():
            calls.serve(self.box, _queue, _LET_OTHERS_RUN)


def _c_functions() -> tuple[int, int]:
    """The addresses of C functions that let other threads run, and that sleep for microseconds."""
    functions: tuple[Any, Any]
    if sys.platform == "win32":  # Sleep takes milliseconds, which is as good here
        functions = ctypes.windll.kernel32.SwitchToThread, ctypes.windll.kernel32.Sleep
    else:
        library = ctypes.CDLL(None)
        functions = library.sched_yield, library.usleep
    first, second = (ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions)
    return first, second


MOST_WORKERS = 255
_LET_OTHERS_RUN, _SLEEP = _c_functions()
_count = default_count()
_workers: list[_Worker] = []
_boxes_size = MOST_WORKERS * calls.BOX
_numbers = np.zeros((_boxes_size + calls.QUEUE + 64) // 8, np.int64)
_numbers = _numbers[-_numbers.ctypes.data % 64 // 8 :]  # from the beginning of a line of the cache
_boxes = _numbers.ctypes.data
_queue = _boxes + _boxes_size
_words: Any = _numbers.data  # whose items are numbers of Python's, which is quicker
_POSTED, _TURN, _FAILED = (
    (_boxes_size + place) // 8 for place in (calls.POSTED, calls.TURN, calls.FAILED)
)
_in_use = threading.RLock()


def _forget_workers() -> None:
    global _workers, _in_use
    _workers, _in_use = [], threading.RLock()
    _numbers[:] = 0
    ahead.unfinished.clear()


@atexit.register
def _end_workers() -> None:
    """Lets the workers return, before Python ends: a thread that it has to kill in the middle of
    compiled code, or on the way out of it, takes the process with it now and then."""
    ahead.wait()
    for worker in _workers:
        worker.wake.put(False)
    for worker in _workers:
        worker.join(timeout=1)


# Threads do not survive a fork: the child process starts its own when it needs them.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=ahead.wait, after_in_child=_forget_workers)


def get_num_threads() -> int:
    """How many threads a kernel is shared by."""
    return _count


def set_num_threads(count: int) -> None:
    """Shares each kernel among `count` threads; `mt.set_num_threads` has checked the number."""
    global _count
    _count = count


# Work of fewer numbers than this is done before a second thread has begun.
SMALL = 1 << 14


def parts_for(numbers: int) -> int:
    """How many threads shall share the work on so many numbers."""
    return 1 if numbers < SMALL else _count


def _wake_workers(count: int) -> None:
    """Sees to it that there are `count` workers, none of them asleep."""
    while len(_workers) < count:
        _words[len(_workers) * calls.BOX // 8] = calls.ASLEEP
        _workers.append(_Worker(_boxes + len(_workers) * calls.BOX))
    for index in range(count):
        if _words[index * calls.BOX // 8] == calls.ASLEEP:
            _words[index * calls.BOX // 8] = calls.AWAKE
            _workers[index].wake.put(True)


def run(kernel: Kernel, *args: Any, parts: int | None = None) -> None:
    """kernel(part, parts, *args) for each part, at the same time; waits for all of them, unless it
    may run ahead (backend/ahead.py).

    parts: the number of shares, as many as there are threads if not given. Small work is done
    faster by one thread than by two: give parts=1.
    """
    if parts is None or parts > 1:
        parts = min(_count if parts is None else parts, _count, MOST_WORKERS + 1)
    lead = calls.LEAD if ahead.mode.on and _count > 1 else 0
    try:
        if parts == 1 and not lead:
            ahead.wait()
            status = kernel.start(parts, 0, 0, 0, 0, *args)
        else:
            with _in_use:
                status = _post(kernel, args, parts, lead)
    except Exception as error:  # Numba's or LLVM's: one of the kernel itself comes as its status
        raise CannotCompile(kernel.name) from error
    if status:
        _failed(kernel.name)


def _post(kernel: Kernel, args: tuple, parts: int, lead: int) -> int:
    """Puts a call into the queue. For the thread that has the lock."""
    _wake_workers(max(parts, 2) - 1)
    if not lead:
        status: int = kernel.start(parts, _queue, 0, _LET_OTHERS_RUN, _SLEEP, *args)
        return status
    # First of all, lest an interrupt comes between: the call needs its arguments.
    call = [_words[_POSTED] + 1, args]
    ahead.unfinished.append(call)
    status = kernel.start(parts, _queue, lead, _LET_OTHERS_RUN, _SLEEP, *args)
    # more than that if a signal's handler, or a finalizer, has run kernels meanwhile
    call[0] = _words[_POSTED]
    return _forget_done() or status


def _forget_done() -> bool:
    """Lets go of the arguments of calls that are done; True if there was an error in one of them.
    For the thread that has the lock."""
    done, unfinished = _words[_TURN] // calls.PARTS_BASE, ahead.unfinished
    while unfinished and unfinished[0][0] <= done:
        unfinished.popleft()
    return bool(_words[_FAILED])


def _failed(name: str) -> None:
    _words[_FAILED] = 0
    raise RuntimeError(f"an error inside of the compiled kernel {name}, or of one before it")


def _finish_all() -> None:
    status = calls.finish(_queue, _LET_OTHERS_RUN, _SLEEP)
    with _in_use:
        status = _forget_done() or status
    if status:
        _failed("that was run last")


ahead.finish = _finish_all

if guard.WANTED:
    run = guard.guarded(run)
