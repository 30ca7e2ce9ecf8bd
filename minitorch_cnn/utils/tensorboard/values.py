"""Numbers as TensorBoard stores them: histograms, pictures, precision and recall."""

from __future__ import annotations

import functools
import io
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ...backend import to_numpy
from ...tensor import Tensor, wrap
from ..images import make_grid


def as_array(values: Any) -> np.ndarray:
    """Tensors, arrays, lists and numbers as an array in the host's memory.

    Raises NotImplementedError, as torch does, for what is none of them.

    >>> as_array([1, 2])
    array([1, 2])
    """
    if isinstance(values, Tensor):
        return to_numpy(values.array)
    if hasattr(values, "detach"):  # a tensor of torch
        values = values.detach().cpu()
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise NotImplementedError(f"expected numbers, an array or a tensor, got {type(values)}")
    return array


def as_number(value: Any) -> float:
    """The one number in a tensor or an array. Raises AssertionError for several."""
    array = as_array(value)
    assert array.size == 1, f"Tensor should contain one element, was given size {array.size}"
    return float(array.reshape(()))


class Histogram(NamedTuple):
    """counts[i] of the values are above limits[i - 1], up to limits[i]."""

    low: float
    high: float
    number: int
    sum: float
    sum_of_squares: float
    limits: list[float]
    counts: list[float]


@functools.cache
def growing_edges() -> np.ndarray:
    """TensorBoard's own bins: from 1e-12 to 1e20 and the same below 0, each a tenth wider."""
    edges, edge = [], 1e-12
    while edge < 1e20:
        edges.append(edge)
        edge *= 1.1
    return np.array([*(-each for each in reversed(edges)), 0.0, *edges])


def histogram(values: Any, bins: Any = "tensorflow", max_bins: int | None = None) -> Histogram:
    """How the values are distributed; from the first bin with values to the last one.

    bins: "tensorflow" (see `growing_edges`), or what `np.histogram` takes; max_bins: neighbours
    are put together until there are at most about so many. Raises ValueError without values.

    >>> found = histogram([1, 1, 3], bins=2)
    >>> found.limits, found.counts
    ([1.0, 2.0, 3.0], [0, 2, 1])
    """
    array = as_array(values).astype(np.float64).reshape(-1)
    if not array.size:
        raise ValueError("The input has no element.")
    edges: Any = growing_edges() if isinstance(bins, str) and bins == "tensorflow" else bins
    counts, limits = np.histogram(array, bins=edges)
    if max_bins is not None and len(counts) > max_bins:
        together = len(counts) // max_bins
        missing = -len(counts) % together
        counts = np.pad(counts, (0, missing)).reshape(-1, together).sum(axis=1)
        limits = np.append(limits[:-1:together], limits[-1])
    filled = np.flatnonzero(counts)
    if not filled.size:
        raise ValueError(f"no value is within the bins {limits[0]} to {limits[-1]}")
    first, last = filled[0], filled[-1]
    return Histogram(
        float(array.min()),
        float(array.max()),
        array.size,
        float(array.sum()),
        float(array @ array),
        limits[first : last + 2].tolist(),
        # A limit is an upper one, so the lowest edge gets an empty bin.
        [0, *counts[first : last + 1].tolist()],
    )


def as_picture(values: Any, dataformats: str) -> np.ndarray:
    """uint8 (H, W, 3 or 4) of images whose axes are named: "CHW", "HWC", "HW", "NCHW", "NHWC".

    Floats are 0 to 1. Several images become one, eight in a row. Raises AssertionError if the
    names do not fit the axes.

    >>> as_picture(np.ones((1, 2, 4)), "CHW").shape
    (2, 4, 3)
    """
    array, axes = as_array(values), dataformats.upper()
    assert sorted(axes) in (sorted("HW"), sorted("CHW"), sorted("NCHW")), (
        f"dataformats should be made of N, C, H and W, got {dataformats!r}"
    )
    assert array.ndim == len(axes), (
        f"size of input tensor and input format are different: {list(array.shape)} and "
        f"{dataformats!r}"
    )
    if array.dtype != np.uint8:
        array = (array.astype(np.float32) * 255).clip(0, 255).astype(np.uint8)
    array = array.transpose([axes.index(axis) for axis in "NCHW" if axis in axes])
    if array.ndim == 4:
        array = make_grid(wrap(array), padding=0).numpy()
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.shape[0] == 1:
        array = np.repeat(array, 3, axis=0)
    return np.ascontiguousarray(array.transpose(1, 2, 0))


def png(pixels: np.ndarray) -> bytes:
    """uint8 (H, W, C) as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def picture_of_figure(figure: Any) -> np.ndarray:
    """A matplotlib figure as uint8 (H, W, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def precision_recall(
    labels: Any, predictions: Any, thresholds: int = 127, weights: Any = None
) -> np.ndarray:
    """(6, thresholds): true and false positives, true and false negatives, precision, recall.

    What is said with a probability of at least threshold i / (thresholds - 1) is called positive.
    labels: of any shape, 0 or 1; predictions: as many, 0 to 1; weights: of each, 1 by default.

    >>> precision_recall([0, 1, 1], [0.2, 0.4, 0.9], thresholds=3)[:2].tolist()
    [[2.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    positive = as_array(labels).reshape(-1).astype(np.float64)
    weight = np.ones_like(positive) if weights is None else as_array(weights).reshape(-1)
    scaled = as_array(predictions).reshape(-1) * (thresholds - 1)
    bins = np.floor(scaled).astype(np.int64)

    def at_least(what: np.ndarray) -> np.ndarray:
        counts = np.bincount(bins, what * weight, minlength=thresholds)
        return np.cumsum(counts[::-1])[::-1]

    hits, alarms = at_least(positive), at_least(1 - positive)
    rejected, missed = alarms[0] - alarms, hits[0] - hits
    precision = hits / np.maximum(hits + alarms, 1e-7)
    recall = hits / np.maximum(hits + missed, 1e-7)
    return np.stack([hits, alarms, rejected, missed, precision, recall])
