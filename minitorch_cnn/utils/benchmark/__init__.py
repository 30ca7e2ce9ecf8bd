"""Measuring how long a piece of code takes: torch.utils.benchmark's Timer.

>>> from minitorch_cnn.utils.benchmark import Timer
>>> measured = Timer("x + x", "x = 1").timeit(100)
>>> measured.number_per_run, measured.median > 0
(100, True)
"""

from ...missing import refuse_missing as _refuse_missing
from .timer import Compare, Measurement, Timer

__all__ = ["Compare", "Measurement", "Timer"]

_refuse_missing(globals())
