"""What a run shows while it goes on: a bar, or lines in a file; and that kernels are compiled."""

from __future__ import annotations

import sys
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
