"""Apple's GPUs, which are not supported: what programs ask before they choose a device."""

from __future__ import annotations

from .missing import refuse_missing as _refuse_missing
from .xpu import device_count, is_available

__all__ = ["device_count", "is_available"]

_refuse_missing(globals())
