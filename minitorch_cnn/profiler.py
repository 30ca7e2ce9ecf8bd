"""torch.profiler's names: a profile with a schedule, around the one of autograd.profiler.

>>> import minitorch_cnn as mt
>>> with mt.profiler.profile(record_shapes=True) as prof:
...     y = mt.ones(2, 3) @ mt.ones(3, 4)
>>> [(event.key, event.count, event.input_shapes) for event in prof.key_averages(True)]
[('MatMul', 1, [[2, 3], [3, 4]])]
"""

from __future__ import annotations

import enum
import os
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .autograd import profiler as autograd_profiler
from .autograd.profiler import EventList, record_function
from .backend import is_cupy_available
from .missing import refuse_missing

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerActivity(enum.Enum):
    """What is timed: CPU always; CUDA makes the profile wait for the GPU after each operation."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(enum.Enum):
    """What a step of a schedule does."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """CPU, and CUDA where there is a GPU."""
    cuda = {ProfilerActivity.CUDA} if is_cupy_available() else set()
    return {ProfilerActivity.CPU, *cuda}


def schedule(
    *,
    wait: int,
    warmup: int,
    active: int,
    repeat: int = 0,
    skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Callable[[int], ProfilerAction]:
    """Which steps are recorded: after skip_first steps, wait, warm up, record, and so on.

    repeat: how many such cycles; 0: until the end. skip_first_wait: not 0 leaves the first wait
    out. Raises AssertionError, as torch does, where a number is negative or active is 0.

    >>> steps = schedule(wait=1, warmup=1, active=2)
    >>> [steps(number).name for number in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    assert min(wait, warmup, repeat, skip_first) >= 0 and active > 0, "Invalid profiler schedule"
    cycle = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        if skip_first_wait:
            step += wait
        if step < 0 or (repeat and step >= repeat * cycle):
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == cycle - 1 else ProfilerAction.RECORD

    return action


class profile:
    """Times the operations of a block, or of those of its steps that a schedule names.

    activities: CPU is timed always; with ProfilerActivity.CUDA the profile waits for the GPU.
    schedule: of a step's number, see `schedule`; the loop calls ``prof.step()`` after each one.
    on_trace_ready: called with the profile when a cycle, or the block, is over.
    record_shapes: keep the shapes of the inputs. The other options change nothing.
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        use_cuda: bool = False,
        **options: Any,
    ) -> None:
        wanted = supported_activities() if activities is None else set(activities)
        self._use_cuda = is_cupy_available() and (use_cuda or ProfilerActivity.CUDA in wanted)
        self._schedule, self.on_trace_ready = schedule, on_trace_ready
        self.record_shapes = record_shapes
        self.step_num = 0
        self._running: autograd_profiler.profile | None = None
        self._events = EventList()

    @property
    def current_action(self) -> ProfilerAction:
        """What the present step does."""
        if self._schedule is None:
            return ProfilerAction.RECORD
        return self._schedule(self.step_num)

    def start(self) -> None:
        """Begins with the first step; ``with`` calls it."""
        self._begin()

    def stop(self) -> None:
        """Ends; ``with`` calls it."""
        if self._running is not None:
            self._end(save=True)

    def step(self) -> None:
        """Says that a step is over, and the next one begins."""
        action = self.current_action
        self.step_num += 1
        if self._running is not None and action is ProfilerAction.RECORD_AND_SAVE:
            self._end(save=True)
        self._begin()

    def _begin(self) -> None:
        recording = self.current_action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if recording and self._running is None:
            self._running = autograd_profiler.profile(
                use_cuda=self._use_cuda, record_shapes=self.record_shapes
            ).__enter__()
        elif not recording and self._running is not None:
            self._end(save=False)

    def _end(self, save: bool) -> None:
        if self._running is not None:
            self._running.__exit__()
            self._events, self._running = self._running.events, None
        if save and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def events(self) -> EventList:
        """The calls, one by one, in the order in which they ended."""
        return self._events

    def key_averages(self, group_by_input_shape: bool = False, **options: Any) -> EventList:
        """One line for each operation; ``print(prof.key_averages().table())``."""
        return self._events.key_averages(group_by_input_shape)

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """Writes the trace as JSON, for chrome://tracing and ui.perfetto.dev."""
        self._events.export_chrome_trace(path)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Not supported: no stacks are kept."""
        raise NotImplementedError("export_stacks is not supported: use export_chrome_trace")


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """For on_trace_ready: writes each trace into a folder, as a file of its own.

    Raises RuntimeError where the folder cannot be made.
    """
    try:
        Path(dir_name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RuntimeError(f"Can't create directory: {dir_name}") from error
    worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"

    def handler(prof: profile) -> None:
        prof.export_chrome_trace(Path(dir_name) / f"{worker}.{time.time_ns()}.pt.trace.json")

    return handler


refuse_missing(globals())
