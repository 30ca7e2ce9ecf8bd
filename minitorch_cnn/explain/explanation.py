"""Explanation: what every learning tool returns. It can be read, drawn, saved and shown.

print(explanation)              the numbers and sentences, as text
explanation.figure()            a matplotlib figure (extra: plot)
explanation.save("file.png")    the figure as a file; also .svg and .pdf
explanation                     at the end of a notebook cell: the richest form there is
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from ..serialization.files import write

DPI = 110


class Explanation:
    """The base class. A subclass defines `text` and, if it can be drawn, `figure`."""

    def text(self) -> str:
        """The explanation in words and numbers."""
        raise NotImplementedError(f"{type(self).__name__} has no text")

    def figure(self) -> Any:
        """The explanation as a matplotlib figure."""
        raise NotImplementedError(f"{type(self).__name__} has no picture")

    def __str__(self) -> str:
        return self.text()

    def save(self, path: str | os.PathLike) -> None:
        """Writes the figure to a file; its name's end chooses the format (.png, .svg, .pdf)."""
        path = Path(path)
        if not path.suffix:
            path = path.with_name(f"{path.name}.png")
        figure = self.figure()
        write(path, lambda file: figure.savefig(file, format=path.suffix[1:], dpi=DPI))

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows where a class has no HTML of its own; None without matplotlib."""
        try:
            figure = self.figure()
        except (ImportError, NotImplementedError):
            return None
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()
