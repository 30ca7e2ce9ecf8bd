"""The queue of calls of kernels, as compiled code sees it: numbers in memory.

A call of a kernel is a slot of the queue: the function, its number of parts, how many of them are
done, and the arguments. Calls are worked off one after the other, their parts by whoever comes
first: workers, and threads that wait. All of it happens in compiled code, which needs no lock of
Python's. A part that no worker has begun is done by the thread that waits for it: nobody waits for
a worker that another program keeps from running.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.callconv import excinfo_ptr_t

from .compiling import INT, Intrinsic, compiled, entry_now, external, intrinsic

I32, I64 = ir.IntType(32), ir.IntType(64)

# A part of a kernel: status = function(data, place of an exception, part, parts), 1 after an error
PART = ir.FunctionType(I32, [I64, excinfo_ptr_t.as_pointer(), I64, I64])

# In front of the slots are, in lines of the cache of their own:
POSTED = 0  # how many calls have come so far
TURN = 64  # which call it is the turn of, times PARTS_BASE, plus the next of its parts
FAILED = 128  # 1 if there was an error in one of them
FIRST_SLOT = 192
PARTS_BASE = 1 << 16
SLOTS, SLOT = 32, 4096
QUEUE = FIRST_SLOT + SLOTS * SLOT
FUNCTION, PARTS, DONE, ARGUMENTS = 0, 8, 16, 64  # where they lie in a slot, in bytes

# A worker has a box, a line of the cache, which says whether it looks for work all the time:
AWAKE, ASLEEP = 0, 1
BOX = 64

# How often a thread looks before it sleeps: for a millisecond or two, longer than Python takes from
# one kernel to the next. Between two looks it lets others run that want to.
LOOKS = 4000
MANY_LOOKS = 200

# How many calls Python may be ahead. Their arrays stay in memory so long: where they have more
# bytes than this it is one, which takes them longer than Python needs for the next.
LEAD, MUCH = 8, 8 << 20


# ------------------------------------------------ numbers in memory that several threads look at


def _word(builder: ir.IRBuilder, place: ir.Value) -> ir.Value:
    return builder.inttoptr(place, I64.as_pointer())


@intrinsic
def fetch_and_add(typingctx: Any, place: types.Type, number: types.Type) -> Intrinsic:
    """The int64 at an address, to which the number is added before another thread can see it."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return builder.atomic_rmw("add", _word(builder, args[0]), args[1], "acq_rel")

    return types.int64(types.int64, types.int64), code


@intrinsic
def read(typingctx: Any, place: types.Type) -> Intrinsic:
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


@intrinsic
def _run_part(
    typingctx: Any, function: types.Type, data: types.Type, part: types.Type, parts: types.Type
) -> Intrinsic:
    """Calls what `threads._as_numbers` made; 0 if there was no error."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        function, data, part, parts = args
        exception = cgutils.alloca_once(builder, excinfo_ptr_t)
        function = builder.inttoptr(function, PART.as_pointer())
        return builder.sext(builder.call(function, [data, exception, part, parts]), I64)

    return types.int64(*[types.int64] * 4), code


@intrinsic
def _call(typingctx: Any, function: types.Type, number: types.Type) -> Intrinsic:
    """Calls a C function that takes an int, whose address is given."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        kind = ir.FunctionType(I32, [I32])
        function = builder.inttoptr(args[0], kind.as_pointer())
        builder.call(function, [builder.trunc(args[1], I32)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), code


@compiled
def slot_of(queue: int, number: int) -> int:
    return queue + FIRST_SLOT + number % SLOTS * SLOT


@compiled
def _do_a_part(queue: int) -> bool:
    """Runs a part of the call whose turn it is; False if there is none that nobody has begun."""
    turn = read(queue + TURN)
    number, part = turn // PARTS_BASE, turn % PARTS_BASE
    slot = slot_of(queue, number)
    if number == read(queue + POSTED) or part >= read(slot + PARTS):
        return False
    if not _change(queue + TURN, turn, turn + 1):
        return False
    parts = read(slot + PARTS)
    if _run_part(read(slot + FUNCTION), slot + ARGUMENTS, part, parts):
        _write(queue + FAILED, 1)
    if fetch_and_add(slot + DONE, 1) == parts - 1:
        _write(queue + TURN, (number + 1) * PARTS_BASE)
    return True


@entry_now(INT, INT, INT)
def serve(box: int, queue: int, let_others_run: int) -> None:
    """A worker's loop: works until there is nothing to do for a while."""
    looks = 0
    while looks < LOOKS or not _change(box, AWAKE, ASLEEP):
        if _do_a_part(queue):
            looks = 0
        _call(let_others_run, 0)
        looks += 1


@external(*[INT] * 4, result=INT)
def _help_until(queue: int, number: int, let_others_run: int, sleep: int) -> int:
    """Returns when so many calls are done, 1 if there was an error in one of them."""
    looks = 0
    while read(queue + TURN) // PARTS_BASE < number:
        if _do_a_part(queue):
            looks = 0
        elif looks < MANY_LOOKS:
            _call(let_others_run, 0)
            looks += 1
        else:  # a worker has been interrupted: leave it this core
            _call(sleep, 20)
    return read(queue + FAILED)


@external(INT, result=INT)
def place_of_arguments(queue: int) -> int:
    """Where those of the next call lie; 0 without a queue."""
    return 0 if queue == 0 else slot_of(queue, read(queue + POSTED)) + ARGUMENTS


@external(*[INT] * 8, result=INT)
def run_parts(
    function: int, data: int, size: int, parts: int, queue: int, lead: int, let_others_run: int,
    sleep: int,
) -> int:  # fmt: skip
    """Runs a kernel, all parts of it here (queue 0), or puts it into the queue and helps until no
    more than `lead` calls are left. size: bytes of its arrays. 0 if there was no error."""
    if queue == 0:
        status = 0
        for part in range(parts):
            status |= _run_part(function, data, part, parts)
        return status
    number, slot = read(queue + POSTED), data - ARGUMENTS
    _write(slot + FUNCTION, function)
    _write(slot + PARTS, parts)
    _write(slot + DONE, 0)
    _write(queue + POSTED, number + 1)
    if size > MUCH:
        lead = min(lead, 1)
    return _help_until(queue, number + 1 - lead, let_others_run, sleep)


@entry_now(INT, INT, INT)
def finish(queue: int, let_others_run: int, sleep: int) -> int:
    return _help_until(queue, read(queue + POSTED), let_others_run, sleep)
