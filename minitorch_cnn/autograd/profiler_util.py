"""torch's file of the events that a profile is made of; here they are in profiler.py."""

from __future__ import annotations

from .profiler import EventList, FunctionEvent, FunctionEventAvg

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg"]
