"""The CPU by torch.cuda's names, for programs that take either: nothing here has to be waited for.

>>> import minitorch_cnn as mt
>>> device = mt.cuda if mt.cuda.is_available() else mt.cpu
>>> mt.cpu.synchronize(), mt.cpu.device_count(), mt.cpu.current_device()
(None, 1, 'cpu')
"""

from __future__ import annotations

from typing import Any

from ..missing import refuse_missing as _refuse_missing
from . import amp

__all__ = ["amp", "current_device", "device_count", "is_available", "set_device", "synchronize"]


def is_available() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1: all processors together."""
    return 1


def current_device() -> str:
    """The name "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing: there is one."""


def synchronize(device: Any = None) -> None:
    """Nothing: whoever reads a value gets the right one."""


_refuse_missing(globals())
