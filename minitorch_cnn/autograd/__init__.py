"""Automatic differentiation: recording (function), going backward (engine), switches (modes)."""

import typing as _typing

# tensor.py needs the switches, and function.py needs Tensor: modes comes first.
from .modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    is_anomaly_enabled,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)

__all__ = [
    "Function",
    "SavedTensor",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_enabled",
    "kineto_available",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> _typing.Any:
    """Function, grad, ... are loaded when first asked for: they need Tensor, which needs modes."""
    from importlib import import_module

    homes = {
        "Function": "function",
        "SavedTensor": "saved",
        "Variable": "variable",
        "backward": "engine",
        "grad": "engine",
        "gradcheck": "gradcheck",
        "gradgradcheck": "gradcheck",
        "kineto_available": "profiler",
    }
    if name in ("anomaly_mode", "functional", "grad_mode", "graph", "profiler", "profiler_util"):
        return import_module(f"{__name__}.{name}")
    if name not in homes:
        raise import_module("minitorch_cnn.missing").missing(__name__, name)
    value = getattr(import_module(f"{__name__}.{homes[name]}"), name)
    globals()[name] = value
    return value
