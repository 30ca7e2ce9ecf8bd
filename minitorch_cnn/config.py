"""What the library computes with: which kernels, which libraries, how many threads."""

from __future__ import annotations

import os

import numpy as np

from .kernels import tiers


def get_num_threads() -> int:
    """How many threads a compiled kernel is shared by; 1 without Numba.

    NumPy's matrix products, which the readable kernels use, have threads of their own.
    """
    if tiers.cpu_tier() is None:
        return 1
    from .kernels.cpu import threads

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
    if tiers.cpu_tier() is not None:
        from .kernels.cpu import threads

        threads.set_num_threads(count)


def show_config() -> None:
    """Prints which tier of kernels, BLAS library, threads and instructions are in use."""
    print(config_text())


def config_text() -> str:
    """What `show_config` prints."""
    import importlib.metadata
    import importlib.util
    import platform

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    lines = [
        f"minitorch_cnn  {importlib.metadata.version('minitorch_cnn')}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}",
        f"BLAS           {blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip(),
    ]
    if tiers.tier_choice() == "array":
        lines.append(
            "CPU kernels    readable array code, as MINITORCH_CNN_KERNELS or kernel_tier asks"
        )
    elif tiers.cpu_tier() is None:
        lines.append(
            "CPU kernels    readable array code; compiled ones need Numba: "
            "pip install 'minitorch_cnn[fast]'"
        )
    else:
        from .kernels.cpu import vector

        width = "AVX-512" if vector.AVX512 else "256-bit vectors"
        lines.append(
            f"CPU kernels    Numba {importlib.metadata.version('numba')}, {width}, "
            f"{vector.LANES} float32 at a time"
        )
    lines.append(f"threads        {get_num_threads()} of {os.cpu_count()} processors")
    cupy = importlib.util.find_spec("cupy")
    lines.append("GPU kernels    " + ("CuPy is installed" if cupy else "CuPy is not installed"))
    return "\n".join(lines)
