"""What programs ask about OpenMP, which is not used here."""

from __future__ import annotations


def is_available() -> bool:
    """False: OpenMP is not used."""
    return False
