"""Unfold and Fold: patches of images as columns, and back."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from ..functional import fold, unfold
from .module import Module

__all__ = ["Unfold", "Fold"]


class Unfold(Module):
    """Every patch as a column: (N, C, H, W) -> (N, C*KH*KW, L), L patches; N may be missing.

    kernel_size, dilation, padding, stride: one int or (vertical, horizontal). A convolution is the
    weight as a matrix (K, C*KH*KW) times this. Raises RuntimeError for other dimensions, and if no
    patch fits.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Unfold(2)(mt.arange(6.0).reshape(1, 1, 2, 3))  # 0 1 3 4, and 1 2 4 5
    tensor([[[0., 1.],
             [1., 2.],
             [3., 4.],
             [4., 5.]]])
    """

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Module):
    """Adds patches up to an image: (N, C*KH*KW, L) -> (N, C, H, W); N may be missing.

    The transpose of `Unfold`: where patches overlap, their values are added.
    output_size: (H, W). Raises RuntimeError if the columns are not what Unfold would make of it.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Fold((2, 3), 2)(mt.ones(1, 4, 2))  # the two patches share the middle
    tensor([[[[1., 2., 1.],
              [1., 2., 1.]]]])
    """

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )
