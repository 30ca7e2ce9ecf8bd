"""One step of SGD and of Adam on bare arrays: parameters and their state are changed in place.

The other optimizers have no faster kernel: their rules stand in their classes, minitorch_cnn/optim.
The order of the operations is torch's, so that float64 trajectories agree to the last digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...backend import Array, array_module

BLOCK = 1 << 15  # elements: a few arrays of this many fit into a core's second-level cache


def blocks(*arrays: Array) -> list[Sequence[Array]]:
    """The same stretch of all arrays, one stretch after another; None stays None.

    An update reads and writes the same numbers many times over. Doing all of it on a stretch
    that fits into the cache, before going on to the next, goes to memory only once.
    """
    size = arrays[0].size
    if size <= BLOCK:
        return [arrays]
    for array in arrays:
        if array is not None and not (isinstance(array, np.ndarray) and array.flags.c_contiguous):
            return [arrays]  # on a GPU, or lying in memory in different orders: all at once
    flat = [None if array is None else array.reshape(-1) for array in arrays]
    stretches = [slice(start, start + BLOCK) for start in range(0, size, BLOCK)]
    return [[None if array is None else array[part] for array in flat] for part in stretches]


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
) -> None:
    """v = momentum v + (1 - dampening) g; p -= lr v. first: v is not set yet, it becomes g.

    All parameters have one dtype and lie on one device, so that a faster kernel can do them in one
    go. No list is empty. Without momentum each velocity is None.
    """
    for arrays in zip(parameters, gradients, velocities, strict=True):
        for p, g, v in blocks(*arrays):
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
) -> None:
    """p -= lr m / (sqrt(s) + eps), m and s the running means of g and g^2 without their bias.

    largest: the running maxima of s (AMSGrad), used in its place, or None for each.
    decoupled: weight decay shrinks p itself (AdamW) instead of joining the gradient.
    Many parameters at once, as for `sgd`.
    """
    xp = array_module(parameters[0])
    # Both means start at 0; dividing by 1 - beta^step makes up for it.
    step_size = lr / (1 - beta1**step)
    root_correction = (1 - beta2**step) ** 0.5
    for arrays in zip(parameters, gradients, means, squares, largest, strict=True):
        for p, g, m, s, top in blocks(*arrays):
            if weight_decay and decoupled:
                p *= 1 - lr * weight_decay
            elif weight_decay:
                g = g + weight_decay * p
            m += (1 - beta1) * (g - m)
            s *= beta2
            s += (1 - beta2) * g * g
            if top is None:
                root = xp.sqrt(s)
            else:
                xp.maximum(top, s, out=top)
                root = xp.sqrt(top)
            root /= root_correction
            root += eps
            p -= step_size * (m / root)
