"""Torch's "Vision functions" beyond resize.py: pixel_shuffle, grid_sample, affine_grid, ...

grid_sample takes pixels at any places, between pixels too: Jaderberg et al., "Spatial transformer
networks", 2015. A place is a pair (x, y), or (x, y, z) in a volume: -1 is the left, upper (front)
end of the image and 1 the other. The value there is a sum of the pixels around it, with weights
that depend on the place; so both have gradients.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...backend import array_module, constant
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..common import same_device
from ..creation import even_steps
from ..indexing import getitem
from ..memory_format import lies_by_pixels

__all__ = ["pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "grid_sample", "affine_grid"]


# ------------------------------------------------------------- pixels and channels in another order


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels become pixels: (..., C r^2, H, W) -> (..., C, H r, W r), r the upscale_factor.

    Any dtype. Raises RuntimeError for fewer than three dimensions, an r below 1 or channels that
    r^2 does not divide. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an
    Efficient Sub-Pixel Convolutional Neural Network" (2016).

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
    if _by_pixels(input):
        x = input.permute(0, 2, 3, 1).reshape(*batch, H, W, C, r, r)
        x = x.permute(0, 1, 4, 2, 5, 3).reshape(*batch, H * r, W * r, C)
        return x.permute(0, 3, 1, 2)
    lead = len(batch)
    x = input.reshape(*batch, C, r, r, H, W)  # (..., C, r, r, H, W)
    order = (lead, lead + 3, lead + 1, lead + 4, lead + 2)
    x = x.permute(*range(lead), *order)  # (..., C, H, r, W, r)
    return x.reshape(*batch, C, H * r, W * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Pixels become channels: (..., C, H r, W r) -> (..., C r^2, H, W). Undoes pixel_shuffle.

    r is the downscale_factor. Any dtype. Raises RuntimeError for fewer than three dimensions, an r
    below 1, or a height or width that r does not divide.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[0.0, 1.0], [2.0, 3.0]]])
    >>> mt.nn.functional.pixel_unshuffle(x, 2).shape
    minitorch_cnn.Size([4, 1, 1])
    >>> mt.nn.functional.pixel_unshuffle(x, 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-1] % r or input.shape[-2] % r:
        raise RuntimeError(
            "pixel_unshuffle expects height and width to be divisible by downscale_factor, but "
            f"got input {shape_text(input.shape)} and downscale_factor {r}"
        )
    *batch, C, height, width = input.shape
    H, W, lead = height // r, width // r, len(batch)
    if _by_pixels(input):
        x = input.permute(0, 2, 3, 1).reshape(*batch, H, r, W, r, C)
        x = x.permute(0, 1, 3, 5, 2, 4).reshape(*batch, H, W, C * r * r)
        return x.permute(0, 3, 1, 2)
    x = input.reshape(*batch, C, H, r, W, r)  # (..., C, H, r, W, r)
    order = (lead, lead + 2, lead + 4, lead + 1, lead + 3)
    x = x.permute(*range(lead), *order)  # (..., C, r, r, H, W)
    return x.reshape(*batch, C * r * r, H, W)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Takes one channel of each group in turn: (N, C, ...), channels 0 1 2 | 3 4 5 -> 0 3 1 4 2 5.

    After grouped convolutions it lets the groups mix (Zhang et al., "ShuffleNet", 2018). Raises
    RuntimeError for fewer than three dimensions, or channels that groups does not divide.

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


def _by_pixels(input: Tensor) -> bool:
    """Whether these are images that lie by pixels, as the result then does."""
    return input.ndim == 4 and lies_by_pixels(input.array)


# ---------------------------------------------------------------------------- pixels from any place


MODES = ("bilinear", "nearest", "bicubic")


PADDING_MODES = ("zeros", "border", "reflection")


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The values of images (N, C, H, W) at the places grid (N, OH, OW, 2): (N, C, OH, OW).

    Volumes (N, C, D, H, W) with grid (N, OD, OH, OW, 3) as well. mode: "bilinear", "nearest" or
    "bicubic" (images only). padding_mode: what is outside the image: "zeros", the "border"
    continued, or the image's "reflection". align_corners: -1 and 1 are the centres of the corner
    pixels (True) or the image's corners (False, the default, with a warning). Raises ValueError for
    another mode or padding_mode, RuntimeError for shapes or dtypes that do not fit.

    >>> import minitorch_cnn as mt
    >>> image = mt.tensor([[[[0.0, 10.0]]]])
    >>> places = mt.tensor([[[[-1.0, 0.0], [0.0, 0.0], [0.5, 0.0]]]])
    >>> mt.nn.functional.grid_sample(image, places, align_corners=True)
    tensor([[[[0.0000, 5.0000, 7.5000]]]])
    """
    _check(input, grid, mode, padding_mode)
    align_corners = _corners("grid_sample", align_corners)
    lengths = input.shape[2:]
    # The grid counts x, y, z; the dimensions of the image are (D,) H, W.
    places = [grid[..., axis] for axis in reversed(range(len(lengths)))]  # each (N, OH, OW)
    pixels = []
    for place, length in zip(places, lengths, strict=True):
        pixel = ((place + 1) * length - 1) / 2
        if align_corners:
            pixel = (place + 1) * ((length - 1) / 2)
        if mode != "bicubic":
            pixel = _into_image(pixel, length, padding_mode, align_corners)
        pixels.append(pixel)

    # For each axis the neighbours to read: their places (integers) and weights.
    taps = [_taps(pixel, mode) for pixel in pixels]
    total: Any = None
    for neighbour in itertools.product(*taps):
        index = [place for place, _ in neighbour]
        if mode == "bicubic":  # here each neighbour by itself is brought into the image
            index = [
                _into_image(place, length, padding_mode, align_corners)
                for place, length in zip(index, lengths, strict=True)
            ]
        weight = neighbour[0][1]
        for _, factor in neighbour[1:]:
            weight = weight * factor
        part = _read(input, index) * weight.unsqueeze(1)
        total = part if total is None else total + part
    return total


def _taps(pixel: Tensor, mode: str) -> list[tuple[Tensor, Tensor]]:
    """(place, weight) of the neighbours of a position along one axis; places without gradient."""
    if mode == "nearest":
        nearest = pixel.detach().round()
        flat = where(pixel.isfinite(), pixel * 0, 0.0)  # NaN and inf are outside, and read as 0
        return [(nearest, flat + 1)]
    first = pixel.detach().floor()
    t = pixel - first  # how far to the next pixel, 0 <= t < 1
    if mode == "bilinear":
        return [(first, 1 - t), (first + 1, t)]
    distances = (1 + t, t, 1 - t, 2 - t)
    return [(first + k - 1, _cubic(d, near=k in (1, 2))) for k, d in enumerate(distances)]


def _cubic(d: Tensor, near: bool) -> Tensor:
    """Keys' cubic convolution kernel with a = -0.75 at distance d, up to 1 (near) or 2."""
    a = -0.75
    if near:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a


def _into_image(pixel: Tensor, length: int, padding_mode: str, align_corners: bool) -> Tensor:
    """Positions outside the image brought into it: to its border, or mirrored."""
    if padding_mode == "zeros":
        return pixel
    if padding_mode == "reflection":
        # Mirrors at the centres of the corner pixels, or at the corners, half a pixel outside.
        low, high = (0.0, length - 1.0) if align_corners else (-0.5, length - 0.5)
        span = high - low
        if span == 0:
            pixel = pixel * 0
        else:
            distance = (pixel - low).abs()
            flips = (distance.detach() / span).floor()
            rest = distance - flips * span
            pixel = where(flips % 2 == 0, rest + low, high - rest)
    # As in torch, the gradient is 0 from the border on.
    inside = (pixel.detach() > 0) & (pixel.detach() < length - 1)
    border = pixel.detach().clamp(0, length - 1)
    return where(inside, pixel, border)


def _read(input: Tensor, index: list[Tensor]) -> Tensor:
    """The pixels (N, C, OH, OW) at whole places; 0 outside."""
    xp = array_module(input.array)
    outside: Any = False
    places = []
    for position, length in zip(index, input.shape[2:], strict=True):
        array = position.detach().array
        outside = outside | ~((array >= 0) & (array < length))  # NaN is outside
        places.append(xp.where(outside, 0, array).astype(np.int64))
    shape = outside.shape  # (N, OH, OW)
    image = xp.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    whole = slice(None)
    # An index of arrays around a slice: the result is (N, OH, OW, C).
    values = getitem(input, (wrap(image), whole, *map(wrap, places))).movedim(-1, 1)
    return where(wrap(outside).unsqueeze(1), 0.0, values)


def _check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    if mode not in MODES:
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: {mode!r}"
        )
    if padding_mode not in PADDING_MODES:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: {padding_mode!r}"
        )
    same_device(input, grid)
    if input.dtype is not grid.dtype or not input.dtype.is_floating_point:
        raise RuntimeError(
            "grid_sampler(): expected input and grid to have same dtype, but input has "
            f"{input.dtype} and grid has {grid.dtype}"
        )
    dims, sizes = input.ndim - 2, f"sizes {shape_text(input.shape)}"
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with "
            f"{sizes} and grid with sizes {shape_text(grid.shape)}"
        )
    if grid.shape[-1] != dims:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {dims} in last dimension, but got grid "
            f"with sizes {shape_text(grid.shape)}"
        )
    if dims not in (2, 3) or grid.ndim != input.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but "
            f"got input with {sizes} and grid with sizes {shape_text(grid.shape)}"
        )
    if 0 in input.shape[2:]:
        raise RuntimeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has "
            f"{sizes} with dimension {input.shape.index(0, 2)} being empty"
        )
    if mode == "bicubic" and dims == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def _corners(function: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(
            f"Default {function} behavior is align_corners=False; please specify it explicitly.",
            stacklevel=3,
        )
    return bool(align_corners)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The places that an affine map theta (N, 2, 3) sends the pixels of an image to.

    size: (N, C, H, W) of the result of `grid_sample`. Returns (N, H, W, 2); for volumes theta is
    (N, 3, 4), size (N, C, D, H, W) and the result (N, D, H, W, 3). align_corners: as there. Raises
    ValueError for a theta of another shape or of integers or a size not above 0, RuntimeError for
    another N, NotImplementedError for another number of dimensions.

    >>> import minitorch_cnn as mt
    >>> turn_around = mt.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> grid = mt.nn.functional.affine_grid(turn_around, (1, 1, 1, 2), align_corners=False)
    >>> mt.nn.functional.grid_sample(mt.tensor([[[[1.0, 2.0]]]]), grid, align_corners=False)
    tensor([[[[2., 1.]]]])
    """
    if not theta.dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    size = tuple(size)
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {shape_text(size)}."
        )
    if theta.ndim != 3 or theta.shape[1:] != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size "
            f"{shape_text(size)}. Got {theta.shape!r}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {shape_text(size)}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{size[0]}, "
            f"{dims + 1}] but got: [{theta.shape[0]}, {dims + 1}]."
        )
    align_corners = _corners("affine_grid", align_corners)
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "align_corners=True: along an axis of one pixel its place is 0, not -1. See the "
            "documentation of affine_grid for details.",
            stacklevel=2,
        )
    lines = []
    kind = theta.array.dtype
    for length in size[2:]:
        # Rounded as torch rounds it: grid_sample's gradient jumps at the centres of pixels, which
        # is where the points are before anything is learned.
        centres = even_steps(-1.0, 1.0, length, kind) if length > 1 else np.zeros(1, kind)
        lines.append(
            centres if align_corners else centres * kind.type(length - 1) / kind.type(length)
        )
    # x first, and a 1 for the shift: (pixels, dims + 1)
    axes = np.meshgrid(*lines, indexing="ij")
    base = np.stack([*(each.reshape(-1) for each in reversed(axes)), np.ones(axes[0].size)], 1)
    points = wrap(constant(base, theta.array, kind))
    return (points @ theta.transpose(1, 2)).reshape(size[0], *size[2:], dims)
