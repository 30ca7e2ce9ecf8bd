"""Which torch the names and numbers are those of, as torch.version has it.

`minitorch_cnn.__version__` is the version of this package. This is what `torch.__version__` is in a
program that `python -m minitorch_cnn run` runs.
"""

from __future__ import annotations

import re
from typing import Any

from . import backend


class TorchVersion(str):
    """Text that is compared as a version, with text or a tuple of integers, as torch's is.

    >>> TorchVersion("2.13.0+minitorch") >= "2.2", TorchVersion("2.13.0+minitorch") > (2, 14)
    (True, False)
    """

    def _compare(self, other: Any) -> int:
        mine, theirs = _release(self), _release(other)
        length = max(len(mine), len(theirs))  # 2.13 is 2.13.0
        mine, theirs = (v + (0,) * (length - len(v)) for v in (mine, theirs))
        return (mine > theirs) - (mine < theirs)

    def __lt__(self, other: Any) -> bool:
        return self._compare(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._compare(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._compare(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._compare(other) >= 0

    def __eq__(self, other: Any) -> bool:
        return str(self) == other or (isinstance(other, tuple) and self._compare(other) == 0)

    __hash__ = str.__hash__


def _release(version: Any) -> tuple[int, ...]:
    """The numbers of a version, up to the first part that is none: "2.13.0+cpu" -> (2, 13, 0)."""
    parts = version if isinstance(version, list | tuple) else str(version).split(".")
    found = []
    for part in parts:
        number = re.match(r"\d+", str(part))
        if number is None:
            break
        found.append(int(number[0]))
        if number[0] != str(part):  # "0a1", "0+cpu": what follows is no number of the release
            break
    return tuple(found)


__version__ = TorchVersion("2.13.0+minitorch")
debug = False
git_version = "unknown"
hip = rocm = xpu = None  # other makers' devices


def __getattr__(name: str) -> Any:
    if name == "cuda":  # programs take None for "built without"
        if not backend.is_cupy_available():
            return None
        number = backend.import_cupy().cuda.runtime.runtimeGetVersion()  # 13000
        return f"{number // 1000}.{number % 1000 // 10}"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
