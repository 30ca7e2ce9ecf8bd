"""Settings of the array libraries, by torch.backends' names.

Those of libraries that are not used here are kept, for programs that set them, and change nothing.
"""

from ..missing import refuse_missing as _refuse_missing
from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]

fp32_precision = "none"

_refuse_missing(globals())
