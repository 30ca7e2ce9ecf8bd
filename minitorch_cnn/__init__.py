"""minitorch_cnn: convolutional networks from scratch on NumPy and CuPy, with torch's names.

>>> import minitorch_cnn as mt
>>> x = mt.tensor([1.0, 2.0], requires_grad=True)
>>> (x**2).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

import importlib as _importlib
from typing import Any as _Any

__version__ = "0.1.0"

# The order matters once: tensor.py needs the dtypes, ops binds the methods of Tensor.
from . import autograd, backend, dtypes
from .autograd import gradcheck as _gradcheck  # before the module of that name hides it
from .autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .backend import device, get_backend, set_backend
from .config import (
    are_deterministic_algorithms_enabled,
    compile,
    get_float32_matmul_precision,
    get_num_threads,
    set_float32_matmul_precision,
    set_num_threads,
    show_config,
    use_deterministic_algorithms,
)
from .dtypes import (
    bool,
    double,
    dtype,
    finfo,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    result_type,
    set_default_dtype,
    short,
    uint8,
)
from .formatting import set_printoptions
from .kernels import conv_algorithm, kernel_tier, last_conv
from .missing import missing as _missing
from .ops import *
from .random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .serialization import load, save
from .tensor import Size, Tensor

_SUBMODULES = (
    "amp",
    "backends",
    "cuda",
    "datasets",
    "explain",
    "linalg",
    "hub",
    "io",
    "models",
    "nn",
    "onnx",
    "optim",
    "testing",
    "transforms",
    "utils",
)

# Functions of nn.functional that torch has at its top too, with the same arguments.
_LAYERS = (
    "avg_pool1d",
    "adaptive_avg_pool1d",
    "bilinear",
    "celu",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_similarity",
    "group_norm",
    "hardshrink",
    "layer_norm",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
)


def __getattr__(name: str) -> _Any:
    """Loads mt.nn, mt.optim, ... when they are first used: importing minitorch_cnn stays quick."""
    if name == "autocast":
        from .amp import autocast

        return autocast
    if name == "summary":
        from .explain import summary

        return summary
    if name in _LAYERS:
        return getattr(_importlib.import_module(f"{__name__}.nn.functional"), name)
    if name in _SUBMODULES:
        return _importlib.import_module(f"{__name__}.{name}")
    raise _missing(__name__, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES, *_LAYERS, "autocast"])


def is_tensor(obj: object) -> _Any:
    """True if obj is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> _Any:
    """True if the tensor's dtype is float16, float32 or float64."""
    return input.is_floating_point()


def numel(input: Tensor) -> _Any:
    """The number of elements of a tensor."""
    return input.numel()
