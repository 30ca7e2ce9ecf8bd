"""Functions of torch.nn.functional that are not here, so that calling one says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _refuse(name: str, advice: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"nn.functional.{name} is not supported: {advice}")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Not supported, raises NotImplementedError: {advice}."
    return function


linear_cross_entropy = _refuse(
    "linear_cross_entropy", "use cross_entropy(linear(input, weight, bias), target)"
)

__all__ = ["linear_cross_entropy"]
