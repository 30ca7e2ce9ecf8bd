"""What programs ask about oneDNN, once MKL-DNN, which is not used here; its switches are kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

enabled = True
deterministic = False
allow_tf32 = True
fp32_precision = "none"


def is_available() -> bool:
    """False: oneDNN is not used."""
    return False


@contextlib.contextmanager
def flags(enabled: bool = False, **others: Any) -> Iterator[None]:
    """Changes nothing: ``with mt.backends.mkldnn.flags(enabled=False):``"""
    yield
