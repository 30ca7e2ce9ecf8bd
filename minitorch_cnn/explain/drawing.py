"""How the pictures are drawn: colours, and the pieces that several pictures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# One meaning, one colour, in all pictures.
ACCENT = "#d95f02"  # what is looked at: the pixel, its window, its row and column
WEIGHTS = "#7570b3"  # weights and kernels
RESULT = "#1b9e77"  # outputs
QUIET = "#7f8c8d"  # everything that is not the point
# Signed values (weights, products, gradients): blue is negative, red positive, white 0.
SIGNED = "RdBu_r"
# Values of images and activations: black is the smallest.
PLAIN = "gray"
DPI = 110


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure of width x height inches. Raises ImportError without matplotlib.

    The figure is made without pyplot, so no window opens and no global state changes.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "pictures need matplotlib: pip install 'minitorch-cnn[plot]'; the numbers and the "
            "text are there without it"
        ) from error
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def signed_image(axes: Any, values: np.ndarray, limit: float | None = None) -> None:
    """A picture of positive and negative values; white is 0, full colour is `limit`."""
    scale = max(np.abs(values).max() if limit is None else limit, 1e-12)
    axes.imshow(values, cmap=SIGNED, vmin=-scale, vmax=scale)
    axes.set_axis_off()


def mark_window(axes: Any, rows: np.ndarray, columns: np.ndarray, colour: str = ACCENT) -> None:
    """Outlines the pixels of one window; with dilation they do not touch."""
    from matplotlib.patches import Rectangle

    for row in rows:
        for column in columns:
            corner = column - 0.5, row - 0.5
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=colour, lw=1.2))


def write_numbers(axes: Any, values: np.ndarray, scale: float, size: float = 8) -> None:
    """Each number into its cell of a picture whose colours reach from -scale to scale."""
    digits = 0 if (values == np.round(values)).all() else 2
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = values[row, column]
            colour = "white" if abs(value) > 0.6 * scale else "black"
            text = f"{value:.{digits}f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)


def outline(axes: Any, left: int, top: int, width: int, height: int, colour: str = ACCENT) -> None:
    """A frame around a block of a matrix's cells."""
    from matplotlib.patches import Rectangle

    corner = left - 0.5, top - 0.5
    axes.add_patch(
        Rectangle(corner, width, height, fill=False, edgecolor=colour, lw=2.2, clip_on=False)
    )


def image_grid(
    images: np.ndarray, titles: Sequence[str] = (), columns: int = 8, signed: bool = False
) -> Any:
    """A figure of images (count, H, W), or (count, H, W, 3) in colour, in rows of `columns`.

    signed: blue and red around 0, on one scale for all images; otherwise each has its own.
    """
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    figure = new_figure(max(1.35 * columns, 4), (1.6 if titles else 1.4) * rows + 0.4)
    panels = figure.subplots(rows, columns, squeeze=False)
    scale = max(np.abs(images).max(initial=0), 1e-12)
    for place, axes in enumerate(panels.flat):
        axes.set_axis_off()
        if place >= len(images):
            continue
        if signed:
            axes.imshow(images[place], cmap=SIGNED, vmin=-scale, vmax=scale)
        else:
            axes.imshow(images[place], cmap=PLAIN)
        if titles:
            axes.set_title(titles[place], fontsize=8)
    return figure
