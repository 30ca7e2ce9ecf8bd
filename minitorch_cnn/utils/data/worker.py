"""What runs inside a worker process of a DataLoader.

A worker and the main process talk over one pipe and share nothing else, no lock and no queue: so a
worker that is killed in the middle of anything cannot leave the others waiting.

    main -> worker   ("epoch", base_seed or None, state of the generator or None),
                     ("task", number, task), ("stop",)
    worker -> main   for each task, in order, one reply (kind, value):
                     ("end", None) of an iterable data set, ("error", report), or
                     ("batch", batch, state of the worker's random generator)
"""

from __future__ import annotations

import pickle
import queue
import random
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from ...backend import set_backend
from ...copying import reduce
from ...random import default_generator, manual_seed
from ...tensor import Tensor
from .fetch import Exhausted, make_fetcher

# A sample that is a part of a large array goes through the pipe alone.
ForkingPickler.register(Tensor, partial(reduce, whole=False))


@dataclass(frozen=True)
class WorkerInfo:
    """Where code in a worker process is: see `get_worker_info`.

    id: 0 to num_workers - 1. seed: of this worker's random numbers, another in each epoch. dataset:
    this worker's copy. Raises AttributeError when one of them is to be changed.

    >>> WorkerInfo(id=1, num_workers=2, seed=8, dataset="abc").id
    1
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process its `id`, `num_workers`, `seed` and `dataset`; None in the main process.

    The ids are 0 to num_workers - 1, so worker i can take every num_workers-th sample from i on.
    Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.utils.data.get_worker_info() is None
    True
    """
    return _worker_info


@dataclass(frozen=True)
class WorkerPlan:
    """All that a worker must know. It is pickled where processes are not forked.

    >>> WorkerPlan("abcd", list, True, False, num_workers=1, worker_init_fn=None).dataset
    'abcd'
    """

    dataset: Any
    collate_fn: Callable
    batched: bool
    drop_last: bool
    num_workers: int
    worker_init_fn: Callable[[int], None] | None


class ErrorReport:
    """An exception on its way from a worker to the main process, with its traceback as text.

    >>> ErrorReport(3, ValueError("no such picture")).text.strip()
    'ValueError: no such picture'
    """

    def __init__(self, worker_id: int, error: Exception):
        self.worker_id = worker_id
        self.type = type(error)
        self.text = "".join(traceback.format_exception(error))

    def exception(self) -> Exception:
        """An exception of the same type whose message holds the worker's traceback.

        A RuntimeError instead of StopIteration, and where the type wants other arguments.

        >>> print(ErrorReport(3, ValueError("no such picture")).exception())
        Caught ValueError in DataLoader worker process 3.
        Original ValueError: no such picture
        """
        message = (
            f"Caught {self.type.__name__} in DataLoader worker process {self.worker_id}.\n"
            f"Original {self.text}"
        )
        # StopIteration would look like the end of the epoch; KeyError would show the message's
        # repr, one long line. A type that needs other arguments cannot carry the message.
        if issubclass(self.type, StopIteration):
            return RuntimeError(message)
        if issubclass(self.type, KeyError):
            message = _Multiline(message)
        try:
            return self.type(message)
        except Exception:
            return RuntimeError(message)


class _Multiline(str):
    """Text whose repr is the text itself."""

    def __repr__(self) -> str:
        return str(self)


def seed_worker(base_seed: int, worker_id: int) -> None:
    """Seeds the three generators that transforms draw from: this library's, Python's and NumPy's.

    >>> seed_worker(7, 0)
    >>> first = random.random()
    >>> seed_worker(7, 0)
    >>> random.random() == first
    True
    """
    manual_seed(base_seed + worker_id)
    random.seed(base_seed + worker_id)
    words = np.random.SeedSequence([worker_id, base_seed % 2**32, base_seed >> 32, 0])
    np.random.seed(words.generate_state(4))  # noqa: NPY002 (transforms may use the old functions)


def worker_main(
    worker_id: int, plan: WorkerPlan, connection: Connection, inherited: list[Connection]
) -> None:
    """The life of a worker: take tasks from the pipe and answer each, until told to stop.

    inherited: copies of the main process's pipe ends, which a forked process has got unasked. It
    runs in a process of its own: for an example see `WorkerPool`, which starts it.
    """
    # While any copy is open, the death of the main process would not end the pipe.
    for copy in inherited:
        copy.close()
    # Ctrl-C goes to every process of the terminal. The main process alone deals with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A forked process cannot use the GPU of its parent: what a dataset makes here is on the host.
    set_backend("numpy")

    # Replies leave from a thread of their own. Else the worker would stand still with one finished
    # batch in its hands until the main process takes it, and nothing more would be prefetched.
    outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_send_replies, args=(outbox, connection), daemon=True).start()

    fetcher: Any = None
    failure: ErrorReport | None = None
    reply: tuple[Any, ...]
    first_epoch = True
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):  # the main process is gone
            return
        if message[0] == "stop":
            return
        try:
            if message[0] == "epoch":
                _, base_seed, state = message
                if base_seed is not None:
                    _begin_epoch(worker_id, plan, base_seed, first_epoch)
                    first_epoch = False
                if state is not None:
                    default_generator.set_state(state)
                fetcher = make_fetcher(plan.dataset, plan.collate_fn, plan.batched, plan.drop_last)
                continue
            if failure is not None:
                reply = ("error", failure)
            else:
                batch = fetcher.fetch(message[2])
                reply = ("batch", batch, default_generator.get_state())
        except Exhausted:
            reply = ("end", None)
        except Exception as error:
            report = ErrorReport(worker_id, error)
            if message[0] == "epoch":
                failure = report  # there is no one to tell yet: the first task gets the answer
                continue
            reply = ("error", report)
        outbox.put(_pickled(worker_id, reply))


def _begin_epoch(worker_id: int, plan: WorkerPlan, base_seed: int, first_epoch: bool) -> None:
    global _worker_info
    seed = base_seed + worker_id
    _worker_info = WorkerInfo(worker_id, plan.num_workers, seed, plan.dataset)
    seed_worker(base_seed, worker_id)
    if first_epoch and plan.worker_init_fn is not None:
        plan.worker_init_fn(worker_id)


def _pickled(worker_id: int, reply: tuple[Any, ...]) -> bytes:
    try:
        return bytes(ForkingPickler.dumps(reply))
    except Exception as error:
        report = ErrorReport(worker_id, error)
        if reply[0] == "error":  # an exception of a class that cannot be pickled, a local one
            report.type, report.text = RuntimeError, reply[1].text
        return pickle.dumps(("error", report))


def _send_replies(outbox: queue.SimpleQueue[bytes], connection: Connection) -> None:
    while True:
        try:
            connection.send_bytes(outbox.get())
        except OSError:  # the main process has closed the pipe: nobody waits for the rest
            return
