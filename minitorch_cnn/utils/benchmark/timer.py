"""`Timer` runs a statement often, `Measurement` is what it found, `Compare` a table of them."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ... import config, cuda
from ...autograd.deferred import settle

UNITS = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"))


def time_unit(seconds: float) -> tuple[str, float]:
    """The unit that makes a short number of a time, and how many seconds it has.

    >>> time_unit(0.002)
    ('ms', 0.001)
    """
    fitting = [(size, name) for size, name in UNITS if seconds >= size] or [UNITS[0]]
    size, name = fitting[-1]
    return name, size


class Measurement:
    """Times of one statement: times in seconds for each run, mean, median and iqr of them."""

    def __init__(
        self, number_per_run: int, raw_times: Sequence[float], description: dict[str, Any]
    ) -> None:
        self.number_per_run, self.raw_times = number_per_run, list(raw_times)
        self.label: str | None = description["label"]
        self.sub_label: str | None = description["sub_label"]
        self.description: str | None = description["description"]
        self.env: str | None = description["env"]
        self.stmt: str = description["stmt"]
        self.num_threads: int = description["num_threads"]

    @property
    def times(self) -> list[float]:
        return [each / self.number_per_run for each in self.raw_times]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.times)

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def iqr(self) -> float:
        """From the first to the third quarter of the times."""
        if len(self.times) < 2:
            return 0.0
        first, _, third = statistics.quantiles(self.times, n=4, method="inclusive")
        return third - first

    @property
    def title(self) -> str:
        """What was measured, in one line."""
        title = self.label or self.stmt
        return f"{title}: {self.sub_label}" if self.sub_label else title

    def __repr__(self) -> str:
        unit, size = time_unit(self.median)
        many = len(self.times) > 1
        lines = [f"<{type(self).__module__}.{type(self).__name__} object at {id(self):#x}>"]
        lines.append(self.title + (f"\n{self.description}" if self.description else ""))
        lines.append(f"  {'Median: ' if many else ''}{self.median / size:.2f} {unit}")
        if many:
            lines.append(f"  IQR:    {self.iqr / size:.2f} {unit}")
        runs = f"{len(self.times)} measurement{'s' * many}, {self.number_per_run} runs "
        threads = f"{self.num_threads} thread{'s' * (self.num_threads != 1)}"
        lines.append(f"  {runs}{'per measurement' if many else ''}, {threads}")
        return "\n".join(lines)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = config.get_num_threads()
    config.set_num_threads(number)
    try:
        yield
    finally:
        config.set_num_threads(before)


class Timer:
    """Times the statement stmt, with `timeit`, after setup.

    globals: the names that it sees. num_threads: how many threads operations may use meanwhile.
    label, sub_label, description, env: words that the results carry, for `Compare`. language: only
    "python". A GPU is waited for before the clock is read. Raises what the statement raises, and
    ValueError for another language.

    >>> import minitorch_cnn as mt
    >>> timer = Timer("x @ x", globals={"x": mt.ones(8, 8)}, label="product")
    >>> len(timer.blocked_autorange(min_run_time=0.001).times) >= 1
    True
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] | None = None,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Any = "python",
    ) -> None:
        if str(language).lower() not in ("python", "py", "language.python"):
            raise ValueError(f"only Python is timed, got language={language!r}")
        if global_setup:
            raise ValueError(f"global_setup is for C++: {global_setup!r:.60}")
        names = dict(globals or {})
        self._timer = timeit.Timer(stmt, setup, timer or self._now, names)
        self._words = {
            "stmt": stmt,
            "label": label,
            "sub_label": sub_label,
            "description": description,
            "env": env,
            "num_threads": num_threads,
        }
        self._num_threads = num_threads

    @staticmethod
    def _now() -> float:
        settle()  # what was put off, or still runs, belongs to the time before
        if cuda.is_available():
            cuda.synchronize()
        return timeit.default_timer()

    def _measured(self, number: int, times: Sequence[float]) -> Measurement:
        return Measurement(number, times, self._words)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One time of `number` runs, after a few to warm up."""
        with _threads(self._num_threads):
            self._timer.timeit(max(number // 100, 2))
            return self._measured(number, [self._timer.timeit(number)])

    def repeat(self, repeat: int = -1, number: int = -1) -> None:
        """Not supported: raises NotImplementedError, as in torch."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def _block(self, seconds: float) -> int:
        """So many runs that one block takes a thousandth of the time, or a tenth at first."""
        number = 1
        while True:
            taken = self._timer.timeit(number)
            if taken >= seconds / 1000 and taken > 1e-5:
                return number
            number *= 10

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Blocks of runs, each long enough for the clock, until min_run_time seconds are over."""
        with _threads(self._num_threads):
            number = self._block(min_run_time)
            times: list[float] = []
            while not times or sum(times) < min_run_time:
                times.append(self._timer.timeit(number))
                if callback is not None:
                    callback(number, times[-1])
            return self._measured(number, times)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Blocks until their iqr is below threshold times the median, or max_run_time is over."""
        with _threads(self._num_threads):
            number = self._block(min_run_time)
            times: list[float] = []
            while sum(times) < max_run_time:
                times.append(self._timer.timeit(number))
                if callback is not None:
                    callback(number, times[-1])
                found = self._measured(number, times)
                steady = len(times) > 3 and found.iqr < threshold * found.median
                if steady and sum(times) > min_run_time:
                    break
            return self._measured(number, times)


class Compare:
    """A table of measurements: a row for each env and sub_label, a column for each description."""

    def __init__(self, results: Sequence[Measurement]) -> None:
        self._results = list(results)
        self._digits: int | None = None

    def extend_results(self, results: Sequence[Measurement]) -> None:
        """More of them."""
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Shows three digits of each number; the rest is chance."""
        self._digits = 3

    def colorize(self, rowwise: bool = False) -> None:
        """Changes nothing: the table has no colours."""

    highlight_warnings = colorize

    def __str__(self) -> str:
        tables = []
        for label in dict.fromkeys(each.label for each in self._results):
            chosen = [each for each in self._results if each.label == label]
            rows = {each: self._row(each) for each in chosen}
            columns = list(dict.fromkeys(each.description or "" for each in chosen))
            unit, size = time_unit(min(each.median for each in chosen))
            cells = [["", *columns]]
            for row in dict.fromkeys(rows.values()):
                found = {
                    each.description or "": self._number(each.median / size)
                    for each in chosen
                    if rows[each] == row
                }
                cells.append([row, *(found.get(c, "") for c in columns)])
            widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
            lines = [f"[{label or 'times'}]"]
            for first, *rest in cells:
                numbers = (c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))
                lines.append(" | ".join([first.ljust(widths[0]), *numbers]).rstrip())
            lines.append(f"Times are in {unit}, medians; threads in brackets.")
            tables.append("\n".join(lines))
        return "\n\n".join(tables)

    def _number(self, time: float) -> str:
        return f"{time:.1f}" if self._digits is None else f"{float(f'{time:.{self._digits}g}'):g}"

    @staticmethod
    def _row(each: Measurement) -> str:
        env = f"({each.env}) " if each.env else ""
        return f"{env}{each.sub_label or each.stmt} ({each.num_threads})"

    def print(self) -> None:
        """Prints the table."""
        print(self)
