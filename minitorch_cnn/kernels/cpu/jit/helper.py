"""A second process that compiles while this one does: from the end of a training step.

From an empty cache the first step compiles three dozen kernels, one after the other, because Numba
lets no two threads compile at a time. A second process may, and both find in the cache on the disk
what the other one has done. So as soon as something has been compiled here another Python is
started, once, which compiles the kernels of a step from the last to the first (first_step.py); the
two meet in the middle. It ends when it is done, and at the latest with this process.

There is none with one thread (MINITORCH_CNN_NUM_THREADS=1), none beside one of several processes
that train together, and none where `sys.executable` may be another program than Python.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

from .cores import default_count

_started = False


def _is_wanted() -> bool:
    program = Path(sys.executable or "").name.lower()
    return (
        default_count() > 1
        and program.startswith(("python", "pypy"))
        and not getattr(sys, "frozen", False)
        and multiprocessing.parent_process() is None
        and os.environ.get("WORLD_SIZE", "1") == "1"
    )


def start_once() -> None:
    """Starts the process, unless it has been, or is not wanted."""
    global _started
    if _started or not _is_wanted():
        return
    _started = True
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        "from minitorch_cnn.kernels.cpu import first_step; first_step.compile_kernels()"
    )
    with contextlib.suppress(OSError):  # no more processes: this one compiles alone
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "MINITORCH_CNN_NUM_THREADS": "1"},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
        atexit.register(_end, process, os.getpid())


def _end(process: subprocess.Popen, parent: int) -> None:
    if os.getpid() == parent:  # not in a process forked from it
        process.kill()
        process.wait()
