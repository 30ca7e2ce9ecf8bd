"""Saving and loading tensors and plain data, without pickle."""

from .checkpoint import load, save

__all__ = ["load", "save"]
