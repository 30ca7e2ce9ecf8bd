"""How sure a network is of what it says, and whether it is right: mistakes, calibration."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .drawing import ACCENT, QUIET, new_figure
from .explanation import Explanation


def probabilities_of(scores: np.ndarray) -> np.ndarray:
    """Softmax over the scores (N, classes), in double precision.

    >>> probabilities_of(np.array([[0.0, 0.0], [1000.0, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    scores = np.asarray(scores, np.float64)
    parts = np.exp(scores - scores.max(axis=1, keepdims=True))
    return parts / parts.sum(axis=1, keepdims=True)


def worst_mistakes(probabilities: np.ndarray, true: np.ndarray, most: int = 24) -> np.ndarray:
    """The numbers of the images that the network is wrong about and most sure of, worst first.

    probabilities (N, classes); true (N,): class numbers; most: how many at the very most.

    >>> worst_mistakes(np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]), np.array([0, 0, 0]))
    array([1, 2])
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != true)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[order][:most]


class Bin(NamedTuple):
    """The images whose answer has a probability from low to high.

    said: its mean; right: how many of the answers are right, as a fraction.
    """

    low: float
    high: float
    images: int
    said: float
    right: float


class Calibration(Explanation):
    """Whether answers of which a network is 80 % sure are right in 80 % of the cases.

    bins: a `Bin` for each tenth of the probability that has images. error: the expected
    calibration error, the mean of |said - right| over all images. (Guo et al., "On Calibration of
    Modern Neural Networks", 2017, equation 3.)

    probabilities (N, classes); true (N,): class numbers. Raises ValueError without images.

    >>> said = np.array([[0.95, 0.05], [0.85, 0.15], [0.15, 0.85]])
    >>> print(Calibration(said, np.array([0, 0, 0])))
    80 to 90 % sure: 2 images, 50.0 % right
    90 to 100 % sure: 1 image, 100.0 % right
    expected calibration error 25.0 %
    """

    BINS = 10

    def __init__(self, probabilities: np.ndarray, true: np.ndarray) -> None:
        if not len(true):
            raise ValueError("calibration needs at least one image")
        said = probabilities.max(axis=1)
        right = probabilities.argmax(axis=1) == true
        # A probability of 1 belongs to the last tenth.
        places = np.minimum((said * self.BINS).astype(int), self.BINS - 1)
        self.bins = [
            Bin(
                place / self.BINS,
                (place + 1) / self.BINS,
                int((places == place).sum()),
                float(said[places == place].mean()),
                float(right[places == place].mean()),
            )
            for place in np.unique(places)
        ]
        gaps = [each.images * abs(each.said - each.right) for each in self.bins]
        self.error = sum(gaps) / len(true)

    def text(self) -> str:
        lines = [
            f"{100 * each.low:.0f} to {100 * each.high:.0f} % sure: {each.images:,} "
            f"image{'s' * (each.images != 1)}, {100 * each.right:.1f} % right"
            for each in self.bins
        ]
        return "\n".join([*lines, f"expected calibration error {100 * self.error:.1f} %"])

    def figure(self) -> Any:
        figure = new_figure(4.6, 4.4)
        axes = figure.subplots()
        axes.plot([0, 100], [0, 100], "--", color=QUIET, label="as sure as right")
        said, right = ([100 * value for value in each] for each in zip(*(b[3:] for b in self.bins)))
        axes.plot(said, right, "o-", color=ACCENT, label="the network")
        axes.set(xlabel="said (%)", ylabel="right (%)", title="calibration", aspect="equal")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        return figure
