"""Which type an operation calculates in while `mt.autocast` is on.

Half the bytes, and matrix products several times as fast on a GPU: that is float16's gain. Its
price is a largest number of 65504 and three digits. So products get float16 (they add up in
float32 inside), and what adds up many numbers or makes them large gets float32:

    half_precision(...)   first line of convolutions, linear, matmul, ...
    full_precision(...)   first line of softmax, losses, norms over few numbers, ...
    (neither)             takes what comes; two tensors of different types meet in the wider one

Parameters stay float32: they are cast in every forward pass, and their gradients cast back.
Micikevicius et al., "Mixed Precision Training" (2018).
"""

from __future__ import annotations

import threading
from typing import Any

from .. import dtypes
from ..tensor import Tensor
from .copy import to


class _State(threading.local):
    """device type -> the fast type while autocast is on for it"""

    def __init__(self) -> None:
        self.fast: dict[str, dtypes.dtype] = {}


state = _State()


def half_precision(*args: Any) -> tuple:
    """Under autocast, floating tensors (but float64) in the fast type; the rest as it is."""
    return _cast(args, None) if state.fast else args


def full_precision(*args: Any) -> tuple:
    """Under autocast, float16 tensors as float32; the rest as it is."""
    return _cast(args, dtypes.float32) if state.fast else args


def _cast(args: tuple, wanted: dtypes.dtype | None) -> tuple:
    cast = []
    for arg in args:
        if isinstance(arg, Tensor) and arg.dtype in (dtypes.float16, dtypes.float32):
            fast = state.fast.get("cuda" if arg.is_cuda else "cpu")
            kind = arg.dtype if fast is None else wanted or fast
            arg = arg if arg.dtype is kind else to(arg, kind)
        cast.append(arg)
    return tuple(cast)
