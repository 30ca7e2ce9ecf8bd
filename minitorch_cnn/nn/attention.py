"""Which of torch's ways computes `scaled_dot_product_attention`: the names; here is only one.

>>> import minitorch_cnn as mt
>>> with mt.nn.attention.sdpa_kernel(mt.nn.attention.SDPBackend.MATH):
...     pass  # attention as always
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager

from ..missing import refuse_missing

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.IntEnum):
    """torch's ways. MATH, products and a softmax, is the one here."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(
    backends: list[SDPBackend] | SDPBackend, set_priority: bool = False
) -> Iterator[None]:
    """Asks for one of several ways: all give the same results, and here one serves for all.

    Raises TypeError for what is no SDPBackend, or a list of them.
    """
    for each in backends if isinstance(backends, list) else [backends]:
        if not isinstance(each, SDPBackend):
            raise TypeError(f"backends must be SDPBackend or a list of them, got {backends!r}")
    yield


refuse_missing(globals())
