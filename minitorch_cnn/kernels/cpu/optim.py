"""Steps of SGD and Adam: all parameters in one call, each in one pass; see ../array/optim.py.

A network has dozens of small parameters, and to start a kernel takes longer than to update one of
them. So a kernel gets a table: where in memory each parameter, its gradient and its state begin,
and how many numbers there are. The table is made at every call, from arrays whose shapes
kernels/check.py has compared at that call.
"""

from __future__ import annotations

import math
from ctypes import addressof, c_char
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from ...backend import Array
from ..geometry import Pair
from .jit.compiling import Intrinsic, compiled, intrinsic
from .jit.threads import kernel, parts_for, run, share

FLOAT32 = np.dtype(np.float32)
GRADIENT = 1  # its place among the arrays of a parameter


def _table(
    parameters: list[Array], gradients: list[Array], *states: list[Array | None]
) -> tuple[Array, list[Array]] | None:
    """A row for each parameter: where it, its gradient and its states begin (or 0), and its size.

    None unless the kernels can take them: float32, parameter and states in the same memory order
    without gaps and not read-only. Also returns copies of gradients that lie in another order; they
    have to be kept until the kernel is done.
    """
    rows, copies = [], []
    places: list[tuple[int, int, bool]] = []  # (start, stop, whether it is written to)
    for parameter, gradient, *state in zip(parameters, gradients, *states, strict=True):
        size, order = parameter.size, None
        if not parameter.flags.c_contiguous:  # the axes from the widest step to the narrowest
            order = sorted(range(parameter.ndim), key=parameter.strides.__getitem__, reverse=True)
        row = []
        for role, array in enumerate((parameter, gradient, *state)):
            if array is None or size == 0:
                row.append(0)
                continue
            if not isinstance(array, np.ndarray) or array.dtype != FLOAT32:
                return None
            lying: Any = array if order is None else array.transpose(order)
            if not lying.flags.carray:  # contiguous, aligned, not read-only
                if role != GRADIENT:
                    return None
                lying = lying.copy()
                copies.append(lying)
            start = addressof(c_char.from_buffer(lying))
            row.append(start)
            places.append((start, start + 4 * size, role != GRADIENT))
        rows.append([*row, size])
    return None if _overlap(places) else (np.array(rows, np.int64), copies)


def _overlap(places: list[tuple[int, int, bool]]) -> bool:
    """Whether something that is written, all but gradients, lies in the memory of something else.

    So it is with a parameter that comes twice: two threads would change it at a time.
    """
    end = end_of_written = 0  # of all that begins before
    for start, stop, written in sorted(places):
        if start < (end if written else end_of_written):
            return True
        end = max(end, stop)
        if written:
            end_of_written = max(end_of_written, stop)
    return False


@intrinsic
def _floats(typingctx: Any, place: types.Type) -> Intrinsic:
    """An address as a pointer to float32, to be used as an array that knows no size."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: list[ir.Value]) -> ir.Value:
        return builder.inttoptr(args[0], ir.FloatType().as_pointer())

    return types.CPointer(types.float32)(types.int64), code


@compiled
def _array(table: Array, row: int, role: int, start: int) -> Array:
    """An array of the table from element `start`; the parameter if the array is not there."""
    place = table[row, role]
    return _floats((table[row, 0] if place == 0 else place) + 4 * start)


@compiled
def _share(table: Array, part: int, parts: int) -> Pair:
    """(start, stop) of a part of the elements of all parameters, counted through."""
    total = 0
    for row in range(len(table)):
        total += table[row, -1]
    return share(total, part, parts)


@compiled
def _inside(table: Array, row: int, before: int, start: int, stop: int) -> Pair:
    """Which of a parameter's elements are in a share, if there are `before` elements before it."""
    size = table[row, -1]
    return max(0, min(size, start - before)), max(0, min(size, stop - before))


@kernel
def sgd_step(
    part: int, parts: int, table: Array, first: bool, lr: float, momentum: float, dampened: float,
    weight_decay: float, nesterov: bool,
) -> None:  # fmt: skip
    """dampened: 1 - dampening"""
    share_of_all, before = _share(table, part, parts), 0
    for row in range(len(table)):
        start, stop = _inside(table, row, before, *share_of_all)
        before += table[row, -1]
        has_velocity = table[row, 2] != 0
        p, g = _array(table, row, 0, start), _array(table, row, 1, start)
        v = _array(table, row, 2, start)
        for i in range(stop - start):
            # Without decay an infinite weight stays infinite: 0 times it would be NaN.
            change = g[i] + weight_decay * p[i] if weight_decay != 0 else g[i]
            if has_velocity:
                v[i] = change if first else momentum * v[i] + dampened * change
                change = change + momentum * v[i] if nesterov else v[i]
            p[i] -= lr * change


def sgd(
    parameters: list[Array],
    gradients: list[Array],
    velocities: list[Array | None],
    *,
    first: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> Any:
    made = _table(parameters, gradients, velocities)
    if made is None:
        return NotImplemented
    table, _copies = made
    numbers = np.array([lr, momentum, 1 - dampening, weight_decay], np.float32)
    parts = parts_for(int(table[:, -1].sum()))
    run(sgd_step, table, first, *numbers, nesterov, parts=parts)
    return None


@kernel
def adam_step(
    part: int, parts: int, table: Array, step_size: float, rest1: float, beta2: float, rest2: float,
    eps: float, shrink: float, decay: float, root_correction: float,
) -> None:  # fmt: skip
    """rest1, rest2: 1 - beta1, 1 - beta2. shrink: decoupled weight decay, decay: the other one."""
    share_of_all, before = _share(table, part, parts), 0
    for row in range(len(table)):
        start, stop = _inside(table, row, before, *share_of_all)
        before += table[row, -1]
        has_top = table[row, 4] != 0
        p, g = _array(table, row, 0, start), _array(table, row, 1, start)
        m, s = _array(table, row, 2, start), _array(table, row, 3, start)
        top = _array(table, row, 4, start)
        for i in range(stop - start):
            value = p[i] * shrink
            gradient = g[i] + decay * value if decay != 0 else g[i]
            m[i] += rest1 * (gradient - m[i])
            s[i] = beta2 * s[i] + rest2 * gradient * gradient
            square = s[i]
            if has_top:
                if square > top[i] or square != square:  # a NaN stays, as with numpy.maximum
                    top[i] = square
                square = top[i]
            p[i] = value - step_size * (m[i] / (square**0.5 / root_correction + eps))


def adam(
    parameters: list[Array],
    gradients: list[Array],
    means: list[Array],
    squares: list[Array],
    largest: list[Array | None],
    *,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> Any:
    made = _table(parameters, gradients, means, squares, largest)
    if made is None:
        return NotImplemented
    table, _copies = made
    shrink, decay = (1 - lr * weight_decay, 0) if decoupled else (1, weight_decay)
    step_size, root = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
    numbers = [step_size, 1 - beta1, beta2, 1 - beta2, eps, shrink, decay, root]
    parts = parts_for(int(table[:, -1].sum()))
    run(adam_step, table, *np.array(numbers, np.float32), parts=parts)
    return None
