"""Do all processes call the same? The question that comes along with each collective.

If one process calls `all_reduce` where another one calls `broadcast`, or with another shape, MPI
mixes up their messages: it waits forever or, worse, gives wrong numbers. So each call of a group
is written down as a line of text, and together with the collective itself a second, tiny one runs:
an all-reduce of two numbers, the line's checksum c and -c, by MAX. Its result is (max c, -min c),
and these are equal but for the sign only if all lines are. It is the same on all processes, so
all of them know at the same call that something is wrong; then they exchange the lines and each
raises an error that shows them.

Who leaves the program takes part as well, with the line "left the program": the others learn of
it at their next collective, instead of waiting for it.

What one such question costs is printed by benchmarks/distributed.py.
"""

from __future__ import annotations

import socket
import time
import zlib
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np

LINE = 200  # bytes of a line that are exchanged
GAVE_UP = 1  # the tag of these messages
GRACE = 2.0  # seconds in which the others have to answer then
LEFT = "left the program"


class DistError(RuntimeError):
    """Something went wrong between processes."""


class DistBackendError(DistError):
    """The processes called different things, or one did not answer in time."""


class DistNetworkError(DistError):
    """torch's name: MPI reports its own errors, as mpi4py.MPI.Exception."""


class DistStoreError(DistError):
    """torch's name: there are no stores here, so nothing raises it."""


class QueueEmptyError(DistStoreError):
    """torch's name: there are no stores here, so nothing raises it."""


class Agreement:
    """The lines of one group. comm: a communicator of mpi4py that nobody else uses."""

    def __init__(self, comm: Any, mpi: Any, ranks: list[int], timeout: timedelta) -> None:
        self.comm, self.mpi, self.ranks, self.timeout = comm, mpi, ranks, timeout
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.host = socket.gethostname()
        self.begun = 0  # lines so far
        self.agreed = 0  # of these, all before this one were the same on all processes
        self.waiting: deque = deque()  # (line, request, numbers)
        self.failed: str | None = None

    def announce(self, line: str) -> int:
        """Asks about the next call; returns its number for `is_agreed`."""
        if self.failed is not None:
            raise DistBackendError(self.failed)
        self._check_thread()
        if self.size == 1:
            return -1
        code = zlib.crc32(line.encode())
        numbers = np.array([code, -code], np.int64)
        request = self.comm.Iallreduce(self.mpi.IN_PLACE, numbers, self.mpi.MAX)
        self.waiting.append((line, request, numbers))
        self.begun += 1
        return self.begun - 1

    def look(self) -> None:
        """Takes the answers that have come. Raises DistBackendError if one is no."""
        if self.failed is not None:
            raise DistBackendError(self.failed)
        while self.waiting:
            line, request, numbers = self.waiting[0]
            if not request.Test():
                return
            self.waiting.popleft()
            if numbers[0] != -numbers[1]:
                self.failed = self._report(line)
                raise DistBackendError(self.failed)
            self.agreed += 1

    def is_agreed(self, number: int) -> bool:
        """Have all processes made this call? Raises DistBackendError if one has made another."""
        if number >= self.agreed:
            self.look()
        return number < self.agreed

    def wait_until_agreed(self, number: int, line: str) -> None:
        """Returns when all processes have made the call. Raises as `wait_for`."""
        if number >= self.agreed:
            self.wait_for(lambda: self.is_agreed(number), line)

    def wait_for(
        self, done: Callable[[], bool], line: str, timeout: timedelta | None = None
    ) -> None:
        """Returns when `done()` is true. Raises DistBackendError if that takes too long."""
        seconds = (self.timeout if timeout is None else timeout).total_seconds()
        start = time.perf_counter()
        while not done():
            waited = time.perf_counter() - start
            if waited > seconds or (waited > 0.01 and self._somebody_gave_up()):
                first = self.waiting[0][0] if self.waiting else line  # that has no answer yet
                self.failed = self._report(first, waited)
                raise DistBackendError(self.failed)
            if waited > 0.0002:  # the core is for the process that this one waits for
                time.sleep(min(0.001, 0.00002 + 0.05 * waited))

    def _check_thread(self) -> None:
        """MPI may have been built for one thread only. Raises RuntimeError on another one then."""
        one = self.mpi.Query_thread() < self.mpi.THREAD_MULTIPLE
        if one and not self.mpi.Is_thread_main():
            raise RuntimeError(
                "this MPI allows calls from one thread only, the one that called "
                "init_process_group: call collectives there"
            )

    def _somebody_gave_up(self) -> bool:
        return self.size > 1 and self.comm.Iprobe(self.mpi.ANY_SOURCE, GAVE_UP)

    def _report(self, line: str, waited: float | None = None) -> str:
        """The error's text: what each process calls, or that nobody has heard of it."""
        heard = self._exchange(line)
        lines = [
            f"  rank {rank} on {host} {called if called == LEFT else 'called ' + called}"
            for rank, (called, host) in heard.items()
        ] + [
            f"  rank {rank} did not answer: its program hangs, or does something else"
            for rank in self.ranks
            if rank not in heard
        ]
        if waited is None or (
            len(heard) == self.size and len({called for called, host in heard.values()}) > 1
        ):
            title = "the processes do not call the same collectives in the same order:"
        else:
            title = f"{line} was not over after {waited:.3g} s:"
        return "\n".join([title, *lines])

    def _exchange(self, line: str) -> dict[int, tuple[str, str]]:
        """(line, host) by the world's rank, of all processes that answer soon."""
        pad = [text.encode()[:LINE].ljust(LINE) for text in (line, self.host)]
        mine = np.frombuffer(b"".join(pad), np.uint8)
        self.sent = [  # kept, since MPI may read them later
            (self.comm.Isend(mine, place, GAVE_UP), mine)
            for place in range(self.size)
            if place != self.rank
        ]
        heard = {self.rank: (line, self.host)}
        deadline = time.perf_counter() + GRACE
        status, got = self.mpi.Status(), np.empty_like(mine)
        while len(heard) < self.size and time.perf_counter() < deadline:
            if self.comm.Iprobe(self.mpi.ANY_SOURCE, GAVE_UP, status):
                self.comm.Recv(got, status.Get_source(), GAVE_UP)
                text, host = got[:LINE].tobytes(), got[LINE:].tobytes()
                heard[status.Get_source()] = text.decode().strip(), host.decode().strip()
            else:
                time.sleep(0.002)
        return {self.ranks[place]: heard[place] for place in sorted(heard)}

    def leave(self) -> None:
        """At the end of the program: waits for the others to come there, too.

        Raises DistBackendError if they do not, or if something has gone wrong before.
        """
        number = self.announce(LEFT)
        while not self.is_agreed(number):
            time.sleep(0.005)

    def close(self) -> None:
        """Gives the communicator back."""
        self.comm.Free()
