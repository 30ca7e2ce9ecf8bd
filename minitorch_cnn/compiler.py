"""torch.compiler's names: nothing is compiled, and functions are handed back as they are.

>>> import minitorch_cnn as mt
>>> mt.compiler.is_compiling()
False
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .jit import compile as compile
from .missing import refuse_missing

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable",
    "is_compiling", "is_dynamo_compiling", "is_exporting", "list_backends", "reset",
]  # fmt: skip


def is_compiling() -> bool:
    """False."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def allow_in_graph(fn: Any) -> Any:
    """The function, or list of functions, itself."""
    return fn


def assume_constant_result(fn: Any) -> Any:
    """The function itself."""
    return fn


def disable(
    fn: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None
) -> Any:
    """The function itself; as ``@disable()`` too."""
    return allow_in_graph if fn is None else fn


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """[]: there is no compiler."""
    return []


def reset() -> None:
    """Nothing: there is no state."""


def cudagraph_mark_step_begin() -> None:
    """Nothing: CUDA graphs are captured by nobody."""


refuse_missing(globals())
