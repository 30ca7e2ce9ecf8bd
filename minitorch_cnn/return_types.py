"""What functions with several results give: torch.return_types, a class for each function.

    values, indices = x.max(dim=1)        x.max(dim=1).indices        x.max(dim=1)[1]

They are tuples whose parts have names, and print as torch's do.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from . import dtypes


class _Result:
    __slots__ = ()
    _fields: tuple[str, ...]

    def __repr__(self) -> str:
        parts = [f"{name}={getattr(self, name)!r}" for name in self._fields]
        joined = ",\n".join(parts)
        return f"{dtypes.namespace}.return_types.{type(self).__name__}(\n{joined})"


def _kind(name: str, fields: str) -> Any:
    parts = namedtuple(name, fields)  # type: ignore[misc]
    return type(name, (_Result, parts), {"__slots__": (), "__module__": __name__})


aminmax = _kind("aminmax", "min max")
cummax = _kind("cummax", "values indices")
cummin = _kind("cummin", "values indices")
frexp = _kind("frexp", "mantissa exponent")
geqrf = _kind("geqrf", "a tau")
histogram = _kind("histogram", "hist bin_edges")
histogramdd = _kind("histogramdd", "hist bin_edges")
kthvalue = _kind("kthvalue", "values indices")
linalg_cholesky_ex = _kind("linalg_cholesky_ex", "L info")
linalg_eigh = _kind("linalg_eigh", "eigenvalues eigenvectors")
linalg_inv_ex = _kind("linalg_inv_ex", "inverse info")
linalg_ldl_factor = _kind("linalg_ldl_factor", "LD pivots")
linalg_ldl_factor_ex = _kind("linalg_ldl_factor_ex", "LD pivots info")
linalg_lstsq = _kind("linalg_lstsq", "solution residuals rank singular_values")
linalg_lu = _kind("linalg_lu", "P L U")
linalg_lu_factor = _kind("linalg_lu_factor", "LU pivots")
linalg_lu_factor_ex = _kind("linalg_lu_factor_ex", "LU pivots info")
linalg_qr = _kind("linalg_qr", "Q R")
linalg_slogdet = _kind("linalg_slogdet", "sign logabsdet")
linalg_solve_ex = _kind("linalg_solve_ex", "result info")
linalg_svd = _kind("linalg_svd", "U S Vh")
lu_unpack = _kind("lu_unpack", "P L U")
max = _kind("max", "values indices")
median = _kind("median", "values indices")
min = _kind("min", "values indices")
mode = _kind("mode", "values indices")
nanmedian = _kind("nanmedian", "values indices")
sort = _kind("sort", "values indices")
svd = _kind("svd", "U S V")
topk = _kind("topk", "values indices")
