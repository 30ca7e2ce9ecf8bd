"""Settings of the array libraries, by torch.backends' names."""

from ..missing import refuse_missing as _refuse_missing
from . import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]

_refuse_missing(globals())
