"""minitorch_cnn: convolutional networks from scratch on NumPy and CuPy, with torch's names.

>>> import minitorch_cnn as mt
>>> x = mt.tensor([1.0, 2.0], requires_grad=True)
>>> (x**2).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

import importlib as _importlib
import typing as _typing

__version__ = "0.1.0"

# `name as name` says to type checkers that a name is public.
# The order matters once: tensor.py needs the dtypes, ops binds the methods of Tensor.
from . import autograd as autograd
from . import backend as backend
from . import dtypes as dtypes
from .autograd import gradcheck as _gradcheck  # before the module of that name hides it
from .autograd.modes import (
    enable_grad as enable_grad,
)
from .autograd.modes import (
    inference_mode as inference_mode,
)
from .autograd.modes import (
    is_grad_enabled as is_grad_enabled,
)
from .autograd.modes import (
    is_inference_mode_enabled as is_inference_mode_enabled,
)
from .autograd.modes import (
    no_grad as no_grad,
)
from .autograd.modes import (
    set_grad_enabled as set_grad_enabled,
)
from .backend import device as device
from .backend import get_backend as get_backend
from .backend import set_backend as set_backend
from .config import (
    are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled,
)
from .config import (
    compile as compile,
)
from .config import (
    get_float32_matmul_precision as get_float32_matmul_precision,
)
from .config import (
    get_num_threads as get_num_threads,
)
from .config import (
    set_float32_matmul_precision as set_float32_matmul_precision,
)
from .config import (
    set_num_threads as set_num_threads,
)
from .config import (
    show_config as show_config,
)
from .config import (
    use_deterministic_algorithms as use_deterministic_algorithms,
)
from .dtypes import (
    bool as bool,
)
from .dtypes import (
    double as double,
)
from .dtypes import (
    dtype as dtype,
)
from .dtypes import (
    finfo as finfo,
)
from .dtypes import (
    float as float,
)
from .dtypes import (
    float16 as float16,
)
from .dtypes import (
    float32 as float32,
)
from .dtypes import (
    float64 as float64,
)
from .dtypes import (
    get_default_dtype as get_default_dtype,
)
from .dtypes import (
    half as half,
)
from .dtypes import (
    iinfo as iinfo,
)
from .dtypes import (
    int as int,
)
from .dtypes import (
    int8 as int8,
)
from .dtypes import (
    int16 as int16,
)
from .dtypes import (
    int32 as int32,
)
from .dtypes import (
    int64 as int64,
)
from .dtypes import (
    long as long,
)
from .dtypes import (
    promote_types as promote_types,
)
from .dtypes import (
    result_type as result_type,
)
from .dtypes import (
    set_default_dtype as set_default_dtype,
)
from .dtypes import (
    short as short,
)
from .dtypes import (
    uint8 as uint8,
)
from .formatting import set_printoptions as set_printoptions
from .kernels import (
    conv_algorithm as conv_algorithm,
)
from .kernels import (
    kernel_tier as kernel_tier,
)
from .kernels import (
    last_conv as last_conv,
)
from .missing import missing as _missing
from .ops import *
from .random import (
    Generator as Generator,
)
from .random import (
    default_generator as default_generator,
)
from .random import (
    get_rng_state as get_rng_state,
)
from .random import (
    initial_seed as initial_seed,
)
from .random import (
    manual_seed as manual_seed,
)
from .random import (
    seed as seed,
)
from .random import (
    set_rng_state as set_rng_state,
)
from .serialization import load as load
from .serialization import save as save
from .tensor import Size as Size
from .tensor import Tensor as Tensor

if _typing.TYPE_CHECKING:  # what __getattr__ below loads
    from . import amp as amp
    from . import backends as backends
    from . import cuda as cuda
    from . import datasets as datasets
    from . import explain as explain
    from . import hub as hub
    from . import io as io
    from . import linalg as linalg
    from . import models as models
    from . import nn as nn
    from . import onnx as onnx
    from . import optim as optim
    from . import testing as testing
    from . import transforms as transforms
    from . import utils as utils
    from .amp import autocast as autocast
    from .explain import summary as summary
    from .nn.functional import adaptive_avg_pool1d as adaptive_avg_pool1d
    from .nn.functional import avg_pool1d as avg_pool1d
    from .nn.functional import bilinear as bilinear
    from .nn.functional import celu as celu
    from .nn.functional import channel_shuffle as channel_shuffle
    from .nn.functional import conv1d as conv1d
    from .nn.functional import conv2d as conv2d
    from .nn.functional import conv3d as conv3d
    from .nn.functional import conv_transpose1d as conv_transpose1d
    from .nn.functional import conv_transpose2d as conv_transpose2d
    from .nn.functional import conv_transpose3d as conv_transpose3d
    from .nn.functional import cosine_similarity as cosine_similarity
    from .nn.functional import group_norm as group_norm
    from .nn.functional import hardshrink as hardshrink
    from .nn.functional import layer_norm as layer_norm
    from .nn.functional import max_pool1d as max_pool1d
    from .nn.functional import max_pool2d as max_pool2d
    from .nn.functional import max_pool3d as max_pool3d
    from .nn.functional import pairwise_distance as pairwise_distance
    from .nn.functional import pdist as pdist
    from .nn.functional import pixel_shuffle as pixel_shuffle
    from .nn.functional import pixel_unshuffle as pixel_unshuffle

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


if not _typing.TYPE_CHECKING:  # to a checker, every name would be there

    def __getattr__(name: str) -> _typing.Any:
        """Loads mt.nn, mt.optim, ... when they are first used: the import stays quick."""
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


def is_tensor(obj: object) -> _typing.Any:
    """True if obj is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> _typing.Any:
    """True if the tensor's dtype is float16, float32 or float64."""
    return input.is_floating_point()


def numel(input: Tensor) -> _typing.Any:
    """The number of elements of a tensor."""
    return input.numel()
