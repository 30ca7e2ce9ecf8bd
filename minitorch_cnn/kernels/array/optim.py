"""One step of each optimizer on bare arrays: the parameter and its state are changed in place.

The order of the operations is torch's, so that float64 trajectories agree to the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...backend import array_module

Array = Any

BLOCK = 1 << 15  # elements: a few arrays of this many fit into a core's second-level cache


def _blocks(*arrays: Array | None) -> Iterator[list]:
    """The same stretch of all arrays, one stretch after another; None stays None.

    An update reads and writes the same numbers many times over. Doing all of it on a stretch
    that fits into the cache, before going on to the next, goes to memory only once.
    """
    present = [array for array in arrays if array is not None]
    if not all(isinstance(a, np.ndarray) and a.flags.c_contiguous for a in present):
        yield list(arrays)  # on a GPU, or lying in memory in different orders: all at once
        return
    flat = [None if array is None else array.reshape(-1) for array in arrays]
    for start in range(0, present[0].size, BLOCK):
        yield [None if array is None else array[start : start + BLOCK] for array in flat]


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
) -> None:
    """v = momentum v + (1 - dampening) g; p -= lr v. first: v is not set yet, it becomes g."""
    for p, g, v in _blocks(parameter, gradient, velocity):
        if weight_decay:
            g = g + weight_decay * p
        if v is not None:
            if first:
                v[...] = g
            else:
                v *= momentum
                v += g if dampening == 0 else (1 - dampening) * g
            g = g + momentum * v if nesterov else v
        p -= lr * g


def _decay_and_average(
    p: Array,
    g: Array,
    m: Array,
    s: Array,
    lr: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
    decoupled: bool,
) -> Array:
    """How a step of Adam and its relatives begins: weight decay, then the running means m of g and
    s of g^2. Returns g, with the weight decay unless that is decoupled."""
    if weight_decay and decoupled:
        p *= 1 - lr * weight_decay
    elif weight_decay:
        g = g + weight_decay * p
    m += (1 - beta1) * (g - m)
    s *= beta2
    s += (1 - beta2) * g * g
    return g


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
) -> None:
    """p -= lr m / (sqrt(s) + eps), m and s the running means of g and g^2 without their bias.

    largest: the running maximum of s (AMSGrad), used in its place, or None.
    decoupled: weight decay shrinks p itself (AdamW) instead of joining the gradient.
    """
    xp = array_module(parameter)
    # Both means start at 0; dividing by 1 - beta^step makes up for it.
    step_size = lr / (1 - beta1**step)
    root_correction = (1 - beta2**step) ** 0.5
    for p, g, m, s, top in _blocks(parameter, gradient, mean, square, largest):
        _decay_and_average(p, g, m, s, lr, beta1, beta2, weight_decay, decoupled)
        if top is None:
            root = xp.sqrt(s)
        else:
            xp.maximum(top, s, out=top)
            root = xp.sqrt(top)
        root /= root_correction
        root += eps
        p -= step_size * (m / root)


def sgd_many(
    parameters: list[Array], gradients: list[Array], velocities: list[Array | None], **settings: Any
) -> None:
    """`sgd` for many parameters of one dtype on one device, with the same settings for all.

    A kernel of a faster tier can do all of them in one go. No list is empty.
    """
    for arrays in zip(parameters, gradients, velocities, strict=True):
        sgd(*arrays, **settings)


def adam_many(
    parameters: list[Array],
    gradients: list[Array],
    means: list[Array],
    squares: list[Array],
    largest: list[Array | None],
    **settings: Any,
) -> None:
    """`adam` for many parameters, see `sgd_many`."""
    for arrays in zip(parameters, gradients, means, squares, largest, strict=True):
        adam(*arrays, **settings)


def rmsprop(
    parameter: Array,
    gradient: Array,
    square: Array,
    mean: Array | None,
    velocity: Array | None,
    *,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
) -> None:
    """p -= lr g / (sqrt(s) + eps), s the running mean of g^2.

    mean: the running mean of g, to be subtracted out of s (centered), or None.
    velocity: the momentum buffer, or None.
    """
    xp = array_module(parameter)
    for p, g, s, m, v in _blocks(parameter, gradient, square, mean, velocity):
        if weight_decay:
            g = g + weight_decay * p
        s *= alpha
        s += (1 - alpha) * g * g
        if m is None:
            root = xp.sqrt(s)
        else:
            m += (1 - alpha) * (g - m)
            root = xp.sqrt(s - m * m)
        root += eps
        if v is None:
            p -= lr * (g / root)
        else:
            v *= momentum
            v += g / root
            p -= lr * v


def adagrad(
    parameter: Array,
    gradient: Array,
    total: Array,
    *,
    lr: float,
    eps: float,
    weight_decay: float,
) -> None:
    """p -= lr g / (sqrt(t) + eps), t the sum of all g^2 so far."""
    xp = array_module(parameter)
    for p, g, t in _blocks(parameter, gradient, total):
        if weight_decay:
            g = g + weight_decay * p
        t += g * g
        root = xp.sqrt(t)
        root += eps
        p -= lr * (g / root)


def adadelta(
    parameter: Array,
    gradient: Array,
    square: Array,
    change: Array,
    *,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
) -> None:
    """p -= lr u, u = g sqrt(c + eps) / sqrt(s + eps); s and c the running means of g^2 and u^2."""
    xp = array_module(parameter)
    for p, g, s, c in _blocks(parameter, gradient, square, change):
        if weight_decay:
            g = g + weight_decay * p
        s *= rho
        s += (1 - rho) * g * g
        u = xp.sqrt(c + eps) / xp.sqrt(s + eps) * g
        c *= rho
        c += (1 - rho) * u * u
        p -= lr * u


def adamax(
    parameter: Array,
    gradient: Array,
    mean: Array,
    largest: Array,
    *,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> None:
    """p -= lr m / a, m the running mean of g without its bias, a = max(beta2 a, |g| + eps)."""
    xp = array_module(parameter)
    step_size = lr / (1 - beta1**step)
    for p, g, m, a in _blocks(parameter, gradient, mean, largest):
        if weight_decay:
            g = g + weight_decay * p
        m += (1 - beta1) * (g - m)
        a *= beta2
        xp.maximum(a, xp.abs(g) + eps, out=a)
        p -= step_size * (m / a)


def nadam(
    parameter: Array,
    gradient: Array,
    mean: Array,
    square: Array,
    *,
    step: int,
    gradient_rate: float,
    mean_rate: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> None:
    """p -= (gradient_rate g + mean_rate m) / (sqrt(s) + eps), m and s as in `adam`."""
    xp = array_module(parameter)
    for p, g, m, s in _blocks(parameter, gradient, mean, square):
        g = _decay_and_average(p, g, m, s, lr, beta1, beta2, weight_decay, decoupled)
        root = xp.sqrt(s / (1 - beta2**step)) + eps
        p -= gradient_rate * (g / root)
        p -= mean_rate * (m / root)


def radam(
    parameter: Array,
    gradient: Array,
    mean: Array,
    square: Array,
    *,
    step: int,
    rectifier: float | None,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> None:
    """`adam` with its step times rectifier; None: p -= lr m, while s is of too few squares."""
    xp = array_module(parameter)
    for p, g, m, s in _blocks(parameter, gradient, mean, square):
        _decay_and_average(p, g, m, s, lr, beta1, beta2, weight_decay, decoupled)
        update = m / (1 - beta1**step) * lr
        if rectifier is not None:
            update *= (1 - beta2**step) ** 0.5 / (xp.sqrt(s) + eps) * rectifier
        p -= update
