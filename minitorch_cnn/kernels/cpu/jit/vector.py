"""A vector of floats as a Numba type: what one instruction of the processor works on.

Numba turns plain loops into vector code by itself, if it can prove that it may. The kernels here
would rather say it: `load` takes LANES numbers from memory at once, `+`, `-`, `*` and `fma` work on
all of them, `store` writes them back. Memory is named by plain addresses (integers, in bytes), as
in C: `x.ctypes.data` is where array x begins. Nothing checks them, so the kernels that use them
get arrays whose shape and memory order has been checked before.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import models, register_model

from .compiling import Intrinsic, compiled, define, intrinsic

# What Numba compiles for: this processor, or the one that NUMBA_CPU_NAME and NUMBA_CPU_FEATURES
# describe. All that kernels have to know of it stands here.
_triple, _, _features = cpu_target.target_context.codegen().magic_tuple()
AVX512 = "+avx512f" in _features.split(",")
ARM64 = _triple.startswith(("aarch64", "arm64"))
AVX = "+avx" in _features.split(",")
LANES = 16 if AVX512 else 8 if AVX else 4  # float32 numbers in a register
REGISTERS = 32 if AVX512 or ARM64 else 16
BYTES = 4 * LANES

F32 = ir.FloatType()
I1, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(F32, LANES)
MASK = ir.VectorType(I1, LANES)


Vector = Any  # in a kernel: LANES floats in a register
Vectors = tuple[Vector, ...]


class VectorType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


vector_type = VectorType()


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: types.Type) -> None:
        super().__init__(dmm, fe_type, VECTOR)


# ------------------------------------------------------------- pieces of LLVM, also for tile.py


def pointer(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type = VECTOR) -> ir.Value:
    return builder.inttoptr(address, kind.as_pointer())


def splat_value(builder: ir.IRBuilder, number: ir.Value, lanes: int = LANES) -> ir.Value:
    """The number in every lane."""
    undefined = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(I32, 0))
    everywhere = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, everywhere)


def mask_value(builder: ir.IRBuilder, count: ir.Value, lanes: int = LANES) -> ir.Value:
    """True in the first `count` lanes (an int64; all lanes if there are not so many).

    With AVX-512 that is a number of as many bits, the lowest ones set. LLVM would put a comparison
    of vectors into the innermost loop, where it costs as much as an addition.
    """
    all_lanes = ir.Constant(I64, lanes)
    count = builder.select(builder.icmp_signed("<", count, all_lanes), count, all_lanes)
    count = builder.trunc(at_least_none(builder, count), I32)
    if AVX512:
        one = ir.Constant(I32, 1)
        bits = builder.trunc(builder.sub(builder.shl(one, count), one), ir.IntType(lanes))
        return builder.bitcast(bits, ir.VectorType(I1, lanes))
    numbers = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes)))
    return builder.icmp_signed("<", numbers, splat_value(builder, count, lanes))


def at_least_none(builder: ir.IRBuilder, count: ir.Value) -> ir.Value:
    none = ir.Constant(I64, 0)
    return builder.select(builder.icmp_signed(">", count, none), count, none)


def opaque(builder: ir.IRBuilder, number: ir.Value) -> ir.Value:
    """The same integer, about which LLVM knows nothing."""
    same = ir.InlineAsm(ir.FunctionType(number.type, [number.type]), "", "=r,0")
    return builder.call(same, [number])


def opaque_mask(builder: ir.IRBuilder, mask: ir.Value) -> ir.Value:
    """The same mask: without this LLVM computes it again, or branches, in the loop that uses it."""
    if not AVX512:
        return mask
    bits = builder.bitcast(mask, ir.IntType(mask.type.count))
    return builder.bitcast(opaque(builder, bits), mask.type)


def masked_load(builder: ir.IRBuilder, address: ir.Value, mask: ir.Value) -> ir.Value:
    """Lanes outside the mask are 0, and their memory is not touched."""
    kind = ir.VectorType(F32, mask.type.count)
    signature = ir.FunctionType(kind, [kind.as_pointer(), I32, mask.type, kind])
    name = f"llvm.masked.load.v{kind.count}f32.p0v{kind.count}f32"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    zero = ir.Constant(kind, [0.0] * kind.count)
    place = pointer(builder, address, kind)
    return builder.call(function, [place, ir.Constant(I32, 4), mask, zero])


def masked_store(
    builder: ir.IRBuilder, value: ir.Value, address: ir.Value, mask: ir.Value
) -> ir.Value:
    lanes, octets = value.type.count, 4 if value.type.element == F32 else 1
    place = pointer(builder, address, value.type)
    signature = ir.FunctionType(ir.VoidType(), [value.type, place.type, I32, mask.type])
    letter = "f32" if octets == 4 else "i8"
    name = f"llvm.masked.store.v{lanes}{letter}.p0v{lanes}{letter}"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    return builder.call(function, [value, place, ir.Constant(I32, octets), mask])


def store_first(builder: ir.IRBuilder, value: ir.Value, address: ir.Value, count: ir.Value) -> None:
    """Stores the first `count` lanes (all if there are not so many).

    With AVX-512 by a mask, which costs nothing. With AVX a masked store takes some processors 12
    to 20 cycles, and bytes have none at all, so that LLVM makes a branch of each lane. There the
    lanes go by halves: six of eight are a store of four and one of two.
    """
    lanes, octets = value.type.count, 4 if value.type.element == F32 else 1
    if AVX512:
        masked_store(builder, value, address, mask_value(builder, count, lanes))
        return

    def store_all(value: ir.Value) -> None:
        builder.store(value, pointer(builder, address, value.type), align=octets)

    def part(value: ir.Value, start: int, stop: int) -> ir.Value:
        numbers = ir.Constant(ir.VectorType(I32, stop - start), list(range(start, stop)))
        return builder.shuffle_vector(value, value, numbers)

    whole = builder.icmp_signed(">=", count, ir.Constant(I64, lanes))
    with builder.if_else(whole) as (all_lanes, some_lanes):
        with all_lanes:
            store_all(value)
        with some_lanes:
            count, half = at_least_none(builder, count), lanes // 2
            while half:
                bit = builder.and_(count, ir.Constant(I64, half))
                there = builder.icmp_signed("!=", bit, ir.Constant(I64, 0))
                with builder.if_then(there):
                    store_all(part(value, 0, half))
                value = builder.select(there, part(value, half, 2 * half), part(value, 0, half))
                address = builder.add(address, builder.mul(bit, ir.Constant(I64, octets)))
                half //= 2


def whole_or_some(
    builder: ir.IRBuilder, count: ir.Value, code: Callable[[ir.Value], ir.Value]
) -> ir.Value:
    """code(mask of the first `count` lanes).

    All lanes, which is what is nearly always asked for, have code of their own without a mask.
    With AVX a masked store takes some processors 12 to 20 cycles, and others have no masks at all,
    so that LLVM makes a branch of each lane. With AVX-512 it is loads: AMD's Zen 5 fetches nothing
    ahead of those with a mask, and reads from memory at half its speed."""
    whole = builder.icmp_signed(">=", count, ir.Constant(I64, LANES))
    with builder.if_else(whole) as (all_lanes, some_lanes):
        with all_lanes:
            first = code(ir.Constant(MASK, [True] * LANES)), builder.block
        with some_lanes:
            second = code(mask_value(builder, count)), builder.block
    if isinstance(first[0].type, ir.VoidType):
        return first[0]
    result = builder.phi(first[0].type)
    for value, block in (first, second):
        result.add_incoming(value, block)
    return result


def fma_value(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """a * b + c, rounded once if the processor has an instruction for it."""
    kind = ir.FunctionType(a.type, [a.type] * 3)
    name = f"llvm.fmuladd.v{a.type.count}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [a, b, c])


def prefetch_value(builder: ir.IRBuilder, address: ir.Value, write: bool) -> None:
    octet = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [octet, I32, I32, I32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    numbers = [ir.Constant(I32, number) for number in (int(write), 2, 1)]
    builder.call(function, [builder.inttoptr(address, octet), *numbers])


# ------------------------------------------------------------------ what kernels may write


@intrinsic
def load(typingctx: Any, address: types.Type) -> Intrinsic:
    """LANES floats."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return builder.load(pointer(builder, args[0]), align=4)

    return vector_type(types.int64), code


@intrinsic
def store(typingctx: Any, address: types.Type, value: types.Type) -> Intrinsic:
    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        builder.store(args[1], pointer(builder, args[0]), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, vector_type), code


@intrinsic
def stream(typingctx: Any, address: types.Type, value: types.Type) -> Intrinsic:
    """Stores to an address that is a multiple of BYTES, past the cache."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        instruction = builder.store(args[1], pointer(builder, args[0]), align=BYTES)
        one = builder.module.add_metadata([ir.Constant(I32, 1)])
        instruction.set_metadata("nontemporal", one)
        return context.get_dummy_value()

    return types.void(types.int64, vector_type), code


@intrinsic
def prefetch(typingctx: Any, address: types.Type) -> Intrinsic:
    """Asks for a line of the cache that will be wanted soon; any address will do."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        prefetch_value(builder, args[0], write=False)
        return context.get_dummy_value()

    return types.void(types.int64), code


@intrinsic
def load_some(typingctx: Any, address: types.Type, count: types.Type) -> Intrinsic:
    """The first `count` of LANES floats; the others are 0."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return whole_or_some(builder, args[1], lambda mask: masked_load(builder, args[0], mask))

    return vector_type(types.int64, types.int64), code


@intrinsic
def store_some(
    typingctx: Any, address: types.Type, value: types.Type, count: types.Type
) -> Intrinsic:
    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        address, value, count = args
        whole_or_some(builder, count, lambda mask: masked_store(builder, value, address, mask))
        return context.get_dummy_value()

    return types.void(types.int64, vector_type, types.int64), code


def all_or_part(
    builder: ir.IRBuilder, kind: types.Type, count: ir.Value, code: Callable[[ir.Value], ir.Value]
) -> ir.Value:
    """whole_or_some for a function that is compiled twice: for whole vectors, where the count is
    None, and for what is left over, with AVX-512 without a branch."""
    if kind == types.none:
        return code(ir.Constant(MASK, [True] * LANES))
    return code(mask_value(builder, count)) if AVX512 else whole_or_some(builder, count, code)


@intrinsic
def load_part(typingctx: Any, address: types.Type, count: types.Type) -> Intrinsic:
    """load_some, or with None as the count a load of all lanes; see `all_or_part`."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        place, number = args
        return all_or_part(builder, count, number, lambda mask: masked_load(builder, place, mask))

    return vector_type(types.int64, count), code


@intrinsic
def store_part(
    typingctx: Any, address: types.Type, value: types.Type, count: types.Type
) -> Intrinsic:
    """The same for store_some."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        place, value, number = args
        all_or_part(builder, count, number, lambda mask: masked_store(builder, value, place, mask))
        return context.get_dummy_value()

    return types.void(types.int64, vector_type, count), code


@intrinsic
def store_by_halves(
    typingctx: Any, address: types.Type, value: types.Type, count: types.Type
) -> Intrinsic:
    """store_some for a loop in which parts of vectors are usual. Its many branches keep LLVM from
    making two loops, one for whole vectors: used in Winograd's transforms it made a training step
    of ResNet-20 a fifth longer (AVX2)."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        address, value, count = args
        store_first(builder, value, address, count)
        return context.get_dummy_value()

    return types.void(types.int64, vector_type, types.int64), code


@intrinsic
def zeros(typingctx: Any) -> Intrinsic:
    """The address of LANES zeros."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return builder.ptrtoint(
            cgutils.global_constant(builder, "zeros", ir.Constant(VECTOR, None)), I64
        )

    return types.int64(), code


@intrinsic
def align_stack(typingctx: Any) -> Intrinsic:
    """Has the stack of this function begin with a line of the cache, so that vectors which LLVM
    puts there, for want of registers, lie in one line each: in two of them they take twice as
    long."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        place = cgutils.alloca_once(builder, VECTOR)
        place.align = BYTES  # LLVM aligns the stack as its variables ask for
        kept = ir.InlineAsm(ir.FunctionType(ir.VoidType(), [place.type]), "", "r", side_effect=True)
        builder.call(kept, [place])
        return context.get_dummy_value()

    return types.void(), code


@intrinsic
def splat(typingctx: Any, number: types.Type) -> Intrinsic:
    """The number in every lane."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return splat_value(builder, args[0])

    return vector_type(types.float32), code


@intrinsic
def fma(typingctx: Any, a: types.Type, b: types.Type, c: types.Type) -> Intrinsic:
    """a * b + c"""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return fma_value(builder, *args)

    return vector_type(vector_type, vector_type, vector_type), code


@intrinsic
def positive_part(typingctx: Any, value: types.Type) -> Intrinsic:
    """Each lane, or 0 where it is negative; NaN stays NaN."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        zero = ir.Constant(VECTOR, [0.0] * LANES)
        negative = builder.fcmp_ordered("<", args[0], zero)  # False for NaN
        return builder.select(negative, zero, args[0])

    return vector_type(vector_type), code


@intrinsic
def where_positive(typingctx: Any, condition: types.Type, value: types.Type) -> Intrinsic:
    """value where condition > 0 or NaN, otherwise 0."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        zero = ir.Constant(VECTOR, [0.0] * LANES)
        return builder.select(builder.fcmp_unordered(">", args[0], zero), args[1], zero)

    return vector_type(vector_type, vector_type), code


@intrinsic
def limited(typingctx: Any, value: types.Type, low: types.Type, high: types.Type) -> Intrinsic:
    """Each lane, but at least low and at most high; NaN stays NaN."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        value, low, high = args
        value = builder.select(builder.fcmp_ordered("<", value, low), low, value)
        return builder.select(builder.fcmp_ordered(">", value, high), high, value)

    return vector_type(vector_type, vector_type, vector_type), code


@intrinsic
def where_between(
    typingctx: Any, condition: types.Type, low: types.Type, high: types.Type, value: types.Type
) -> Intrinsic:
    """value where low < condition < high or the condition is NaN, otherwise 0."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        condition, low, high, value = args
        above = builder.fcmp_unordered(">", condition, low)
        below = builder.fcmp_unordered("<", condition, high)
        zero = ir.Constant(VECTOR, [0.0] * LANES)
        return builder.select(builder.and_(above, below), value, zero)

    return vector_type(vector_type, vector_type, vector_type, vector_type), code


def _arithmetic(operation: Callable, in_place: Callable, instruction: str) -> None:
    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return getattr(builder, instruction)(*args, flags=("contract",))

    for name in operation, in_place:
        define(name, (vector_type, vector_type), vector_type, code)


_arithmetic(operator.add, operator.iadd, "fadd")
_arithmetic(operator.sub, operator.isub, "fsub")
_arithmetic(operator.mul, operator.imul, "fmul")


@intrinsic
def where_larger(
    typingctx: Any, candidate: types.Type, best: types.Type, yes: types.Type, no: types.Type
) -> Intrinsic:
    """yes where candidate > best, otherwise no; NaN is larger than everything, NaN too."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        candidate, best, yes, no = args
        larger = builder.fcmp_ordered(">", candidate, best)
        is_nan = builder.fcmp_unordered("!=", candidate, candidate)
        return builder.select(builder.or_(larger, is_nan), yes, no)

    return vector_type(vector_type, vector_type, vector_type, vector_type), code


@intrinsic
def where_equal(typingctx: Any, a: types.Type, b: types.Type, yes: types.Type) -> Intrinsic:
    """yes where a = b, otherwise 0."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        zero = ir.Constant(VECTOR, [0.0] * LANES)
        return builder.select(builder.fcmp_ordered("==", args[0], args[1]), args[2], zero)

    return vector_type(vector_type, vector_type, vector_type), code


I8 = ir.IntType(8)
OCTETS = ir.VectorType(I8, LANES)


@intrinsic
def load_bytes(typingctx: Any, address: types.Type, count: types.Type) -> Intrinsic:
    """The first `count` of LANES bytes, as floats; the others are 0."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        place, count = args
        if AVX512:
            kind = ir.FunctionType(OCTETS, [OCTETS.as_pointer(), I32, MASK, OCTETS])
            name = f"llvm.masked.load.v{LANES}i8.p0v{LANES}i8"
            function = cgutils.get_or_insert_function(builder.module, kind, name)
            align, zero = ir.Constant(I32, 1), ir.Constant(OCTETS, [0] * LANES)
            mask = mask_value(builder, count)
            octets = builder.call(function, [pointer(builder, place, OCTETS), align, mask, zero])
            return builder.uitofp(octets, VECTOR)
        # By halves, as in `store_first`, into one integer: the first byte is its lowest.
        number = ir.IntType(8 * LANES)
        found = cgutils.alloca_once_value(builder, ir.Constant(number, 0))
        whole = builder.icmp_signed(">=", count, ir.Constant(I64, LANES))
        with builder.if_else(whole) as (all_lanes, some_lanes):
            with all_lanes:
                builder.store(builder.load(pointer(builder, place, number), align=1), found)
            with some_lanes:
                count = at_least_none(builder, count)
                total, shift, half = ir.Constant(number, 0), ir.Constant(number, 0), LANES // 2
                while half:
                    bit = builder.and_(count, ir.Constant(I64, half))
                    there = builder.icmp_signed("!=", bit, ir.Constant(I64, 0))
                    before = builder.block
                    with builder.if_then(there):
                        few = builder.load(pointer(builder, place, ir.IntType(8 * half)), align=1)
                        more = builder.or_(total, builder.shl(builder.zext(few, number), shift))
                        inside = builder.block
                    joined = builder.phi(number)
                    joined.add_incoming(total, before)
                    joined.add_incoming(more, inside)
                    total, half = joined, half // 2
                    place = builder.add(place, bit)
                    moved = builder.mul(bit, ir.Constant(I64, 8))
                    shift = builder.add(shift, builder.trunc(moved, number))
                builder.store(total, found)
        return builder.uitofp(builder.bitcast(builder.load(found), OCTETS), VECTOR)

    return vector_type(types.int64, types.int64), code


@intrinsic
def store_bytes(
    typingctx: Any, address: types.Type, value: types.Type, count: types.Type
) -> Intrinsic:
    """The first `count` floats, whole numbers of 0 to 255, as bytes."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        store_first(builder, builder.fptoui(args[1], OCTETS), args[0], args[2])
        return context.get_dummy_value()

    return types.void(types.int64, vector_type, types.int64), code


def _places(builder: ir.IRBuilder, address: ir.Value, step: ir.Value) -> ir.Value:
    """Pointers to address, address + step, ...: one for each lane."""
    lane = ir.Constant(ir.VectorType(I64, LANES), list(range(LANES)))
    places = builder.mul(splat_value(builder, step), lane)
    places = builder.add(splat_value(builder, address), places)
    return builder.inttoptr(places, ir.VectorType(F32.as_pointer(), LANES))


@intrinsic
def gather(typingctx: Any, address: types.Type, step: types.Type, count: types.Type) -> Intrinsic:
    """The floats at address, address + step, ...: `count` of them, the other lanes are 0."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        places = _places(builder, args[0], args[1])
        kind = ir.FunctionType(VECTOR, [places.type, I32, MASK, VECTOR])
        name = f"llvm.masked.gather.v{LANES}f32.v{LANES}p0f32"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        align, zero = ir.Constant(I32, 4), ir.Constant(VECTOR, [0.0] * LANES)
        return whole_or_some(
            builder, args[2], lambda mask: builder.call(function, [places, align, mask, zero])
        )

    return vector_type(types.int64, types.int64, types.int64), code


@intrinsic
def scatter(
    typingctx: Any, address: types.Type, step: types.Type, value: types.Type, count: types.Type
) -> Intrinsic:
    """The opposite of `gather`: stores the first `count` lanes, `step` bytes apart."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        address, step, value, count = args
        places = _places(builder, address, step)
        kind = ir.FunctionType(ir.VoidType(), [VECTOR, places.type, I32, MASK])
        name = f"llvm.masked.scatter.v{LANES}f32.v{LANES}p0f32"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        align = ir.Constant(I32, 4)
        whole_or_some(
            builder, count, lambda mask: builder.call(function, [value, places, align, mask])
        )
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, vector_type, types.int64), code


# -------------------------------------------------------------------------- runs of numbers


def odd_lines(count: int) -> int:
    """At least `count` floats, which fill an odd number of cache lines: rows of this length that
    are read side by side use all parts of the cache."""
    return (-(-count // 16) | 1) * 16


# Of larger arrays little is left in the cache by the time when they are read. To write a line, a
# core first fetches it from memory, a third of all traffic of a kernel that reads one array and
# writes another. `stream` does not.
STREAM_BYTES = 2 << 20


def may_stream(array: np.ndarray, tiles: bool = False) -> bool:
    """Whether `stream` can write a channels-last array, and should.

    tiles: not from its beginning to its end. A vector then has to be a whole line of the cache:
    halves of different lines take longer past the cache than through it.
    """
    if array.nbytes < STREAM_BYTES or array.shape[-1] % LANES or (tiles and BYTES < 64):
        return False
    return array.ctypes.data % BYTES == 0


@compiled
def copy(source: int, target: int, count: int) -> None:
    """`count` floats from one address to another."""
    whole = count // LANES * LANES
    for i in range(0, whole, LANES):
        store(target + 4 * i, load(source + 4 * i))
    if whole < count:
        store_some(target + 4 * whole, load_some(source + 4 * whole, count - whole), count - whole)


@compiled
def fill_zeros(target: int, count: int) -> None:
    for i in range(0, count, LANES):
        store_some(target + 4 * i, splat(np.float32(0)), count - i)


@compiled
def keep_positive(target: int, count: int) -> None:
    """Writes 0 over `count` floats where they are negative."""
    for i in range(0, count, LANES):
        value = positive_part(load_some(target + 4 * i, count - i))
        store_some(target + 4 * i, value, count - i)


@compiled
def add_to(source: int, target: int, count: int) -> None:
    """Adds `count` floats at one address to those at another."""
    for i in range(0, count, LANES):
        total = load_some(target + 4 * i, count - i) + load_some(source + 4 * i, count - i)
        store_some(target + 4 * i, total, count - i)
