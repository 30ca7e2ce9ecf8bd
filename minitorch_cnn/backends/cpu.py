"""What the processor can do, as far as the compiled kernels use it."""

from __future__ import annotations

from ..kernels import dispatch


def get_cpu_capability() -> str:
    """The instructions that the compiled kernels are made for: "AVX512", "AVX2" or "DEFAULT".

    The last is everything else: other processors, and where there is no Numba.

    >>> get_cpu_capability() in ("AVX512", "AVX2", "DEFAULT")
    True
    """
    if not dispatch.has_cpu_tier():
        return "DEFAULT"
    from ..kernels.cpu.jit import vector

    return "AVX512" if vector.AVX512 else "AVX2" if vector.LANES == 8 else "DEFAULT"
