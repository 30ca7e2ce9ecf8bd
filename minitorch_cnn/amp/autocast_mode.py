"""autocast: matrix products in float16, delicate operations in float32.

Which operation is which is written at its definition; see ops/precision.py.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from .. import backend, dtypes
from ..ops import precision


class autocast:
    """Inside, operations choose their types; a context manager and a decorator.

    device_type: "cuda" or "cpu", whose tensors it is about. dtype: the fast type, float16; there
    is no bfloat16 (NumPy and CuPy have none), so on the CPU, whose default it is in torch, dtype
    must be given. enabled=False switches an outer autocast off.

    Use it around forward and loss; backward takes the types of forward by itself.

    >>> import minitorch_cnn as mt
    >>> a = mt.ones(2, 2)
    >>> with mt.autocast("cpu", dtype=mt.float16):
    ...     (a @ a).dtype, (a @ a).softmax(0).dtype
    (minitorch_cnn.float16, minitorch_cnn.float32)
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(
                f"Expected `device_type` of type `str`, got: `{type(device_type).__name__}`"
            )
        self.device = backend.device(device_type).type
        if enabled and self.device == "cuda" and not backend.is_cupy_available():
            warnings.warn(
                "User provided device_type of 'cuda', but CUDA is not available. Disabling",
                stacklevel=2,
            )
            enabled = False
        if dtype is None and self.device == "cpu" and enabled:
            raise NotImplementedError(
                "autocast('cpu'): torch's default there is bfloat16, which NumPy does not have; "
                "pass dtype=mt.float16"
            )
        self.fast_dtype = dtypes.float16
        if enabled and dtype is not None and dtypes.as_dtype(dtype) is not dtypes.float16:
            raise NotImplementedError(f"autocast to {dtype}: only float16 is supported")
        self._enabled = enabled
        self._before: list[dict] = []

    def __enter__(self) -> autocast:
        self._before.append(precision.state.fast)
        fast = {name: kind for name, kind in precision.state.fast.items() if name != self.device}
        if self._enabled:
            fast[self.device] = self.fast_dtype
        precision.state.fast = fast
        return self

    def __exit__(self, *exc: object) -> None:
        precision.state.fast = self._before.pop()

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapped


def is_autocast_available(device_type: str) -> bool:
    """True if `autocast` can work for this type of device ("cpu", "cuda")."""
    return backend.device(device_type).type == "cpu" or backend.is_cupy_available()


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """True inside of `autocast` for this type of device; None means "cuda", as in torch.

    >>> is_autocast_enabled("cpu")
    False
    """
    return (device_type or "cuda") in precision.state.fast


def get_autocast_dtype(device_type: str) -> dtypes.dtype:
    """The type in which products are computed inside of an `autocast`: float16."""
    return precision.state.fast.get(backend.device(device_type).type, dtypes.float16)
