"""Numba kernels for the CPU: the names of the readable tier, fused and blocked for the cache."""
