"""Softmax layers: along one dimension, numbers become parts of a whole."""

from __future__ import annotations

from ...tensor import Tensor
from .module import Module

__all__ = ["Softmax", "LogSoftmax", "Softmin", "Softmax2d"]


class Softmax(Module):
    """exp(x) / sum of exp(x) along dim: positive numbers that add up to 1. Keeps the shape.

    Does not overflow: adding a number to all x along dim changes nothing, so the largest is
    subtracted first. dim None is an old rule of torch's and warns: 0 for 0, 1 or 3 dimensions,
    else 1. NaN or all -inf along dim give NaN. Integers are computed as float32.
    Raises IndexError for a dim that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Softmax(dim=1)(mt.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    >>> mt.nn.Softmax(dim=0)(mt.tensor([1000.0, 1000.0]))
    tensor([0.5000, 0.5000])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        from ..functional import softmax  # functional has torch's rule for dim=None

        return softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """log(softmax(x)) along dim, without rounding small probabilities to 0 first. Keeps the shape.

    x - log(sum of exp(x)): never positive. dim and errors as in `Softmax`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.LogSoftmax(dim=0)(mt.tensor([0.0, 1000.0]))
    tensor([-1000.,     0.])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        from ..functional import log_softmax

        return log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(Module):
    """softmax(-x) along dim: the smallest number gets the most. Keeps the shape.

    dim and errors as in `Softmax`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Softmin(dim=0)(mt.tensor([0.0, 0.0, 1000.0]))
    tensor([0.5000, 0.5000, 0.0000])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        from ..functional import softmin  # functional has torch's rule for dim=None

        return softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax2d(Module):
    """Softmax over the channels at every pixel: (N, C, H, W) or (C, H, W), shape kept.

    Raises ValueError for other dimensions.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[0.0, 9.0]], [[0.0, 9.0]]])  # (C 2, H 1, W 2)
    >>> mt.nn.Softmax2d()(image)
    tensor([[[0.5000, 0.5000]],
    <BLANKLINE>
            [[0.5000, 0.5000]]])
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return input.softmax(-3)
