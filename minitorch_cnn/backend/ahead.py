"""Kernels that still run while Python goes on.

Half of a step of a small network is Python: it checks arguments, records the graph and finds the
memory for results, and the cores wait for it. So an operation may run its kernels *ahead*: they are
put into a queue, which the worker threads work off (cpu/jit/threads.py), and Python goes on to the
next operation. When somebody needs numbers, he calls `wait`, and this thread helps with what is
left. It is the order of a GPU's stream, and the results are the same, bit for bit.

Who may see an array that is not complete yet? Only the kernels themselves: they are run in the
order in which they were asked for. NumPy must not. So such an array is handed on in a tensor that
waits as soon as its array is looked at (autograd/deferred.py), and in the table of kernels those
are marked that can take one (dispatch.py): before any other kernel, `wait` is called.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class _Mode(threading.local):
    on = False  # whether the kernels that this thread runs may be left unfinished


mode = _Mode()

# The calls that may not be done yet: their numbers, and their arguments, which have to stay.
unfinished: deque[list] = deque()

# What works them off; set by threads.py.
finish: Callable[[], None] | None = None


def start(kernel: Callable[..., Any], *args: Any) -> Any:
    """kernel(*args), whose compiled kernels may still run afterwards."""
    before, mode.on = mode.on, True
    try:
        return kernel(*args)
    finally:
        mode.on = before


def completed(kernel: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """kernel(*args, **named), for which all arrays are complete, and which completes its own."""
    wait()
    before, mode.on = mode.on, False
    try:
        return kernel(*args, **named)
    finally:
        mode.on = before


def wait() -> None:
    """Returns when every kernel that was started is done."""
    if unfinished and finish is not None:
        finish()
