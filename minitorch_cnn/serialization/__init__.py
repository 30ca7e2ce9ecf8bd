"""Saving and loading tensors and plain data, without pickle."""

from .api import add_safe_globals, default_restore_location, load, save
from .safetensors_file import load_safetensors, save_safetensors
from .torch_file import load_torch
from .torch_writer import save_torch

__all__ = [
    "add_safe_globals",
    "default_restore_location",
    "load",
    "load_safetensors",
    "load_torch",
    "save",
    "save_safetensors",
    "save_torch",
]
