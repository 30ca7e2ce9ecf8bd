"""Optimizers of torch that are not here. Their names are, so that an error says what is missing."""

from __future__ import annotations

from typing import Any

from .optimizer import Optimizer


class _Refused(Optimizer):
    """Raises NotImplementedError, naming the optimizer and what to use instead."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"optim.{type(self).__name__} is not supported: use SGD with momentum, Adam or AdamW"
        )


class SparseAdam(_Refused):
    """Not supported: there are no sparse gradients here."""


NAMES = tuple(kind.__name__ for kind in (SparseAdam,))
