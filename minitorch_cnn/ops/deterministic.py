"""What a program asked of repeatability, and what it means for memory that nobody has filled."""

from __future__ import annotations

from typing import Any

import numpy as np


class Settings:
    """`use_deterministic_algorithms` sets the first two, `utils.deterministic` the last."""

    mode = False
    warn_only = False
    fill_uninitialized_memory = True


settings = Settings()


def uninitialized(array: Any) -> Any:
    """A new array of which nothing is known: filled where each run must see the same.

    With NaN or the largest integer, as torch does it, so that a value that is read before it was
    written shows.
    """
    if settings.mode and settings.fill_uninitialized_memory:
        if array.dtype.kind == "f":
            array.fill(np.nan)
        else:
            array.fill(True if array.dtype.kind == "b" else np.iinfo(array.dtype).max)
    return array
