"""Linear algebra under torch.linalg's names: norms, inverses, solutions, decompositions.

>>> import minitorch_cnn as mt
>>> mt.linalg.norm(mt.tensor([3.0, 4.0]))
tensor(5.)
"""

import typing as _typing

from .missing import refuse_missing as _refuse_missing
from .ops.arguments import check_arguments as _check_arguments
from .ops.breadth.linalg_decompositions import *
from .ops.breadth.linalg_inverses import *
from .ops.breadth.linalg_ldl import *
from .ops.breadth.linalg_lu import *
from .ops.breadth.linalg_matrix_functions import *
from .ops.breadth.linalg_matrix_products import *
from .ops.breadth.linalg_matrix_properties import *
from .ops.breadth.linalg_solvers import *
from .ops.breadth.linalg_solvers_more import *
from .ops.breadth.other_names import matrix_exp
from .ops.common import public_names as _public_names
from .ops.out import add_out as _add_out

if not _typing.TYPE_CHECKING:  # type checkers take the imports with * as they stand
    __all__ = _public_names(globals())

_check_arguments(globals())
_add_out(
    globals(),
    """cholesky cholesky_ex cond cross det eigh eigvalsh householder_product inv inv_ex ldl_factor
    ldl_factor_ex ldl_solve lstsq lu lu_factor lu_factor_ex lu_solve matmul
    matrix_exp matrix_norm matrix_power matrix_rank multi_dot norm pinv qr slogdet solve solve_ex
    solve_triangular svd svdvals tensorinv tensorsolve vecdot vector_norm""",
)

_refuse_missing(globals())
