"""The rungs of `explain ladder` that Numba compiles, on their way to the library's register tile.

They are written with the library's vectors (kernels/cpu/jit/vector.py): `load` takes LANES
neighbouring floats into a register, `fma` multiplies and adds two of them, `store` writes one back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types

from ..kernels.cpu.jit.compiling import Intrinsic, compiled, entry, intrinsic
from ..kernels.cpu.jit.threads import address, share
from ..kernels.cpu.jit.vector import (
    AVX512,
    BYTES,
    F32,
    LANES,
    Vectors,
    fma,
    load,
    mask_value,
    masked_load,
    pointer,
    splat,
    splat_value,
    store,
    store_some,
    vector_type,
)
from . import ladder_rungs
from .ladder_rungs import Problem, weight_matrix

WIDTH = 2 * LANES  # filters in a tile
HEIGHT = 6  # pixels in a tile: 12 sums, 2 vectors of weights and a pixel need 15 registers


def on_threads(kernel: Callable, threads: int, *arguments: Any) -> None:
    """kernel(part, parts, *arguments) for each part, at the same time."""
    others = [Thread(target=kernel, args=(part, threads, *arguments)) for part in range(1, threads)]
    for thread in others:
        thread.start()
    kernel(0, threads, *arguments)
    for thread in others:
        thread.join()


def empty_output(problem: Problem) -> np.ndarray:
    """y (N, OH, OW, K)"""
    N, K, OH, OW = problem.out_shape
    return np.empty((N, OH, OW, K), np.float32)


# ------------------------------------------------------------------------------------- the loops


compiled_loops = entry(ladder_rungs.loops)


def loops(problem: Problem) -> np.ndarray:
    y = np.empty(problem.out_shape, np.float32)
    compiled_loops(problem.x, problem.w, y)
    return y


# Each pixel is multiplied by the same weight of all filters, which lie side by side: that is what
# vector instructions can do, and Numba finds them by itself.
@entry
def vector_rows(part: int, parts: int, pixels: np.ndarray, w: np.ndarray, y: np.ndarray) -> None:
    """y (N, OH, OW, K) from pixels (N, H, W, C) and w (3, 3, C, K), this part's rows of it."""
    N, OH, OW, K = y.shape
    KH, KW, C, _ = w.shape
    start, stop = share(N * OH, part, parts)
    for row in range(start, stop):
        n, i = row // OH, row % OH
        for j in range(OW):
            sums = y[n, i, j]
            for k in range(K):
                sums[k] = 0
            for u in range(KH):
                for v in range(KW):
                    for c in range(C):
                        pixel, weights = pixels[n, i + u, j + v, c], w[u, v, c]
                        for k in range(K):
                            sums[k] += pixel * weights[k]


def vectors(problem: Problem, threads: int = 1) -> np.ndarray:
    y = empty_output(problem)
    K, C, KH, KW = problem.w.shape
    w = weight_matrix(problem.w).reshape(KH, KW, C, K)
    on_threads(vector_rows, threads, problem.pixels, w, y)
    return y.transpose(0, 3, 1, 2)


def all_cores(problem: Problem) -> np.ndarray:
    return vectors(problem, problem.threads)


# ----------------------------------------------------------------------------- the register tile


@intrinsic
def broadcast(typingctx: Any, place: types.Type) -> Intrinsic:
    """The float at an address, in every lane."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return splat_value(builder, builder.load(pointer(builder, args[0], F32), align=4))

    return vector_type(types.int64), code


@compiled
def add_products(pixel: int, b: Vectors, sums: Vectors) -> Vectors:
    """sums + pixel * b, for a pixel's two sums; pixel: its address."""
    a = broadcast(pixel)
    return fma(a, b[0], sums[0]), fma(a, b[1], sums[1])


# Two vectors of which only the first `columns` lanes may be touched, and two whole ones.


@intrinsic
def load_masked(typingctx: Any, address: types.Type, count: types.Type) -> Intrinsic:
    """The first `count` of LANES floats, through a mask even if all are there."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return masked_load(builder, args[0], mask_value(builder, args[1]))

    return vector_type(types.int64, types.int64), code


@compiled
def load_some_columns(place: int, columns: int) -> Vectors:
    return load_masked(place, columns), load_masked(place + BYTES, columns - LANES)


@compiled
def store_some_columns(place: int, columns: int, pair: Vectors) -> None:
    store_some(place, pair[0], columns)
    store_some(place + BYTES, pair[1], columns - LANES)


@compiled
def load_all_columns(place: int, columns: int) -> Vectors:
    return load(place), load(place + BYTES)


@compiled
def store_all_columns(place: int, columns: int, pair: Vectors) -> None:
    store(place, pair[0])
    store(place + BYTES, pair[1])


def tile_kernel(load_two: Callable, store_two: Callable) -> Any:
    @entry
    def tile_rows(
        part: int, parts: int, pixels: np.ndarray, w: np.ndarray, w_row: int, w_panel: int,
        y: np.ndarray,
    ) -> None:  # fmt: skip
        """y (N, OH, OW, K) from pixels (N, H, W, C), this part's rows of it.

        w: the weights (3, 3, C, K) in panels of WIDTH filters. w_row, w_panel: the bytes from one
        row of a panel to the next, and from one panel to the next.
        """
        N, H, W, C = pixels.shape
        _, OH, OW, K = y.shape
        zero = splat(np.float32(0))
        start, stop = share(N * OH, part, parts)
        for row in range(start, stop):
            n, i = row // OH, row % OH
            for k in range(0, K, WIDTH):
                for tile in range(0, OW, HEIGHT):
                    j = min(tile, OW - HEIGHT)  # the last tile may do some pixels again
                    s0 = s1 = s2 = s3 = s4 = s5 = (zero, zero)
                    b = address(w) + k // WIDTH * w_panel
                    for u in range(3):
                        # Of a window's row, the pixels lie side by side: 3 C numbers.
                        a = address(pixels) + 4 * ((n * H + i + u) * W + j) * C
                        for _ in range(3 * C):
                            two = load_two(b, K - k)
                            s0 = add_products(a, two, s0)
                            s1 = add_products(a + 4 * C, two, s1)
                            s2 = add_products(a + 8 * C, two, s2)
                            s3 = add_products(a + 12 * C, two, s3)
                            s4 = add_products(a + 16 * C, two, s4)
                            s5 = add_products(a + 20 * C, two, s5)
                            a += 4
                            b += w_row
                    out = address(y) + 4 * (((n * OH + i) * OW + j) * K + k)
                    store_two(out, K - k, s0)
                    store_two(out + 4 * K, K - k, s1)
                    store_two(out + 8 * K, K - k, s2)
                    store_two(out + 12 * K, K - k, s3)
                    store_two(out + 16 * K, K - k, s4)
                    store_two(out + 20 * K, K - k, s5)

    return tile_rows


masked_rows = tile_kernel(load_some_columns, store_some_columns)
whole_rows = tile_kernel(load_all_columns, store_all_columns)


def tile(problem: Problem, rows: Any) -> np.ndarray:
    """The weights as a matrix: from one row of it to the next are K numbers."""
    y = empty_output(problem)
    w = weight_matrix(problem.w)
    on_threads(rows, problem.threads, problem.pixels, w, w.strides[0], 4 * WIDTH, y)
    return y.transpose(0, 3, 1, 2)


def masked_tile(problem: Problem) -> np.ndarray:
    return tile(problem, masked_rows)


def whole_tile(problem: Problem) -> np.ndarray:
    return tile(problem, whole_rows)


def packed(problem: Problem) -> np.ndarray:
    """The same tile; the weights of its WIDTH filters were copied to where they lie together."""
    y = empty_output(problem)
    w = weight_matrix(problem.w)
    panels = np.concatenate(np.split(w, w.shape[1] // WIDTH, axis=1))  # one below the other
    row = panels.strides[0]
    on_threads(whole_rows, problem.threads, problem.pixels, panels, row, len(w) * row, y)
    return y.transpose(0, 3, 1, 2)


# --------------------------------------------------------------------------- what became of them


class InnerLoop(NamedTuple):
    """Of a kernel's innermost loop as the processor runs it: how many instructions of each kind."""

    instructions: int
    multiply_adds: int
    stack: int  # those that read or write the stack: what the registers had no room for


def inner_loop(kernel: Any) -> InnerLoop | None:
    """Counts in the assembly of a kernel that has run; None if the loop has branches inside, as it
    has where no instruction loads through a mask."""
    (assembly,) = kernel.inspect_asm().values()
    best = None
    for block in re.split(r"(?m)^(?=\.?L\w+:)", assembly):
        label = block.partition(":")[0]
        # A loop of one block is one that jumps to its own label; what follows is outside.
        body, jumps_back, _ = block.partition(f"\t{label}\n")
        if jumps_back:
            lines = re.findall(r"(?m)^\t(?=[a-z]).*$", body)
            multiply_adds = sum(line.startswith(("\tvfmadd", "\tfmla")) for line in lines)
            stack = sum("(%rsp" in line or "[sp" in line for line in lines)
            if multiply_adds > (best.multiply_adds if best else 0):
                best = InnerLoop(len(lines), multiply_adds, stack)
    return best


def registers() -> str:
    """What the compiled code may use."""
    if AVX512:
        return f"AVX-512: 32 registers of {LANES} floats, masks have registers of their own"
    return f"no AVX-512: registers of {LANES} floats, and a mask takes one of them"


def tile_loops() -> tuple[InnerLoop | None, InnerLoop | None]:
    """Of the tile with masks and of the one without, once both have run."""
    return inner_loop(masked_rows), inner_loop(whole_rows)
