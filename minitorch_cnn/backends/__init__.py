"""Settings of the array libraries, by torch.backends' names."""

from . import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]
