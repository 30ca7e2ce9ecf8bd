"""Streams and events: what the GPU does in which order, and how one waits for another.

A stream is a queue of work. The host fills it and goes on; the GPU does what is in one stream in
order, and what is in different streams side by side. An event is a mark in a queue.
"""

from __future__ import annotations

from typing import Any

from ..autograd.deferred import settle
from ..backend import gpu_number, import_cupy


class Event:
    """A mark in a stream, to wait for or to measure time with.

    enable_timing: keep the time at which the GPU came by. blocking: a host thread that waits in
    `synchronize` sleeps instead of spinning.

        start, end = mt.cuda.Event(enable_timing=True), mt.cuda.Event(enable_timing=True)
        start.record()
        model(x)
        end.record()
        end.synchronize()
        print(start.elapsed_time(end), "ms")
    """

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        self.enable_timing = enable_timing
        self.cupy_event = import_cupy().cuda.Event(blocking, not enable_timing, interprocess)

    def record(self, stream: Stream | None = None) -> None:
        """Sets the mark at the present end of a stream (default: the current one)."""
        settle()  # what was put off comes before the mark
        self.cupy_event.record((stream or current_stream()).cupy_stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Later work in `stream` (default: the current one) starts after the mark."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """True if the GPU has passed the mark."""
        return bool(self.cupy_event.done)

    def synchronize(self) -> None:
        """The host waits until the GPU has passed the mark."""
        self.cupy_event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds on the GPU from this mark to another; both with enable_timing."""
        if not (self.enable_timing and end_event.enable_timing):
            raise ValueError("elapsed_time needs two events with enable_timing=True")
        return import_cupy().cuda.get_elapsed_time(self.cupy_event, end_event.cupy_event)


class Stream:
    """A queue of work for one GPU. priority: lower numbers go first (from CuPy 14 on).

        side = mt.cuda.Stream()
        side.wait_stream(mt.cuda.current_stream())
        with mt.cuda.stream(side):
            y = f(x)
        mt.cuda.current_stream().wait_stream(side)   # before y is used here

    A tensor's memory goes back to the stream in which it was made, as soon as Python drops the
    tensor. If another stream still works with it then, keep a reference until that is done.
    """

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        cupy = import_cupy()
        # CuPy 13 knows no priorities: there, any but the usual one is a TypeError of CuPy's.
        options = {"priority": priority} if priority else {}
        with cupy.cuda.Device(gpu_number(device)):
            self.cupy_stream = cupy.cuda.Stream(non_blocking=True, **options)

    @classmethod
    def around(cls, cupy_stream: Any) -> Stream:
        """The same queue as one of CuPy's streams."""
        stream = cls.__new__(cls)
        stream.cupy_stream = cupy_stream
        return stream

    @property
    def cuda_stream(self) -> int:
        """CUDA's handle of the stream; 0 is the default stream."""
        return self.cupy_stream.ptr

    def wait_event(self, event: Event) -> None:
        """Later work in this stream starts after the event's mark."""
        self.cupy_stream.wait_event(event.cupy_event)

    def wait_stream(self, stream: Stream) -> None:
        """Later work in this stream starts after all that is in `stream` now."""
        self.cupy_stream.wait_event(stream.cupy_stream.record())

    def record_event(self, event: Event | None = None) -> Event:
        """Sets a mark at the present end of this stream, and returns it."""
        event = event or Event()
        event.record(self)
        return event

    def query(self) -> bool:
        """True if all work in the stream is done."""
        return bool(self.cupy_stream.done)

    def synchronize(self) -> None:
        """The host waits until all work in the stream is done."""
        self.cupy_stream.synchronize()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.cuda_stream == other.cuda_stream

    def __hash__(self) -> int:
        return hash(self.cuda_stream)

    def __repr__(self) -> str:
        return f"<minitorch_cnn.cuda.Stream cuda_stream={self.cuda_stream:#x}>"


class StreamContext:
    """Inside, this thread gives its work to `stream`; None changes nothing.

    What was put off (autograd/deferred.py) is given to the stream in which it was asked for.
    """

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            settle()
            self.stream.cupy_stream.__enter__()

    def __exit__(self, *exc: object) -> None:
        if self.stream is not None:
            settle()
            self.stream.cupy_stream.__exit__(*exc)


def stream(stream: Stream | None) -> StreamContext:
    """``with mt.cuda.stream(s):`` -- see StreamContext."""
    return StreamContext(stream)


def set_stream(stream: Stream) -> None:
    """Makes `stream` the one to which this thread gives its work."""
    settle()
    stream.cupy_stream.use()


def current_stream(device: Any = None) -> Stream:
    """The stream to which this thread gives its work."""
    cupy = import_cupy()
    with cupy.cuda.Device(gpu_number(device)):
        return Stream.around(cupy.cuda.get_current_stream())


def default_stream(device: Any = None) -> Stream:
    """The stream of a program that says nothing about streams."""
    gpu_number(device)  # a GPU that is not there is an error here too
    return Stream.around(import_cupy().cuda.Stream.null)
