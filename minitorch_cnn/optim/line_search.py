"""A line search: how far to go in a direction, by the loss and its slope along the way.

Nocedal and Wright, "Numerical optimization", 2006, algorithms 3.5 and 3.6. A length t is good if
the loss has fallen enough for it and the slope has become flat (the strong Wolfe conditions):

    loss(t) <= loss(0) + 1e-4 t slope(0)        |slope(t)| <= 0.9 |slope(0)|

First the step grows until two lengths enclose such a place, then they close in on it. Each next
length is where a cubic polynomial through the losses and slopes of two lengths is lowest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ..tensor import Tensor

ENOUGH = 1e-4
FLAT = 0.9
MOST_CALLS = 25


class Place(NamedTuple):
    """What is known at one length of the step."""

    t: float
    loss: float
    gradient: Tensor
    slope: float


def lowest_of_cubic(a: Place, b: Place, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through both losses and slopes is lowest, within bounds (default: a to b)."""
    left, right = (a, b) if a.t <= b.t else (b, a)
    low, high = bounds or (left.t, right.t)
    mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = mean**2 - a.slope * b.slope
    if not square >= 0:  # it has no lowest place
        return (low + high) / 2
    root = math.sqrt(square)
    share = (right.slope + root - mean) / (right.slope - left.slope + 2 * root)
    return min(max(right.t - (right.t - left.t) * share, low), high)


def strong_wolfe(
    at: Callable[[float], tuple[float, Tensor, float]],
    t: float,
    start: Place,
    longest: float,
    tolerance_change: float,
    calls_left: int,
) -> tuple[Place, int]:
    """A good place, or the best of those that were tried, and how often the loss was computed.

    at(t): the loss there, its gradient, and the slope along the direction. start: that of t = 0.
    longest: the largest element of the direction.
    """

    def too_high(place: Place) -> bool:
        return place.loss > start.loss + ENOUGH * place.t * start.slope

    def flat(place: Place) -> bool:
        return abs(place.slope) <= -FLAT * start.slope

    most_calls = min(MOST_CALLS, calls_left)
    previous, here = start, Place(t, *at(t))
    steps, bracket = 0, [start]
    while steps < most_calls:
        if too_high(here) or (steps > 1 and here.loss >= previous.loss):
            bracket = [previous, here]
            break
        if flat(here):
            return here, steps + 1
        if here.slope >= 0:
            bracket = [previous, here]
            break
        bounds = here.t + 0.01 * (here.t - previous.t), here.t * 10
        t = lowest_of_cubic(previous, here, bounds)
        previous, here = here, Place(t, *at(t))
        steps += 1
    else:
        bracket = [start, here]

    # The two ends, the one with the lower loss first.
    best, other = bracket if bracket[0].loss <= bracket[1].loss else bracket[::-1]
    stuck = False
    while steps < most_calls:
        if abs(other.t - best.t) * longest < tolerance_change:
            break
        low, high = sorted((best.t, other.t))
        t = lowest_of_cubic(best, other)
        margin = 0.1 * (high - low)
        if min(high - t, t - low) < margin:  # near an end for a second time: move away from it
            if stuck or t >= high or t <= low:
                t = high - margin if abs(t - high) < abs(t - low) else low + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        here = Place(t, *at(t))
        steps += 1
        if too_high(here) or here.loss >= best.loss:
            other = here
            if other.loss < best.loss:
                best, other = other, best
            continue
        if flat(here):
            best = here
            break
        if here.slope * (other.t - best.t) >= 0:
            other = best
        best = here
    return best, steps + 1
