"""The three pictures of a run, drawn with matplotlib (extra: plot) by the learning tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..explain import ConfusionMatrix, Curves, Predictions

MISSING = "no pictures: they need matplotlib, pip install 'minitorch-cnn[plot]'"


def draw_all(
    folder: Path,
    curves: Curves | None,
    images: Any,
    predicted: np.ndarray,
    true: np.ndarray,
    classes: list[str],
) -> list[Path]:
    """Draws all three into folder. Returns their paths, none where matplotlib is missing.

    images: those that were tested, uint8 (H, W[, C]) each.
    """
    pictures = {
        "confusion_matrix.png": ConfusionMatrix(predicted, true, classes),
        "predictions.png": Predictions(images, predicted, true, classes),
    }
    if curves is not None:
        pictures = {"curves.png": curves, **pictures}
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, picture in pictures.items():
            picture.save(folder / name)
    except ImportError:
        return []
    return [folder / name for name in pictures]
