"""The ladder: one convolution from loops in Python up to the library's kernels, each rung timed.

The rungs themselves, to be read, are in ladder_rungs.py and ladder_compiled.py; the chapter
docs/fast-convolution.md says why each is faster than the one below it.
"""

from __future__ import annotations

import statistics
import textwrap
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import config
from ..kernels.dispatch import has_cpu_tier
from ..kernels.fallback import reason
from .drawing import ACCENT, QUIET, RESULT, WEIGHTS, new_figure
from .explanation import Explanation
from .ladder_rungs import Problem, Rung, exact, make_problem, rungs
from .roofline import Machine, probe_machine

SHAPE, FILTERS = (8, 64, 38, 38), 128
# The teaching tile is 6 pixels high and up to 32 filters wide, and knows no smaller ones.
SMALLEST, MULTIPLE = 8, 32
BUDGET = 0.6  # seconds for the repetitions of a rung
COLOURS = {"loops": QUIET, "BLAS": WEIGHTS, "tile": ACCENT, "library": RESULT}
LABELS = {
    "loops": "loops",
    "BLAS": "NumPy's BLAS",
    "tile": "a register tile",
    "library": "the library",
}


class Step(NamedTuple):
    """A rung as it was measured. seconds: None if it cannot run here.

    flops: two for each product of the definition, whatever the rung really does. error: the
    largest difference from the exact result, relative to the largest number of that.
    """

    rung: Rung
    threads: int
    flops: int
    bytes: int
    seconds: float | None = None
    error: float = 0.0

    @property
    def speed(self) -> float:
        """FLOP/s; 0 if not measured."""
        return self.flops / self.seconds if self.seconds else 0.0


def ladder(
    shape: tuple[int, int, int, int] = SHAPE,
    filters: int = FILTERS,
    threads: int | None = None,
    machine: Machine | None = None,
    budget: float = BUDGET,
    progress: Callable[[str], Any] = lambda text: None,
) -> Ladder:
    """Computes one 3x3 convolution in all ways and measures each; about ten seconds.

    shape: (N, C, H, W) of the images; filters: how many. threads: of the compiled rungs, None for
    `get_num_threads`; NumPy's product takes its own. machine: None measures this one. budget:
    seconds for each rung. progress: called with a line of text before each rung.
    Raises ValueError for images below 8x8 and for filters that are no multiple of 32.
    """
    if min(shape[:2]) < 1 or min(shape[2:]) < SMALLEST:
        raise ValueError(f"the ladder needs images of {SMALLEST}x{SMALLEST} or more, got {shape}")
    if filters < MULTIPLE or filters % MULTIPLE:
        raise ValueError(f"the number of filters must be a multiple of {MULTIPLE}, got {filters}")
    before = config.get_num_threads()
    threads = before if threads is None else threads
    config.set_num_threads(threads)
    try:
        problem, all_rungs = make_problem(shape, filters, threads), rungs()
        expected = exact(problem)
        steps = []
        for number, rung in enumerate(all_rungs, 1):
            progress(f"{number} of {len(all_rungs)}: {rung.name}")
            steps.append(measure(rung, problem, expected, budget))
        progress("the machine: a matrix product and a copy")
        return Ladder(problem, steps, machine or probe_machine(), inner_loops())
    finally:
        config.set_num_threads(before)


def measure(rung: Rung, problem: Problem, expected: np.ndarray, budget: float) -> Step:
    threads = rung.threads or problem.threads
    step = Step(rung, threads, problem.flops, rung.bytes(problem))
    if rung.compiled and not has_cpu_tier():
        return step
    y = rung.compute(problem)  # compiles, and touches memory for the first time
    seconds = median_time(partial(rung.compute, problem), budget)
    if rung.normalized:
        scale, shift = problem.scale[:, None, None], problem.shift[:, None, None]
        expected = np.maximum(expected * scale + shift, 0)
    flops = problem.flops * y.size // expected.size
    N, K, OH, OW = y.shape
    error = np.abs(y - expected[:N, :K, :OH, :OW]).max() / np.abs(expected).max()
    return step._replace(flops=flops, seconds=seconds, error=float(error))


def median_time(compute: Callable[[], Any], budget: float) -> float:
    """Seconds of a call: the median of 3 calls, or of as many as fit into `budget`, at most 30."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < budget and len(times) < 30):
        began = time.perf_counter()
        compute()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def inner_loops() -> list[str]:
    """What the processor runs for the tile with masks and for the one without."""
    if not has_cpu_tier():
        why = reason() or "they need Numba: pip install 'minitorch-cnn[fast]'"
        return textwrap.wrap(
            f"rungs without a time were not run: {why}", 80, break_on_hyphens=False
        )
    from .ladder_compiled import registers, tile_loops

    lines = [registers()]
    for name, loop in zip(("of step 7", "of step 8"), tile_loops(), strict=True):
        if loop is None:
            lines.append(f"inner loop {name}: in several pieces, not counted")
            continue
        lines.append(
            f"inner loop {name}: {loop.instructions} instructions, "
            f"{loop.multiply_adds} of them multiply-adds, {loop.stack} on the stack"
        )
    return lines


def short(number: float) -> str:
    """Three digits of a number, or all that stand before its point."""
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"


class Ladder(Explanation):
    """Made by `ladder`: the problem, a Step for each rung, and the machine's roof."""

    def __init__(
        self, problem: Problem, steps: list[Step], machine: Machine, notes: list[str]
    ) -> None:
        self.problem, self.steps, self.machine, self.notes = problem, steps, machine, notes

    def times_faster(self, index: int) -> float | None:
        """Than the rung below it that was measured; None where there is none to compare with."""
        step = self.steps[index]
        below = [each for each in self.steps[:index] if each.speed]
        if not step.speed or not below or below[-1].rung.normalized != step.rung.normalized:
            return None
        return step.speed / below[-1].speed

    def title(self) -> str:
        shape = " x ".join(map(str, self.problem.x.shape))
        return (
            f"3 x 3 convolution of {shape} by {len(self.problem.w)} filters, float32: "
            f"{self.problem.flops / 1e6:,.4g} MFLOP"
        )

    def text(self) -> str:
        lines = [
            self.title(),
            f"{'':<36}{'threads':>8}{'ms':>9}{'GFLOP/s':>9}{'times':>9}{'error':>9}",
        ]
        for index, step in enumerate(self.steps):
            threads = "BLAS" if step.rung.kind == "BLAS" else step.threads
            line = f"{index + 1:>2}  {step.rung.name:<32}{threads:>8}"
            if step.seconds is None:
                lines.append(line + f"{'-':>9}{'-':>9}{'-':>9}{'-':>9}")
                continue
            times = self.times_faster(index)
            lines.append(
                line + f"{1e3 * step.seconds:>9.2f}{short(step.speed / 1e9):>9}"
                f"{'-' if times is None else short(times):>9}{step.error:>9.0e}"
            )
        return "\n".join([
            *lines,
            "times: as fast as the rung above it; step 12 does more, and starts anew",
            "Winograd does a quarter of the multiplications that are counted here",
            f"roof: {self.machine.peak / 1e9:.0f} GFLOP/s in NumPy's matrix product, "
            f"{self.machine.bandwidth / 1e9:.1f} GB/s copying",
            *self.notes,
        ])  # fmt: skip

    def figure(self) -> Any:
        """Bars for the speeds, and each rung under the machine's roof."""
        figure = new_figure(13, 5)
        bars, roof = figure.subplots(1, 2, width_ratios=(3, 2))
        measured = [(index, step) for index, step in enumerate(self.steps) if step.speed]
        places = [-index for index, _ in measured]
        speeds = [step.speed / 1e9 for _, step in measured]
        peak = self.machine.peak / 1e9
        colours = [COLOURS[step.rung.kind] for _, step in measured]
        for kind, colour in COLOURS.items():
            chosen = [n for n, (_, step) in enumerate(measured) if step.rung.kind == kind]
            if chosen:
                widths = [speeds[n] for n in chosen]
                bars.barh([places[n] for n in chosen], widths, color=colour, label=LABELS[kind])
        bars.set_xscale("log")
        bars.set_xlim(min(speeds) / 2, 4 * max(*speeds, peak))
        for place, speed in zip(places, speeds, strict=True):
            bars.annotate(
                short(speed), (speed, place), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=9,
            )  # fmt: skip
        names = [f"{step.rung.name}  {index + 1}" for index, step in measured]
        bars.set_yticks(places, names, fontsize=9)
        bars.axvline(peak, color="black", lw=1, ls=":")
        bars.set(xlabel="GFLOP/s (logarithmic); dotted: NumPy's matrix product")
        bars.spines[["top", "right"]].set_visible(False)
        bars.legend(frameon=False, loc="upper right", fontsize=9)

        reach = np.geomspace(0.25, 1000, 100)
        limit = np.minimum(self.machine.peak, self.machine.bandwidth * reach) / 1e9
        roof.loglog(reach, limit, color="black", lw=1.5)
        # A corner of the convolution has less to do: the whole one's intensity is meant.
        intensities = [self.problem.flops / step.bytes for _, step in measured]
        # Most rungs move the same bytes: their points are moved apart, so that they can be seen.
        beside = [
            x * 1.3 ** (index % 4 - 1.5)
            for (index, _), x in zip(measured, intensities, strict=True)
        ]
        roof.scatter(beside, speeds, s=150, color=colours, zorder=2)
        for (index, _), x, y in zip(measured, beside, speeds, strict=True):
            roof.annotate(
                str(index + 1), (x, y), ha="center", va="center", fontsize=7, color="white"
            )
        roof.axvline(self.machine.ridge, color=QUIET, lw=0.8, ls=":")
        roof.grid(alpha=0.3)
        moves = (
            "FLOP for each byte that moves to or from memory\n(equal ones are drawn side by side)"
        )
        roof.set(xlabel=moves, ylabel="GFLOP/s")
        roof.set_title("the roof: memory, then arithmetic", fontsize=10)
        figure.suptitle(self.title(), fontsize=10)
        return figure
