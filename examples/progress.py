"""What a run shows while it goes on: a bar, or lines in a file; and that kernels are compiled."""

from __future__ import annotations

import functools
import sys
import time
from typing import Any


class Lines:
    """A line for every tenth of an epoch: where nobody watches a bar, or tqdm is missing."""

    def __init__(self, total: int, done: int, text: str) -> None:
        self.total, self.done, self.text, self.result = total, done, text, ""

    def update(self, images: int) -> None:
        before, self.done = self.done, self.done + images
        tenths = 10 * self.done // self.total
        if 10 * before // self.total < tenths < 10:  # the whole epoch has a line of its own
            print(f"{self.text}: {10 * tenths:2d} %  {self.result}", flush=True)

    def show(self, loss: float, accuracy: float) -> None:
        self.result = f"loss {loss:.3f}, accuracy {accuracy:.1f} %"

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *exc: object) -> None: ...


def progress_bar(total: int, done: int, text: str) -> Any:
    """Progress in images, with loss and accuracy: a bar on a terminal, if tqdm is installed."""
    if not sys.stderr.isatty():
        return Lines(total, done, text)
    try:
        from tqdm import tqdm
    except ImportError:
        return Lines(total, done, text)

    class Bar(tqdm):
        def show(self, loss: float, accuracy: float) -> None:
            self.set_postfix_str(f"loss {loss:.3f}, accuracy {accuracy:.1f} %", refresh=False)

    # Short enough for 80 columns, with ten of them for the bar.
    form = "{desc} {percentage:3.0f}% |{bar}| {remaining} left, {rate_fmt}{postfix}"
    return Bar(total=total, initial=done, desc=text, unit="img", leave=False, bar_format=form)


@functools.cache  # once in a process
def announce_compiling() -> None:
    """From now on, says so when kernels are compiled, with the seconds that it has taken."""
    try:
        from numba.core import event
    except ImportError:
        return

    class Announcer(event.Listener):
        began = shown = 0.0

        def on_start(self, event: Any) -> None:
            now = time.perf_counter()
            self.began = self.began or now
            first = self.shown == 0
            if first or (sys.stderr.isatty() and now - self.shown > 1):
                text = "compiling kernels, once, up to a minute"
                seconds = "" if first else f": {now - self.began:.0f} s"
                ending = "\r" if sys.stderr.isatty() else "\n"
                print(f"{text}{seconds}", end=ending, file=sys.stderr, flush=True)
                self.shown = now

        def on_end(self, event: Any) -> None: ...

    event.register("numba:run_pass", Announcer())
