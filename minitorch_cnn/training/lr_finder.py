"""Which learning rate to take: a short training in which it grows until the loss explodes.

Leslie Smith, "Cyclical learning rates for training neural networks", 2015, section 3.3. With small
rates nothing happens, then the loss falls, then it grows. Where it falls fastest the network learns
fastest; the suggestion is that rate, which still has room up to where the loss is least.
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
SMOOTHING = 0.85  # of each loss so much is what came before
EXPLODED = 4.0  # times the least loss: enough seen


class LearningRates(Explanation):
    """Learning rates, rising, the loss after each, its smoothed course, and the suggested rate.

    rates, losses: as many numbers, of which some losses may be infinite at the end. Raises
    ValueError if the loss nowhere falls.

    >>> rates = np.geomspace(1e-3, 1, 7)
    >>> print(LearningRates(rates, [2.0, 2.0, 1.9, 1.5, 0.9, 0.8, 9.0], smoothing=0.0))
    suggested learning rate: 0.03
    the loss falls fastest at 0.03162, and is least at 0.3162 (7 rates from 0.001 to 1)
    """

    def __init__(
        self, rates: Sequence[float], losses: Sequence[float], smoothing: float = SMOOTHING
    ) -> None:
        self.rates, self.losses = np.asarray(rates, float), np.asarray(losses, float)
        self.smooth = smoothed(self.losses, smoothing)
        least = int(np.argmin(self.smooth))
        falls = -np.diff(self.smooth[: least + 1])  # per step, as the rates grow by a factor
        if not len(falls) or falls.max() <= 0:
            raise ValueError(
                f"the loss falls with no learning rate from {self.rates[0]:g} to "
                f"{self.rates[-1]:g}: look at the images and their classes"
            )
        self.steepest = float(self.rates[int(np.argmax(falls))])
        self.least = float(self.rates[least])
        self.suggestion = float(f"{self.steepest:.1g}")

    def text(self) -> str:
        return (
            f"suggested learning rate: {self.suggestion:g}\n"
            f"the loss falls fastest at {self.steepest:.4g}, and is least at {self.least:.4g} "
            f"({len(self.rates)} rates from {self.rates[0]:g} to {self.rates[-1]:.4g})"
        )

    def figure(self) -> Any:
        figure = new_figure(7, 4)
        axes = figure.subplots()
        axes.plot(self.rates, self.losses, ".", markersize=4, color=QUIET, label="of each batch")
        axes.plot(self.rates, self.smooth, color="#1f618d", label="smoothed")
        axes.axvline(self.suggestion, color=ACCENT, ls="--", label=f"--lr {self.suggestion:g}")
        low, high = self.smooth.min(), self.smooth[0]
        axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        axes.set_ylim(low - 0.15 * (high - low), high + 0.6 * (high - low))
        axes.set_title("one step with each learning rate")
        axes.legend(frameon=False, loc="lower left")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        return figure


def smoothed(values: np.ndarray, smoothing: float) -> np.ndarray:
    """An exponential average of what came so far, without the pull to 0 of its beginning.

    >>> smoothed(np.array([1.0, 1.0, 4.0]), 0.5).round(3).tolist()
    [1.0, 1.0, 2.714]
    """
    total, course = 0.0, []
    for number, value in enumerate(values, 1):
        total = smoothing * total + (1 - smoothing) * value
        course.append(total / (1 - smoothing**number))
    return np.array(course)


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
        course = smoothed(np.array(losses), smoothing)
        if course[-1] > EXPLODED * max(course.min(), 0.1 * course[0]):
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
