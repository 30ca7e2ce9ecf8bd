"""Saving and loading tensors and plain data, without pickle."""

from .api import load, save
from .torch_file import load_torch

__all__ = ["load", "load_torch", "save"]
