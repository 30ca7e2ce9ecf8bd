"""Work: a collective that was begun, and the list in which they are recorded."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple


class Event(NamedTuple):
    """A collective that is over: what was called, from when to when, how many bytes it moves.

    Seconds are those of `time.perf_counter`, which on Linux all processes of one host share. `end`
    is when this process saw that it was over.
    """

    name: str
    start: float
    end: float
    bytes: int


_recorded: list[Event] | None = None


@contextlib.contextmanager
def record() -> Iterator[list[Event]]:
    """Gives a list, and adds to it each collective that ends while the block runs.

    >>> import minitorch_cnn.distributed as dist
    >>> with dist.record() as events:
    ...     pass
    >>> events
    []
    """
    global _recorded
    before, _recorded = _recorded, []
    try:
        yield _recorded
    finally:
        _recorded = before


class Work:
    """A collective that was begun, as `async_op=True` returns it.

    Its tensors may not be touched before `wait` has returned, or `is_completed` True. By MPI the
    data move only during such calls; see `minitorch_cnn.distributed.mpi`.
    """

    def __init__(self, group: Any, name: str, inner: Any, nbytes: int, number: int) -> None:
        self._group, self._name, self._inner = group, name, inner
        self._nbytes, self._number = nbytes, number
        self._start = time.perf_counter()
        self._after: Callable[[], None] | None = None
        self._done = False

    def is_completed(self) -> bool:
        """True if it is over. Raises RuntimeError if the processes called different things."""
        if self._done:
            return True
        if not self._group.agreement.is_agreed(self._number):
            return False
        if not self._inner.is_completed():
            return False
        self._finish()
        return True

    def _finish(self) -> None:
        self._done = True
        self._inner = None
        if _recorded is not None:
            _recorded.append(Event(self._name, self._start, time.perf_counter(), self._nbytes))
        if self._after is not None:
            self._after()

    def is_success(self) -> bool:
        """As `is_completed`: a failure is an exception."""
        return self.is_completed()

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Returns True when it is over, and the results are in the tensors.

        timeout: the group's, if None. Raises RuntimeError after that, and says which processes
        have not called this.
        """
        if self._done:
            return True
        if self._group.backend.name == "nccl":  # the GPU's stream waits, not this process
            self._group.agreement.look()
            self._inner.wait(timeout)
            self._finish()
            return True
        self._group.agreement.wait_for(self.is_completed, self._name, timeout)
        return True

    def __repr__(self) -> str:
        return f"<Work {self._name}{', completed' if self._done else ''}>"
