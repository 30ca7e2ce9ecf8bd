"""Deformable convolution: each tap of the kernel reads at a place of its own, between pixels too.

Dai et al., "Deformable Convolutional Networks", 2017; with a mask, Zhu et al., "Deformable ConvNets
v2", 2018. As in every convolution, patches times weights. A patch's pixels come from four
neighbours each, weighted by how near they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import array_module, constant
from ..nn.modules.conv import _ConvNd
from ..ops.arithmetic import where
from ..ops.indexing import getitem
from ..ops.window import pair
from ..tensor import Tensor, wrap

Pair = int | tuple[int, int]


def deform_conv2d(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    mask: Tensor | None = None,
) -> Tensor:
    """A convolution whose taps are moved by `offset`, and weighted by `mask`: (N, K, OH, OW).

        input   (N, C, H, W)
        offset  (N, 2 * D * KH * KW, OH, OW): how far each tap is moved, in pixels, y before x;
                each of D groups of channels has its own
        weight  (K, C / groups, KH, KW), bias (K)
        mask    (N, D * KH * KW, OH, OW), 1 where None

    All of one floating dtype; all have gradients. What lies outside of the image is 0. Raises
    RuntimeError for shapes that do not fit.

    >>> import minitorch_cnn as mt
    >>> image = mt.arange(4.0).reshape(1, 1, 1, 4)
    >>> half_a_pixel = mt.tensor([0.0, 0.5]).reshape(1, 2, 1, 1).expand(1, 2, 1, 4)
    >>> deform_conv2d(image, half_a_pixel, mt.ones(1, 1, 1, 1))
    tensor([[[[0.5000, 1.5000, 2.5000, 1.5000]]]])
    """
    steps, margins = pair("stride", stride), pair("padding", padding)
    reaches = pair("dilation", dilation)
    D, OH, OW = _check(input, offset, weight, bias, steps, margins, reaches)
    (N, C, _, _), (K, _, KH, KW) = input.shape, weight.shape
    groups, T = C // weight.shape[1], KH * KW
    if mask is not None and mask.shape != (N, D * T, OH, OW):
        raise RuntimeError(
            f"mask.shape should be {(N, D * T, OH, OW)} to fit the offset, the kernel and the "
            f"output, got {tuple(mask.shape)}"
        )
    moved = offset.reshape(N, D, T, 2, OH, OW)
    places = []
    taps = np.divmod(np.arange(T), KW)  # row and column of each tap
    for axis, length in enumerate((OH, OW)):
        out = np.arange(length) * steps[axis] - margins[axis]
        along = out.reshape((-1, 1) if axis == 0 else (1, -1))
        regular = (taps[axis] * reaches[axis]).reshape(T, 1, 1) + along  # (T, OH or 1, ...)
        here = wrap(constant(regular, input.array, input.array.dtype))
        places.append(moved[:, :, :, axis] + here)  # (N, D, T, OH, OW)
    patches = _between_pixels(input.reshape(N, D, C // D, *input.shape[2:]), *places)
    if mask is not None:
        patches = patches * mask.reshape(N, D, 1, T, OH, OW)
    # (N, D, C/D, T, OH, OW) -> (N, G, C/G * T, OH * OW)
    patches = patches.reshape(N, groups, C // groups * T, OH * OW)
    y = weight.reshape(groups, K // groups, C // groups * T) @ patches  # (N, G, K/G, OH * OW)
    y = y.reshape(N, K, OH, OW)
    return y if bias is None else y + bias.reshape(K, 1, 1)


def _between_pixels(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """The values of (N, D, C, H, W) at the places (N, D, T, OH, OW): (N, D, C, T, OH, OW)."""
    xp = array_module(image.array)
    N, D, _, H, W = image.shape
    top, left = y.detach().floor(), x.detach().floor()
    number, group = (
        xp.arange(length).reshape(shape)
        for length, shape in ((N, (-1, 1, 1, 1, 1)), (D, (-1, 1, 1, 1)))
    )
    total: Any = None
    for row, nearness_y in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, nearness_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            i, j = row.array, column.array
            inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)  # NaN is outside
            rows, columns = (xp.where(inside, each, 0).astype(np.int64) for each in (i, j))
            # An index of arrays around a slice: the result is (N, D, T, OH, OW, C).
            index = (wrap(number), wrap(group), slice(None), wrap(rows), wrap(columns))
            there = wrap(inside)
            pixels = where(there.unsqueeze(-1), getitem(image, index), 0.0)
            nearness = where(there, nearness_y * nearness_x, 0.0)  # of an infinite place: NaN
            part = pixels * nearness.unsqueeze(-1)
            total = part if total is None else total + part
    return total.movedim(-1, 2)


def _check(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[int, int, int]:
    """(D, OH, OW): the groups of offsets and the size of the output."""
    for name, value, ndim in (("input", input, 4), ("offset", offset, 4), ("weight", weight, 4)):
        if value.ndim != ndim:
            raise RuntimeError(f"{name} should have {ndim} dimensions, got {tuple(value.shape)}")
        if value.dtype is not input.dtype or not value.is_floating_point():
            raise RuntimeError(
                f"{name} should be of the input's floating dtype {input.dtype}, got {value.dtype}"
            )
    (N, C, H, W), (K, part, KH, KW) = input.shape, weight.shape
    if offset.shape[1] < 2 * KH * KW:
        raise RuntimeError(
            "the shape of the offset tensor at dimension 1 is not valid. It should be a multiple "
            f"of 2 * weight.size[2] * weight.size[3].\nGot offset.shape[1]={offset.shape[1]}, "
            f"while 2 * weight.size[2] * weight.size[3]={2 * KH * KW}"
        )
    for name, values, least in (
        ("kernel", (KH, KW), 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        if min(values) < least:
            raise RuntimeError(f"{name} should be at least {least}, got {values}")
    D = offset.shape[1] // (2 * KH * KW)
    if part == 0 or C % part or K % (C // part):
        raise RuntimeError(
            f"weight of shape {tuple(weight.shape)} does not fit an input of {C} channels"
        )
    if C % D:
        raise RuntimeError(f"input of {C} channels does not divide into {D} groups of offsets")
    OH, OW = (
        (length + 2 * pad - (reach * (size - 1) + 1)) // step + 1
        for length, pad, reach, size, step in zip(
            (H, W), padding, dilation, (KH, KW), stride, strict=True
        )
    )
    if offset.shape != (N, 2 * D * KH * KW, OH, OW) or min(OH, OW) < 1:
        raise RuntimeError(
            f"offset.shape should be {(N, 2 * D * KH * KW, OH, OW)} with an output of at least one "
            f"pixel, got {tuple(offset.shape)}"
        )
    if bias is not None and bias.shape != (K,):
        raise RuntimeError(f"bias.shape should be {(K,)}, got {tuple(bias.shape)}")
    return D, OH, OW


class DeformConv2d(_ConvNd):
    """`deform_conv2d` as a layer, called with (input, offset, mask); it learns weight and bias.

    weight: (out_channels, in_channels / groups, KH, KW); bias: (out_channels). Both start as in
    `nn.Conv2d`. Raises ValueError for channels that groups does not divide; shapes and other
    errors are those of `deform_conv2d`.

    >>> import minitorch_cnn as mt
    >>> layer = DeformConv2d(3, 8, 3, padding=1)
    >>> layer(mt.ones(2, 3, 5, 5), mt.zeros(2, 18, 5, 5)).shape
    minitorch_cnn.Size([2, 8, 5, 5])
    """

    dimensions = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        sizes = kernel_size, stride, padding, dilation
        super().__init__(in_channels, out_channels, *sizes, groups, bias)

    def forward(self, input: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        settings = self.stride, self.padding, self.dilation
        return deform_conv2d(input, offset, self.weight, self.bias, *settings, mask)
