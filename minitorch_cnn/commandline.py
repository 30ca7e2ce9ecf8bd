"""What programs have in common: help as wide as the terminal; they say why nothing seems to happen
while kernels are compiled, and end with one sentence for what a user can mend, and in silence
behind `| head`."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import re
import sys
import textwrap
import time
from collections.abc import Iterator
from typing import Any

from PIL import Image

A_MOMENT = 1.0  # seconds


class HelpFormatter(argparse.HelpFormatter):
    """Of --help: paragraphs and items of lists fill the terminal, indented lines stay."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = re.split(r"(\n\n|\n(?=- ))", text.strip())
        for index, part in enumerate(parts):
            if part[0] not in " \n":
                hanging = "  " if part.startswith("- ") else ""
                words = " ".join(part.split())
                parts[index] = textwrap.fill(words, width, subsequent_indent=hanging)
        return "".join(parts)


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """Around a program: what a user can mend ends it with a sentence and status 1, no traceback.

    MINITORCH_TRACEBACK=1 in the environment shows the traceback.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # who read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # as if ended by SIGPIPE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)  # as if ended by SIGINT
    except (
        ImportError,  # of what an extra brings
        RuntimeError,
        OSError,
        ValueError,
        IndexError,
        MemoryError,
        Image.DecompressionBombError,
    ) as error:
        if os.environ.get("MINITORCH_TRACEBACK"):
            raise
        text = str(error) or type(error).__name__
        sys.exit(f"error: {text}\n(set MINITORCH_TRACEBACK=1 to see where)")


@functools.cache  # once in a process
def announce_compiling() -> None:
    """From now on, says so when kernels are compiled, with the seconds that it has taken.

    What takes less than a moment in all is not announced: kernels that are read from the disk have
    small parts that are made anew.
    """
    try:
        from numba.core import event
    except ImportError:
        return

    class Announcer(event.Listener):
        shown = spent = 0.0  # when it was last said; seconds in all
        started: list[float] = []  # passes that have begun: one compiles what another one calls

        def on_start(self, event: Any) -> None:
            now = time.perf_counter()
            self.started.append(now)
            spent = self.spent + now - self.started[0]
            if spent < A_MOMENT:
                return
            first = self.shown == 0
            if first or (sys.stderr.isatty() and now - self.shown > 1):
                text = "compiling kernels, once, up to a minute"
                seconds = "" if first else f": {spent:.0f} s"
                ending = "\r" if sys.stderr.isatty() else "\n"
                print(f"{text}{seconds}", end=ending, file=sys.stderr, flush=True)
                self.shown = now

        def on_end(self, event: Any) -> None:
            started = self.started.pop()
            if not self.started:
                self.spent += time.perf_counter() - started

    event.register("numba:run_pass", Announcer())
