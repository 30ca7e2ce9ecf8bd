"""What programs ask about the package opt_einsum, which is not used here."""

from __future__ import annotations


def is_available() -> bool:
    """False: the package opt_einsum is not used."""
    return False


enabled = False  # kept for programs that set them
strategy = None
