"""DropBlock: dropout of whole squares, since a pixel's neighbours know what it knew.

Ghiasi, Lin and Le, "DropBlock: A regularization method for convolutional networks", 2018.
"""

from __future__ import annotations

import math

from .. import nn
from ..nn import functional as F
from ..ops import empty
from ..tensor import Tensor


def _drop_block(
    input: Tensor, p: float, block_size: int, inplace: bool, eps: float, training: bool, axes: int
) -> Tensor:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}.")
    if input.ndim != axes + 2:
        raise ValueError(
            f"input should be {axes + 2} dimensional. Got {input.ndim} dimensions: "
            f"shape {tuple(input.shape)}"
        )
    if not training or p == 0.0:
        return input
    N, C, *size = input.shape
    side = min(block_size, *size)
    # As many blocks that p of all places are in one, as if none of them met another.
    places = [n - side + 1 for n in size]
    gamma = p * math.prod(size) / (side**axes * math.prod(places))
    starts = empty((N, C, *places), dtype=input.dtype, device=input.device).bernoulli_(gamma)
    starts = F.pad(starts, [side - 1] * (2 * axes), value=0)
    pool = F.max_pool2d if axes == 2 else F.max_pool3d
    stays = 1 - pool(starts, kernel_size=side, stride=1)
    scale = stays.numel() / (eps + stays.sum())
    return input.mul_(stays).mul_(scale) if inplace else input * stays * scale


def drop_block2d(
    input: Tensor,
    p: float,
    block_size: int,
    inplace: bool = False,
    eps: float = 1e-6,
    training: bool = True,
) -> Tensor:
    """Sets squares of block_size x block_size to 0 in each channel, about p of all places.

    input: (N, C, H, W). The rest is scaled up, so that the mean stays. Raises ValueError for a p
    outside of 0..1 and for another number of dimensions.

    >>> import minitorch_cnn as mt
    >>> drop_block2d(mt.ones(1, 1, 2, 2), p=1.0, block_size=2).sum()
    tensor(0.)
    """
    return _drop_block(input, p, block_size, inplace, eps, training, axes=2)


def drop_block3d(
    input: Tensor,
    p: float,
    block_size: int,
    inplace: bool = False,
    eps: float = 1e-6,
    training: bool = True,
) -> Tensor:
    """Sets cubes to 0 in each channel of (N, C, D, H, W); shapes and errors are those of
    `drop_block2d`.

    >>> import minitorch_cnn as mt
    >>> drop_block3d(mt.ones(1, 1, 2, 2, 2), p=1.0, block_size=2).sum()
    tensor(0.)
    """
    return _drop_block(input, p, block_size, inplace, eps, training, axes=3)


class DropBlock2d(nn.Module):
    """`drop_block2d` as a layer: shapes and errors are those of `drop_block2d`.

    >>> import minitorch_cnn as mt
    >>> DropBlock2d(p=0.1, block_size=3).eval()(mt.ones(1, 1, 1, 2))
    tensor([[[[1., 1.]]]])
    """

    def __init__(self, p: float, block_size: int, inplace: bool = False, eps: float = 1e-6) -> None:
        super().__init__()
        self.p = p
        self.block_size = block_size
        self.inplace = inplace
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        settings = self.p, self.block_size, self.inplace, self.eps, self.training
        return drop_block2d(input, *settings)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(p={self.p}, block_size={self.block_size}, "
            f"inplace={self.inplace})"
        )


class DropBlock3d(DropBlock2d):
    """`drop_block3d` as a layer: shapes and errors are those of `drop_block2d`, with a D before H.

    >>> import minitorch_cnn as mt
    >>> DropBlock3d(p=0.1, block_size=3).eval()(mt.ones(1, 1, 1, 1, 2))
    tensor([[[[[1., 1.]]]]])
    """

    def forward(self, input: Tensor) -> Tensor:
        settings = self.p, self.block_size, self.inplace, self.eps, self.training
        return drop_block3d(input, *settings)
