"""minitorch_cnn: convolutional networks from scratch on NumPy and CuPy, with torch's names.

>>> import minitorch_cnn as mt
>>> x = mt.tensor([1.0, 2.0], requires_grad=True)
>>> (x**2).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

import importlib as _importlib
import sys as _sys
import typing as _typing
from math import e as e, inf as inf, nan as nan, pi as pi

__version__ = "0.2.0"

# `name as name` says to type checkers that a name is public.
# The order matters once: tensor.py needs the dtypes, ops binds the methods of Tensor.
from . import (
    autograd as autograd,
    backend as backend,
    dtypes as dtypes,
    return_types as return_types,
)
from .autograd import gradcheck as _gradcheck  # before the module of that name hides it
from .autograd.modes import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_anomaly_enabled as is_anomaly_enabled,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .backend import (
    default_device as get_default_device,
    device as device,
    get_backend as get_backend,
    set_backend as set_backend,
)
from .checks import (
    _assert_async as _assert_async,
    _check as _check,
    _check_index as _check_index,
    _check_is_size as _check_is_size,
    _check_not_implemented as _check_not_implemented,
    _check_tensor_all as _check_tensor_all,
    _check_type as _check_type,
    _check_value as _check_value,
)
from .config import (
    are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled,
    get_deterministic_debug_mode as get_deterministic_debug_mode,
    get_float32_matmul_precision as get_float32_matmul_precision,
    get_image_backend as get_image_backend,
    get_num_interop_threads as get_num_interop_threads,
    get_num_threads as get_num_threads,
    is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled as is_warn_always_enabled,
    set_default_device as set_default_device,
    set_default_tensor_type as set_default_tensor_type,
    set_deterministic_debug_mode as set_deterministic_debug_mode,
    set_float32_matmul_precision as set_float32_matmul_precision,
    set_flush_denormal as set_flush_denormal,
    set_image_backend as set_image_backend,
    set_num_interop_threads as set_num_interop_threads,
    set_num_threads as set_num_threads,
    set_warn_always as set_warn_always,
    show_config as show_config,
    use_deterministic_algorithms as use_deterministic_algorithms,
)
from .dtypes import (
    bfloat16 as bfloat16,
    bool as bool,
    can_cast as can_cast,
    cdouble as cdouble,
    cfloat as cfloat,
    chalf as chalf,
    complex32 as complex32,
    complex64 as complex64,
    complex128 as complex128,
    double as double,
    dtype as dtype,
    finfo as finfo,
    float as float,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    get_default_dtype as get_default_dtype,
    half as half,
    iinfo as iinfo,
    int as int,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    long as long,
    promote_types as promote_types,
    result_type as result_type,
    set_default_dtype as set_default_dtype,
    short as short,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from .elsewhere import module_elsewhere as _module_elsewhere
from .formatting import set_printoptions as set_printoptions
from .kernels import (
    conv_algorithm as conv_algorithm,
    kernel_tier as kernel_tier,
    last_conv as last_conv,
)
from .missing import MissingModules as _MissingModules, missing as _missing
from .ops import *
from .ops import is_complex as is_complex
from .random import (
    Generator as Generator,
    default_generator as default_generator,
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
    set_rng_state as set_rng_state,
)
from .serialization import PyTorchFileReader as PyTorchFileReader, load as load, save as save
from .storage import *
from .storage import TypedStorage as TypedStorage, UntypedStorage as UntypedStorage
from .tensor import Size as Size, Tensor as Tensor

newaxis = None
OutOfMemoryError = MemoryError  # CuPy's is a kind of it

if _typing.TYPE_CHECKING:  # what __getattr__ below loads
    from . import (
        __config__ as __config__,
        accelerator as accelerator,
        amp as amp,
        backends as backends,
        compiler as compiler,
        cpu as cpu,
        cuda as cuda,
        datasets as datasets,
        distributed as distributed,
        distributions as distributions,
        explain as explain,
        fft as fft,
        func as func,
        futures as futures,
        fx as fx,
        hub as hub,
        io as io,
        jit as jit,
        linalg as linalg,
        models as models,
        mps as mps,
        multiprocessing as multiprocessing,
        nn as nn,
        onnx as onnx,
        optim as optim,
        overrides as overrides,
        profiler as profiler,
        quasirandom as quasirandom,
        special as special,
        storage as storage,
        testing as testing,
        training as training,
        transforms as transforms,
        tv_tensors as tv_tensors,
        types as types,
        utils as utils,
        version as version,
        vision_ops as vision_ops,
        xpu as xpu,
    )
    from .amp import GradScaler as GradScaler
    from .amp.autocast_mode import (
        autocast as autocast,
        get_autocast_dtype as get_autocast_dtype,
        is_autocast_enabled as is_autocast_enabled,
    )
    from .cuda import Event as Event, Stream as Stream
    from .explain import summary as summary
    from .futures import Future as Future
    from .jit import compile as compile
    from .nn.functional import (
        adaptive_avg_pool1d as adaptive_avg_pool1d,
        avg_pool1d as avg_pool1d,
        bilinear as bilinear,
        celu as celu,
        celu_ as celu_,
        channel_shuffle as channel_shuffle,
        conv1d as conv1d,
        conv2d as conv2d,
        conv3d as conv3d,
        conv_tbc as conv_tbc,
        conv_transpose1d as conv_transpose1d,
        conv_transpose2d as conv_transpose2d,
        conv_transpose3d as conv_transpose3d,
        cosine_similarity as cosine_similarity,
        group_norm as group_norm,
        hardshrink as hardshrink,
        layer_norm as layer_norm,
        max_pool1d as max_pool1d,
        max_pool2d as max_pool2d,
        max_pool3d as max_pool3d,
        pairwise_distance as pairwise_distance,
        pdist as pdist,
        pixel_shuffle as pixel_shuffle,
        pixel_unshuffle as pixel_unshuffle,
        rms_norm as rms_norm,
        rrelu as rrelu,
        rrelu_ as rrelu_,
        selu_ as selu_,
        threshold_ as threshold_,
    )
    from .ops.creation import tensor as tensor  # the function, not the module of that name

_SUBMODULES = (
    "__config__",
    "accelerator",
    "amp",
    "backends",
    "compiler",
    "cpu",
    "cuda",
    "datasets",
    "distributed",
    "distributions",
    "explain",
    "fft",
    "func",
    "futures",
    "fx",
    "hub",
    "io",
    "jit",
    "linalg",
    "models",
    "mps",
    "multiprocessing",
    "nn",
    "onnx",
    "optim",
    "overrides",
    "profiler",
    "quasirandom",
    "special",
    "testing",
    "training",
    "transforms",
    "tv_tensors",
    "types",
    "utils",
    "version",
    "vision_ops",
    "xpu",
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
    "conv_tbc",
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
    "rms_norm",
    "rrelu",
    "rrelu_",
    "selu_",
    "celu_",
    "threshold_",
)


# The other names at the top that are loaded when they are first used, and where they are.
_HOMES = {
    "Event": "cuda",
    "Future": "futures",
    "GradScaler": "amp",
    "Stream": "cuda",
    "autocast": "amp.autocast_mode",
    "compile": "jit",
    "get_autocast_dtype": "amp.autocast_mode",
    "is_autocast_enabled": "amp.autocast_mode",
    "summary": "explain",
    "vmap": "func",
}


_sys.meta_path.append(_MissingModules())

if not _typing.TYPE_CHECKING:  # to a checker, every name would be there

    def __getattr__(name: str) -> _typing.Any:
        """Loads mt.nn, mt.optim, ... when they are first used: the import stays quick."""
        home = "nn.functional" if name in _LAYERS else _HOMES.get(name)
        if home is not None:
            return getattr(_importlib.import_module(f"{__name__}.{home}"), name)
        if name in _SUBMODULES:
            return _importlib.import_module(f"{__name__}.{name}")
        found = _module_elsewhere(f"{__name__}.{name}")
        if found is None:
            raise _missing(__name__, name)
        return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES, *_LAYERS, *_HOMES])


def _sample_dirichlet(input: Tensor, generator: _typing.Any = None) -> Tensor:
    """Random parts of 1, as torchvision's training program draws them for MixUp and CutMix."""
    from .random import default_generator

    rng = (generator or default_generator).rng
    return tensor(rng.dirichlet(input.tolist()), dtype=input.dtype)


def _assert(condition: object, message: str) -> None:
    """torch's private `assert`, which torchvision's networks and their copies call."""
    assert condition, message


def is_tensor(obj: object) -> _typing.Any:
    """True if obj is a Tensor, or a complex tensor (mt.complex)."""
    return isinstance(obj, Tensor) or is_complex(obj)


# Methods that torch has as functions, too.
detach, get_device, is_inference = Tensor.detach, Tensor.get_device, Tensor.is_inference


def is_floating_point(input: Tensor) -> _typing.Any:
    """True if the tensor's dtype is float16, float32 or float64."""
    return input.is_floating_point()


def numel(input: Tensor) -> _typing.Any:
    """The number of elements of a tensor."""
    return input.numel()


def typename(obj: _typing.Any) -> str:
    """The name of an object's type: "torch.FloatTensor" for a tensor, else with its module.

    >>> typename(3), typename(tensor([1]))
    ('int', 'torch.LongTensor')
    """
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return module + kind.__qualname__


def is_storage(obj: object) -> _typing.Any:
    """True for a storage: what `Tensor.storage` and `untyped_storage` give."""
    return isinstance(obj, TypedStorage | UntypedStorage)
