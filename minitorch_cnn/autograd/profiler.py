"""Where the time goes: a table of operations, and a trace that browsers draw.

While a profile runs, `Function.apply` and the engine's call of a backward are replaced by ones that
look at the clock; without one nothing is in their way. Results that would be put off, to be fused
with the next operation, are computed at once: so each operation has its own time, and the whole
takes a little longer than without a profile.

>>> import minitorch_cnn as mt
>>> x = mt.ones(2, 3, requires_grad=True)
>>> with mt.autograd.profiler.profile() as prof:
...     (x * 2).sum().backward()
>>> {event.key: event.count for event in prof.key_averages()}["Mul"]  # forward and backward
2
"""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from ..backend import ahead
from ..missing import refuse_missing
from ..tensor import Tensor
from . import engine
from .function import Function

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "profile", "record_function"]


def kineto_available() -> bool:
    """False: torch's tracer of that name is not here, `profile` looks at the clock itself.

    >>> import minitorch_cnn as mt
    >>> mt.autograd.kineto_available()
    False
    """
    return False


class FunctionEvent:
    """One call of an operation. Times are in microseconds, from the profile's start.

    name: that of the Function, with "Backward" behind it where the engine called it.
    cpu_children_time: of the operations that it called itself; cpu_parent: the one that called it.
    """

    def __init__(
        self,
        id: int = 0,
        name: str = "",
        thread: int = 0,
        start_us: float = 0.0,
        end_us: float = 0.0,
        input_shapes: Iterable = (),
        **options: Any,
    ) -> None:
        self.id, self.name, self.start, self.thread = id, name, start_us, thread
        self.input_shapes = list(input_shapes)
        self.cpu_time_total, self.cpu_children_time = end_us - start_us, 0.0
        self.cpu_parent: FunctionEvent | None = None

    key = property(lambda self: self.name)
    count = 1

    @property
    def self_cpu_time_total(self) -> float:
        """Without the operations that it called."""
        return self.cpu_time_total - self.cpu_children_time

    def __repr__(self) -> str:
        return f"<FunctionEvent {self.name} {self.cpu_time_total:.1f}us {self.input_shapes}>"


class FunctionEventAvg:
    """All calls of one name (or of one name and input shapes) together."""

    device_time_total = 0.0  # the GPU's time is in that of the CPU, which waits for it

    def __init__(self, events: Iterable[FunctionEvent] = ()) -> None:
        self.key: str | None = None
        self.input_shapes: list = []
        self.cpu_parent: FunctionEvent | None = None
        self.count, self.cpu_time_total, self.self_cpu_time_total = 0, 0.0, 0.0
        for event in events:
            self.add(event)

    def add(self, other: FunctionEvent | FunctionEventAvg) -> FunctionEventAvg:
        """Counts another call, or others, too. The first one gives the name. Returns itself."""
        if self.key is None:
            self.key, self.input_shapes = other.key, other.input_shapes
            self.cpu_parent = other.cpu_parent
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        return self

    @property
    def cpu_time(self) -> float:
        """Microseconds of one call, on average."""
        return self.cpu_time_total / self.count

    def __repr__(self) -> str:
        return f"<FunctionEventAvg {self.key} calls={self.count} {self.cpu_time_total:.1f}us>"


def _shown(microseconds: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


def _cut(text: str, width: int) -> str:
    """The text, or its beginning: "Linea..."; width -1 for any length."""
    return text if width < 0 or len(text) <= width else text[: max(width - 3, 0)] + "..."


SORT_KEYS = ("cpu_time", "cpu_time_total", "self_cpu_time_total", "count")


class EventList(list):
    """Events, or averages of them, that print as a table."""

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
    ) -> str:
        """A line for each event: name, share of the time, times, calls, and shapes if known.

        sort_by: "cpu_time_total", "self_cpu_time_total", "cpu_time" or "count", largest first; as
        "cuda_time_total" and "device_time_total" are the same times. top_level_events_only: without
        what another one called. Longer names and shapes are cut; there is no column of sources.
        Raises ValueError for another sort_by.
        """
        rows = [row for row in self if not (top_level_events_only and row.cpu_parent)]
        if sort_by is not None:
            key = sort_by.replace("cuda", "cpu").replace("device", "cpu")
            if key not in SORT_KEYS:
                raise ValueError(f"sort_by is one of {', '.join(SORT_KEYS)}; got {sort_by!r}")
            rows.sort(key=lambda row: getattr(row, key), reverse=True)
        total = self.self_cpu_time_total
        names = ["Name", "Self CPU %", "Self CPU", "CPU total", "CPU time avg", "# of Calls"]
        shapes = any(row.input_shapes for row in rows)
        lines = [[*names, "Input Shapes"] if shapes else names]
        for row in rows[:row_limit] if row_limit >= 0 else rows:
            share = 100 * row.self_cpu_time_total / total if total else 0.0
            times = row.self_cpu_time_total, row.cpu_time_total, row.cpu_time_total / row.count
            line = [
                _cut(row.key, max_name_column_width),
                f"{share:.2f}%",
                *map(_shown, times),
                str(row.count),
            ]
            sizes = _cut(str(row.input_shapes), max_shapes_column_width)
            lines.append([*line, sizes] if shapes else line)
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = []
        for line in lines:
            texts.append("  ".join(each.rjust(n) for each, n in zip(line, widths, strict=True)))
        rule = "  ".join("-" * width for width in widths)
        text = [*([header] if header else []), rule, texts[0], rule, *texts[1:], rule]
        return "\n".join([*text, f"Self CPU time total: {_shown(total)}"])

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all operations together."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(self, group_by_input_shape: bool = False) -> EventList:
        """One `FunctionEventAvg` for each name, or for each name with the same input shapes."""
        groups: dict[tuple, list[FunctionEvent]] = {}
        for event in self:
            shapes = str(event.input_shapes) if group_by_input_shape else ""
            groups.setdefault((event.name, shapes), []).append(event)
        averages = EventList(map(FunctionEventAvg, groups.values()))
        if not group_by_input_shape:
            for average in averages:
                average.input_shapes = []
        return averages

    def total_average(self) -> FunctionEventAvg:
        """All events together."""
        average = FunctionEventAvg(list(self) or [FunctionEvent(name="Total")])
        average.key, average.count = "Total", len(self)
        return average

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """Writes the trace as JSON, for chrome://tracing and ui.perfetto.dev."""
        trace = [
            {
                "name": event.name,
                "ph": "X",
                "ts": event.start,
                "dur": event.cpu_time_total,
                "pid": os.getpid(),
                "tid": event.thread,
                "cat": "cpu_op",
                "args": {"Input Dims": event.input_shapes},
            }
            for event in self
        ]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": trace, "displayTimeUnit": "ms"}, file)

    def __str__(self) -> str:
        return self.table()


_running: list[profile] = []  # the profiles that run now, the innermost last
_stacks = threading.local()
_apply = Function.__dict__["apply"].__func__
_backward_of = engine._backward_of


class _Timed:
    """A call that is being timed, as a context."""

    def __init__(self, name: str, args: Iterable[Any] = ()) -> None:
        self.owner = _running[-1]
        shapes = []
        if self.owner.record_shapes:
            shapes = [list(each.shape) for each in args if isinstance(each, Tensor)]
        start = (time.perf_counter() - self.owner.began) * 1e6
        self.event = FunctionEvent(
            name=name,
            thread=threading.get_ident(),
            start_us=start,
            end_us=start,
            input_shapes=shapes,
        )

    def __enter__(self) -> None:
        self.stack = _stacks.__dict__.setdefault("events", [])
        self.event.cpu_parent = self.stack[-1] if self.stack else None
        self.stack.append(self.event)
        ahead.wait()
        self.started = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self.owner.synchronize()
        event = self.event
        event.cpu_time_total = (time.perf_counter() - self.started) * 1e6
        self.stack.pop()
        if self.stack:
            self.stack[-1].cpu_children_time += event.cpu_time_total
        self.owner.events.append(event)


def _timed_apply(cls: type[Function], *args: Any, **named: Any) -> Any:
    with _Timed(cls.__name__, args):
        result = _apply(cls, *args, **named)
        for y in result if isinstance(result, tuple) else (result,):
            if isinstance(y, Tensor):
                _ = y.array  # computes what was put off
    return result


def _timed_backward(node: Any, gys: list) -> Any:
    with _Timed(f"{node._function.__name__}Backward", gys):
        return _backward_of(node, gys)


class profile:
    """Times the operations of a block.

    ``with profile(record_shapes=True) as prof: ...``, then ``print(prof.key_averages().table())``.
    enabled: False times nothing. use_cuda (or use_device="cuda"): wait for the GPU after each
    operation, so that its time is counted; without that, it is only the time to start it. The
    options that ask for memory, stacks, flops and modules are taken, and change nothing.
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        **options: Any,
    ) -> None:
        self.enabled, self.record_shapes = enabled, record_shapes
        self.function_events = self.events = EventList()
        self.began = 0.0
        self.use_cuda = use_cuda or use_device == "cuda"

    def synchronize(self) -> None:
        """Waits for kernels that run ahead, and for the GPU if its time is to be counted."""
        ahead.wait()
        if self.use_cuda:
            from .. import cuda

            cuda.synchronize()

    def __enter__(self) -> profile:
        if self.enabled:
            self.began = time.perf_counter()
            _running.append(self)
            Function.apply = classmethod(_timed_apply)  # type: ignore
            engine._backward_of = _timed_backward
        return self

    def __exit__(self, *error: object) -> None:
        if self.enabled:
            _running.remove(self)
        if not _running:
            Function.apply = classmethod(_apply)  # type: ignore
            engine._backward_of = _backward_of

    def key_averages(self, group_by_input_shape: bool = False, **options: Any) -> EventList:
        """One line for each operation; see `EventList.table`."""
        return self.events.key_averages(group_by_input_shape)

    def total_average(self) -> FunctionEventAvg:
        """All events together."""
        return self.events.total_average()

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """The events one by one; see `EventList.table`."""
        return self.events.table(sort_by, row_limit, **options)

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """See `EventList.export_chrome_trace`."""
        self.events.export_chrome_trace(path)

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all operations together."""
        return self.events.self_cpu_time_total

    def __str__(self) -> str:
        return self.table() if self.events else "<unfinished profile>"


class record_function:
    """Gives a name to a block, or to a function that it decorates, in the profile that runs.

    >>> import minitorch_cnn as mt
    >>> with mt.profiler.profile() as prof:
    ...     with mt.profiler.record_function("my block"):
    ...         y = mt.ones(2) + 1
    >>> [event.name for event in prof.events()]
    ['Add', 'my block']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self._timed: _Timed | None = None

    def __enter__(self) -> record_function:
        if _running:
            self._timed = _Timed(self.name)
            self._timed.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._timed is not None:
            self._timed.__exit__(*error)
            self._timed = None

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return call


refuse_missing(globals())
