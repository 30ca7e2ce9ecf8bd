"""Flatten, Unflatten and Identity: layers that change the shape at most."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from .module import Module

__all__ = ["Identity", "Flatten", "Unflatten"]


class Identity(Module):
    """Returns its input, of any shape or type: the very same object.

    Takes any arguments and ignores them, to stand in for any layer. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Identity(54, unused=True)(mt.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Flatten(Module):
    """Joins dimensions start_dim to end_dim into one: (N, C, H, W) -> (N, C*H*W).

    Raises IndexError for dimensions that do not exist, RuntimeError if start_dim is after end_dim.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Flatten()(mt.zeros(2, 3, 4, 5)).shape
    minitorch_cnn.Size([2, 60])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits dimension `dim` into several: (N, C*H*W) -> (N, C, H, W).

    unflattened_size: ints; one may be -1, for what is left. Raises TypeError for other things than
    ints, NotImplementedError for a dim by name; when called, RuntimeError for lengths that do not
    multiply to the dimension's.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Unflatten(1, (3, 4, 5))(mt.zeros(2, 60)).shape
    minitorch_cnn.Size([2, 3, 4, 5])
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        if isinstance(dim, str):
            raise NotImplementedError(f"Unflatten: named dimensions ({dim!r}) are not supported")
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)
        for length in self.unflattened_size:
            if not isinstance(length, int):
                raise TypeError(
                    f"unflattened_size must be a tuple of ints, got {self.unflattened_size}"
                )

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
