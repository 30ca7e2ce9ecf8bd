"""Calling a module with other values in the place of its own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...tensor import Tensor
from ..modules.module import Module, type_name

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """The older name of `mt.func.functional_call`, with a warning as in torch."""
    warnings.warn(
        "`nn.utils.stateless.functional_call` is deprecated: use `func.functional_call` instead",
        FutureWarning,
        stacklevel=2,
    )
    return call_with(module, parameters_and_buffers, args, kwargs, tie_weights, strict)


def call_with(
    module: Module, values: dict[str, Tensor], args: Any, kwargs: Any, tied: bool, strict: bool
) -> Any:
    """Calls the module while the values stand in its registries."""
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _values_of(module, values, tied, strict):
        return module(*args, **({} if kwargs is None else kwargs))


@contextmanager
def _values_of(
    module: Module, values: dict[str, Tensor], tied: bool, strict: bool
) -> Iterator[None]:
    places: dict[str, tuple[dict, str]] = {}  # dotted name -> registry and name in it
    for path, part in module.named_modules(remove_duplicate=False):
        for registry in (part._parameters, part._buffers):
            for name in registry:
                places[f"{path}.{name}" if path else name] = registry, name
    for name, value in values.items():
        if name in places and not isinstance(value, Tensor):
            raise TypeError(f"{value!r:.60} is not an instance of Tensor, but {type_name(value)}")
    chosen = {places[name][0][places[name][1]]: value for name, value in values.items()
              if name in places} if tied else {}  # fmt: skip
    new = {}
    for name, (registry, key) in places.items():
        if name in values:
            new[name] = values[name]
        elif registry[key] in chosen:  # another name of a tensor that was replaced
            new[name] = chosen[registry[key]]
    missing = [name for name, (registry, key) in places.items()
               if name not in new and registry[key] is not None]  # fmt: skip
    unexpected = [name for name in values if name not in places]
    if strict and (missing or unexpected):
        lines = [
            f"\n\t{what} key(s): {', '.join(map(repr, names))}."
            for what, names in (("Missing", missing), ("Unexpected", unexpected))
            if names
        ]
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:{''.join(lines)}"
        )
    before = {name: places[name][0][places[name][1]] for name in new}
    try:
        for name, value in new.items():
            registry, key = places[name]
            registry[key] = value
        yield
    finally:
        for name, value in before.items():
            registry, key = places[name]
            registry[key] = value
