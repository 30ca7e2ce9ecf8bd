"""Padding layers, for sequences, images and volumes."""

from __future__ import annotations

from typing import Any

from ...ops.pad import pad
from ...tensor import Tensor
from .module import Module

__all__ = [
    "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d",
    "ReplicationPad2d", "ReplicationPad3d", "CircularPad1d", "CircularPad2d", "CircularPad3d",
]  # fmt: skip


class _Pad(Module):
    """padding: pixels, one int or (left, right, top, bottom, ...); negative numbers crop."""

    mode: str
    dimensions: int

    def __init__(self, padding: Any) -> None:
        super().__init__()
        sides = 2 * self.dimensions
        self.padding = (padding,) * sides if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != sides:
            raise ValueError(f"padding must be 1 or {sides} numbers, got {self.padding}")

    def forward(self, input: Tensor) -> Tensor:
        return pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A border of `value` around sequences."""

    dimensions = 1


class ConstantPad2d(_ConstantPad):
    """A border of `value`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ConstantPad2d((1, 0, 0, 1), 7.0)(mt.zeros(1, 1, 2))
    tensor([[[7., 0., 0.],
             [7., 7., 7.]]])
    """

    dimensions = 2


class ConstantPad3d(_ConstantPad):
    """A border of `value` around volumes."""

    dimensions = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """A border of zeros around sequences."""

    dimensions = 1


class ZeroPad2d(_ZeroPad):
    """A border of zeros: 1234 -> 000 1234 000."""

    dimensions = 2


class ZeroPad3d(_ZeroPad):
    """A border of zeros around volumes."""

    dimensions = 3


class ReflectionPad1d(_Pad):
    """A sequence mirrored at its ends: 1234 -> 432 1234 321."""

    mode, dimensions = "reflect", 1


class ReflectionPad2d(_Pad):
    """The picture mirrored at its border: 1234 -> 432 1234 321."""

    mode, dimensions = "reflect", 2


class ReflectionPad3d(_Pad):
    """A volume mirrored at its border: 1234 -> 432 1234 321."""

    mode, dimensions = "reflect", 3


class ReplicationPad1d(_Pad):
    """The ends repeated: 1234 -> 111 1234 444."""

    mode, dimensions = "replicate", 1


class ReplicationPad2d(_Pad):
    """The border repeated: 1234 -> 111 1234 444."""

    mode, dimensions = "replicate", 2


class ReplicationPad3d(_Pad):
    """The border of a volume repeated: 1234 -> 111 1234 444."""

    mode, dimensions = "replicate", 3


class CircularPad1d(_Pad):
    """The other end of a sequence: 1234 -> 234 1234 123."""

    mode, dimensions = "circular", 1


class CircularPad2d(_Pad):
    """The other side of the picture: 1234 -> 234 1234 123."""

    mode, dimensions = "circular", 2


class CircularPad3d(_Pad):
    """The other side of a volume: 1234 -> 234 1234 123."""

    mode, dimensions = "circular", 3
