"""When a process fails, all end, and stderr says which one it was and why.

An exception that nobody catches: Python would print it and then wait, in MPI's own last step, for
the others, who wait for this one in a collective. So the hook for such exceptions prints the
traceback with rank and host, and then ends all processes by MPI's Abort.

sys.exit, or the program's end, while others go on: see `Agreement.leave`.

A process that is killed can say nothing. mpiexec sees it and kills the others, who have no time to
say anything either (and MPICH's names some process of the host, not that one). So each process has
a witness, a shell that reads from a pipe and does nothing else: when the pipe ends without a
goodbye, it writes who is dead.

Ctrl-C reaches all processes through mpiexec, as KeyboardInterrupt; who does not catch it leaves as
by sys.exit, without ending those that save something first.
"""

from __future__ import annotations

import atexit
import os
import shlex
import socket
import subprocess
import sys
import traceback
from types import TracebackType
from typing import Any

from .agreement import Agreement, DistBackendError


class _Watched:
    world: Any = None  # the communicator to abort, once MPI runs
    agreement: Agreement | None = None
    rank = 0
    process = 0  # a forked worker has this module, too, but not its job
    hook: Any = None
    witness: Any = None
    mark = ""


def watch(rank: int, size: int, world: Any = None) -> None:
    """From now on, an exception that nobody catches is written with the rank, and ends all.

    world: the communicator to abort. Before MPI runs there is none, and mpiexec ends the others
    when this process exits.
    """
    _Watched.world, _Watched.rank, _Watched.process = world, rank, os.getpid()
    if size > 1 and _Watched.hook is None:
        _Watched.hook, sys.excepthook = sys.excepthook, _end_by_exception


def watch_exit(agreement: Agreement) -> None:
    """From now on, all processes have to come to the program's end."""
    _Watched.agreement = agreement
    atexit.register(_at_exit)


def unwatch() -> None:
    """The processes are on their own again."""
    atexit.unregister(_at_exit)
    _say_goodbye()
    if _Watched.hook is not None:
        sys.excepthook, _Watched.hook = _Watched.hook, None


def _place() -> str:
    return f"rank {_Watched.rank} on {socket.gethostname()}"


def call_witness(mark: str) -> None:
    """Starts the shell, where there are several processes.

    It has a session of its own, since mpiexec kills the process's whole one. Only the first death
    on a host is written, and makes the folder `mark` (a path where nothing is, the same on all
    processes of the host): the next ones are mpiexec's doing.
    """
    if _Watched.hook is None or not os.path.exists("/bin/sh"):
        return
    _Watched.mark = mark
    text = shlex.quote(
        f"{_place()} (process {os.getpid()}) was killed, crashed or left by os._exit, which ends "
        "all processes"
    )
    quoted = shlex.quote(mark)
    script = f"read x || {{ mkdir {quoted} && echo {text} >&3; sleep 1; rmdir {quoted}; }}"
    # mpiexec may have closed stderr by then, which is no reason to leave the folder behind.
    _Watched.witness = subprocess.Popen(
        ["/bin/sh", "-c", f"trap '' PIPE; exec 3>&2 2>/dev/null; {script}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.register_at_fork(after_in_child=_forget_witness)


def _forget_witness() -> None:
    """A forked process would keep the pipe open after this one's death."""
    witness, _Watched.witness = _Watched.witness, None
    if witness is not None:
        witness.stdin.close()
        witness.returncode = 0  # it is not this process's child


def _say_goodbye() -> None:
    witness, _Watched.witness = _Watched.witness, None
    if witness is not None:
        witness.communicate(b"goodbye\n")


def _end_by_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if os.getpid() != _Watched.process or issubclass(kind, KeyboardInterrupt):
        _Watched.hook(kind, error, trace)
        return
    end_all("".join(traceback.format_exception(kind, error, trace)).rstrip())


def end_all(text: str) -> None:
    """Writes the text with rank and host to stderr, and ends all processes."""
    try:
        # One write, so that the lines of several processes do not mix.
        sys.stderr.write(f"{_place()} failed, which ends all processes:\n{text}\n")
        sys.stderr.flush()
        sys.stdout.flush()
        if _Watched.witness is not None:
            os.makedirs(_Watched.mark, exist_ok=True)  # the witnesses need not say more
    finally:  # whatever became of the words
        atexit.unregister(_at_exit)  # Abort exits as a program does
        if _Watched.world is not None:
            _Watched.world.Abort(1)


def _at_exit() -> None:
    """The end of the program, or sys.exit: the others must not wait for this process."""
    if os.getpid() != _Watched.process or _Watched.agreement is None:
        return
    try:
        _Watched.agreement.leave()
    except DistBackendError as error:
        end_all(str(error))
    _say_goodbye()
