"""Windows that move over images: how they are described, and how often one fits. No data here.

A convolution or a pooling looks at a window of the image, moves on by `stride` pixels, and looks
again. The image may have a border of zeros, `before` (above and on the left) and `after` it (below
and on the right); the numbers of a window may lie `dilation` pixels apart. Along one axis of 5
pixels (.), with a border of one (0) on either side, a window of 3 and stride 2 has 3 places:

    0 . . . . . 0
    [---]
        [---]
            [---]

All of it is said an axis at a time, so it holds for sequences, images and volumes: (L), (H, W) and
(D, H, W).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Pair = tuple[int, int]
Lengths = tuple[int, ...]  # one number for each axis


class ConvGeometry(NamedTuple):
    """How a convolution's window moves, in pixels; made by `conv_geometry`."""

    stride: Any
    before: Any  # zeros above and on the left
    after: Any  # zeros below and on the right
    dilation: Any
    groups: int

    def image(self) -> ConvGeometry:
        """The geometry of a volume's slices (the last two axes), or of a sequence as an image one
        pixel high.

        >>> conv_geometry(stride=2, padding=1, kernel_size=(3,)).image()
        ConvGeometry(stride=(1, 2), before=(0, 1), after=(0, 1), dilation=(1, 1), groups=1)
        """
        stride, before, after, dilation, groups = self
        return ConvGeometry(
            (1, *stride)[-2:], (0, *before)[-2:], (0, *after)[-2:], (1, *dilation)[-2:], groups
        )


class PoolGeometry(NamedTuple):
    """The windows of a pooling; out_size: how many there are along each axis."""

    kernel_size: Any
    stride: Any
    padding: Any  # on both sides
    dilation: Any
    out_size: Any

    def image(self) -> PoolGeometry:
        """As `ConvGeometry.image`."""
        kernel_size, stride, padding, dilation, out_size = self
        return PoolGeometry(
            (1, *kernel_size)[-2:],
            (1, *stride)[-2:],
            (0, *padding)[-2:],
            (1, *dilation)[-2:],
            (1, *out_size)[-2:],
        )

    def reach(self) -> Pair:
        """Rows and columns of the padded image that the windows cover."""
        (kh, kw), (sh, sw), _, (dh, dw), (oh, ow) = self
        return (oh - 1) * sh + dh * (kh - 1) + 1, (ow - 1) * sw + dw * (kw - 1) + 1


def numbers(name: str, value: int | Sequence[int], count: int) -> Lengths:
    """`count` ints of 64 bits from one, or from as many. Raises RuntimeError for anything else.

    >>> numbers("stride", 2, 3)
    (2, 2, 2)
    """
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    if len(values) == 1:
        values *= count
    if len(values) != count:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {count} values, one for "
            f"each dimension, but got {name}={list(values)}"
        )
    lengths = tuple(operator.index(each) for each in values)
    if any(not -(2**63) <= each < 2**63 for each in lengths):
        raise RuntimeError(f"{name} must fit into 64 bits, got {name}={list(lengths)}")
    return lengths


# Networks ask for the same few again and again: they are found by a look into a table.
@functools.lru_cache(1024, typed=True)
def conv_geometry(
    stride: int | Lengths = 1,
    padding: int | Lengths | str = 0,
    dilation: int | Lengths = 1,
    groups: int = 1,
    kernel_size: Lengths = (1, 1),
) -> ConvGeometry:
    """The geometry that torch's arguments describe, for as many axes as kernel_size has.

    stride, padding, dilation: one int, or one for each axis. padding is the border on both sides;
    "valid" is none, "same" as much as keeps the size (with stride 1; where it is odd, the extra
    pixel comes after). Raises RuntimeError for what makes no sense.

    >>> conv_geometry(padding="same", kernel_size=(2, 3))
    ConvGeometry(stride=(1, 1), before=(0, 1), after=(1, 1), dilation=(1, 1), groups=1)
    """
    count = len(kernel_size)
    stride, dilation = numbers("stride", stride, count), numbers("dilation", dilation, count)
    if min(stride) <= 0:
        raise RuntimeError(f"non-positive stride is not supported, got {list(stride)}")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported, got {groups}")
    if padding == "same":
        if set(stride) != {1}:
            raise RuntimeError(
                "padding='same' is not supported for strided convolutions, got "
                f"stride={list(stride)}"
            )
        # The output loses dilation (kernel - 1) pixels, which two equal sides may not make up.
        lost = [d * (k - 1) for d, k in zip(dilation, kernel_size, strict=True)]
        before, after = tuple(n // 2 for n in lost), tuple(n - n // 2 for n in lost)
        return ConvGeometry(stride, before, after, dilation, int(groups))
    if isinstance(padding, str):
        if padding != "valid":
            raise RuntimeError(
                f"Invalid padding string: {padding!r}; use 'valid', 'same' or numbers"
            )
        padding = 0
    before = numbers("padding", padding, count)
    if min(before) < 0:
        raise RuntimeError(f"negative padding is not supported, got {list(before)}")
    return ConvGeometry(stride, before, before, dilation, int(groups))


@functools.lru_cache(1024)
def output_size(size: Lengths, kernel_size: Lengths, geometry: ConvGeometry) -> Any:
    """(OH, OW): at how many places a window of KH x KW fits into the image of H x W.

    >>> output_size((5, 5), (3, 3), conv_geometry(stride=2, padding=1))
    (3, 3)
    """
    axes = zip(size, kernel_size, *geometry[:4], strict=True)
    return tuple(
        (length + before + after - dilation * (kernel - 1) - 1) // stride + 1
        for length, kernel, stride, before, after, dilation in axes
    )


@functools.lru_cache(1024)
def turned_geometry(kernel_size: Pair, geometry: ConvGeometry) -> ConvGeometry:
    """Of the convolution of gy that is the gradient of x, for stride 1.

    What lay k pixels into the window then lies as far from its other end: the borders, together
    dilation (kernel - 1), change places. They are negative where padding was wider than that.
    """
    reach = [d * (k - 1) for d, k in zip(geometry.dilation, kernel_size, strict=True)]
    before = tuple(r - b for r, b in zip(reach, geometry.before, strict=True))
    after = tuple(r - a for r, a in zip(reach, geometry.after, strict=True))
    return geometry._replace(before=before, after=after)


@functools.lru_cache(1024)
def kernel_positions(
    kernel_size: Pair, out_size: Pair, stride: Pair, dilation: Pair
) -> list[tuple[Pair, slice, slice]]:
    """For each position in the kernel: itself, and the rows and columns of the image under it.

    The image is padded already. In a 3x3 kernel with stride 2 and 4 outputs a row, position
    (0, 1) lies over columns 1, 3, 5 and 7, one for each output.
    """
    (sh, sw), (dh, dw), (OH, OW) = stride, dilation, out_size
    positions = []
    for kh in range(kernel_size[0]):
        rows = slice(kh * dh, kh * dh + (OH - 1) * sh + 1, sh)
        for kw in range(kernel_size[1]):
            columns = slice(kw * dw, kw * dw + (OW - 1) * sw + 1, sw)
            positions.append(((kh, kw), rows, columns))
    return positions


def slices(length: int, step: int) -> list[slice]:
    """0..length in pieces of `step`; the last one may be shorter.

    >>> slices(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def window_counts(size: Sequence[int], geometry: PoolGeometry, with_border: bool) -> np.ndarray:
    """(OH, OW): how many pixels each window of a pooling averages; a NumPy array.

    with_border: the border of `padding` pixels counts too, but never what a last window of
    ceil_mode reaches beyond it.
    """
    counts = []
    for length, kernel, stride, padding, count in zip(
        size,
        geometry.kernel_size,
        geometry.stride,
        geometry.padding,
        geometry.out_size,
        strict=True,
    ):
        start = np.arange(count) * stride - padding
        end = np.minimum(start + kernel, length + padding)
        if not with_border:
            start, end = np.maximum(start, 0), np.minimum(end, length)
        counts.append(end - start)
    return counts[0][:, None] * counts[1]


def adaptive_bins(length: int, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """First pixel and end of each bin: floor(i L / bins) and ceil((i + 1) L / bins).

    Bins overlap by a pixel where `bins` does not divide the length.

    >>> adaptive_bins(5, 2)
    (array([0, 2]), array([3, 5]))
    """
    i = np.arange(bins)
    return i * length // bins, -(-(i + 1) * length // bins)
