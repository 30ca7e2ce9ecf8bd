"""Resizing layers."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from ..functional import channel_shuffle, interpolate, pixel_shuffle, pixel_unshuffle
from .module import Module

__all__ = [
    "Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d", "PixelShuffle", "PixelUnshuffle",
    "ChannelShuffle",
]  # fmt: skip


class Upsample(Module):
    """Resizes (N, C, L), (N, C, H, W) or (N, C, D, H, W) to `size` or by `scale_factor`.

    size: the new lengths; scale_factor: how many times larger, a number or one for each dimension.
    mode: "nearest", "nearest-exact" and "area" for all, "linear" for L, "bilinear" and "bicubic"
    for H, W, "trilinear" for D, H, W. align_corners: the outer pixels' centres stay in place, not
    their outer edges. recompute_scale_factor: see `functional.interpolate`. Raises ValueError
    when called unless one of size and scale_factor is given, or for align_corners with a mode that
    does not interpolate; NotImplementedError for another mode; RuntimeError for a size of 0.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Upsample(scale_factor=2)(mt.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    >>> mt.nn.Upsample(size=(1, 4), mode="bilinear")(mt.tensor([[[[0.0, 4.0]]]]))
    tensor([[[[0., 1., 3., 4.]]]])
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.mode = size, mode
        if isinstance(scale_factor, list | tuple):
            self.scale_factor: Any = tuple(float(each) for each in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        if self.scale_factor is not None:
            return f"scale_factor={self.scale_factor!r}, mode={self.mode!r}"
        return f"size={self.size!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Each pixel repeated: `Upsample` of mode "nearest" for (N, C, H, W). Errors as `Upsample`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.UpsamplingNearest2d(size=(1, 6))(mt.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 1., 2., 2., 2.]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` of mode "bilinear" for (N, C, H, W), with align_corners: the corner pixels stay.

    Errors as `Upsample`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.UpsamplingBilinear2d(size=(1, 3))(mt.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1.0000, 1.5000, 2.0000]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(Module):
    """Channels become pixels: (N, C r^2, H, W) -> (N, C, H r, W r), with r = upscale_factor.

    r^2 channels are the r x r pixels of a block. Raises RuntimeError if r^2 does not divide the
    channels. Shi et al., "Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network", 2016.

    >>> import minitorch_cnn as mt
    >>> mt.nn.PixelShuffle(2)(mt.arange(4.0).reshape(1, 4, 1, 1))
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Pixels become channels: (N, C, H r, W r) -> (N, C r^2, H, W), with r = downscale_factor.

    The inverse of `PixelShuffle`. Raises RuntimeError if r does not divide height and width.

    >>> import minitorch_cnn as mt
    >>> mt.nn.PixelUnshuffle(2)(mt.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])).flatten()
    tensor([0., 1., 2., 3.])
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Takes one channel of each group in turn, (N, C, ...) of any size: 012 345 -> 03 14 25.

    So groups that a grouped convolution keeps apart meet in the next one. Raises RuntimeError if
    groups does not divide C, or for less than 3 dimensions. Zhang et al., "ShuffleNet", 2018.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ChannelShuffle(2)(mt.arange(6.0).reshape(1, 6, 1)).flatten()
    tensor([0., 3., 1., 4., 2., 5.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
