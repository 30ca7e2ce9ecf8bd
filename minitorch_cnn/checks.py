"""torch._check and its kin: asserts with a message that is only made if it is needed.

torch keeps the names private, but programs and libraries on top use them.

>>> import minitorch_cnn as mt
>>> mt._check(2 > 1, lambda: "never made")
>>> mt._check_value(False, lambda: f"{2} is not {3}")
Traceback (most recent call last):
    ...
ValueError: 2 is not 3
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import dtypes
from .tensor import Tensor


def _raise_unless(kind: type[Exception], cond: bool, message: Callable[[], Any] | None) -> None:
    if not isinstance(cond, bool):
        raise TypeError(f"cond must be a bool, but got {type(cond)}")
    if cond:
        return
    if message is None:
        text = (
            "Expected cond to be True, but got False. (Could this error message be improved? If "
            "so, please report an enhancement request to PyTorch.)"
        )
    elif callable(message):
        text = str(message())
    else:
        raise TypeError("message must be a callable")
    raise kind(text)


def _check(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raises RuntimeError with what message() gives, unless cond; TypeError for what is no bool."""
    _raise_unless(RuntimeError, cond, message)


def _check_index(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """As `_check`, with IndexError."""
    _raise_unless(IndexError, cond, message)


def _check_value(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """As `_check`, with ValueError."""
    _raise_unless(ValueError, cond, message)


def _check_type(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """As `_check`, with TypeError."""
    _raise_unless(TypeError, cond, message)


def _check_not_implemented(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """As `_check`, with NotImplementedError."""
    _raise_unless(NotImplementedError, cond, message)


def _check_is_size(i: int, message: Callable[[], Any] | None = None) -> None:
    """As `_check` that i, a length, is not negative."""
    _raise_unless(RuntimeError, i >= 0, message)


def _check_tensor_all(cond: Tensor, message: Callable[[], Any] | None = None) -> None:
    """As `_check` of all elements of a tensor of bools."""
    if not isinstance(cond, Tensor):
        raise TypeError(f"cond must be a tensor, but got {type(cond)}")
    if cond.dtype is not dtypes.bool:
        raise TypeError(f"cond tensor must have dtype torch.bool, but got {cond.dtype}")
    _raise_unless(RuntimeError, bool(cond.all().item()), message)


def _assert_async(input: Tensor, msg: str | None = None) -> None:
    """Raises RuntimeError if the single element is 0, and for none or several."""
    if input.numel() != 1:
        count = "no values" if input.numel() == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {count} is ambiguous")
    if not input.item():
        raise RuntimeError(msg or "Expected Tensor with single nonzero value, but got zero")
