"""Both sides restricted to one instruction set, whatever this processor has.

    python benchmarks/train_step.py --isa avx2
    env $(python benchmarks/isa.py avx2) python -m pytest tests/kernels/cpu

Most laptops and many cloud machines have AVX2 and no AVX-512. What was measured with the one says
little about the other.
"""

from __future__ import annotations

import os
import sys

ISAS = ("native", "avx2", "sse")
_MARK = "MINITORCH_CNN_BENCHMARK_ISA"


def environment(isa: str) -> dict[str, str]:
    """Variables that keep Numba, PyTorch, oneDNN and MKL from using more than `isa`.

    They must be set before the process starts. Raises ValueError for an unknown name.
    """
    if isa == "native":
        return {}
    if isa == "sse":
        return {
            "NUMBA_CPU_NAME": "x86-64-v2",
            "NUMBA_CPU_FEATURES": "",
            "ATEN_CPU_CAPABILITY": "default",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
            "OPENBLAS_CORETYPE": "Nehalem",
        }
    if isa != "avx2":
        raise ValueError(f"isa must be one of {ISAS}, got {isa!r}")
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    if not features.get("avx2"):
        raise ValueError("this processor has no AVX2")
    # LLVM's "avx10" means all of AVX-512, too: masks, and twice as many registers.
    wide = ("avx512", "avx10")
    kept = [name for name, there in features.items() if there and not name.startswith(wide)]
    return {
        "NUMBA_CPU_NAME": "x86-64-v3",
        "NUMBA_CPU_FEATURES": ",".join("+" + name for name in sorted(kept)),
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    }


def restart_with(isa: str) -> None:
    """Starts this program once more, restricted to `isa`, unless it is already."""
    if isa != os.environ.get(_MARK, "native"):
        variables = {**os.environ, **environment(isa), _MARK: isa}
        os.execve(sys.executable, [sys.executable, *sys.argv], variables)


def in_use() -> str:
    """What both sides say of themselves: floats in a register of ours, and torch's capability."""
    from minitorch_cnn.kernels.cpu.jit.vector import AVX512, LANES

    ours = f"ours: vectors of {LANES} floats, {'with' if AVX512 else 'without'} AVX-512"
    try:
        import torch
    except ImportError:
        return ours
    return f"{ours}; torch: {torch.backends.cpu.get_cpu_capability()}"


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ISAS:
        sys.exit(f"usage: python benchmarks/isa.py {{{','.join(ISAS)}}}")
    print(" ".join(f"{name}={value}" for name, value in environment(sys.argv[1]).items()))
