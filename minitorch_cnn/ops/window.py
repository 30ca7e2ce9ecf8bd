"""Arguments that convolutions and poolings share: pairs of numbers, and images without a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kernels.layout import Pair
from ..tensor import Tensor


def numbers(name: str, value: Any, count: int) -> tuple[int, ...]:
    """`count` ints from one int, or from as many. Raises RuntimeError for anything else.

    >>> numbers("stride", 2, 3)
    (2, 2, 2)
    """
    values = (value,) if isinstance(value, int) else tuple(value)
    if len(values) == 1:
        values *= count
    if len(values) != count:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {count} values, one for "
            f"each dimension, but got {name}={list(values)}"
        )
    return tuple(int(each) for each in values)


def pair(name: str, value: Any) -> Pair:
    """(vertical, horizontal) from one int or two. Raises RuntimeError for anything else.

    >>> pair("stride", 2)
    (2, 2)
    """
    vertical, horizontal = numbers(name, value, 2)
    return vertical, horizontal


def with_batch(input: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """function(input) for images (N, C, H, W), and for one image (C, H, W) without a batch."""
    if input.ndim == 3:
        return function(input.unsqueeze(0)).squeeze(0)
    return function(input)
