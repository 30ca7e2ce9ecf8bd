"""cuDNN's switches, for programs that set them: ``mt.backends.cudnn.benchmark = True``.

cuDNN is not used here, so none of them changes anything. `conv_algorithm` chooses how a convolution
is computed, ``mt.backends.cuda.matmul.allow_tf32`` how precisely.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True
fp32_precision = "tf32"


def is_available() -> bool:
    """False: cuDNN is not used."""
    return False


def is_acceptable(tensor: Any) -> bool:
    """False for every tensor: cuDNN is not used."""
    return False


def version() -> int | None:
    """None: cuDNN is not used."""
    return None


def set_flags(**flags: Any) -> dict[str, Any]:
    """Sets the switches that are given, by their names with or without an underscore in front.

    Returns those that they had. Raises TypeError for a name that is none of them.
    """
    names = {name: name.removeprefix("_") for name in flags if flags[name] is not None}
    for name, own in names.items():
        if own not in _FLAGS:
            raise TypeError(f"no switch of cudnn: {name!r}; there are {', '.join(_FLAGS)}")
    before = {own: globals()[own] for own in names.values()}
    globals().update({own: flags[name] for name, own in names.items()})
    return before


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str | None = None,
) -> Iterator[None]:
    """Inside, the switches are these: ``with mt.backends.cudnn.flags(enabled=False):``"""
    before = set_flags(
        enabled=enabled,
        benchmark=benchmark,
        benchmark_limit=benchmark_limit,
        deterministic=deterministic,
        allow_tf32=allow_tf32,
        fp32_precision=fp32_precision,
    )
    try:
        yield
    finally:
        set_flags(**before)


_FLAGS = (
    "enabled",
    "benchmark",
    "benchmark_limit",
    "deterministic",
    "allow_tf32",
    "fp32_precision",
)
