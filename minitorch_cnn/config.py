"""What the library computes with: which kernels, which libraries, how many threads, how precisely.

Here are torch's names for settings that do not exist, too, so that an error says what is missing.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from . import backend, dtypes
from .kernels import dispatch, fallback
from .ops.copy import named_type
from .ops.deterministic import settings


def get_num_threads() -> int:
    """How many threads a compiled kernel is shared by; 1 without Numba.

    NumPy's matrix products, which the readable kernels use, have threads of their own.
    """
    if not dispatch.has_cpu_tier():
        return 1
    from .kernels.cpu.jit import threads

    return threads.get_num_threads()


def set_num_threads(count: int) -> None:
    """Shares each compiled kernel among `count` threads. Raises ValueError if that is below 1.

    The default is the number of processors this process may use, or the environment variable
    MINITORCH_CNN_NUM_THREADS, or OMP_NUM_THREADS. Results depend on the number only by rounding.

    >>> import minitorch_cnn as mt
    >>> before = mt.get_num_threads()
    >>> mt.set_num_threads(before)
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"the number of threads must be a positive integer, got {count!r}")
    if dispatch.has_cpu_tier():
        from .kernels.cpu.jit import threads

        threads.set_num_threads(count)


PRECISIONS = ("highest", "high", "medium")
_precision = "highest"


def set_float32_matmul_precision(precision: str) -> None:
    """How precisely GPUs multiply float32 matrices: "highest" (the default), "high" or "medium".

    "highest" is float32, the other two are TF32 (`backends.cuda.matmul.allow_tf32`): bfloat16,
    which torch may take for "medium", does not exist here. On a CPU, and where there is no GPU,
    the setting is kept and changes nothing: products of float32 are float32.

    Raises RuntimeError for anything else.

    >>> import minitorch_cnn as mt
    >>> mt.set_float32_matmul_precision("highest")
    >>> mt.get_float32_matmul_precision()
    'highest'
    """
    global _precision
    if precision not in PRECISIONS:
        raise RuntimeError(
            f"set_float32_matmul_precision expects one of {', '.join(map(repr, PRECISIONS))}, but "
            f"got {precision!r}"
        )
    _precision = precision
    if backend.is_cupy_available():
        backend.set_tf32(precision != "highest")


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` or `backends.cuda.matmul.allow_tf32` was set to last."""
    if backend.is_cupy_available() and backend.get_tf32() != (_precision != "highest"):
        return "high" if backend.get_tf32() else "highest"
    return _precision


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """True asks for the same bits in every run, which a CPU gives anyway.

    Where there is a GPU, nobody promises them: values that are added at the same place (the
    gradient of an index or an embedding) come in any order, and so are rounded differently. There
    True raises NotImplementedError, or warns with warn_only. Random numbers are the same after
    `manual_seed`, everywhere. Memory that nobody has filled (`empty`) is filled in this mode, see
    `utils.deterministic`. Raises TypeError for other types than bool.

    >>> import minitorch_cnn as mt
    >>> mt.use_deterministic_algorithms(False)
    >>> mt.are_deterministic_algorithms_enabled()
    False
    """
    for name, value in (("'mode' (position 1)", mode), ("'warn_only'", warn_only)):
        if not isinstance(value, bool):
            raise TypeError(
                f"_set_deterministic_algorithms(): argument {name} must be bool, not "
                f"{type(value).__name__}"
            )
    if mode and backend.is_cupy_available():
        text = (
            "use_deterministic_algorithms(True) is not supported: on a GPU, the gradients of "
            "indexing add up in any order. Leave the call out; manual_seed fixes random numbers."
        )
        if not warn_only:
            raise NotImplementedError(text)
        warnings.warn(text, stacklevel=2)
    settings.mode, settings.warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was told last; False at first."""
    return settings.mode


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was told to warn only; False at first."""
    return settings.warn_only


DEBUG_MODES = ("default", "warn", "error")


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by one word: "default" (0), "warn" (1) or "error" (2).

    Raises TypeError for another type, RuntimeError for another value, and as
    `use_deterministic_algorithms`.

    >>> import minitorch_cnn as mt
    >>> mt.set_deterministic_debug_mode("default")
    >>> mt.get_deterministic_debug_mode()
    0
    """
    if not isinstance(debug_mode, int | str):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode).__name__}")
    names: Any = DEBUG_MODES if isinstance(debug_mode, str) else range(len(DEBUG_MODES))
    if debug_mode not in names:
        raise RuntimeError(
            f"invalid value of debug_mode, expected one of {list(names)}, but got {debug_mode!r}"
        )
    mode = names.index(debug_mode)
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2, as `set_deterministic_debug_mode` says."""
    return settings.mode * (1 if settings.warn_only else 2)


_interop_threads = 1


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was told last; 1 at first."""
    return _interop_threads


def set_num_interop_threads(count: int) -> None:
    """Keeps the number, which changes nothing: operations run one after the other.

    Raises RuntimeError if it is below 1.
    """
    global _interop_threads
    if count < 1:
        raise RuntimeError(f"Expected positive number of threads, got {count}")
    _interop_threads = count


_warn_always = False


def set_warn_always(b: bool) -> None:
    """Keeps the switch. torch warns once of each thing, or always; here Python's filters say so.

    Raises RuntimeError for what is no bool.
    """
    global _warn_always
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _warn_always = b


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was told last; False at first."""
    return _warn_always


def set_flush_denormal(mode: bool) -> bool:
    """False: numbers closer to 0 than `finfo.tiny` stay what they are."""
    return False


def set_default_device(device: Any) -> None:
    """Makes a device the home of new tensors that name none, as `set_backend` does; None: the CPU.

    Raises RuntimeError if a GPU is asked for and CuPy or the GPU is missing.

    >>> import minitorch_cnn as mt
    >>> mt.set_default_device("cpu")
    >>> mt.get_default_device()
    device(type='cpu')
    """
    backend.set_backend("cpu" if device is None else device)


def set_default_tensor_type(t: Any) -> None:
    """torch's old way to say both defaults: mt.DoubleTensor, or "torch.cuda.FloatTensor".

    Raises TypeError for a type that is not floating, ValueError for one that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.set_default_tensor_type("torch.FloatTensor")
    >>> mt.get_default_dtype()
    minitorch_cnn.float32
    """
    kind, device = named_type(getattr(t, "type_name", t))
    warnings.warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use "
        "torch.set_default_dtype() and torch.set_default_device() as alternatives.",
        stacklevel=2,
    )
    dtypes.set_default_dtype(kind)
    backend.set_backend(device)


def show_config() -> None:
    """Prints which tier of kernels, BLAS library, threads and instructions are in use."""
    print(config_text())


def config_text() -> str:
    """What `show_config` prints."""
    import importlib.metadata
    import importlib.util
    import platform

    from . import __version__  # here, since this file is loaded before it is complete

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    lines = [
        f"minitorch_cnn  {__version__}, Python {platform.python_version()}, NumPy {np.__version__}",
        f"BLAS           {blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip(),
    ]
    if dispatch.state.tier == "array":
        lines.append(
            "CPU kernels    readable array code, as MINITORCH_CNN_KERNELS or kernel_tier asks"
        )
    elif not dispatch.has_cpu_tier() and fallback.reason() is not None:
        lines.append(f"CPU kernels    readable array code; compiled ones fail: {fallback.reason()}")
    elif not dispatch.has_cpu_tier():
        lines.append(
            "CPU kernels    readable array code; compiled ones need Numba: "
            "pip install 'minitorch_cnn[fast]'"
        )
    else:
        from .kernels.cpu.jit import vector

        width = "AVX-512" if vector.AVX512 else f"{32 * vector.LANES}-bit vectors"
        lines.append(
            f"CPU kernels    Numba {importlib.metadata.version('numba')}, {width}, "
            f"{vector.LANES} float32 at a time"
        )
    lines.append(f"threads        {get_num_threads()} of {os.cpu_count()} processors")
    cupy = importlib.util.find_spec("cupy")
    lines.append("GPU kernels    " + ("CuPy is installed" if cupy else "CuPy is not installed"))
    return "\n".join(lines)


def get_image_backend() -> str:
    """torchvision's: "PIL", which reads the pictures here."""
    return "PIL"


def set_image_backend(backend: str) -> None:
    """torchvision's. Raises ValueError for anything but "PIL"."""
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. The only option here is 'PIL'")
