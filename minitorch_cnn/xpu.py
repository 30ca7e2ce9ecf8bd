"""Intel's GPUs, which are not supported: what programs ask before they choose a device."""

from __future__ import annotations

from .missing import refuse_missing as _refuse_missing


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


_refuse_missing(globals())
