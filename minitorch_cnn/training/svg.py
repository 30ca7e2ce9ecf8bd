"""Line charts as SVG text, for pages that are one file.

Written out by hand and not by matplotlib: such a chart takes its colours from the page, so that it
is light or dark with it, keeps its letters readable on a telephone, and needs no library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 14, 36  # margins, for the numbers of the axes
MOST_POINTS = 400  # of a line; more would be closer together than pixels
MOST_MARKS = 40  # points that get a dot


class Line(NamedTuple):
    """A line of a chart. kind: its class in the style sheet, "line-<kind>"."""

    name: str
    kind: str
    xs: Sequence[float]
    ys: Sequence[float]


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` + 1 round numbers from low to high.

    >>> ticks(0, 97), ticks(0.02, 0.1), ticks(1, 3)
    ([0.0, 20.0, 40.0, 60.0, 80.0], [0.02, 0.04, 0.06, 0.08, 0.1], [1.0, 1.5, 2.0, 2.5, 3.0])
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(power * each for each in (1, 2, 5, 10) if power * each * most >= high - low)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From the smallest to the largest; around them if they are equal."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2)


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= MOST_POINTS:
        return points
    steps = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(number * steps)] for number in range(MOST_POINTS)]


def chart(
    lines: Sequence[Line],
    label: str,
    x_label: str,
    y_label: str,
    whole: bool = False,
    square: bool = False,
) -> str:
    """An <svg> of lines over a grid, as wide as what it stands in.

    label: what a screen reader says of it. whole: x are whole numbers, and only these are marked.
    square: both axes go from 0 to 100. Points that are not finite are left out; without any other
    the result is a sentence.

    >>> text = chart([Line("test", "test", [1, 2], [3.0, 1.0])], "loss by epoch", "epoch", "loss")
    >>> text.count("<circle"), 'aria-label="loss by epoch"' in text
    (2, True)
    """
    drawn = []
    for line in lines:
        points = [(x, y) for x, y in zip(line.xs, line.ys, strict=True) if math.isfinite(y)]
        if points:
            drawn.append((line, _thinned(points)))
    if not drawn:
        return f'<p class="hint">{escape(label)}: there are no finite numbers.</p>'
    every = [point for _, points in drawn for point in points]
    (x_low, x_high), (y_low, y_high) = (_range(values) for values in zip(*every))
    if square:
        x_low, x_high, y_low, y_high = 0, 100, 0, 100
    else:
        room = 0.05 * (y_high - y_low)
        y_low, y_high = (max(y_low - room, 0) if y_low >= 0 else y_low - room), y_high + room

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = (x - x_low) / (x_high - x_low), (y - y_low) / (y_high - y_low)
        left = LEFT + across * (WIDTH - LEFT - RIGHT)
        return left, HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">'
    ]
    for value in ticks(y_low, y_high):
        _, y = place(x_low, value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in ticks(x_low, x_high):
        if whole and value != round(value):
            continue
        x, _ = place(value, y_low)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{value:g}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text class="axis" x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
    )
    for line, points in drawn:
        places = [place(x, y) for x, y in points]
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path class="line line-{line.kind}" d="M{way}"/>')
        if len(points) <= MOST_MARKS:
            for (x, y), (left, top) in zip(points, places, strict=True):
                says = escape(f"{line.name}, {x_label} {x:g}: {y:.4g} {y_label}".rstrip())
                parts.append(
                    f'<circle class="mark line-{line.kind}" cx="{left:.1f}" cy="{top:.1f}" r="3">'
                    f"<title>{says}</title></circle>"
                )
    return "".join([*parts, "</svg>"])
