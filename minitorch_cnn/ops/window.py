"""Arguments that convolutions and poolings share: pairs of numbers, and images without a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kernels.layout import Pair
from ..tensor import Tensor


def pair(name: str, value: Any) -> Pair:
    """(vertical, horizontal) from one int or two. Raises RuntimeError for anything else.

    >>> pair("stride", 2)
    (2, 2)
    """
    values = (value, value) if isinstance(value, int) else tuple(value)
    if len(values) == 1:
        values *= 2
    if len(values) != 2:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of 2 values to match the "
            f"two dimensions of an image, but got {name}={list(values)}"
        )
    return int(values[0]), int(values[1])


def with_batch(input: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """function(input) for images (N, C, H, W), and for one image (C, H, W) without a batch."""
    if input.ndim == 3:
        return function(input.unsqueeze(0)).squeeze(0)
    return function(input)
