"""Steps of optimizers on flat arrays, everything in one pass; see ../array/optim.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend import Array
from .arrays import memory_order, takes
from .jit.threads import kernel, parts_for, run, share


@kernel
def sgd_flat(
    part, parts, p, g, v, has_velocity, first, lr, momentum, dampened, weight_decay, nesterov
):
    """dampened: 1 - dampening"""
    start, stop = share(p.size, part, parts)
    p, g, v = p[start:stop], g[start:stop], v[start:stop]
    for i in range(p.size):
        change = g[i] + weight_decay * p[i]
        if has_velocity:
            v[i] = change if first else momentum * v[i] + dampened * change
            change = change + momentum * v[i] if nesterov else v[i]
        p[i] -= lr * change


@kernel
def adam_flat(
    part, parts, p, g, m, s, top, has_top,
    step_size, rest1, beta2, rest2, eps, shrink, decay, root_correction,
):  # fmt: skip
    """rest1, rest2: 1 - beta1, 1 - beta2. shrink: decoupled weight decay, decay: the other one."""
    start, stop = share(p.size, part, parts)
    p, g, m = p[start:stop], g[start:stop], m[start:stop]
    s, top = s[start:stop], top[start:stop]
    for i in range(p.size):
        value = p[i] * shrink
        gradient = g[i] + decay * value
        m[i] += rest1 * (gradient - m[i])
        s[i] = beta2 * s[i] + rest2 * gradient * gradient
        square = s[i]
        if has_top:
            square = max(top[i], square)
            top[i] = square
        p[i] = value - step_size * (m[i] / (square**0.5 / root_correction + eps))


# ----------------------------------------------------------------------------------- the entries


def _state(*arrays: Array | None) -> list[Array] | None:
    """A parameter and its state, flat, to be changed in place; None if that takes a copy."""
    present = [array for array in arrays if array is not None]
    order = memory_order(present[0])
    if order is None or not takes(*present):
        return None
    if any(not array.transpose(order).flags.c_contiguous for array in present):
        return None
    first = present[0].transpose(order).reshape(-1)
    return [first if a is None else a.transpose(order).reshape(-1) for a in arrays]


def sgd(
    parameter: Array,
    gradient: Array,
    velocity: Array | None,
    *,
    first: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> Any:
    flat = _state(parameter, gradient, velocity)
    if flat is None:
        return NotImplemented
    numbers = (np.float32(n) for n in (lr, momentum, 1 - dampening, weight_decay))
    args = (*flat, velocity is not None, first, *numbers, nesterov)
    run(sgd_flat, *args, parts=parts_for(parameter.size))
    return None


def adam(
    parameter: Array,
    gradient: Array,
    mean: Array,
    square: Array,
    largest: Array | None,
    *,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> Any:
    flat = _state(parameter, gradient, mean, square, largest)
    if flat is None:
        return NotImplemented
    shrink, decay = (1 - lr * weight_decay, 0) if decoupled else (1, weight_decay)
    step_size, root = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
    numbers = (step_size, 1 - beta1, beta2, 1 - beta2, eps, shrink, decay, root)
    args = (*flat, largest is not None, *(np.float32(n) for n in numbers))
    run(adam_flat, *args, parts=parts_for(parameter.size))
    return None
