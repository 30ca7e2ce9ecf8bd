"""The register tile: the innermost loops of every convolution and matrix product.

A processor core multiplies and adds far faster than it can fetch numbers. What saves a matrix
product is that each number fetched is used many times: a tile of `height` x (`vectors` * LANES)
sums stays in registers during the whole reduction, and each step loads `vectors` vectors of b,
takes one number of a for each row, and does height * vectors vector multiply-adds with them (Goto
and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).

Numba's own loops do not keep such a tile in registers, so its code is written in LLVM's language
here; everything above it is Python for Numba again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils

from .compiling import Intrinsic, intrinsic
from .vector import (
    AVX512,
    F32,
    I64,
    LANES,
    REGISTERS,
    fma_value,
    mask_value,
    masked_load,
    opaque,
    opaque_mask,
    pointer,
    prefetch_value,
    splat_value,
    store_first,
)

# The sums of a tile, its vectors of b and a number of a must fit into the registers: there are 32
# with AVX-512 and on ARM, and 16 otherwise. So a tile is at most WIDEST vectors wide, and the wider
# it is, the lower. Smaller heights take the rows that are left over. A tile of fewer than eight
# vectors of sums is as slow as one of eight: each sum waits for the one before. So the nine numbers
# of three channels under a row of a 3x3 kernel are 6 + 3, and not 8 + 1; with 5, those of one
# channel under a row of a 5x5 kernel are a single tile, as the outputs of short rows are with 7 and
# 10; and the 32 pixels of a row are 12 + 12 + 8.
HEIGHTS_FOR: dict[int, dict[int, tuple[int, ...]]] = {
    32: {1: (12, 10, 8, 7, 6, 5, 4, 3, 2, 1), 2: (12, 4, 2, 1), 4: (6, 4, 3, 2, 1)},
    16: {1: (12, 10, 8, 7, 6, 5, 4, 3, 2, 1), 2: (6, 4, 3, 2, 1)},
}
HEIGHTS = HEIGHTS_FOR[REGISTERS]
WIDEST = max(HEIGHTS)
# Columns that are not there must not be read, which takes masks. Those of AVX-512 have registers of
# their own, but on Intel's processors a load with a mask also takes the place of a multiply-add (an
# eighth of the speed); otherwise masks take the registers of sums, or are branches, and the whole
# tile runs at half its speed. So tiles that may read whole vectors have code of their own, and the
# others, at the right edge of a matrix that is not packed, are low.
HEIGHTS_AT_THE_EDGE = (6, 2, 1) if AVX512 else (4, 1)
# Eight columns or fewer: some processors add twice as many vectors of eight as of sixteen.
FEW_LANES = min(8, LANES)


class _Arguments(NamedTuple):
    """Addresses of a, b and c, and steps in bytes, as LLVM values; see `rows_product`."""

    a: ir.Value
    a_row: ir.Value
    a_j: ir.Value
    a_k: ir.Value
    b: ir.Value
    b_j: ir.Value
    b_k: ir.Value
    c: ir.Value
    c_row: ir.Value
    rows: ir.Value
    columns: ir.Value
    J: ir.Value
    K: ir.Value
    start: ir.Value
    start_row: ir.Value
    padded: ir.Value
    behind: ir.Value


def _number(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


def _loop_variables(
    builder: ir.IRBuilder, starts: list[ir.Value], before: ir.Block
) -> list[ir.Value]:
    """Variables of a loop whose block begins here, with their values on entry from `before`.

    LLVM calls them phi nodes: what they are after a turn is added when that is known.
    """
    variables = []
    for start in starts:
        variable = builder.phi(start.type)
        variable.add_incoming(start, before)
        variables.append(variable)
    return variables


def _close_loop(
    builder: ir.IRBuilder,
    variables: list[ir.Value],
    values: list[ir.Value],
    condition: ir.Value,
    loop: ir.Block,
    after: ir.Block,
) -> None:
    """The end of a turn: the variables take the new values, and go on while the condition holds."""
    for variable, value in zip(variables, values, strict=True):
        variable.add_incoming(value, builder.block)
    builder.cbranch(condition, loop, after)


def _tile_code(
    builder: ir.IRBuilder, args: _Arguments, row: ir.Value, height: int, vectors: int, lanes: int,
    masked: bool,
) -> None:  # fmt: skip
    """The tile of the rows row..row + height: its sums are summed up and stored.

    masked: b is read through masks.
    """
    size = 4 * lanes  # bytes of a vector
    tile = [(r, v) for r in range(height) for v in range(vectors)]
    a = builder.add(args.a, builder.mul(args.a_row, row))
    c = builder.add(args.c, builder.mul(args.c_row, row))
    masks = _masks(builder, args.columns, vectors, lanes) if masked else None
    a_rows = [builder.mul(args.a_row, _number(r)) for r in range(height)]
    c_rows = [builder.add(c, builder.mul(args.c_row, _number(r))) for r in range(height)]
    c_places = {(r, v): builder.add(c_rows[r], _number(v * size)) for r, v in tile}

    # What will be added to is fetched from memory during the reduction.
    with builder.if_then(builder.icmp_signed("!=", args.start_row, _number(0))):
        for place in c_places.values():
            prefetch_value(builder, place, write=True)
    # Each tile fetches a line of the cache for each row of what is multiplied next.
    behind = builder.add(args.behind, builder.mul(builder.udiv(row, _number(height)), _number(64)))
    sums = [ir.Constant(ir.VectorType(F32, lanes), [0.0] * lanes)] * len(tile)
    entry = builder.block
    j_block = builder.append_basic_block("j")
    k_block = builder.append_basic_block("k")
    j_end = builder.append_basic_block("j_end")
    end = builder.append_basic_block("end")

    builder.branch(j_block)
    builder.position_at_end(j_block)
    j_variables = _loop_variables(builder, [_number(0), a, args.b, *sums], entry)
    j, a_j, b_j, *sums = j_variables

    builder.branch(k_block)
    builder.position_at_end(k_block)
    k_variables = _loop_variables(builder, [_number(0), a_j, b_j, *sums], j_block)
    k, a_k, b_k, *sums = k_variables
    if vectors > 1 and not masked:
        prefetch_value(builder, builder.add(b_k, behind), write=False)
    b_vectors = []
    for v in range(vectors):
        place = builder.add(b_k, _number(v * size))
        b_vectors.append(_load(builder, place, lanes, masks and masks[v]))
    new = []
    for r in range(height):
        factor = builder.load(pointer(builder, builder.add(a_k, a_rows[r]), F32), align=4)
        factors = splat_value(builder, factor, lanes)
        for v in range(vectors):
            new.append(fma_value(builder, factors, b_vectors[v], sums[r * vectors + v]))
    # LLVM would do two turns at a time, for which there are too few registers.
    k = opaque(builder, builder.add(k, _number(1)))
    k_values = [k, builder.add(a_k, args.a_k), builder.add(b_k, args.b_k), *new]
    more = builder.icmp_signed("<", k, args.K)
    _close_loop(builder, k_variables, k_values, more, k_block, j_end)

    builder.position_at_end(j_end)
    j = builder.add(j, _number(1))
    j_values = [j, builder.add(a_j, args.a_j), builder.add(b_j, args.b_j), *new]
    more = builder.icmp_signed("<", j, args.J)
    _close_loop(builder, j_variables, j_values, more, j_block, end)

    builder.position_at_end(end)
    start = builder.add(args.start, builder.mul(args.start_row, row))

    def add_and_store(masks: list[ir.Value] | None) -> None:
        for (r, v), value in zip(tile, new, strict=True):
            place = builder.add(start, builder.mul(args.start_row, _number(r)))
            place = builder.add(place, _number(v * size))
            total = builder.fadd(_load(builder, place, lanes, masks and masks[v]), value)
            if masks is None:
                builder.store(total, pointer(builder, c_places[r, v], total.type), align=4)
            else:
                left = builder.sub(args.columns, _number(v * lanes))
                store_first(builder, total, c_places[r, v], left)

    if masks:
        add_and_store(masks)
        return
    whole = builder.icmp_signed(">=", args.columns, _number(vectors * lanes))
    with builder.if_else(whole) as (all_columns, some_columns):
        with all_columns:
            add_and_store(None)
        with some_columns:
            add_and_store(_masks(builder, args.columns, vectors, lanes))


def _masks(builder: ir.IRBuilder, columns: ir.Value, vectors: int, lanes: int) -> list[ir.Value]:
    """For each vector of a row: the lanes that are columns."""
    left = [builder.sub(columns, _number(v * lanes)) for v in range(vectors)]
    return [opaque_mask(builder, mask_value(builder, count, lanes)) for count in left]


def _load(builder: ir.IRBuilder, address: ir.Value, lanes: int, mask: ir.Value | None) -> ir.Value:
    if mask is None:
        return builder.load(pointer(builder, address, ir.VectorType(F32, lanes)), align=4)
    return masked_load(builder, address, mask)


def _rows_code(
    builder: ir.IRBuilder, args: _Arguments, heights: tuple[int, ...], vectors: int, lanes: int,
    masked: bool,
) -> None:  # fmt: skip
    """All rows, in tiles of these heights: as many as there are of the first one, and so on."""
    row = cgutils.alloca_once_value(builder, _number(0))
    for height in heights:
        check = builder.append_basic_block("check")
        body = builder.append_basic_block("body")
        done = builder.append_basic_block("done")
        builder.branch(check)
        builder.position_at_end(check)
        here = builder.load(row)
        after = builder.add(here, _number(height))
        left = builder.sub(args.rows, after)
        there = builder.icmp_signed(">=", left, _number(0))
        # A few rows are as slow as more of them: eight are 4 + 4, not 6 + 2; sixteen 8 + 8.
        for few in (1, 2, 4) if height > 8 else (1, 2) if height > 4 else ():
            there = builder.and_(there, builder.icmp_signed("!=", left, _number(few)))
        builder.cbranch(there, body, done)
        builder.position_at_end(body)
        _tile_code(builder, args, here, height, vectors, lanes, masked)
        builder.store(after, row)
        builder.branch(check)
        builder.position_at_end(done)


def _zeros(builder: ir.IRBuilder) -> ir.Value:
    """The address of as many zeros as a tile has columns."""
    numbers = ir.ArrayType(F32, WIDEST * LANES)
    place = cgutils.global_constant(builder, "zeros", ir.Constant(numbers, None))
    return builder.ptrtoint(place, I64)


def _rows_product(vectors: int, lanes: int = LANES) -> Any:
    @intrinsic
    def rows_product(
        typingctx: Any, a: types.Type, a_row: types.Type, a_j: types.Type, a_k: types.Type,
        b: types.Type, b_j: types.Type, b_k: types.Type, c: types.Type, c_row: types.Type,
        rows: types.Type, columns: types.Type, J: types.Type, K: types.Type, start: types.Type,
        start_row: types.Type, padded: types.Type, behind: types.Type,
    ) -> Intrinsic:  # fmt: skip
        """c[row, v] = start[row, v] + sum of a[row, j, k] * b[j, k, v] over j < J and k < K

        for v < columns. a, b, c, start: addresses. a_row, a_j, ...: the steps in bytes along each
        index. So the same code multiplies matrices and walks over the pixels under a kernel. The
        columns of b, c and start are consecutive numbers. J and K: 1 or more. start is c itself
        to add to what is there, or a vector of biases, with start_row = 0, or 0 if there is nothing
        to add, with start_row = 0 too. It is added last: a long sum made in several pieces so loses
        fewer digits than in one. padded: 1 if a row of b may be read up to a whole tile's width
        (what stands behind its columns does not matter), otherwise 0. behind: bytes from b to what
        will be multiplied next, which is fetched meanwhile; 0 if nobody knows.
        """

        def code(
            context: Any, builder: ir.IRBuilder, signature: Any, values: list[ir.Value]
        ) -> ir.Value:
            args = _Arguments(*values)
            none = builder.icmp_signed("==", args.start, _number(0))
            args = args._replace(start=builder.select(none, _zeros(builder), args.start))
            width = _number(vectors * lanes)
            may_read = builder.or_(
                builder.icmp_signed(">=", args.columns, width),
                builder.icmp_signed("!=", args.padded, _number(0)),
            )
            with builder.if_else(may_read) as (whole_vectors, edge):
                with whole_vectors:
                    _rows_code(builder, args, HEIGHTS[vectors], vectors, lanes, masked=False)
                with edge:
                    _rows_code(builder, args, HEIGHTS_AT_THE_EDGE, vectors, lanes, masked=True)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 17), code

    return rows_product


rows_product_few = _rows_product(1, FEW_LANES)
rows_product_1 = _rows_product(1)
rows_product_2 = _rows_product(2)
rows_product_widest = _rows_product(WIDEST)
