"""Padding layers, for sequences, images and volumes."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from ..functional import pad
from .module import Module
from .utils import _ntuple

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
        self.padding = _ntuple(sides)(padding)
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
    """A border of `value` around the last dimension of a tensor, (..., L): 1234 -> 99 1234 99.

    padding: one int or (left, right); errors as `ConstantPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ConstantPad1d(2, 9.0)(mt.tensor([1.0, 2.0, 3.0]))
    tensor([9., 9., 1., 2., 3., 9., 9.])
    """

    dimensions = 1


class ConstantPad2d(_ConstantPad):
    """A border of `value` around the last two dimensions of a tensor: (..., H, W).

    padding: pixels, one int or (left, right, top, bottom); negative numbers crop. Raises ValueError
    for another count of numbers; when called, RuntimeError for less than 2 dimensions and if more
    is cropped than there is.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ConstantPad2d((1, 0, 0, 1), 7.0)(mt.zeros(1, 1, 2))
    tensor([[[7., 0., 0.],
             [7., 7., 7.]]])
    """

    dimensions = 2


class ConstantPad3d(_ConstantPad):
    """A border of `value` around the last three dimensions: (..., D, H, W).

    padding: one int or (left, right, top, bottom, front, back); errors as `ConstantPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ConstantPad3d((0, 1, 0, 0, 0, 0), 7.0)(mt.zeros(1, 1, 2))
    tensor([[[0., 0., 7.]]])
    """

    dimensions = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """A border of zeros around sequences (..., L): 1234 -> 00 1234 00.

    padding: one int or (left, right), negative numbers crop; errors as `ConstantPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ZeroPad1d((3, -1))(mt.tensor([1.0, 2.0, 3.0]))
    tensor([0., 0., 0., 1., 2.])
    """

    dimensions = 1


class ZeroPad2d(_ZeroPad):
    """A border of zeros around images (..., H, W): 1234 -> 000 1234 000.

    padding: one int or (left, right, top, bottom), negative numbers crop; errors as
    `ConstantPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ZeroPad2d((1, 2, 0, 1))(mt.tensor([[5.0, 6.0]]))
    tensor([[0., 5., 6., 0., 0.],
            [0., 0., 0., 0., 0.]])
    """

    dimensions = 2


class ZeroPad3d(_ZeroPad):
    """A border of zeros around volumes (..., D, H, W). Arguments and errors as `ConstantPad3d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ZeroPad3d(1)(mt.ones(2, 4, 4, 4)).shape
    minitorch_cnn.Size([2, 6, 6, 6])
    """

    dimensions = 3


class ReflectionPad1d(_Pad):
    """A sequence mirrored at its ends: 1234 -> 432 1234 321.

    padding: one int or (left, right); input (N, C, L) or (C, L); errors as `ReflectionPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ReflectionPad1d(2)(mt.tensor([[1, 2, 3, 4]]))
    tensor([[3, 2, 1, 2, 3, 4, 3, 2]])
    """

    mode, dimensions = "reflect", 1


class ReflectionPad2d(_Pad):
    """The picture mirrored at its border, which is not repeated: 1234 -> 432 1234 321.

    padding: pixels, one int or (left, right, top, bottom), less than the image has; input
    (N, C, H, W) or (C, H, W). Raises ValueError for another count of numbers; when called,
    RuntimeError for a padding that is too large, NotImplementedError for other dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ReflectionPad2d((2, 1, 1, 0))(mt.tensor([[[1, 2, 3], [4, 5, 6]]]))
    tensor([[[6, 5, 4, 5, 6, 5],
             [3, 2, 1, 2, 3, 2],
             [6, 5, 4, 5, 6, 5]]])
    """

    mode, dimensions = "reflect", 2


class ReflectionPad3d(_Pad):
    """A volume (N, C, D, H, W) or (C, D, H, W) mirrored at its border: 1234 -> 432 1234 321.

    padding: one int or (left, right, top, bottom, front, back); errors as `ReflectionPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ReflectionPad3d((2, 2, 0, 0, 0, 0))(mt.tensor([[[[1, 2, 3]]]]))
    tensor([[[[3, 2, 1, 2, 3, 2, 1]]]])
    """

    mode, dimensions = "reflect", 3


class ReplicationPad1d(_Pad):
    """The ends of a sequence repeated: 1234 -> 111 1234 444.

    padding: one int or (left, right); input (N, C, L) or (C, L); errors as `ReplicationPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ReplicationPad1d(2)(mt.tensor([[1, 2, 3, 4]]))
    tensor([[1, 1, 1, 2, 3, 4, 4, 4]])
    """

    mode, dimensions = "replicate", 1


class ReplicationPad2d(_Pad):
    """The border of the picture repeated: 1234 -> 111 1234 444.

    padding: pixels, one int or (left, right, top, bottom); input (N, C, H, W) or (C, H, W). Raises
    ValueError for another count of numbers; when called, RuntimeError for an empty image,
    NotImplementedError for other dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ReplicationPad2d((2, 1, 1, 0))(mt.tensor([[[1, 2, 3], [4, 5, 6]]]))
    tensor([[[1, 1, 1, 2, 3, 3],
             [1, 1, 1, 2, 3, 3],
             [4, 4, 4, 5, 6, 6]]])
    """

    mode, dimensions = "replicate", 2


class ReplicationPad3d(_Pad):
    """The border of a volume (N, C, D, H, W) or (C, D, H, W) repeated: 1234 -> 111 1234 444.

    padding: one int or (left, right, top, bottom, front, back); errors as `ReplicationPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ReplicationPad3d((2, 2, 0, 0, 0, 0))(mt.tensor([[[[1, 2, 3]]]]))
    tensor([[[[1, 1, 1, 2, 3, 3, 3]]]])
    """

    mode, dimensions = "replicate", 3


class CircularPad1d(_Pad):
    """The other end of a sequence: 1234 -> 234 1234 123.

    padding: one int or (left, right); input (N, C, L) or (C, L); errors as `CircularPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.CircularPad1d(2)(mt.tensor([[1, 2, 3, 4]]))
    tensor([[3, 4, 1, 2, 3, 4, 1, 2]])
    """

    mode, dimensions = "circular", 1


class CircularPad2d(_Pad):
    """The other side of the picture, as if it were a torus: 1234 -> 234 1234 123.

    padding: pixels, one int or (left, right, top, bottom), at most what the image has; input
    (N, C, H, W) or (C, H, W). Raises ValueError for another count of numbers; when called,
    RuntimeError for a padding that is too large, NotImplementedError for other dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.nn.CircularPad2d((2, 1, 1, 0))(mt.tensor([[[1, 2, 3], [4, 5, 6]]]))
    tensor([[[5, 6, 4, 5, 6, 4],
             [2, 3, 1, 2, 3, 1],
             [5, 6, 4, 5, 6, 4]]])
    """

    mode, dimensions = "circular", 2


class CircularPad3d(_Pad):
    """The other side of a volume (N, C, D, H, W) or (C, D, H, W): 1234 -> 234 1234 123.

    padding: one int or (left, right, top, bottom, front, back); errors as `CircularPad2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.CircularPad3d((2, 2, 0, 0, 0, 0))(mt.tensor([[[[1, 2, 3]]]]))
    tensor([[[[2, 3, 1, 2, 3, 1, 2]]]])
    """

    mode, dimensions = "circular", 3
