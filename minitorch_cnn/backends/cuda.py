"""How cuBLAS multiplies: ``mt.backends.cuda.matmul.allow_tf32 = True``.

TF32 is float32 with ten bits after the point instead of 23 for the factors, and float32 sums. On
GPUs from Ampere on, matrix products (convolutions, linear layers) are several times as fast by it,
and right to three digits.

torch's switches for ways to compute attention are kept and change nothing: there is one way here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .. import backend, config


class MatMulSettings:
    """The settings of matrix products on GPUs. Without a GPU they are kept and change nothing."""

    allow_fp16_reduced_precision_reduction = True  # kept for programs that set them
    allow_bf16_reduced_precision_reduction = True
    allow_fp16_accumulation = False

    @property
    def allow_tf32(self) -> bool:
        """May float32 matrix products use TF32? False at first; CUPY_TF32=1 makes it True."""
        return config.get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        config.set_float32_matmul_precision("high" if value else "highest")

    @property
    def fp32_precision(self) -> str:
        """The newer name of the same: "tf32", or "ieee" for float32 as it is."""
        return "tf32" if self.allow_tf32 else "ieee"

    @fp32_precision.setter
    def fp32_precision(self, value: str) -> None:
        if value not in ("tf32", "ieee", "none"):
            raise RuntimeError(f"fp32_precision is 'tf32', 'ieee' or 'none', got {value!r}")
        self.allow_tf32 = value == "tf32"


matmul = MatMulSettings()


def is_built() -> bool:
    """True where CuPy is installed, whether or not there is a GPU."""
    return backend.is_cupy_installed()


_attention = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def enable_flash_sdp(enabled: bool) -> None:
    """Kept for `flash_sdp_enabled`; changes nothing."""
    _attention["flash"] = bool(enabled)


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Kept for `mem_efficient_sdp_enabled`; changes nothing."""
    _attention["mem_efficient"] = bool(enabled)


def enable_math_sdp(enabled: bool) -> None:
    """Kept for `math_sdp_enabled`; changes nothing."""
    _attention["math"] = bool(enabled)


def enable_cudnn_sdp(enabled: bool) -> None:
    """Kept for `cudnn_sdp_enabled`; changes nothing."""
    _attention["cudnn"] = bool(enabled)


def flash_sdp_enabled() -> bool:
    """What `enable_flash_sdp` was told last; True at first."""
    return _attention["flash"]


def mem_efficient_sdp_enabled() -> bool:
    """What `enable_mem_efficient_sdp` was told last; True at first."""
    return _attention["mem_efficient"]


def math_sdp_enabled() -> bool:
    """What `enable_math_sdp` was told last; True at first."""
    return _attention["math"]


def cudnn_sdp_enabled() -> bool:
    """What `enable_cudnn_sdp` was told last; True at first."""
    return _attention["cudnn"]


_libraries = {"linalg": "default", "blas": "default"}
_CHOICES = {
    "linalg": ("default", "cusolver", "magma"),
    "blas": ("default", "cublas", "cublaslt", "hipblaslt", "ck"),
}


def _prefer(kind: str, backend: Any) -> str:
    if backend is not None:
        if backend not in _CHOICES[kind]:
            raise RuntimeError(
                f"Unknown input value. Choose from: {', '.join(_CHOICES[kind])}; got {backend!r}"
            )
        _libraries[kind] = backend
    return _libraries[kind]


def preferred_linalg_library(backend: str | None = None) -> str:
    """The name that was given last, "default" at first; changes nothing: CuPy chooses.

    Raises RuntimeError for a name that torch does not know.
    """
    return _prefer("linalg", backend)


def preferred_blas_library(backend: str | None = None) -> str:
    """The same of matrix products."""
    return _prefer("blas", backend)


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[Any]:
    """Inside, the four switches are these; they change nothing."""
    before = dict(_attention)
    _attention.update(
        flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn
    )
    try:
        yield
    finally:
        _attention.update(before)
