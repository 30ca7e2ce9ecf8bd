"""Apple's GPUs, which are not supported: what programs ask before they choose a device."""

from __future__ import annotations


def is_available() -> bool:
    """False."""
    return False


def is_built() -> bool:
    """False."""
    return False
