"""The three pictures of a run, drawn with matplotlib (extra: plot)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

MISSING = "no pictures: they need matplotlib, pip install 'minitorch-cnn[plot]'"

GOOD, BAD = "#2a7f4f", "#c0392b"


def draw_all(
    folder: Path,
    rows: list[dict],
    images: np.ndarray,
    predicted: np.ndarray,
    true: np.ndarray,
    classes: list[str],
) -> list[Path]:
    """Draws all three into folder. Returns their paths, none where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return []
    figures = {
        "confusion_matrix.png": confusion_matrix(Figure, predicted, true, classes),
        "predictions.png": predictions(Figure, images, predicted, true, classes),
    }
    if rows:
        figures = {"curves.png": curves(Figure, rows), **figures}
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=110)
    return [folder / name for name in figures]


def curves(figure_class, rows):
    """Loss, accuracy and learning rate over the epochs."""
    figure = figure_class(figsize=(12, 3.6), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    epochs = [row["epoch"] for row in rows]
    for axes, what, unit in ((loss, "loss", "cross-entropy"), (accuracy, "accuracy", "%")):
        for part, colour in (("train", "#7f8c8d"), ("test", "#1f618d")):
            values = [row[f"{part}_{what}"] for row in rows]
            axes.plot(epochs, values, "o-", markersize=4, color=colour, label=part)
        axes.set(title=what, xlabel="epoch", ylabel=unit)
        axes.legend(frameon=False)
    rate.plot(epochs, [row["lr"] for row in rows], "o-", markersize=4, color="#8e5a00")
    rate.set(title="learning rate after each epoch", xlabel="epoch")
    for axes in (loss, accuracy, rate):
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def confusion_matrix(figure_class, predicted, true, classes):
    """Rows: the true class; columns: what the network said; numbers: percent of the row."""
    count = len(classes)
    matrix = np.bincount(true * count + predicted, minlength=count * count)
    matrix = matrix.reshape(count, count)
    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure = figure_class(figsize=(7.5, 7), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(f"test accuracy {100 * (predicted == true).mean():.2f} %, {len(true):,} images")
    figure.colorbar(picture, ax=axes, label="% of the images of a class", shrink=0.8)
    if count <= 20:  # more would not be readable
        axes.set_xticks(range(count), classes, rotation=45, ha="right")
        axes.set_yticks(range(count), classes)
        for row in range(count):
            for column in range(count):
                if percent[row, column] >= 0.5:
                    colour = "white" if percent[row, column] > 50 else "black"
                    text = f"{percent[row, column]:.0f}"
                    axes.text(column, row, text, ha="center", va="center", color=colour)
    return figure


def predictions(figure_class, images, predicted, true, classes):
    """32 test images with the class that the network said; errors also with the true class."""
    shown = np.random.default_rng(0).permutation(len(true))[:32]
    figure = figure_class(figsize=(12, 7.2), layout="constrained")
    for axes, index in zip(figure.subplots(4, 8).flat, shown, strict=False):
        axes.imshow(images[index], cmap="gray", interpolation="nearest")
        right = predicted[index] == true[index]
        text = classes[predicted[index]] + ("" if right else f"\nis {classes[true[index]]}")
        axes.set_title(text, fontsize=9, color=GOOD if right else BAD)
    for axes in figure.axes:
        axes.set_axis_off()
    return figure
