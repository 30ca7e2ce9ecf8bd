"""functorch: what torch.func was before it was torch.func, and modules as plain functions.

It comes with torch under a name of its own, so the import hook gives this module for it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from ..func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    stack_module_state,
    vjp,
    vmap,
)
from ..nn.modules.module import Module

__all__ = [
    "combine_state_for_ensemble",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "make_functional",
    "make_functional_with_buffers",
    "vjp",
    "vmap",
]


def make_functional_with_buffers(
    model: Module, disable_autograd_tracking: bool = False
) -> tuple[Callable, tuple, tuple]:
    """A copy of a module as ``function(parameters, buffers, *args)``, its parameters and buffers.

    >>> import minitorch_cnn as mt
    >>> function, params, buffers = make_functional_with_buffers(mt.nn.Linear(2, 1, bias=False))
    >>> function((mt.tensor([[1.0, 2.0]]),), buffers, mt.tensor([3.0, 4.0]))
    tensor([11.])
    """
    model = copy.deepcopy(model).requires_grad_(not disable_autograd_tracking)
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())

    def function(params: Sequence, others: Sequence, *args: Any, **kwargs: Any) -> Any:
        values = dict(zip(parameters, params, strict=True))
        values.update(zip(buffers, others, strict=True))
        return functional_call(model, values, args, kwargs)

    return function, tuple(parameters.values()), tuple(buffers.values())


def make_functional(
    model: Module, disable_autograd_tracking: bool = False
) -> tuple[Callable, tuple]:
    """The same of a module without buffers: ``function(parameters, *args)`` and its parameters.

    >>> import minitorch_cnn as mt
    >>> function, params = make_functional(mt.nn.Linear(2, 1))
    >>> [value.ndim for value in params]
    [2, 1]
    """
    call, params, buffers = make_functional_with_buffers(model, disable_autograd_tracking)
    if buffers:
        raise RuntimeError(
            "make_functional(model): `model` has buffers. Please use "
            "make_functional_with_buffers(model) instead."
        )
    return (lambda params, *args, **kwargs: call(params, (), *args, **kwargs)), params


def combine_state_for_ensemble(models: Sequence[Module]) -> tuple[Callable, tuple, tuple]:
    """Several modules of one kind as one function, with the parameters and buffers of all, stacked.

    >>> import minitorch_cnn as mt
    >>> models = [mt.nn.Linear(2, 1) for _ in range(3)]
    >>> function, params, buffers = combine_state_for_ensemble(models)
    >>> vmap(function, (0, 0, None))(params, buffers, mt.ones(5, 2)).shape
    minitorch_cnn.Size([3, 5, 1])
    """
    function, _, _ = make_functional_with_buffers(models[0])
    params, buffers = stack_module_state(list(models))
    return function, tuple(params.values()), tuple(buffers.values())
