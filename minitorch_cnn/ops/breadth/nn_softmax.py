"""softmax, log_softmax and softmin as torch.nn.functional has them: with a dim to be guessed."""

from __future__ import annotations

import warnings
from typing import Any

from ...tensor import Tensor
from ..exponentials import log_softmax as _log_softmax, softmax as _softmax

__all__ = ["softmax", "log_softmax", "softmin"]


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """exp(x) / sum of exp(x) along dim: positive numbers that add up to 1.

    Any shape. dim None is torch's old rule, with a warning: 0 for inputs of 0, 1 or 3 dimensions,
    else 1. dtype: computed and returned in that one. Raises IndexError for a dim out of range.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.softmax(mt.zeros(1, 4), dim=1)
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    return _softmax(input, _dim_or_guess("softmax", input, dim, _stacklevel), dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """log(softmax(x)) along dim, without overflow.

    Arguments, shapes and errors are those of `softmax`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.log_softmax(mt.tensor([0.0, 1000.0]), dim=0)
    tensor([-1000.,     0.])
    """
    return _log_softmax(input, _dim_or_guess("log_softmax", input, dim, _stacklevel), dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """softmax(-x): the smallest number gets the most.

    Arguments, shapes and errors are those of `softmax`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.softmin(mt.tensor([0.0, 1000.0]), dim=0)
    tensor([1., 0.])
    """
    return _softmax(-input, _dim_or_guess("softmin", input, dim, _stacklevel), dtype)


def _dim_or_guess(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if input.ndim in (0, 1, 3) else 1
