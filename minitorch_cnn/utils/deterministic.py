"""torch.utils.deterministic: whether `empty` and its kin are filled in deterministic mode.

>>> import minitorch_cnn as mt
>>> mt.utils.deterministic.fill_uninitialized_memory
True

After ``use_deterministic_algorithms(True)`` new memory holds NaN, or the largest integer, unless
this is set to False. Raises RuntimeError if it is set to anything but a bool.
"""

import sys
import types

from ..ops.deterministic import settings


class _Module(types.ModuleType):
    """A module with a variable that is checked when it is set."""

    @property
    def fill_uninitialized_memory(self) -> bool:
        return settings.fill_uninitialized_memory

    @fill_uninitialized_memory.setter
    def fill_uninitialized_memory(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise RuntimeError(f"expected a bool, but got {type(mode).__name__}")
        settings.fill_uninitialized_memory = mode


sys.modules[__name__].__class__ = _Module
