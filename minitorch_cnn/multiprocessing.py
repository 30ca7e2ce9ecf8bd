"""torch.multiprocessing: the standard library's, with torch's few names in addition.

A tensor that goes to another process by a queue or a pipe is copied, where torch would share its
memory. What processes are to share is shared by `Tensor.share_memory_` before they are forked.

>>> import minitorch_cnn as mt
>>> mt.multiprocessing.get_sharing_strategy()
'file_descriptor'
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from typing import Any

__all__ = [
    *[name for name in multiprocessing.__all__ if hasattr(multiprocessing, name)],
    "ProcessContext",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]

_strategy = "file_descriptor"


def get_all_sharing_strategies() -> set[str]:
    """The names that `set_sharing_strategy` takes."""
    return {"file_descriptor", "file_system"}


def get_sharing_strategy() -> str:
    """The name that was set last; it changes nothing."""
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Keeps the name and changes nothing: tensors are copied. Raises AssertionError for others."""
    global _strategy
    assert new_strategy in get_all_sharing_strategies(), f"no such strategy: {new_strategy!r}"
    _strategy = new_strategy


class ProcessRaisedException(Exception):
    """A process of `spawn` ended with an exception, whose traceback is in the message."""

    def __init__(self, message: str, error_index: int, error_pid: int) -> None:
        super().__init__(message)
        self.error_index, self.error_pid = error_index, error_pid


class ProcessExitedException(Exception):
    """A process of `spawn` was killed, or ended with an exit code."""

    def __init__(self, message: str, error_index: int, error_pid: int, exit_code: int) -> None:
        super().__init__(message)
        self.error_index, self.error_pid, self.exit_code = error_index, error_pid, exit_code


def _run(function: Callable[..., Any], index: int, args: tuple, errors: Any) -> None:
    """What a process of `spawn` does: function(index, *args), and tells what it raised."""
    try:
        function(index, *args)
    except KeyboardInterrupt:
        sys.exit(0)  # the parent was interrupted as well, and says so
    except Exception:
        errors.put(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """The processes of a `spawn`."""

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes, self._errors = processes, errors

    def pids(self) -> list[int]:
        """Their process ids."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Waits until one of them ends; True if all have ended well.

        Once one has failed, the others are ended and its exception is raised: as
        `ProcessRaisedException`, or `ProcessExitedException` if it left none.
        """
        running = [process.sentinel for process in self.processes if process.is_alive()]
        if running:
            multiprocessing.connection.wait(running, timeout)
        # First this: one that fails between the two questions is found by the next call.
        alive = any(process.is_alive() for process in self.processes)
        failed = [i for i, process in enumerate(self.processes) if process.exitcode]
        if not failed:
            return not alive
        for process in self.processes:
            if process.is_alive():
                process.terminate()
            process.join(grace_period)
        index = failed[0]
        process, code = self.processes[index], self.processes[index].exitcode
        if not self._errors[index].empty():
            text = f"\n\n-- Process {index} terminated with the following error:\n"
            raise ProcessRaisedException(text + self._errors[index].get(), index, process.pid)
        what = f"exit code {code}" if code > 0 else f"signal {signal.Signals(-code).name}"
        raise ProcessExitedException(
            f"process {index} terminated with {what}", index, process.pid, code
        )


SpawnContext = ProcessContext


def start_processes(
    fn: Callable[..., Any],
    args: tuple = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Runs ``fn(i, *args)`` in nprocs processes, i from 0 on; see `spawn`."""
    context: Any = multiprocessing.get_context(start_method)
    processes, errors = [], []
    for index in range(nprocs):
        errors.append(context.SimpleQueue())
        process = context.Process(target=_run, args=(fn, index, args, errors[-1]), daemon=daemon)
        process.start()
        processes.append(process)
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Runs ``fn(i, *args)`` in nprocs new processes, i from 0 to nprocs - 1.

    fn: a function at the top of a module, which a new process can import. join: wait until all
    have ended; else the `ProcessContext` is returned at once. Raises as `ProcessContext.join`.
    """
    return start_processes(fn, args, nprocs, join, daemon, start_method)
