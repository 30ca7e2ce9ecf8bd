"""CUDA C++ kernels for CuPy arrays: the names of the readable tier."""
