"""Which learning rate to take: a short training in which it grows until the loss explodes.

Leslie Smith, "Cyclical learning rates for training neural networks", 2015, section 3.3. With small
rates nothing happens, then the loss falls, then it grows. The suggestion is the rate at which half
of the fall is done: there the network learns, and there is room up to where the loss grows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..commandline import announce_compiling
from ..explain.drawing import ACCENT, QUIET, new_figure
from ..explain.explanation import Explanation

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 100
SMOOTHING = 3.0  # how many rates on each side count, as the width of a bell curve
EXPLODED = 4.0  # times the least loss, and twice the first one: enough seen


class LearningRates(Explanation):
    """Learning rates, rising, the loss at each, its smoothed course, and the suggested rate.

    rates, losses: as many numbers. Raises ValueError if the loss nowhere falls.

    >>> rates = np.geomspace(1e-3, 1, 7)
    >>> print(LearningRates(rates, [2.0, 2.0, 1.9, 1.5, 0.9, 0.8, 9.0], smoothing=0.0))
    suggested learning rate: 0.1
    half of the loss's fall, from 2 to 0.8, is done at 0.1 and all at 0.316
    """

    def __init__(
        self, rates: Sequence[float], losses: Sequence[float], smoothing: float = SMOOTHING
    ) -> None:
        self.rates, self.losses = np.asarray(rates, float), np.asarray(losses, float)
        self.smooth = smoothed(self.losses, smoothing)
        least = int(np.argmin(self.smooth))
        self.first = float(self.smooth[: max(1, len(self.smooth) // 5)].mean())
        self.last = float(self.smooth[least])
        if self.first <= self.last:
            raise ValueError(
                f"the loss falls with no learning rate from {self.rates[0]:g} to "
                f"{self.rates[-1]:g}: look at the images and their classes"
            )
        # The last place before the least loss that is above the middle, and the first one below.
        above = np.flatnonzero(self.smooth[:least] > (self.first + self.last) / 2)
        self.half = float(self.rates[above[-1] + 1 if len(above) else 0])
        self.least = float(self.rates[least])
        self.suggestion = float(f"{self.half:.1g}")

    def text(self) -> str:
        return (
            f"suggested learning rate: {self.suggestion:g}\n"
            f"half of the loss's fall, from {self.first:.3g} to {self.last:.3g}, is done at "
            f"{self.half:.3g} and all at {self.least:.3g}"
        )

    def figure(self) -> Any:
        figure = new_figure(7, 4)
        axes = figure.subplots()
        axes.plot(self.rates, self.losses, ".", markersize=4, color=QUIET, label="of each batch")
        axes.plot(self.rates, self.smooth, color="#1f618d", label="smoothed")
        axes.axvline(self.suggestion, color=ACCENT, ls="--", label=f"--lr {self.suggestion:g}")
        fall = self.losses[self.rates <= self.least]
        axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        axes.set_ylim(fall.min() - 0.1 * np.ptp(fall), fall.max() + 0.1 * np.ptp(fall))
        axes.set_title("one step with each learning rate")
        figure.legend(frameon=False, loc="outside lower center", ncols=3)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        return figure


def smoothed(values: np.ndarray, width: float) -> np.ndarray:
    """The mean of each value and its neighbours, weighted by a bell curve of that width.

    >>> smoothed(np.array([0.0, 0.0, 4.0, 0.0]), 0.5).round(2).tolist()
    [0.0, 0.43, 3.15, 0.48]
    """
    if width == 0:
        return values
    places = np.arange(len(values))
    weights = np.exp(-(((places[:, None] - places) / width) ** 2) / 2)
    return weights @ values / weights.sum(axis=1)


def range_test(
    step: Callable[[float], float],
    low: float = LOWEST,
    high: float = HIGHEST,
    steps: int = STEPS,
    smoothing: float = SMOOTHING,
) -> LearningRates:
    """Calls step(rate), which trains with this rate and gives the loss before, for rising rates.

    It ends where the loss explodes. Raises ValueError as `LearningRates` does.
    """
    rates: list[float] = []
    losses: list[float] = []
    for rate in np.geomspace(low, high, steps).tolist():
        loss = step(rate)
        if not math.isfinite(loss):
            break
        rates.append(rate)
        losses.append(loss)
        if np.mean(losses[-3:]) > max(EXPLODED * np.min(losses), 2 * losses[0]):
            break
    if not losses:
        raise ValueError(f"the loss is not finite with the learning rate {low:g} already")
    return LearningRates(rates, losses, smoothing)


def find(
    args: Any, model: nn.Module, criterion: nn.Module, optimizer: Any, loader: Iterable[Any]
) -> LearningRates:
    """Trains with rising rates, prints the suggestion, and draws lr_finder.png into --out."""
    announce_compiling()
    print(f"trying {STEPS} learning rates from {LOWEST:g} to {HIGHEST:g} ...", flush=True)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    device = next(model.parameters()).device
    model.train()

    def step(rate: float) -> float:
        images, labels = next(batches)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = criterion(model(images.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        return loss.item()

    with np.errstate(all="ignore"):  # the last rates are too high
        found = range_test(step, LOWEST, HIGHEST, STEPS)
    print(found)
    path = Path(args.out) / "lr_finder.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        found.save(path)
    except ImportError as error:
        print(f"no picture: {error}")
    else:
        print(f"picture: {path}")
    return found
