"""The pieces that a report is made of, as HTML text: tables, pictures, and the page around them.

What is given as text is text, whatever is in it: every name goes through `escape`.
"""

from __future__ import annotations

import base64
import importlib.resources
import io
import re
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

SMALL = 64  # pixels: pictures up to this size keep their pixels, others become JPEG
LARGE = 256  # what larger ones are scaled down to


class Column(NamedTuple):
    """A column of a table. numbers: aligned to the right, largest first when it is sorted."""

    title: str
    numbers: bool = True


class Share(NamedTuple):
    """A cell with a number from 0 to 1, shown as percent over a bar of that length."""

    value: float


def _cell(value: Any, tag: str = "td", scope: str = "") -> str:
    if isinstance(value, Share):
        style, percent = f"--share:{value.value:.3f}", f"{100 * value.value:.1f}"
        return f'<td class="share" style="{style}" data-n="{percent}">{percent} %</td>'
    if isinstance(value, int | float):
        shown = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
        return f'<td class="number" data-n="{value}">{shown}</td>'
    return f"<{tag}{scope}>{escape(str(value))}</{tag}>"


def table(
    caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]], sortable: bool = False
) -> str:
    """A table in a box of its own that scrolls where it is too wide; the first column names rows.

    Cells are text, int (with commas), float (four digits) or `Share`.

    >>> text = table("sizes", [Column("name", False), Column("size")], [["<a>", 1200]])
    >>> "<th scope=\\"row\\">&lt;a&gt;</th>" in text, ">1,200</td>" in text
    (True, True)
    """
    heads = [
        f'<th scope="col"{" class=number" if column.numbers else ""}>{escape(column.title)}</th>'
        for column in columns
    ]
    body = []
    for row in rows:
        cells = [_cell(row[0], "th", ' scope="row"'), *(_cell(value) for value in row[1:])]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f"<table{' data-sortable' if sortable else ''}><caption>{escape(caption)}</caption>"
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def details(summary: str, content: str, opened: bool = False) -> str:
    """What is shown when asked for."""
    return (
        f"<details{' open' if opened else ''}><summary>{escape(summary)}</summary>"
        f"{content}</details>"
    )


def section(name: str, title: str, *content: str) -> str:
    """A part of the page with a heading; name: where links lead to."""
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{escape(title)}</h2>{"".join(content)}</section>'
    )


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text. A number stays with its percent sign."""
    kind = f" class={kind}" if kind else ""
    return f"<p{kind}>{escape(text.replace(' %', chr(160) + '%'))}</p>"


def picture(pixels: np.ndarray, alt: str, width: int, kind: str = "") -> str:
    """An <img> that holds the picture itself: uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).

    width: in pixels of the page. Small pictures stay exact (PNG), photographs become JPEG.

    >>> text = picture(np.zeros((8, 8, 3), np.uint8), "black", width=80)
    >>> text.startswith('<img src="data:image/png;base64,'), 'alt="black"' in text
    (True, True)
    """
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    exact = max(image.size) <= SMALL or image.mode == "RGBA"
    if not exact:
        image.thumbnail((LARGE, LARGE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG" if exact else "JPEG", **({} if exact else {"quality": 88}))
    data = base64.b64encode(buffer.getvalue()).decode()
    classes = " ".join(filter(None, ["pixels" if exact else "", kind]))
    return (
        f'<img src="data:image/{"png" if exact else "jpeg"};base64,{data}" alt="{escape(alt)}" '
        f'width="{width}" height="{round(width * image.height / image.width)}" class="{classes}">'
    )


def ramp(values: np.ndarray, colours: Sequence[str]) -> np.ndarray:
    """uint8 (..., 3): the values 0 to 1 as colours, evenly spaced ones and what lies between.

    >>> ramp(np.array([0.0, 0.5, 1.0]), ["#000000", "#ffffff"]).tolist()
    [[0, 0, 0], [128, 128, 128], [255, 255, 255]]
    """
    known = np.array([[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in colours])
    at = np.linspace(0, 1, len(known))
    channels = [np.interp(values, at, known[:, channel]) for channel in range(3)]
    return (np.stack(channels, axis=-1) + 0.5).astype(np.uint8)


def page(title: str, content: str) -> str:
    """The whole file: content between a head with the style sheet and the program at the end."""
    assets = importlib.resources.files(__package__) / "assets"
    read = {name: (assets / f"report.{name}").read_text("utf-8") for name in ("html", "css", "js")}
    values = {
        "title": escape(title),
        "style": read["css"],
        "content": content,
        "script": read["js"],
    }
    # One pass, so that a class called "{{script}}" stays a name.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], read["html"])
