"""Steps of optimizers for many parameters at once; see ../array/optim.py for the definitions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...backend import Array
from . import loader
from .arrays import in_order_of, is_dense, same_order
from .loader import launch, takes

# As in source/optim.cu
CHUNK, MOST, ROLES = 2048, 72, 5
TENSORS = np.dtype(
    [
        ("arrays", np.uint64, (ROLES, MOST)),
        ("sizes", np.int64, MOST),
        ("first_chunk", np.int32, MOST + 1),
        ("count", np.int32),
    ]
)


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
    states = [velocities]
    if not _fit(parameters, gradients, states):
        return NotImplemented
    rates = float(lr), float(momentum), float(1 - dampening), float(weight_decay)
    for blocks, tensors in _tables(parameters, gradients, states):
        args = tensors, int(first), *rates, int(nesterov)
        launch("optim.cu", "sgd", parameters[0].dtype, blocks, *args)


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
    states = [means, squares, largest]
    if not _fit(parameters, gradients, states):
        return NotImplemented
    shrink, weight_decay = (1 - lr * weight_decay, 0.0) if decoupled else (1.0, weight_decay)
    rates = shrink, weight_decay, 1 - beta1, beta2, 1 - beta2
    scales = lr / (1 - beta1**step), (1 - beta2**step) ** 0.5, eps
    for blocks, tensors in _tables(parameters, gradients, states):
        args = tensors, *(float(value) for value in (*rates, *scales))
        launch("optim.cu", "adam", parameters[0].dtype, blocks, *args)


def _fit(parameters: list[Array], gradients: list[Array], states: list[list[Array | None]]) -> bool:
    """True if the kernel may run: elements of all arrays correspond by their place in memory.

    Gradients may lie otherwise, they are copied then.
    """
    if not takes(*parameters, *gradients, *(array for state in states for array in state)):
        return False
    if len({loader.address(each) for each in parameters if each.size}) < sum(
        each.size > 0 for each in parameters
    ):
        return False  # a parameter that comes twice would be changed by two threads at a time
    return all(
        is_dense(parameter)
        and all(array is None or same_order(array, parameter) for array in others)
        for parameter, *others in zip(parameters, *states, strict=True)
    )


def _tables(
    parameters: list[Array], gradients: list[Array], states: list[list[Array | None]]
) -> Iterator[tuple[int, np.ndarray]]:
    """struct Tensors for MOST parameters at a time, and the number of their chunks."""
    loader.check_gpu(parameters[0])
    for start in range(0, len(parameters), MOST):
        part = slice(start, start + MOST)
        ordered = [
            in_order_of(gradient, parameter)
            for parameter, gradient in zip(parameters[part], gradients[part], strict=True)
        ]
        table = np.zeros((), TENSORS)
        for role, arrays in enumerate([parameters[part], ordered, *(s[part] for s in states)]):
            for k, array in enumerate(arrays):
                table["arrays"][role, k] = 0 if array is None else loader.address(array)
        sizes = [parameter.size for parameter in parameters[part]]
        chunks = np.cumsum([-(-size // CHUNK) for size in sizes])
        table["sizes"][: len(sizes)] = sizes
        table["first_chunk"][1 : len(sizes) + 1] = chunks
        table["count"] = len(sizes)
        yield int(chunks[-1]), table
