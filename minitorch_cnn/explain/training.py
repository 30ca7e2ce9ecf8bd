"""Looking at training: curves, the confusion matrix, predictions, histograms of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import nn
from .drawing import ACCENT, PLAIN, QUIET, WEIGHTS, new_figure
from .explanation import Explanation

GOOD, BAD = "#2a7f4f", "#c0392b"
MARKED = 40  # epochs that get a dot; more would touch each other
NUMBERED = 20  # classes whose confusion matrix has room for numbers


class Curves(Explanation):
    """Loss, accuracy and learning rate over the epochs.

    rows: a dict for each epoch with epoch, lr, train_loss, test_loss, train_accuracy and
    test_accuracy (percent), as the examples write them into metrics.csv. rates: the learning rate
    of each step. augmented: training accuracy was measured on augmented images, which are harder.
    Raises ValueError without rows.

    >>> row = dict(epoch=1, lr=0.1, train_loss=2.0, test_loss=2.1)
    >>> print(Curves([{**row, "train_accuracy": 20.0, "test_accuracy": 25.0}]))
    epoch 1: test loss 2.1000, test accuracy 25.00 %
    best test accuracy 25.00 % in epoch 1
    """

    def __init__(
        self, rows: Sequence[dict], rates: Sequence[float] | None = None, augmented: bool = False
    ) -> None:
        self.rates, self.augmented = rates, augmented
        if not rows:
            raise ValueError("there is no finished epoch to draw")
        self.rows = list(rows)

    def text(self) -> str:
        lines = [
            f"epoch {row['epoch']}: test loss {row['test_loss']:.4f}, "
            f"test accuracy {row['test_accuracy']:.2f} %"
            for row in self.rows
        ]
        best = max(self.rows, key=lambda row: row["test_accuracy"])
        lines.append(f"best test accuracy {best['test_accuracy']:.2f} % in epoch {best['epoch']}")
        return "\n".join(lines)

    def rate_points(self) -> tuple[list[float], list[float]]:
        """The learning rate: of each step over the epochs done, or what each epoch ended with."""
        epochs = [row["epoch"] for row in self.rows]
        if not self.rates:
            return epochs, [row["lr"] for row in self.rows]
        count = len(self.rates)
        return [step * len(epochs) / count for step in range(count)], list(self.rates)

    def rate_title(self) -> str:
        return f"learning rate {'of each step' if self.rates else 'after each epoch'}"

    def figure(self) -> Any:
        figure = new_figure(12, 3.6)
        loss, accuracy, rate = figure.subplots(1, 3)
        epochs = [row["epoch"] for row in self.rows]
        style = "o-" if len(epochs) <= MARKED else "-"
        for axes, what, unit in ((loss, "loss", "cross-entropy"), (accuracy, "accuracy", "%")):
            for part, colour in (("train", QUIET), ("test", "#1f618d")):
                values = [row[f"{part}_{what}"] for row in self.rows]
                label = "train, on augmented images" if part == "train" and self.augmented else part
                axes.plot(epochs, values, style, markersize=4, color=colour, label=label)
            axes.set(title=what, xlabel="epoch", ylabel=unit)
            axes.legend(frameon=False)
        rate.plot(*self.rate_points(), "-" if self.rates else "o", markersize=4, color="#8e5a00")
        rate.set(title=self.rate_title(), xlabel="epochs done" if self.rates else "epoch")
        for axes in (loss, accuracy, rate):
            axes.grid(alpha=0.3)
            axes.xaxis.get_major_locator().set_params(integer=True)
            if len(epochs) == 1 and not (axes is rate and self.rates):
                axes.set_xticks(epochs)  # around a single point there are only fractions
            axes.spines[["top", "right"]].set_visible(False)
        return figure


class ClassRow(NamedTuple):
    """What a network makes of one class; rates as fractions, 0 where nothing is to be counted.

    images: of the class; called: images that the network gave its name; right: both.
    """

    name: str
    images: int
    called: int
    right: int

    @property
    def precision(self) -> float:
        """Of the images called so, how many are: right / called."""
        return self.right / max(self.called, 1)

    @property
    def recall(self) -> float:
        """Of the images of the class, how many were recognised: right / images."""
        return self.right / max(self.images, 1)

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.right / max(self.images + self.called, 1)


class Confusion(NamedTuple):
    """So many images of class number `true` were called `predicted`."""

    times: int
    true: int
    predicted: int


class ConfusionMatrix(Explanation):
    """matrix (classes, classes): how many images of class `row` the network called `column`.

    predicted, true: int arrays (N,) of class numbers. Raises ValueError if they do not fit.

    >>> matrix = ConfusionMatrix(np.array([0, 1, 1]), np.array([0, 1, 0]), ["cat", "dog"])
    >>> matrix.matrix
    array([[1, 1],
           [0, 1]])
    """

    def __init__(self, predicted: np.ndarray, true: np.ndarray, classes: Sequence[str]) -> None:
        predicted, true = np.asarray(predicted), np.asarray(true)
        if predicted.shape != true.shape or true.ndim != 1 or not true.size:
            raise ValueError(
                "predicted and true must be two lists of as many class numbers, got shapes "
                f"{list(predicted.shape)} and {list(true.shape)}"
            )
        count = len(classes)
        together = np.concatenate([predicted, true])
        if together.min() < 0 or together.max() >= count:
            raise ValueError(
                f"class numbers go from {together.min()} to {together.max()}, there are {count} "
                "classes"
            )
        self.classes = list(classes)
        self.matrix = np.bincount(true * count + predicted, minlength=count * count)
        self.matrix = self.matrix.reshape(count, count)

    @property
    def accuracy(self) -> float:
        """In percent."""
        return 100 * int(np.trace(self.matrix)) / int(self.matrix.sum())  # rounded only once

    def per_class(self) -> list[ClassRow]:
        """Counts, precision, recall and F1 of each class, in the order of the classes.

        >>> matrix = ConfusionMatrix(np.array([0, 1, 1]), np.array([0, 1, 0]), ["cat", "dog"])
        >>> cat, dog = matrix.per_class()
        >>> cat.precision, cat.recall, dog.precision, dog.recall
        (1.0, 0.5, 0.5, 1.0)
        """
        numbers = zip(self.matrix.sum(axis=1), self.matrix.sum(axis=0), np.diag(self.matrix))
        return [
            ClassRow(name, int(images), int(called), int(right))
            for name, (images, called, right) in zip(self.classes, numbers, strict=True)
        ]

    def confusions(self, most: int) -> list[Confusion]:
        """The `most` frequent mistakes, those that happened most often first."""
        wrong = self.matrix - np.diag(np.diag(self.matrix))
        found = []
        for place in np.argsort(-wrong, axis=None, kind="stable")[:most]:
            row, column = (int(each) for each in np.unravel_index(place, wrong.shape))
            if wrong[row, column]:
                found.append(Confusion(int(wrong[row, column]), row, column))
        return found

    def text(self) -> str:
        lines = [f"accuracy {self.accuracy:.2f} % of {self.matrix.sum():,} images"]
        lines += [
            f"  {times} of {self.matrix[true].sum()} '{self.classes[true]}' were called "
            f"'{self.classes[predicted]}'"
            for times, true, predicted in self.confusions(5)
        ]
        return "\n".join(lines)

    def figure(self) -> Any:
        """Rows: the true class; columns: what the network said; numbers: percent of the row.

        Many classes have no numbers; the colours of small shares are stronger there.
        """
        count = len(self.classes)
        percent = 100 * self.matrix / np.maximum(self.matrix.sum(axis=1, keepdims=True), 1)
        many = count > NUMBERED
        figure = new_figure(12, 11) if many else new_figure(7.5, 7)
        axes = figure.subplots()
        power = 0.5 if many else 1
        picture = axes.imshow(percent**power, cmap="Blues", vmin=0, vmax=100**power)
        axes.set(xlabel="predicted class", ylabel="true class")
        axes.set_title(f"test accuracy {self.accuracy:.2f} %, {self.matrix.sum():,} images")
        bar = figure.colorbar(picture, ax=axes, label="% of the images of a class", shrink=0.8)
        marks = [1, 5, 10, 20, 40, 60, 80, 100] if many else range(0, 101, 20)
        bar.set_ticks([mark**power for mark in marks], labels=[str(mark) for mark in marks])
        size = min(10, 600 / count)  # points: a hundred names fit
        turned = {"rotation": 90} if many else {"rotation": 45, "ha": "right"}
        names = [shorten(name) for name in self.classes]
        axes.set_xticks(range(count), names, fontsize=size, **turned)
        axes.set_yticks(range(count), names, fontsize=size)
        if not many:
            for row, column in np.ndindex(count, count):
                if percent[row, column] >= 0.5:
                    colour = "white" if percent[row, column] > 50 else "black"
                    text = f"{percent[row, column]:.0f}"
                    axes.text(column, row, text, ha="center", va="center", color=colour)
        return figure


class Predictions(Explanation):
    """32 images with the class that the network said; errors also with the true class.

    pictures: uint8 (N, H, W[, C]); predicted, true: (N,); classes: names.
    """

    def __init__(
        self, pictures: np.ndarray, predicted: np.ndarray, true: np.ndarray, classes: Sequence[str]
    ) -> None:
        self.pictures, self.predicted, self.true = pictures, predicted, true
        self.classes = list(classes)

    def text(self) -> str:
        right = int((self.predicted == self.true).sum())
        return f"{right:,} of {len(self.true):,} images are recognised"

    def figure(self) -> Any:
        shown = np.random.default_rng(0).permutation(len(self.true))[:32]
        rows = -(-len(shown) // 8)
        figure = new_figure(12, 1.75 * rows + 0.25)
        for axes, index in zip(figure.subplots(rows, 8, squeeze=False).flat, shown, strict=False):
            axes.imshow(self.pictures[index], cmap=PLAIN, interpolation="nearest")
            right = self.predicted[index] == self.true[index]
            said, is_really = self.classes[self.predicted[index]], self.classes[self.true[index]]
            text = "\n".join(shorten(line) for line in [said, f"is {is_really}"][: 2 - right])
            axes.set_title(text, fontsize=9, color=GOOD if right else BAD)
        for axes in figure.axes:
            axes.set_axis_off()
        return figure


def shorten(text: str, most: int = 20) -> str:
    """At most so many letters, with dots in the place of the others.

    >>> shorten("a very long name of a class")
    'a very long name of…'
    """
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


class Histogram(NamedTuple):
    """counts (bins), edges (bins + 1), and the middle half of the values: quartiles."""

    counts: np.ndarray
    edges: np.ndarray
    quartiles: tuple[float, float]


class Histograms(Explanation):
    """How the weights and their gradients are distributed, step by step.

        histograms = Histograms(model)
        for images, labels in loader:
            ...
            loss.backward()
            histograms.record(step)
            optimizer.step()

    Looks at each weight with two dimensions or more. steps: those that were recorded;
    weights[name] and gradients[name]: a Histogram for each of them.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Linear(2, 2)
    >>> histograms = Histograms(layer)
    >>> layer(mt.ones(1, 2)).sum().backward()
    >>> histograms.record(1)
    >>> histograms.gradients["weight"][0].quartiles, histograms.weights["weight"][0].counts.sum()
    ((1.0, 1.0), np.int64(4))
    """

    BINS = 50

    def __init__(self, model: nn.Module) -> None:
        self.parameters = {n: p for n, p in model.named_parameters() if p.ndim >= 2}
        if not self.parameters:
            raise ValueError(f"{type(model).__name__} has no weight with two dimensions or more")
        self.steps: list[int] = []
        self.weights: dict[str, list[Histogram]] = {name: [] for name in self.parameters}
        self.gradients: dict[str, list[Histogram]] = {name: [] for name in self.parameters}

    def record(self, step: int) -> None:
        """Looks at all weights and gradients. Raises RuntimeError before the first backward."""
        for name, parameter in self.parameters.items():
            if parameter.grad is None:
                raise RuntimeError(f"{name} has no gradient: call record() after backward()")
        self.steps.append(step)
        for name, parameter in self.parameters.items():
            self.weights[name].append(self._histogram(parameter.detach()))
            self.gradients[name].append(self._histogram(parameter.grad))

    def _histogram(self, values: Any) -> Histogram:
        array = values.cpu().numpy()
        counts, edges = np.histogram(array, self.BINS)
        low, high = np.quantile(array, (0.25, 0.75))
        return Histogram(counts, edges, (float(low), float(high)))

    def text(self) -> str:
        if not self.steps:
            return "nothing recorded"
        lines = [f"{'':<32}{'middle half of the weights':>28}{'of the gradients':>28}"]
        for name in self.parameters:
            for step, place in ((self.steps[0], 0), (self.steps[-1], -1)):
                parts = [
                    "{:>12.2e} to {:>9.2e}".format(*kept[name][place].quartiles)
                    for kept in (self.weights, self.gradients)
                ]
                lines.append(f"{name:<24} step {step:<4}  {parts[0]:>25}{parts[1]:>28}")
        return "\n".join(lines)

    def figure(self) -> Any:
        """A column for each weight (at most five): a ridge for each step, the first one behind."""
        names = list(self.parameters)
        places = np.unique(np.linspace(0, len(names) - 1, min(5, len(names))).astype(int))
        shown = np.unique(np.linspace(0, len(self.steps) - 1, min(10, len(self.steps))).astype(int))
        figure = new_figure(2.8 * len(places) + 0.8, 5.6)
        panels = figure.subplots(2, len(places), squeeze=False)
        for column, place in enumerate(places):
            name = names[place]
            for axes, kept, colour, what in (
                (panels[0, column], self.weights, WEIGHTS, "weights"),
                (panels[1, column], self.gradients, ACCENT, "gradients"),
            ):
                for height, index in enumerate(shown[::-1]):
                    counts, edges, _ = kept[name][index]
                    base = len(shown) - 1 - height
                    middle = (edges[:-1] + edges[1:]) / 2
                    ridge = base + 2.2 * counts / counts.max()
                    axes.fill_between(
                        middle, base, ridge, facecolor=colour, alpha=0.75, zorder=2 * height,
                        edgecolor="white", lw=0.7,
                    )  # fmt: skip
                axes.tick_params(labelsize=7)
                axes.locator_params(axis="x", nbins=4)
                axes.spines[["top", "right", "left"]].set_visible(False)
                axes.set_yticks([])
                if column == 0:
                    axes.set_ylabel(what)
                    steps = [str(self.steps[index]) for index in shown]
                    axes.set_yticks(range(len(shown)), steps)
            panels[0, column].set_title(name, fontsize=8)
        panels[0, 0].set_title(f"{names[0]}  (left: the step)", fontsize=8)
        figure.suptitle("histograms of weights and gradients over training", fontsize=11)
        return figure
