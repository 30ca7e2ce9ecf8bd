"""How cuBLAS multiplies: ``mt.backends.cuda.matmul.allow_tf32 = True``.

TF32 is float32 with ten bits after the point instead of 23 for the factors, and float32 sums. On
GPUs from Ampere on, matrix products (convolutions, linear layers) are several times as fast by it,
and right to three digits.
"""

from __future__ import annotations

from .. import backend


class MatMulSettings:
    """The settings of matrix products on GPUs."""

    @property
    def allow_tf32(self) -> bool:
        """May float32 matrix products use TF32? False at first; CUPY_TF32=1 makes it True.

        Where there is no GPU, setting it changes nothing.
        """
        return backend.is_cupy_available() and backend.get_tf32()

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        if backend.is_cupy_available():
            backend.set_tf32(bool(value))


matmul = MatMulSettings()


def is_built() -> bool:
    """True where CuPy is installed, whether or not there is a GPU."""
    return backend.is_cupy_installed()
