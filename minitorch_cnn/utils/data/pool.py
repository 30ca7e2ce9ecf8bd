"""The worker processes of a DataLoader, seen from the main process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from .worker import WorkerPlan, worker_main


@contextlib.contextmanager
def _interrupts_put_off() -> Iterator[None]:
    """Ctrl-C comes at the end of the block.

    In the middle of a start it would leave a worker that nobody knows of, or, in the new process,
    run the rest of the main program once more; in the middle of an end, workers that go on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # KeyboardInterrupt is only raised in the main thread
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
        if came:
            signal.raise_signal(signal.SIGINT)


class WorkerPool:
    """Starts the workers, sends them tasks, receives their replies, and ends them.

    Replies are taken from the one worker whose batch is due next: batches keep their order without
    a buffer to sort them in, and a worker's death is noticed at that point. context: a way to start
    processes, or its name; None is fork on Linux. timeout: in seconds, 0 for none.

    >>> plan = WorkerPlan("abcd", "".join, True, False, num_workers=1, worker_init_fn=None)
    >>> pool = WorkerPool(plan, None, timeout=60)
    >>> pool.begin_epoch(base_seed=0)
    >>> pool.send_task(0, number=0, task=[2, 0])
    >>> pool.receive(0)
    ('batch', 'ca')
    >>> pool.shutdown()
    """

    def __init__(self, plan: WorkerPlan, context: Any, timeout: float):
        if context is None or isinstance(context, str):
            # fork starts in milliseconds and needs nothing pickled; elsewhere than on Linux it is
            # not safe with the system's own libraries.
            method = "fork" if context is None and sys.platform == "linux" else context
            context = multiprocessing.get_context(method)
        forked = context.get_start_method() == "fork"
        self.timeout = timeout
        self.unanswered = [0] * plan.num_workers
        # Of each worker's generator, after the batch that was received last.
        self.states: list[Any] = [None] * plan.num_workers
        self.processes: list[Any] = []
        self.connections: list[Connection] = []
        # Also when the loop is left by `break` or an exception, and when Python ends.
        self.shutdown = weakref.finalize(
            self, _end_workers, self.processes, self.connections, self.unanswered, os.getpid()
        )
        with _interrupts_put_off():
            for worker_id in range(plan.num_workers):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=worker_main,
                    args=(worker_id, plan, theirs, [*self.connections, ours] if forked else []),
                    name=f"DataLoader worker {worker_id}",
                    daemon=True,
                )
                process.start()
                # Only the worker itself may hold its end: then its death closes the pipe.
                theirs.close()
                self.processes.append(process)
                self.connections.append(ours)

    def begin_epoch(self, base_seed: int | None, states: Sequence[Any] = ()) -> None:
        """Seeds the workers, worker i by base_seed + i as torch does; None: they go on.

        states: of their generators, if they shall go on in the middle of an epoch. Batches of an
        epoch that was left early are thrown away.

        Raises RuntimeError if a worker has died.
        """
        for worker_id in range(len(self.processes)):
            while self.unanswered[worker_id]:
                self.receive(worker_id)
            state = states[worker_id] if len(states) == len(self.processes) else None
            self._send(worker_id, ("epoch", base_seed, state))
            self.states[worker_id] = state

    def send_task(self, worker_id: int, number: int, task: Any) -> None:
        """Asks a worker for batch `number`, made of what `task` says (see `fetch`).

        Raises RuntimeError if the worker has died.
        """
        self._send(worker_id, ("task", number, task))
        self.unanswered[worker_id] += 1

    def receive(self, worker_id: int) -> tuple[str, Any]:
        """The next reply of this worker.

        Raises RuntimeError if it takes longer than the timeout, or if the worker has died.
        """
        connection, process = self.connections[worker_id], self.processes[worker_id]
        if not wait([connection, process.sentinel], self.timeout or None):
            raise RuntimeError(
                f"DataLoader timed out after {self.timeout} seconds waiting for worker "
                f"{worker_id} (pid {process.pid})"
            )
        try:
            kind, value, *state = pickle.loads(connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise self._death(worker_id) from error
        self.unanswered[worker_id] -= 1
        if state:
            self.states[worker_id] = state[0]
        return kind, value

    def _send(self, worker_id: int, message: tuple) -> None:
        try:
            self.connections[worker_id].send(message)
        except OSError as error:
            raise self._death(worker_id) from error

    def _death(self, worker_id: int) -> RuntimeError:
        process = self.processes[worker_id]
        process.join(timeout=5)
        code = process.exitcode
        how = f"exit code {code}"
        if code is not None and code < 0:
            how += f", killed by signal {signal.Signals(-code).name}"
        if code == -signal.SIGKILL:
            how += "; the system kills processes when memory runs out"
        return RuntimeError(
            f"DataLoader worker {worker_id} (pid {process.pid}) exited unexpectedly ({how})"
        )


def _end_workers(
    processes: list[Any], connections: list[Connection], unanswered: list[int], owner: int
) -> None:
    if os.getpid() != owner:
        return  # a forked child holds a copy of the pool, but the workers are not its own
    with _interrupts_put_off():
        # `unanswered` is longer than the others if starting the processes failed half-way.
        for process, connection, waiting in zip(processes, connections, unanswered, strict=False):
            if waiting:
                # It may be busy for long, or stuck: what it is doing is not wanted any more.
                process.terminate()
            else:
                _ask_to_stop(connection)
        for process, connection in zip(processes, connections, strict=True):
            process.join(timeout=5)
            if process.is_alive():
                process.kill()
                process.join()
            connection.close()
            process.close()


def _ask_to_stop(connection: Connection) -> None:
    try:
        connection.send(("stop",))
    except OSError:
        return  # it is dead already
