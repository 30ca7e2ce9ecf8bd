"""The roofline: whether arithmetic or memory limits a layer on this machine.

A layer's arithmetic intensity is its floating point operations for each byte that must move (its
input, weight and output, once each). Below the machine's ridge, peak / bandwidth, a layer cannot
be faster than bandwidth * intensity; above it, not faster than peak.

Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model" (2009).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import nn
from ..tensor import Tensor
from .algorithms import best_time, run_layer
from .capture import layer_inputs
from .drawing import ACCENT, QUIET, WEIGHTS, new_figure
from .explanation import Explanation


class Machine(NamedTuple):
    """What this machine's processor reaches, as NumPy uses it: FLOP/s and bytes/s."""

    peak: float
    bandwidth: float

    @property
    def ridge(self) -> float:
        """FLOP for each byte from which arithmetic is the limit."""
        return self.peak / self.bandwidth


def probe_machine(size: int = 1024, megabytes: int = 64) -> Machine:
    """Measures this machine: a float32 matrix product, and a copy that no cache holds.

    size: of the square matrices, 2 size^3 operations. megabytes: of the array that is copied;
    read and written bytes count, what the processor reads before it writes does not.
    """
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, size, size), np.float32)
    out = np.empty_like(a)
    seconds, _ = best_time(partial(np.matmul, a, b, out=out))
    source = np.ones(megabytes << 18, np.float32)
    target = np.zeros_like(source)
    copy_seconds, _ = best_time(partial(np.copyto, target, source))
    return Machine(2 * size**3 / seconds, 2 * source.nbytes / copy_seconds)


class Point(NamedTuple):
    """One layer: its operations (2 for each multiply-add), bytes, and measured seconds.

    The operations are the definition's. An algorithm that needs fewer, such as Winograd's, may
    come out above the roof.
    """

    name: str
    kind: str
    flops: int
    bytes: int
    seconds: float

    @property
    def intensity(self) -> float:
        return self.flops / self.bytes

    @property
    def speed(self) -> float:
        return self.flops / self.seconds


def roofline(model: nn.Module, x: Tensor, machine: Machine | None = None) -> Roofline:
    """Each Conv2d and Linear layer of the network, timed alone on the input that it gets for x.

    machine: None measures this one, which takes about a second.
    """
    machine = machine or probe_machine()
    points = []
    for name, layer, inputs, output in layer_inputs(model, x, (nn.Conv2d, nn.Linear)):
        weight: Any = layer.weight
        flops = 2 * output.numel() * (weight.numel() // weight.shape[0])
        moved = inputs.nbytes + weight.nbytes + output.nbytes
        seconds, _ = best_time(partial(run_layer, layer, inputs), budget=0.05)
        points.append(Point(name, type(layer).__name__, flops, moved, seconds))
    return Roofline(machine, points)


class Roofline(Explanation):
    """Made by `roofline`: the machine, and a Point for each layer."""

    def __init__(self, machine: Machine, points: list[Point]) -> None:
        self.machine, self.points = machine, points

    def roof(self, intensity: Any) -> Any:
        """The highest speed in FLOP/s at this intensity."""
        return np.minimum(self.machine.peak, self.machine.bandwidth * intensity)

    def groups(self) -> list[tuple[str, float, float]]:
        """(name, intensity, speed) of the dots that a picture names: one name for equal layers."""
        equal: dict[tuple[str, int, int], list[Point]] = {}
        for point in self.points:
            equal.setdefault((point.kind, point.flops, point.bytes), []).append(point)
        groups = []
        for points in equal.values():
            more = f" and {len(points) - 1} like it" if len(points) > 1 else ""
            speed = sorted(point.speed for point in points)[len(points) // 2]
            groups.append((points[0].name + more, points[0].intensity, speed))
        return sorted(groups, key=lambda group: group[1:])

    def text(self) -> str:
        machine = self.machine
        lines = [
            f"this machine: {machine.peak / 1e9:.0f} GFLOP/s in a matrix product, "
            f"{machine.bandwidth / 1e9:.1f} GB/s copying; the ridge is at "
            f"{machine.ridge:.1f} FLOP/byte",
            f"{'layer':<26}{'FLOP/byte':>10}{'limit':>12}{'GFLOP/s':>9}{'of the roof':>13}",
        ]
        for point in self.points:
            limit = "memory" if point.intensity < machine.ridge else "arithmetic"
            share = point.speed / self.roof(point.intensity)
            lines.append(
                f"{point.name:<26}{point.intensity:>10.1f}{limit:>12}{point.speed / 1e9:>9.1f}"
                f"{share:>12.0%}"
            )
        return "\n".join(lines)

    def figure(self) -> Any:
        figure = new_figure(10, 5.4)
        axes = figure.subplots()
        intensities = [point.intensity for point in self.points]
        reach = np.geomspace(
            min([0.25, *intensities]) / 2, max([4 * self.machine.ridge, *intensities]) * 2, 200
        )
        axes.loglog(reach, self.roof(reach) / 1e9, color="black", lw=1.5)
        for kind, colour in (("Conv2d", ACCENT), ("Linear", WEIGHTS)):
            chosen = [point for point in self.points if point.kind == kind]
            if chosen:
                axes.loglog(
                    [point.intensity for point in chosen],
                    [point.speed / 1e9 for point in chosen],
                    "o", color=colour, alpha=0.8, label=f"{kind} layers",
                )  # fmt: skip
        # The dots lie close together, so each has a number, and the names stand beside the picture.
        groups = self.groups()
        for place, (_, intensity, speed) in enumerate(groups, 1):
            axes.annotate(
                str(place), (intensity, speed / 1e9), fontsize=8, xytext=(0, 6),
                textcoords="offset points", ha="center",
            )  # fmt: skip
        names = "\n".join(f"{place:2} {name}" for place, (name, _, _) in enumerate(groups, 1))
        axes.text(1.02, 1, names, transform=axes.transAxes, fontsize=8, va="top")
        axes.axvline(self.machine.ridge, color=QUIET, lw=0.8, ls=":")
        axes.set(
            xlabel="arithmetic intensity (FLOP for each byte)\n"
            "left of the dotted line memory is the limit, right of it arithmetic;\n"
            "above the roof: Winograd needs fewer operations than are counted here",
            ylabel="speed (GFLOP/s)",
            title=f"roof: {self.machine.peak / 1e9:.0f} GFLOP/s matrix product, "
            f"{self.machine.bandwidth / 1e9:.1f} GB/s copy",
        )  # fmt: skip
        axes.grid(alpha=0.3, which="both")
        axes.legend(frameon=False, loc="lower right")
        return figure
