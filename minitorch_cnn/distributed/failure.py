"""When a process fails, all end, and stderr says which one it was and why.

mpiexec does so for a process that is killed, since it sees that. It does not see an exception:
Python would print it and then wait in MPI's own last step for the others, who wait for this one in
a collective. So the hook for exceptions that nobody catches prints the traceback with rank and
host, and then ends all processes by MPI's Abort.
"""

from __future__ import annotations

import atexit
import os
import socket
import sys
import traceback
from types import TracebackType
from typing import Any


class _Watched:
    world: Any = None
    rank = 0
    process = 0  # a forked worker has this module, too, but not the hooks' job
    hook: Any = None


def watch(world: Any, rank: int) -> None:
    """From now on, an exception that nobody catches ends all processes of the communicator."""
    _Watched.world, _Watched.rank, _Watched.process = world, rank, os.getpid()
    if world.Get_size() > 1 and _Watched.hook is None:
        _Watched.hook, sys.excepthook = sys.excepthook, _end_by_exception
        atexit.register(_at_exit)


def unwatch() -> None:
    """The processes are on their own again."""
    if _Watched.hook is not None:
        sys.excepthook, _Watched.hook = _Watched.hook, None
        atexit.unregister(_at_exit)


def _end_by_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if os.getpid() != _Watched.process:
        _Watched.hook(kind, error, trace)
        return
    end_all("".join(traceback.format_exception(kind, error, trace)).rstrip())


def end_all(text: str) -> None:
    """Writes the text with rank and host to stderr, and ends all processes."""
    place = f"rank {_Watched.rank} on {socket.gethostname()}"
    # One write, so that the lines of several processes do not mix.
    sys.stderr.write(f"{place} failed, which ends all processes:\n{text}\n")
    sys.stderr.flush()
    sys.stdout.flush()
    _Watched.world.Abort(1)


def _at_exit() -> None:
    """The end of the program, or sys.exit: the others must not wait for this process."""
    from .agreement import DistBackendError
    from .groups import of

    if os.getpid() != _Watched.process:
        return
    try:
        of(None).agreement.leave()
    except DistBackendError as error:
        end_all(str(error))
