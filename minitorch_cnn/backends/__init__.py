"""Settings of the array libraries, by torch.backends' names."""

from . import cuda

__all__ = ["cuda"]
