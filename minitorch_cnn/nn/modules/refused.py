"""Layers of torch that are not here. Their names are, so that an error says what is missing."""

from __future__ import annotations

from typing import Any

from .module import Module


class _Refused(Module):
    """Raises NotImplementedError, naming the layer and what to use instead."""

    advice: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        raise NotImplementedError(f"nn.{name} is not supported: {self.advice}")


def _refuse(name: str, advice: str) -> type[Module]:
    text = f"Not supported, raises NotImplementedError: {advice}."
    return type(name, (_Refused,), {"advice": advice, "__doc__": text, "__module__": __name__})


CrossMapLRN2d = _refuse("CrossMapLRN2d", "use nn.LocalResponseNorm")

__all__ = ["CrossMapLRN2d"]
