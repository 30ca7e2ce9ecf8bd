"""The collectives of one group of processes on bare arrays, by MPI.

MPI is taken from mpi4py, over MPICH, Open MPI or what the cluster has. All calls used are the
non-blocking ones: a process that waits asks again and again whether the request is done, and so
can end after a timeout, which a blocking call of MPI cannot.

Whose work is it? MPI moves data while some thread of the process is inside a call of it, and not
otherwise. An all-reduce that was begun rests until the next call: `Work.is_completed()` is such a
call, and moves all that is under way. There is no thread in the background: it would take a core
from the computation.

Where numbers are combined, float16 is added up in float32 and rounded once, and bool is combined
as uint8 of 0 and 1. All other movement is of bytes. CuPy's arrays are copied to the host and back.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import array_module, to_numpy

# Sums of bools are as in NCCL: true + true is true.
FOR_BOOL = {"SUM": "MAX", "PRODUCT": "MIN", "MAX": "MAX", "MIN": "MIN"}


MANY = 100  # works under way, when it is time to see whether nobody waits for them


def is_mpi_available() -> bool:
    """True if mpi4py is installed. MPI itself is not started by this question."""
    return "mpi4py.MPI" in sys.modules or importlib.util.find_spec("mpi4py") is not None


def import_mpi() -> Any:
    """The module mpi4py.MPI, which starts MPI when it is first imported.

    Raises RuntimeError, naming the extra, where mpi4py or the MPI library is missing.
    """
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise RuntimeError(
            "minitorch_cnn.distributed needs mpi4py and an MPI library: "
            f"pip install 'minitorch_cnn[mpi]' ({error})"
        ) from None
    return MPI


class MpiWork:
    """Requests under way, and what is to be done with the data when they have ended.

    MPI reads and writes `arrays` until then, also if nobody waits: so the backend holds this.
    """

    def __init__(
        self,
        backend: MpiBackend,
        requests: list[Any],
        after: Callable[[], None] | None,
        arrays: tuple[Any, ...],
    ) -> None:
        self.requests, self.after, self.arrays = requests, after, arrays
        self.backend = backend
        backend.hold(self)

    def is_moved(self) -> bool:
        """Asks MPI, which moves on whatever is under way, if the data have arrived or left."""
        while self.requests:
            if not self.requests[-1].Test():
                return False
            self.requests.pop()
        self.backend.held.discard(self)
        return True

    def is_completed(self) -> bool:
        """The same, and then does the rest."""
        if not self.is_moved():
            return False
        if self.after is not None:
            after, self.after = self.after, None
            after()
        return True


class MpiBackend:
    """The collectives of one group. Arrays are NumPy's or CuPy's; roots and peers are ranks in it.

    All methods begin something and return an MpiWork. The processes must call the same ones in the
    same order with the same shapes.

    comm: a communicator of mpi4py that nobody else uses; it is freed by `close`.
    """

    name = "mpi"

    def __init__(self, comm: Any) -> None:
        self.comm, self.mpi = comm, import_mpi()
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.held: set[MpiWork] = set()
        # An error is an exception of the process that has it, instead of the end of all.
        comm.Set_errhandler(self.mpi.ERRORS_RETURN)

    def hold(self, work: MpiWork) -> None:
        """Keeps the buffers of a work alive while MPI uses them."""
        if len(self.held) >= MANY:
            for each in tuple(self.held):
                each.is_moved()
        self.held.add(work)

    def all_reduce(self, array: Any, op: str) -> MpiWork:
        """Sum (or `op`) over all processes, in place on each."""
        data = _for_arithmetic(array)
        request = self.comm.Iallreduce(self.mpi.IN_PLACE, data, self._operation(array, op))
        return MpiWork(self, [request], lambda: self._put_back(array, data, op), (data,))

    def reduce(self, array: Any, root: int, op: str) -> MpiWork:
        """The same in place on `root` only; the others' arrays stay as they are."""
        data, code = _for_arithmetic(array), self._operation(array, op)
        if self.rank != root:
            return MpiWork(self, [self.comm.Ireduce(data, None, code, root)], None, (data,))
        request = self.comm.Ireduce(self.mpi.IN_PLACE, data, code, root)
        return MpiWork(self, [request], lambda: self._put_back(array, data, op), (data,))

    def reduce_scatter(self, out: Any, array: Any, op: str) -> MpiWork:
        """Adds up (or `op`) the arrays, of which each process gets its own part in `out`."""
        data = _for_arithmetic(array)
        part = np.empty(out.size, data.dtype)
        request = self.comm.Ireduce_scatter_block(data, part, self._operation(array, op))
        return MpiWork(self, [request], lambda: self._put_back(out, part, op), (data, part))

    def broadcast(self, array: Any, root: int) -> MpiWork:
        """The array of `root` on all."""
        data = _as_bytes(array)
        request = self.comm.Ibcast(data, root)
        after = None if self.rank == root else lambda: _write(array, data)
        return MpiWork(self, [request], after, (data,))

    def all_gather(self, out: Any, array: Any) -> MpiWork:
        """out: the arrays of all processes one after the other, `size` times as many elements."""
        data, whole = _as_bytes(array), _room_for(out)
        request = self.comm.Iallgather(data, whole)
        return MpiWork(self, [request], lambda: _write(out, whole), (data, whole))

    def gather(self, out: Any, array: Any, root: int) -> MpiWork:
        """out, on `root` (None elsewhere): as in `all_gather`."""
        data = _as_bytes(array)
        if self.rank != root:
            return MpiWork(self, [self.comm.Igather(data, None, root)], None, (data,))
        whole = _room_for(out)
        request = self.comm.Igather(data, whole, root)
        return MpiWork(self, [request], lambda: _write(out, whole), (data, whole))

    def scatter(self, out: Any, array: Any, root: int) -> MpiWork:
        """The parts of `array`, which `root` has (None elsewhere), one to each process."""
        part = _room_for(out)
        whole = _as_bytes(array) if self.rank == root else None
        request = self.comm.Iscatter(whole, part, root)
        return MpiWork(self, [request], lambda: _write(out, part), (whole, part))

    def all_to_all(self, out: Any, array: Any) -> MpiWork:
        """The parts of `array`, one to each process; out: what came from them, by their ranks."""
        data, whole = _as_bytes(array), _room_for(out)
        request = self.comm.Ialltoall(data, whole)
        return MpiWork(self, [request], lambda: _write(out, whole), (data, whole))

    def send(self, array: Any, peer: int, tag: int = 0) -> MpiWork:
        """To `peer`, which calls `recv`."""
        data = _as_bytes(array)
        return MpiWork(self, [self.comm.Isend(data, peer, tag)], None, (data,))

    def recv(self, array: Any, peer: int | None, tag: int = 0) -> MpiReceive:
        """Into `array`, what `peer` sends; None: whoever sends first."""
        return MpiReceive(self, array, peer, tag)

    def close(self) -> None:
        """Gives the communicator back."""
        self.comm.Free()

    def _operation(self, array: Any, op: str) -> Any:
        if op == "AVG" and array.dtype == np.bool_:
            raise TypeError("Cannot use ReduceOp.AVG with bool inputs: use SUM, MIN or MAX")
        if op in ("BAND", "BOR", "BXOR") and array.dtype.kind == "f":
            raise RuntimeError(f"Cannot use ReduceOp.{op} with {array.dtype}, but with integers")
        if array.dtype == np.bool_:
            op = FOR_BOOL.get(op, op)
        return getattr(self.mpi, {"AVG": "SUM", "PRODUCT": "PROD"}.get(op, op))

    def _put_back(self, array: Any, data: np.ndarray, op: str) -> None:
        """Writes what was combined in `data` to the array it came from."""
        if op == "AVG" and data.dtype.kind == "f":
            data /= self.size
        elif op == "AVG":  # towards 0, as C divides
            data -= np.fmod(data, data.dtype.type(self.size))
            data //= data.dtype.type(self.size)
        _write(array, data)


class MpiReceive(MpiWork):
    """A message that may not have come. `source` is the rank in the group that it came from.

    It is looked at before it is received, so that one of another size is an error here and not
    the end of the program in MPI.
    """

    def __init__(self, backend: MpiBackend, array: Any, peer: int | None, tag: int) -> None:
        self.array, self.tag = array, tag
        self.peer = backend.mpi.ANY_SOURCE if peer is None else peer
        self.source: int | None = None
        super().__init__(backend, [], None, ())

    def is_moved(self) -> bool:
        if self.source is None:
            status = self.backend.mpi.Status()
            message = self.backend.comm.Improbe(self.peer, self.tag, status)
            if message is None:
                return False
            self.source, coming = status.Get_source(), status.Get_count(self.backend.mpi.BYTE)
            data = np.empty(coming, np.uint8)
            self.requests = [message.Irecv(data)]
            self.after = lambda: self._take(data)
        return super().is_moved()

    def _take(self, data: np.ndarray) -> None:
        if data.size != self.array.nbytes:
            raise RuntimeError(
                f"recv: rank {self.source} of the group sent {data.size} bytes, but the tensor of "
                f"shape {list(self.array.shape)} and {self.array.dtype} takes {self.array.nbytes}"
            )
        _write(self.array, data)


def _for_arithmetic(array: Any) -> np.ndarray:
    """The values in one piece of memory, in a type that MPI can calculate with.

    It is the array's own memory if that is possible.
    """
    if array.dtype == np.float16:
        return to_numpy(array).astype(np.float32, order="C")
    data = np.ascontiguousarray(to_numpy(array)).reshape(-1)
    return data.view(np.uint8) if data.dtype == np.bool_ else data


def _as_bytes(array: Any) -> np.ndarray:
    """The values row by row as bytes, in the array's own memory if that is possible."""
    return np.ascontiguousarray(to_numpy(array)).reshape(-1).view(np.uint8)


def _room_for(array: Any) -> np.ndarray:
    """Bytes for the values of an array, its own memory if they can lie there row by row."""
    if isinstance(array, np.ndarray) and array.flags.c_contiguous:
        return array.reshape(-1).view(np.uint8)
    return np.empty(array.nbytes, np.uint8)


def _write(array: Any, data: np.ndarray) -> None:
    """Writes values, of this type or as bytes, to an array, unless they lie there already."""
    if isinstance(array, np.ndarray) and np.may_share_memory(array, data):
        return
    if data.dtype == np.uint8 and array.dtype != np.uint8:
        data = data.view(array.dtype)
    array[...] = array_module(array).asarray(data.reshape(array.shape).astype(array.dtype))
