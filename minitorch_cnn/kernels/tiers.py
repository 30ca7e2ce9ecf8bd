"""Three tiers of kernels under the same names, and how one is picked.

1. The readable one: array code that NumPy and CuPy both run. It is the definition.
2. `kernels.cpu`: Numba, for NumPy arrays, if Numba is installed.
3. `kernels.cuda`: CUDA C++, for CuPy arrays.

A function marked `@tiered` is a definition. Calling it looks for a function of the same name in
the faster tier of its first array. That one may decline (a dtype or a shape it is not made for)
by returning NotImplemented; the definition then does the work.
"""

from __future__ import annotations

import functools
import gc
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

_CHOICES = ("auto", "array")
_choice = os.environ.get("MINITORCH_CNN_KERNELS", "auto")
if _choice not in _CHOICES:
    raise ValueError(f"MINITORCH_CNN_KERNELS must be one of {_CHOICES}, got {_choice!r}")

# Called before the choice of kernels changes: what was put off until then (autograd/deferred.py)
# is computed as things are.
before_change: list[Callable[[], None]] = []


def announce_change() -> None:
    """Calls everything in `before_change`."""
    for call in before_change:
        call()


@functools.cache
def cpu_tier() -> ModuleType | None:
    """The Numba kernels, imported at the first call; None without Numba."""
    if importlib.util.find_spec("numba") is None:
        return None
    # Numba makes a hundred thousand objects that stay: to look through them for garbage again and
    # again would take a tenth of a second, and seconds if kernels have to be compiled.
    collecting = gc.isenabled()
    gc.disable()
    try:
        from . import cpu
    finally:
        if collecting:
            gc.enable()
    return cpu


@functools.cache
def cuda_tier() -> ModuleType | None:
    """The CUDA kernels, imported at the first call with a CuPy array."""
    from . import cuda

    return cuda


def tier_of(array: Any) -> ModuleType | None:
    """The module of faster kernels for this array; None: only the readable ones.

    A list of arrays (of one device) counts as its first one.
    """
    if _choice == "array":
        return None
    if isinstance(array, list):
        array = array[0]
    return cpu_tier() if isinstance(array, np.ndarray) else cuda_tier()


def tier_choice() -> str:
    """ "auto" or "array": what `kernel_tier` or the environment asks for."""
    return _choice


def tiered(definition: Callable) -> Callable:
    """Lets a faster kernel of the same name answer first. `.definition` is the readable one."""
    name = definition.__name__

    @functools.wraps(definition)
    def kernel(array, *args, **kwargs):
        fast = getattr(tier_of(array), name, None)
        if fast is not None:
            result = fast(array, *args, **kwargs)
            if result is not NotImplemented:
                return result
        return definition(array, *args, **kwargs)

    kernel.definition = definition  # type: ignore[attr-defined]
    return kernel


@contextmanager
def kernel_tier(choice: str) -> Iterator[None]:
    """Inside, kernels come from: "auto", the fastest tier there is; "array", the readable one.

    The environment variable MINITORCH_CNN_KERNELS sets the same for a whole process.

    >>> import minitorch_cnn as mt
    >>> with mt.kernel_tier("array"):
    ...     mt.nn.functional.relu(mt.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    global _choice
    if choice not in _CHOICES:
        raise ValueError(f"kernel_tier must be one of {_CHOICES}, got {choice!r}")
    announce_change()
    before, _choice = _choice, choice
    try:
        yield
    finally:
        announce_change()
        _choice = before
