"""Reordering channels and pixels: pixel_shuffle, pixel_unshuffle, channel_shuffle."""

from __future__ import annotations

from ...tensor import Tensor, shape_text


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels become pixels: (..., C r^2, H, W) -> (..., C, H r, W r).

    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network" (2016).

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.pixel_shuffle(mt.arange(4.0).reshape(4, 1, 1), 2)
    tensor([[[0., 1.],
             [2., 3.]]])
    """
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise RuntimeError(
            f"pixel_shuffle expects its input's channel dimension to be divisible by the square "
            f"of upscale_factor, but got input {shape_text(input.shape)} and upscale_factor {r}"
        )
    *batch, channels, H, W = input.shape
    C = channels // (r * r)
    lead = len(batch)
    x = input.reshape(*batch, C, r, r, H, W)  # (..., C, r, r, H, W)
    order = (lead, lead + 3, lead + 1, lead + 4, lead + 2)
    x = x.permute(*range(lead), *order)  # (..., C, H, r, W, r)
    return x.reshape(*batch, C, H * r, W * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Pixels become channels: (..., C, H r, W r) -> (..., C r^2, H, W). Undoes pixel_shuffle."""
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-1] % r or input.shape[-2] % r:
        raise RuntimeError(
            "pixel_unshuffle expects height and width to be divisible by downscale_factor, but "
            f"got input {shape_text(input.shape)} and downscale_factor {r}"
        )
    *batch, C, height, width = input.shape
    H, W, lead = height // r, width // r, len(batch)
    x = input.reshape(*batch, C, H, r, W, r)  # (..., C, H, r, W, r)
    order = (lead, lead + 2, lead + 4, lead + 1, lead + 3)
    x = x.permute(*range(lead), *order)  # (..., C, r, r, H, W)
    return x.reshape(*batch, C * r * r, H, W)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Takes one channel of each group in turn: (N, C, ...), channels 0 1 2 | 3 4 5 -> 0 3 1 4 2 5.

    After grouped convolutions it lets the groups mix (Zhang et al., "ShuffleNet", 2018).

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.channel_shuffle(mt.arange(6.0).reshape(1, 6, 1), 2).flatten()
    tensor([0., 3., 1., 4., 2., 5.])
    """
    if input.ndim < 3:
        raise RuntimeError(
            "channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{shape_text(input.shape)}"
        )
    if groups <= 0 or input.shape[1] % groups:
        raise RuntimeError(
            "Number of channels must be divisible by groups. Got "
            f"{input.shape[1]} channels and {groups} groups."
        )
    N, C = input.shape[:2]
    x = input.reshape(N, groups, C // groups, *input.shape[2:])
    return x.transpose(1, 2).reshape(input.shape)
