"""CUDA graphs: a training step recorded once and launched as a whole.

A small network keeps a GPU waiting: each of a few hundred kernels runs for some microseconds, and
Python needs longer to launch one. A graph holds the kernels of a whole step, with their arguments,
and one call launches them all.

    static_x, static_y = mt.zeros(64, 3, 32, 32), mt.zeros(64, dtype=mt.int64)
    for _ in range(3):                        # compiles kernels; fills caches
        step(static_x, static_y)
    g = mt.cuda.CUDAGraph()
    with mt.cuda.graph(g):                    # records; computes nothing
        static_loss = step(static_x, static_y)
    for x, y in loader:
        static_x.copy_(x), static_y.copy_(y)  # new numbers in the same memory
        g.replay()                            # static_loss has the loss

What is recorded are kernels and addresses, so inside the block

- shapes are fixed, and nothing may depend on values: no `item()`, no printing, no masks as indices;
- Python's numbers are frozen. The learning rate is one: after a scheduler has changed it, record
  again. Where every replay would silently be wrong, recording raises RuntimeError: random numbers
  are drawn on the host (dropout, augmentation), and so are steps counted (Adam and most other
  optimizers; SGD counts none).
"""

from __future__ import annotations

from typing import Any

from ..autograd.deferred import settle
from ..backend import import_cupy, recording
from .streams import Stream, stream


class CUDAGraph:
    """A recorded sequence of kernels; see the top of this file."""

    def __init__(self, keep_graph: bool = False) -> None:
        if keep_graph:
            raise NotImplementedError("CUDAGraph(keep_graph=True) is not supported")
        self._graph: Any = None
        self._memory: Any = None
        self._constants: list[Any] = []
        self._capture: tuple = ()

    def capture_begin(self, pool: Any = None, capture_error_mode: str = "relaxed") -> None:
        """Starts recording the current stream, which must not be the default stream."""
        if pool is not None:
            raise NotImplementedError("CUDAGraph: sharing a memory pool between graphs (pool=)")
        if capture_error_mode != "relaxed":
            raise NotImplementedError(
                f"CUDAGraph: capture_error_mode={capture_error_mode!r}: only 'relaxed', because "
                "CuPy's pool may ask for memory while a graph is recorded"
            )
        if self._graph is not None or self._capture:
            raise RuntimeError("this CUDAGraph is recorded already: reset() it, or make another")
        cupy = import_cupy()
        current = cupy.cuda.get_current_stream()
        if current.ptr == 0:
            raise RuntimeError(
                "CUDA graphs must be captured on a non-default stream: use mt.cuda.graph(...), or "
                "capture inside mt.cuda.stream(mt.cuda.Stream())"
            )
        settle()  # what was put off before is no part of it
        # Arrays that live only within the step are freed while it is recorded, but written again
        # in every replay. In a pool of its own, nobody else gets their memory.
        self._memory = cupy.cuda.MemoryPool()
        allocator = cupy.cuda.using_allocator(self._memory.malloc)
        allocator.__enter__()
        try:
            current.begin_capture()
        except BaseException:
            allocator.__exit__(None, None, None)
            raise
        self._capture = allocator, current
        recording.on, recording.constants = True, self._constants

    def capture_end(self) -> None:
        """Ends recording. From now on `replay` does what was recorded."""
        if not self._capture:
            raise RuntimeError("CUDAGraph.capture_end: nothing is being recorded")
        settle()  # what was put off within the step belongs to it
        allocator, current = self._capture
        self._capture = ()
        recording.on = False
        try:
            self._graph = current.end_capture()
        finally:
            allocator.__exit__(None, None, None)

    def replay(self) -> None:
        """Launches all of it on the current stream."""
        if self._graph is None:
            raise RuntimeError("CUDAGraph.replay: record a graph first, with mt.cuda.graph(g)")
        self._graph.launch()

    def reset(self) -> None:
        """Forgets the recording, and gives its memory back."""
        self._graph = self._memory = None
        self._constants = []


class graph:
    """Records what the GPU is given inside the block, without doing it: ``with graph(g):``"""

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: Any = None,
        stream: Stream | None = None,
        capture_error_mode: str = "relaxed",
    ) -> None:
        self.cuda_graph, self.pool, self.mode = cuda_graph, pool, capture_error_mode
        self.stream = Stream() if stream is None else stream

    def __enter__(self) -> None:
        settle()
        import_cupy().cuda.Device().synchronize()  # what came before must not run into it
        self._within = stream(self.stream)
        self._within.__enter__()
        try:
            self.cuda_graph.capture_begin(self.pool, self.mode)
        except BaseException:
            self._within.__exit__(None, None, None)
            raise

    def __exit__(self, *exc: object) -> None:
        try:
            self.cuda_graph.capture_end()
        finally:
            self._within.__exit__(*exc)
