"""The two names of torch's private module `torch._C` that libraries on top of torch call.

torch has hundreds there, parts of its C++; what asks for another one is told that it is not there.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ..backend import device
from ..ops.copy import memory_format, parse_to


def _log_api_usage_once(event: str) -> None:
    """torch counts here what programs use, if somebody has asked for it; here nobody can."""


def _parse_to(*args: Any, **kwargs: Any) -> tuple[device | None, Any, bool, memory_format | None]:
    """What the arguments of `to` mean: (device, dtype, non_blocking, memory_format).

    >>> _parse_to("cpu", non_blocking=True)
    (device(type='cpu'), None, True, None)
    """
    kind, where, _, layout = parse_to(*args, **kwargs)
    flags = [arg for arg in args if isinstance(arg, bool)]
    return where, kind, kwargs.get("non_blocking", flags[:1] == [True]), layout


__name__ = "torch._C"  # in errors about the others
_nn = SimpleNamespace(_parse_to=_parse_to)
