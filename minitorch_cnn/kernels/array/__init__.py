"""The readable kernels: array code that NumPy and CuPy both run. They are the definitions."""
