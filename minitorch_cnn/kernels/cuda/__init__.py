"""CUDA C++ kernels for CuPy arrays: the names of the readable tier.

The kernels are in source/*.cu, to be read beside the definitions in ../array/. Here each of them
gets its arrays ready (channels-last in memory), is launched, and its result named as (N, C, H, W)
again. A function returns NotImplemented for what its kernels are not made for; the definition does
it.

float16, float32 and float64 are taken, and float16 is calculated in float32. All kernels are
deterministic, and none of these functions waits for the GPU.
"""
