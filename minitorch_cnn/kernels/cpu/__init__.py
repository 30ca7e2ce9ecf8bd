"""Numba kernels for the CPU: the names of the readable tier, fused and blocked for the cache.

Each file holds a family: first the compiled kernels, and at the end the entries, which have the
names and arguments of their definitions in ../array/. An entry takes float32 arrays, images
channels-last and contiguous; everything else it declines with NotImplemented, and the definition
does it. Results lie in memory that is used again (backend/arrays.py).

Read jit/tile.py and conv.py first, then implicit.py, depthwise.py, winograd_tiles.py and
winograd.py.
"""
