"""Padding layers."""

from __future__ import annotations

from typing import Any

from ...ops.pad import pad
from ...tensor import Tensor
from .module import Module


class _Pad2d(Module):
    """padding: pixels, one int or (left, right, top, bottom); negative numbers crop."""

    mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = (padding,) * 4 if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != 4:
            raise ValueError(f"padding must be 1 or 4 numbers, got {self.padding}")

    def forward(self, input: Tensor) -> Tensor:
        return pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad2d(_Pad2d):
    """A border of `value`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ConstantPad2d((1, 0, 0, 1), 7.0)(mt.zeros(1, 1, 2))
    tensor([[[7., 0., 0.],
             [7., 7., 7.]]])
    """

    mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ZeroPad2d(ConstantPad2d):
    """A border of zeros: 1234 -> 000 1234 000."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ReflectionPad2d(_Pad2d):
    """The picture mirrored at its border: 1234 -> 432 1234 321."""

    mode = "reflect"


class ReplicationPad2d(_Pad2d):
    """The border repeated: 1234 -> 111 1234 444."""

    mode = "replicate"


class CircularPad2d(_Pad2d):
    """The other side of the picture: 1234 -> 234 1234 123."""

    mode = "circular"
