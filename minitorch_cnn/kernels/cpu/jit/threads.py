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

To wake a sleeping thread takes 50 microseconds, as long as many a kernel. So a worker goes on
looking for work for a while before it sleeps. That happens in compiled code, which needs no lock of
Python's: work is handed over in a box of memory that both look at. A part that no worker has begun
by the time when this thread is done with its own is taken back and done here: nobody waits for a
worker that another program keeps from running.
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
from numba.core.callconv import excinfo_ptr_t
from numba.core.compiler import compile_internal
from numba.core.targetconfig import ConfigStack

from ...fallback import CannotCompile
from ...garbage import not_collected
from . import guard
from .compiling import INT, Intrinsic, compiled, disk_cache, entry, external, intrinsic

I32, I64 = ir.IntType(32), ir.IntType(64)


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


# ------------------------------------------------ numbers in memory that several threads look at


def _word(builder: ir.IRBuilder, place: ir.Value) -> ir.Value:
    return builder.inttoptr(place, I64.as_pointer())


@intrinsic
def _fetch_and_add(typingctx: Any, place: types.Type, number: types.Type) -> Intrinsic:
    """The int64 at an address, to which the number is added before another thread can see it."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return builder.atomic_rmw("add", _word(builder, args[0]), args[1], "monotonic")

    return types.int64(types.int64, types.int64), code


@intrinsic
def _read(typingctx: Any, place: types.Type) -> Intrinsic:
    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return builder.load_atomic(_word(builder, args[0]), "seq_cst", align=8)

    return types.int64(types.int64), code


@intrinsic
def _write(typingctx: Any, place: types.Type, number: types.Type) -> Intrinsic:
    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        builder.store_atomic(args[1], _word(builder, args[0]), "seq_cst", align=8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), code


@intrinsic
def _change(typingctx: Any, place: types.Type, old: types.Type, new: types.Type) -> Intrinsic:
    """Writes `new` if `old` is there, as one step; whether it did."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        place, old, new = args
        result = builder.cmpxchg(_word(builder, place), old, new, "seq_cst", "seq_cst")
        return builder.extract_value(result, 1)

    return types.boolean(types.int64, types.int64, types.int64), code


def counter() -> np.ndarray:
    """What the threads of one `run` take their work from."""
    return np.zeros(1, np.int64)


@compiled
def take(counter: np.ndarray, count: int) -> int:
    """The first of the next `count` pieces of work, which no other thread will get."""
    return _fetch_and_add(address(counter), count)


# ------------------------------------------------------------------------ a kernel as two numbers

# status = function(data, place of an exception, part, parts), with status 1 after an error
_PART = ir.FunctionType(I32, [I64, excinfo_ptr_t.as_pointer(), I64, I64])


@intrinsic
def _as_numbers(typingctx: Any, kernel: Any, arguments: Any) -> Intrinsic:
    """(function, data): addresses of code that runs one part of a kernel, and of its arguments.

    Any thread can call them, until the function returns in which this is written.
    """

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        data = cgutils.alloca_once_value(builder, args[1])
        name = builder.module.get_unique_name("part")
        function = ir.Function(builder.module, _PART, name)
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
        numbers = [builder.ptrtoint(function, I64), builder.ptrtoint(data, I64)]
        return context.make_tuple(builder, signature.return_type, numbers)

    return types.UniTuple(types.int64, 2)(kernel, arguments), code


@intrinsic
def _run_part(
    typingctx: Any, function: types.Type, data: types.Type, part: types.Type, parts: types.Type
) -> Intrinsic:
    """Calls what `_as_numbers` made; 0 if there was no error."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        function, data, part, parts = args
        exception = cgutils.alloca_once(builder, excinfo_ptr_t)
        function = builder.inttoptr(function, _PART.as_pointer())
        return builder.sext(builder.call(function, [data, exception, part, parts]), I64)

    return types.int64(*[types.int64] * 4), code


# ------------------------------------------------------------------------------- boxes of work
#
# Each worker has a box of eight int64, a line of the cache. The first one says whose turn it is:

IDLE = 0  # there is no work, and the worker looks into the box all the time
POSTED = 1  # there is work that nobody has begun
RUNNING = 2  # the worker is at it
ASLEEP = 3  # the worker waits for Python to wake it
FUNCTION, DATA, PARTS, STATUS = 8, 16, 24, 32  # where the other numbers lie, in bytes
NOT_DONE = -1  # a STATUS
BOX = 64

# How often a thread looks before it sleeps: for a millisecond or two, longer than Python takes from
# one kernel to the next. Between two looks it lets others run that want to.
LOOKS = 4000
MANY_LOOKS = 200


@intrinsic
def _call(typingctx: Any, function: types.Type, number: types.Type) -> Intrinsic:
    """Calls a C function that takes an int, whose address is given."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        kind = ir.FunctionType(I32, [I32])
        function = builder.inttoptr(args[0], kind.as_pointer())
        builder.call(function, [builder.trunc(args[1], I32)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), code


@entry
def _serve(box: int, part: int, let_others_run: int) -> None:
    """A worker's loop: does the work that is put into its box, until there is none for a while."""
    looks = 0
    while looks < LOOKS or not _change(box, IDLE, ASLEEP):
        if _read(box) == POSTED and _change(box, POSTED, RUNNING):
            function, data = _read(box + FUNCTION), _read(box + DATA)
            _write(box + STATUS, _run_part(function, data, part, _read(box + PARTS)))
            _write(box, IDLE)
            looks = 0
        _call(let_others_run, 0)
        looks += 1


@external(*[INT] * 6, result=INT)
def _run_parts(
    function: int, data: int, parts: int, boxes: int, let_others_run: int, sleep: int
) -> int:
    """Runs all parts: 0 here, the others by the workers to whom the boxes belong (0: by nobody)."""
    if boxes == 0:
        status = 0
        for part in range(parts):
            status |= _run_part(function, data, part, parts)
        return status
    for part in range(1, parts):
        box = boxes + (part - 1) * BOX
        _write(box + FUNCTION, function)
        _write(box + DATA, data)
        _write(box + PARTS, parts)
        _write(box + STATUS, NOT_DONE)
        _change(box, IDLE, POSTED)  # unless the worker has fallen asleep just now
    status = _run_part(function, data, 0, parts)
    for part in range(1, parts):
        box = boxes + (part - 1) * BOX
        _change(box, POSTED, IDLE)  # taken back, if the worker has not begun
        looks = 0
        while _read(box) == RUNNING:
            looks += 1
            if looks < MANY_LOOKS:
                _call(let_others_run, 0)
            else:  # it has been interrupted: leave it this core
                _call(sleep, 20)
        done = _read(box + STATUS)
        status |= _run_part(function, data, part, parts) if done == NOT_DONE else done
    return status


class Kernel:
    """What `kernel` makes of a function."""

    def __init__(self, function: Callable) -> None:
        self.name = function.__name__
        inner = compiled(function)

        def start(parts: int, boxes: int, let_others_run: int, sleep: int, *arguments: Any) -> int:
            function, data = _as_numbers(inner, arguments)
            return _run_parts(function, data, parts, boxes, let_others_run, sleep)

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
    def __init__(self, part: int, box: int) -> None:
        super().__init__(name="minitorch_cnn kernel", daemon=True)
        self.place = box, part
        self.wake: SimpleQueue = SimpleQueue()
        self.start()

    def run(self) -> None:
        while self.wake.get():
            _serve(*self.place, _LET_OTHERS_RUN)


def _default_count() -> int:
    text = os.environ.get("MINITORCH_CNN_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS", "")
    if text.isdigit() and int(text) > 0:
        return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
_count = _default_count()
_workers: list[_Worker] = []
_numbers = np.zeros((MOST_WORKERS + 1) * BOX // 8, np.int64)
_states = _numbers[-_numbers.ctypes.data % BOX // 8 :: BOX // 8]  # the first one of each box
_boxes = _states.ctypes.data  # where the first box begins, and a line of the cache
_in_use = threading.Lock()


def _forget_workers() -> None:
    global _workers, _in_use
    _workers, _in_use = [], threading.Lock()
    _numbers[:] = 0


@atexit.register
def _end_workers() -> None:
    """Lets the workers return, before Python ends: a thread that it has to kill in the middle of
    compiled code, or on the way out of it, takes the process with it now and then."""
    for worker in _workers:
        worker.wake.put(False)
    for worker in _workers:
        worker.join(timeout=1)


# Threads do not survive a fork: the child process starts its own when it needs them.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


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
        _states[len(_workers)] = ASLEEP
        _workers.append(_Worker(len(_workers) + 1, _boxes + len(_workers) * BOX))
    for index in range(count):
        if _states[index] == ASLEEP:
            _states[index] = IDLE
            _workers[index].wake.put(True)


def run(kernel: Kernel, *args: Any, parts: int | None = None) -> None:
    """kernel(part, parts, *args) for each part, at the same time; waits for all of them.

    parts: the number of shares, as many as there are threads if not given. Small work is done
    faster by one thread than by two: give parts=1.
    """
    if parts is None or parts > 1:
        parts = min(_count if parts is None else parts, _count, MOST_WORKERS + 1)
    # A second Python thread that comes while the workers are busy does its work alone.
    alone = parts == 1 or not _in_use.acquire(blocking=False)
    try:
        if alone:
            status = kernel.start(parts, 0, 0, 0, *args)
        else:
            _wake_workers(parts - 1)
            status = kernel.start(parts, _boxes, _LET_OTHERS_RUN, _SLEEP, *args)
    except Exception as error:  # Numba's or LLVM's: one of the kernel itself comes as its status
        raise CannotCompile(kernel.name) from error
    finally:
        if not alone:
            _in_use.release()
    if status:
        raise RuntimeError(f"an error inside of the compiled kernel {kernel.name}")


if guard.WANTED:
    run = guard.guarded(run)
