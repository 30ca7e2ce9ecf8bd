"""How many threads kernels are shared by, if nobody says so."""

from __future__ import annotations

import os


def default_count() -> int:
    """MINITORCH_CNN_NUM_THREADS, OMP_NUM_THREADS, or as many as this process has cores."""
    text = os.environ.get("MINITORCH_CNN_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS", "")
    if text.isdigit() and int(text) > 0:
        return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
