"""torch.cpu.amp, the older names of `mt.amp` for the CPU. Both warn, as torch does."""

from __future__ import annotations

import warnings
from typing import Any

from .. import amp
from ..missing import refuse_missing as _refuse_missing

__all__ = ["GradScaler", "autocast"]


def _warn(name: str) -> None:
    warnings.warn(
        f'`torch.cpu.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}("cpu", '
        "args...)` instead.",
        FutureWarning,
        stacklevel=3,
    )


class GradScaler(amp.GradScaler):
    """`mt.amp.GradScaler` for "cpu"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _warn("GradScaler")
        super().__init__("cpu", *args, **kwargs)


class autocast(amp.autocast):
    """`mt.autocast` for "cpu"; its dtype must be given, see there."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        _warn("autocast")
        super().__init__("cpu", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


_refuse_missing(globals())
