"""Collectives between GPUs: NCCL through `cupy.cuda.nccl`, started over MPI.

The host only hands work over. NCCL puts each collective into a stream of its own, the
communication stream, and returns; the GPU does it later. Three rules follow, and all code here
serves one of them:

1. The communication stream waits (by an event) for the stream in which the data were made.
2. Whoever uses the result waits for the event behind the collective: `NcclWork.wait`. The host
   does not wait; the stream that is current then does.
3. No buffer is freed before the GPU has passed that event. CuPy hands memory that Python dropped
   to the next array of the same stream, which knows nothing of the communication stream: so the
   arrays are held here until their event is over.

Backward and communication run side by side because they are in different streams.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.deferred import settle
from ..backend import cupy_nccl, import_cupy
from ..backend.devices import recording
from .mpi import FOR_BOOL

# The numbers of nccl.h, which are those of its binary interface.
DATA_TYPES = {
    "int8": 0, "uint8": 1, "bool": 1, "int32": 2, "uint32": 3, "int64": 4, "uint64": 5,
    "float16": 6, "float32": 7, "float64": 8,
}  # fmt: skip
OPERATIONS = {"SUM": 0, "PRODUCT": 1, "MAX": 2, "MIN": 3, "AVG": 4}


def import_nccl() -> Any:
    """The module cupy.cuda.nccl, or a RuntimeError that says what is missing."""
    import_cupy()
    nccl = cupy_nccl()
    if not nccl.available:
        raise RuntimeError(
            "the nccl backend needs NCCL, which CuPy does not find: pip install nvidia-nccl-cu13 "
            "(or nvidia-nccl-cu12), as CuPy's warning says"
        )
    return nccl


class NcclWork:
    """A collective that was handed over. Holds its arrays as long as the GPU may use them."""

    def __init__(self, name: str, event: Any, arrays: list[Any]) -> None:
        self.name, self.event, self.arrays = name, event, arrays
        self.began = time.monotonic()

    def wait(self, timeout: Any = None) -> bool:
        """The current stream waits for the result; the host goes on. `timeout` is the group's."""
        import_cupy().cuda.get_current_stream().wait_event(self.event)
        return True

    def is_completed(self) -> bool:
        """Has the GPU finished it?"""
        return bool(self.event.done)


class NcclBackend:
    """The collectives of one group of processes, each with one GPU, on bare CuPy arrays.

    comm: the group's communicator of mpi4py, which carries NCCL's unique id (128 bytes) to all.
    device: the number of this process's GPU, which becomes the current one. seconds: how long a
    collective may take. on_failure: called by the watching thread with a sentence when one takes
    longer, or NCCL reports an error; it must end the process, since nothing else can.

    All methods hand over and return an NcclWork. The processes must call the same methods in the
    same order with the same shapes, as MPI's. Raises RuntimeError where two processes would share
    a GPU, which NCCL cannot do.
    """

    name = "nccl"

    def __init__(
        self, comm: Any, device: int, seconds: float, on_failure: Callable[[str], None]
    ) -> None:
        self.rank, self.size, self.device = comm.Get_rank(), comm.Get_size(), device
        self.seconds, self.on_failure = seconds, on_failure
        nccl, cupy = import_nccl(), import_cupy()
        cupy.cuda.Device(device).use()
        name = (socket.gethostname(), cupy.cuda.Device(device).pci_bus_id)
        names = comm.allgather(name)
        if names.count(name) > 1:
            raise RuntimeError(
                f"ranks {[rank for rank in range(self.size) if names[rank] == name]} of {name[0]} "
                f"would share GPU {device} ({name[1]}): start as many processes as there are GPUs"
            )
        unique = comm.bcast(nccl.get_unique_id() if self.rank == 0 else None, root=0)
        self.nccl = nccl
        self.communicator = nccl.NcclCommunicator(self.size, unique, self.rank)
        # One stream: NCCL's calls of one communicator stay in the order of the host's calls.
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.works: deque[NcclWork] = deque()  # those that the GPU may not have finished
        self.closed = threading.Event()
        self.watcher = threading.Thread(target=self._watch, name="nccl watcher", daemon=True)
        self.watcher.start()

    # ---- collectives

    def all_reduce(self, array: Any, op: str) -> NcclWork:
        """Sum (or `op`) over all processes, in place on each."""

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            (data,) = pointers
            code = self._operation(array, op)
            self.communicator.allReduce(data, data, count, kind, code, stream)

        return self._hand_over("all_reduce", call, array.size, [array], writes=[array])

    def reduce(self, array: Any, root: int, op: str) -> NcclWork:
        """The same in place on `root` only; the others' arrays stay as they are."""

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            (data,) = pointers
            code = self._operation(array, op)
            self.communicator.reduce(data, data, count, kind, code, root, stream)

        writes = [array] if self.rank == root else []
        return self._hand_over("reduce", call, array.size, [array], writes)

    def broadcast(self, array: Any, root: int) -> NcclWork:
        """The array of `root` on all."""

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            (data,) = pointers
            self.communicator.broadcast(data, data, count, kind, root, stream)

        return self._hand_over("broadcast", call, array.size, [array], writes=[array])

    def all_gather(self, out: Any, array: Any) -> NcclWork:
        """out: the arrays of all processes one after the other, `size` times as many elements."""
        self._check_sizes("all_gather", out, array)

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            into, data = pointers
            self.communicator.allGather(data, into, count, kind, stream)

        return self._hand_over("all_gather", call, array.size, [out, array], writes=[out])

    def reduce_scatter(self, out: Any, array: Any, op: str) -> NcclWork:
        """Adds up (or `op`) the arrays, of which each process gets its own part in `out`."""
        self._check_sizes("reduce_scatter", array, out)

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            into, data = pointers
            code = self._operation(array, op)
            self.communicator.reduceScatter(data, into, count, kind, code, stream)

        return self._hand_over("reduce_scatter", call, out.size, [out, array], writes=[out])

    def gather(self, out: Any, array: Any, root: int) -> NcclWork:
        """out, on `root` (None elsewhere): as in `all_gather`. NCCL builds it of sends."""
        if self.rank == root:
            self._check_sizes("gather", out, array)

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            # A group, since each of these alone would wait for its partner.
            self.nccl.groupStart()
            try:
                self.communicator.send(pointers[0], count, kind, root, stream)
                for rank in range(self.size if self.rank == root else 0):
                    start = pointers[1] + rank * array.nbytes
                    self.communicator.recv(start, count, kind, rank, stream)
            finally:
                self.nccl.groupEnd()

        arrays = [array, out] if self.rank == root else [array]
        return self._hand_over("gather", call, array.size, arrays, writes=arrays[1:])

    def scatter(self, out: Any, array: Any, root: int) -> NcclWork:
        """The parts of `array`, which `root` has (None elsewhere), one to each process."""
        if self.rank == root:
            self._check_sizes("scatter", array, out)

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            self.nccl.groupStart()
            try:
                for rank in range(self.size if self.rank == root else 0):
                    start = pointers[1] + rank * out.nbytes
                    self.communicator.send(start, count, kind, rank, stream)
                self.communicator.recv(pointers[0], count, kind, root, stream)
            finally:
                self.nccl.groupEnd()

        arrays = [out, array] if self.rank == root else [out]
        return self._hand_over("scatter", call, out.size, arrays, writes=[out])

    def all_to_all(self, out: Any, array: Any) -> NcclWork:
        """The parts of `array`, one to each process; out: what came from them, by their ranks."""
        if out.size != array.size or array.size % self.size:
            raise ValueError(
                f"all_to_all: {array.size} elements do not go in {self.size} parts into {out.size}"
            )
        step = array.nbytes // self.size

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            self.nccl.groupStart()
            try:
                for rank in range(self.size):
                    self.communicator.send(pointers[1] + rank * step, count, kind, rank, stream)
                    self.communicator.recv(pointers[0] + rank * step, count, kind, rank, stream)
            finally:
                self.nccl.groupEnd()

        return self._hand_over("all_to_all", call, array.size // self.size, [out, array], [out])

    def send(self, array: Any, peer: int, tag: int = 0) -> NcclWork:
        """To `peer`, which calls `recv`."""
        self._check_tag(tag)

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            self.communicator.send(pointers[0], count, kind, peer, stream)

        return self._hand_over("send", call, array.size, [array], writes=[])

    def recv(self, array: Any, peer: int | None, tag: int = 0) -> NcclWork:
        """Into `array`, what `peer` sends."""
        self._check_tag(tag)
        if peer is None:
            raise NotImplementedError(
                "recv: NCCL cannot receive from whoever sends first: name src"
            )

        def call(pointers: list[int], count: int, kind: int, stream: int) -> None:
            self.communicator.recv(pointers[0], count, kind, peer, stream)

        return self._hand_over("recv", call, array.size, [array], writes=[array])

    def barrier(self) -> None:
        """The host waits here until all processes have come, and their GPUs with them."""
        cupy = import_cupy()
        work = self.all_reduce(cupy.zeros(1, np.float32), "SUM")
        work.event.synchronize()

    def close(self) -> None:
        """Waits for what was handed over, and gives NCCL's memory back."""
        self.closed.set()
        self.watcher.join()
        self.stream.synchronize()
        self.works.clear()
        self.communicator.destroy()

    # ---- what they share

    def _hand_over(
        self, name: str, call: Callable, count: int, arrays: list[Any], writes: list[Any]
    ) -> NcclWork:
        """Calls `call` (addresses of `arrays`, elements, NCCL's type, stream) by the three rules.

        NCCL takes memory as one piece from its address on. An array with gaps, or with its axes in
        another order, is packed before, and unpacked after if it is among `writes`.
        """
        self._check(name, arrays)
        cupy = import_cupy()
        settle()  # what was put off, and reads these arrays, comes before the event
        self.stream.wait_event(cupy.cuda.get_current_stream().record())
        with self.stream:
            packed = [cupy.ascontiguousarray(array) for array in arrays]
            pointers = [array.data.ptr for array in packed]
            call(pointers, count, DATA_TYPES[arrays[0].dtype.name], self.stream.ptr)
            for array, piece in zip(arrays, packed, strict=True):
                if piece is not array and any(array is each for each in writes):
                    array[...] = piece
            event = cupy.cuda.Event(disable_timing=True)
            event.record(self.stream)
        # Not the packed ones: they are of the communication stream, which uses them in order.
        work = NcclWork(name, event, arrays)
        while self.works and self.works[0].event.done:
            self.works.popleft()
        self.works.append(work)
        return work

    def _check(self, name: str, arrays: list[Any]) -> None:
        if self.closed.is_set():
            raise RuntimeError(f"{name}: this process group was destroyed")
        if recording.on:
            raise RuntimeError(f"{name}: keep collectives out of a CUDA graph")
        kinds = {array.dtype.name for array in arrays}
        if len(kinds) > 1 or not kinds <= DATA_TYPES.keys():
            raise TypeError(
                f"{name}: got {', '.join(sorted(kinds))}; NCCL takes one of {', '.join(DATA_TYPES)}"
            )
        for array in arrays:
            if array.device.id != self.device:
                raise RuntimeError(
                    f"{name}: a tensor lies on cuda:{array.device.id}, but rank {self.rank} "
                    f"communicates from cuda:{self.device}"
                )

    def _check_sizes(self, name: str, whole: Any, part: Any) -> None:
        if whole.size != self.size * part.size:
            raise ValueError(f"{name}: {whole.size} elements are not {self.size} times {part.size}")

    def _check_tag(self, tag: int) -> None:
        if tag:
            raise NotImplementedError(f"tag={tag}: NCCL's messages have no tags")

    def _operation(self, array: Any, op: str) -> int:
        if array.dtype == np.bool_:
            if op not in FOR_BOOL:
                raise TypeError(f"Cannot use ReduceOp.{op} with bool inputs: use SUM, MIN or MAX")
            op = FOR_BOOL[op]
        if op not in OPERATIONS:
            raise NotImplementedError(f"NCCL has no {op}, but {', '.join(OPERATIONS)}")
        return OPERATIONS[op]

    def _watch(self) -> None:
        """Once a second: has NCCL failed, or does the oldest collective take too long?

        Only another process's call can end a collective that was begun, and the host does not
        wait in it: so a process that waits for a dead or diverged one is found here.
        """
        while not self.closed.wait(1.0):
            problem = self.problem()
            if problem:
                self.on_failure(problem)
                return

    def problem(self) -> str | None:
        """A sentence, if NCCL reports an error or a collective has taken too long."""
        try:
            self.communicator.check_async_error()
        except self.nccl.NcclError as error:
            return f"rank {self.rank}: NCCL reports {error}"
        for work in tuple(self.works):
            seconds = time.monotonic() - work.began
            if not work.event.done:
                if seconds <= self.seconds:
                    return None
                return (
                    f"rank {self.rank}: {work.name} has not ended for {seconds:.0f} s (timeout "
                    f"{self.seconds:.0f} s). Another process has died, or calls in another order."
                )
        return None
