"""What programs ask about Intel's MKL, which is not used here."""

from __future__ import annotations


def is_available() -> bool:
    """False: Intel's MKL is not used."""
    return False
