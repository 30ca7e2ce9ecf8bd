"""Saving and loading tensors and plain data, without pickle."""

from ..missing import refuse_missing as _refuse_missing
from .api import (
    add_safe_globals,
    clear_safe_globals,
    default_restore_location,
    get_safe_globals,
    load,
    safe_globals,
    save,
)
from .mapping import get_default_mmap_options, set_default_mmap_options
from .records import PyTorchFileReader
from .safetensors_file import load_safetensors, save_safetensors
from .torch_file import (
    LoadEndianness,
    get_default_load_endianness,
    load_torch,
    set_default_load_endianness,
)
from .torch_writer import get_crc32_options, save_torch, set_crc32_options

__all__ = [
    "LoadEndianness",
    "PyTorchFileReader",
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_default_mmap_options",
    "get_safe_globals",
    "load",
    "load_safetensors",
    "load_torch",
    "safe_globals",
    "save",
    "save_safetensors",
    "save_torch",
    "set_crc32_options",
    "set_default_load_endianness",
    "set_default_mmap_options",
]

_refuse_missing(globals())
