"""p-norms of vectors: the lengths that norm, linalg, distances and normalize are made of."""

from __future__ import annotations

import math
from typing import Any

from .. import dtypes
from ..dtypes import as_dtype
from ..tensor import Tensor, shape_text
from .arithmetic import where
from .elementwise import abs as absolute, sign
from .reduce import Extreme, SafeSqrt, dims_of, sum


def p_norm(
    input: Tensor, p: float = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """(sum |x|^p)^(1/p) of all elements or over some dimensions; see `norm`."""
    x = input if dtype is None else input.to(as_dtype(dtype))
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"norm: expected a floating point tensor as input, got {x.dtype}")
    if x.dtype is dtypes.float16:  # the squares and their sum would be beyond its range
        return p_norm(x.to(dtypes.float32), p, dim, keepdim).to(x.dtype)
    if p == 2:
        return SafeSqrt.apply(sum(x * x, dim, keepdim))
    dims = dims_of(x, dim)
    if p < 0 or p == math.inf:
        _has_norm(x, p, dims)
    if abs(p) == math.inf:
        choose = "max" if p > 0 else "min"
        return Extreme.apply(absolute(x), dims, keepdim, choose, "zero")
    if p == 0:  # 1 for NaN, too; its gradient is 0 everywhere
        return sum(sign(where(x != x, 1.0, absolute(x))), dim, keepdim)
    if p == 1:
        return sum(absolute(x), dim, keepdim)
    # At 0 powers and roots have infinite slopes; torch's rule is that the gradient is 0 there.
    zero = x == 0
    powers = where(zero, 0.0 if p > 0 else math.inf, where(zero, 1.0, absolute(x)) ** p)
    total = sum(powers, dim, keepdim)
    flat = (total == 0) | (total == math.inf)
    root = where(flat, 1.0, total) ** (1 / p)
    return where(flat, total.detach() ** (1 / p), root)


def _has_norm(x: Tensor, p: float, dims: tuple[int, ...]) -> None:
    if math.prod(x.shape[each] for each in dims) == 0:
        raise RuntimeError(
            f"norm: cannot compute the {p} norm on an empty tensor {shape_text(x.shape)} because "
            "the operation does not have an identity"
        )
