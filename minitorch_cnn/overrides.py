"""torch.overrides, as far as it says something here: no class can take over torch's functions.

>>> import minitorch_cnn as mt
>>> mt.overrides.has_torch_function([mt.ones(1)])
False
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .missing import refuse_missing
from .tensor import Tensor

__all__ = ["TorchFunctionMode", "has_torch_function", "is_tensor_like"]


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """False: a class's ``__torch_function__`` is not asked."""
    return False


def is_tensor_like(inp: Any) -> bool:
    """True for tensors."""
    return isinstance(inp, Tensor)


class TorchFunctionMode:
    """A class to derive from, as libraries do where they are imported; no block can be entered.

    >>> with TorchFunctionMode():
    ...     pass
    Traceback (most recent call last):
        ...
    NotImplementedError: TorchFunctionMode is not supported: functions do not ask who took them over
    """

    def __enter__(self) -> None:
        raise NotImplementedError(
            f"{type(self).__name__} is not supported: functions do not ask who took them over"
        )

    def __exit__(self, *error: Any) -> None:
        """Never reached: no block can be entered."""


refuse_missing(globals())
