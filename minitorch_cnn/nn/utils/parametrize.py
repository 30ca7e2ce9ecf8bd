"""torch's parametrizations, which are not here. Their names are, so that an error says it."""

from __future__ import annotations

from typing import Any

ADVICE = (
    "weights cannot be replaced by functions of others; there are nn.utils.spectral_norm and "
    "nn.utils.weight_norm"
)


class ParametrizationList:
    """Not supported: raises NotImplementedError."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise _refused("ParametrizationList")


def register_parametrization(*args: Any, **kwargs: Any) -> Any:
    """Not supported: raises NotImplementedError."""
    raise _refused("register_parametrization")


def remove_parametrizations(*args: Any, **kwargs: Any) -> Any:
    """Not supported: raises NotImplementedError."""
    raise _refused("remove_parametrizations")


def cached() -> Any:
    """Not supported: raises NotImplementedError."""
    raise _refused("cached")


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """False: nothing ever is.

    >>> import minitorch_cnn as mt
    >>> mt.nn.utils.parametrize.is_parametrized(mt.nn.Linear(1, 1))
    False
    """
    return False


def _refused(name: str) -> NotImplementedError:
    return NotImplementedError(f"nn.utils.parametrize.{name} is not supported: {ADVICE}")
