"""Operations on tensors, with their gradients; one family a file.

Here are the families that a CNN is made of; the rest is in breadth/, filed by the sections of
torch's documentation. Every function has torch's name and signature. Eight files are no families:
arguments, common, inplace, methods, out, precision, standardize and window are what they share.

A name is written once: in the `__all__` of its file. What torch has at its top is put together
here, torch.nn.functional in nn/functional.py, torch.linalg in linalg.py; the few functions that
torch has in two places are named in the second one. Most of those here are methods of Tensor as
well (methods.py). torchvision.ops' names are found here too; they live in ../vision_ops/.
"""

import typing as _typing

from ..missing import refuse_missing as _refuse_missing
from . import arguments as _arguments, methods as _methods, out as _out
from .activation import prelu, relu, relu_, selu, threshold
from .arithmetic import *
from .breadth.blas import *
from .breadth.comparison import *
from .breadth.complex_numbers import *
from .breadth.creation_strided import *
from .breadth.indexing_joining import *
from .breadth.indexing_mutating import *
from .breadth.indexing_scatter import *
from .breadth.legacy_constructors import *
from .breadth.linalg_decompositions import cholesky, geqrf, householder_product as orgqr
from .breadth.linalg_inverses import inv as inverse, pinv as pinverse
from .breadth.linalg_matrix_functions import matrix_power
from .breadth.linalg_matrix_properties import det, logdet, slogdet
from .breadth.other_cumulative import *
from .breadth.other_einsum import *
from .breadth.other_histograms import *
from .breadth.other_linalg import *
from .breadth.other_lowrank import *
from .breadth.other_matrices import *
from .breadth.other_names import *
from .breadth.other_rearrange import *
from .breadth.other_statistics import *
from .breadth.other_vectors import *
from .breadth.pointwise_binary import *
from .breadth.pointwise_unary import *
from .breadth.random_counts import *
from .breadth.random_sampling import *
from .breadth.reduction import *
from .breadth.special_functions import *
from .breadth.special_more import *
from .breadth.tensor_attributes import *
from .breadth.tensor_memory import *
from .breadth.views_as_copies import *
from .breadth.windows import *
from .common import public_names as _public_names
from .compare import *
from .copy import *
from .creation import *
from .division import *
from .elementwise import *
from .exponentials import *
from .indexing import *
from .join import *
from .positions import *
from .products import *
from .reduce import *
from .shape import *

if not _typing.TYPE_CHECKING:  # type checkers take the imports with * as they stand
    __all__ = _public_names(globals())

_arguments.check_arguments(globals())
_methods.bind(globals())
if not _typing.TYPE_CHECKING:
    __all__ += _methods.in_place_functions(globals())
_out.add_out(globals())

_refuse_missing(globals())
_refused = globals()["__getattr__"]


def __getattr__(name: str) -> _typing.Any:
    """torchvision's names: its programs find them here once their imports are replaced."""
    if not name.startswith("_"):
        from .. import vision_ops  # here, since its layers stand above all operations

        if hasattr(vision_ops, name):
            return getattr(vision_ops, name)
    return _refused(name)
