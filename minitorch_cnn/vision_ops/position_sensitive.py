"""Position-sensitive regions: each cell of the grid on a box reads channels of its own.

Of C = K OH OW channels, those of the cell (i, j) are (k OH + i) OW + j: the network has learned to
find the upper left part of an object in some, its middle in others. Dai et al., "R-FCN", 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..backend import to_device
from ..tensor import Tensor, wrap
from .regions import (
    Boxes,
    _cells,
    _each_image,
    _OnRegions,
    _regions,
    _rounded,
    _shares,
    _size_of,
)


def ps_roi_align(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
) -> Tensor:
    """The mean over each cell of a grid laid on every box, of that cell's channels, between pixels.

    input: (N, C, H, W), C a multiple of OH OW; the result is (K, C / (OH OW), OH, OW). boxes,
    output_size, spatial_scale, sampling_ratio and errors as `roi_align` with aligned=True;
    RuntimeError for another C.

    >>> import minitorch_cnn as mt
    >>> image = mt.arange(4.0).reshape(1, 4, 1, 1).expand(1, 4, 4, 4)  # channel c is full of c
    >>> ps_roi_align(image, [mt.tensor([[0.0, 0.0, 3.0, 3.0]])], 2)
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """
    index, corners = _regions("ps_roi_align", input, boxes)
    (OH, OW), (H, W) = _size_of(output_size), input.shape[2:]
    x1, y1, x2, y2 = (corners * corners.dtype.type(spatial_scale) - corners.dtype.type(0.5)).T
    down = _shares(y1, y2, OH, H, sampling_ratio, True)
    across = _shares(x1, x2, OW, W, sampling_ratio, True)
    return _own_channels(input, index, down, across)


def ps_roi_pool(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
) -> Tensor:
    """The mean of each cell of a grid laid on every box, of whole pixels and that cell's channels.

    input: (N, C, H, W), C a multiple of OH OW; the result is (K, C / (OH OW), OH, OW). An empty
    cell is 0; the last row and column of the image belong to none. boxes, output_size and errors
    as `roi_pool`; RuntimeError for another C. The gradient is that of these values: torchvision's
    counts the last row and column.

    >>> import minitorch_cnn as mt
    >>> image = mt.arange(4.0).reshape(1, 4, 1, 1).expand(1, 4, 4, 4)  # channel c is full of c
    >>> ps_roi_pool(image, [mt.tensor([[0.0, 0.0, 3.0, 3.0]])], 2)
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """
    index, corners = _regions("ps_roi_pool", input, boxes)
    (OH, OW), (H, W) = _size_of(output_size), input.shape[2:]
    x1, y1, x2, y2 = _rounded(corners, spatial_scale).T
    sides = []
    for low, high, bins, length in ((y1, y2, OH, H), (x1, x2, OW, W)):
        cells = _cells(low, high - low, bins, length - 1)[..., None]  # (K, bins, 2, 1)
        pixel = np.arange(length)
        inside = (cells[:, :, 0] <= pixel) & (pixel < cells[:, :, 1])
        share = inside / np.maximum(inside.sum(-1, keepdims=True), 1)
        sides.append(share.astype(corners.dtype))
    return _own_channels(input, index, *sides)


def _own_channels(input: Tensor, index: np.ndarray, down: np.ndarray, across: np.ndarray) -> Tensor:
    """Sums over the pixels of each cell's channels, with shares (K, OH, H) and (K, OW, W)."""
    (_, C, H, W), OH, OW = input.shape, down.shape[1], across.shape[1]
    if C % (OH * OW):
        raise RuntimeError(
            f"input channels must be a multiple of pooling height * pooling width, got {C} "
            f"channels and {OH} by {OW}"
        )
    channels = input.reshape(-1, C // (OH * OW), OH, OW, H, W)

    def cells(image: int, here: np.ndarray) -> Tensor:
        rows = to_device(down[here].transpose(1, 0, 2)[:, None], input.device)  # (OH, 1, L, H)
        columns = to_device(across[here].transpose(1, 0, 2), input.device)  # (OW, L, W)
        means = (wrap(rows) @ channels[image] * wrap(columns)).sum(-1)  # (C', OH, OW, L)
        return means.permute(3, 0, 1, 2)

    return _each_image(input, index, (C // (OH * OW), OH, OW), cells)


class PSRoIAlign(_OnRegions):
    """`ps_roi_align` as a layer: shapes and errors are those of `ps_roi_align`.

    >>> import minitorch_cnn as mt
    >>> layer = PSRoIAlign(2, spatial_scale=0.5, sampling_ratio=2)
    >>> layer(mt.zeros(1, 12, 8, 8), [mt.tensor([[0.0, 0.0, 8.0, 8.0]])]).shape
    minitorch_cnn.Size([1, 3, 2, 2])
    """

    sampling_ratio: int

    def __init__(
        self, output_size: int | Sequence[int], spatial_scale: float, sampling_ratio: int
    ) -> None:
        super().__init__(
            ps_roi_align,
            output_size=output_size,
            spatial_scale=spatial_scale,
            sampling_ratio=sampling_ratio,
        )


class PSRoIPool(_OnRegions):
    """`ps_roi_pool` as a layer: shapes and errors are those of `ps_roi_pool`.

    >>> import minitorch_cnn as mt
    >>> layer = PSRoIPool(2, spatial_scale=0.5)
    >>> layer(mt.zeros(1, 12, 8, 8), [mt.tensor([[0.0, 0.0, 8.0, 8.0]])]).shape
    minitorch_cnn.Size([1, 3, 2, 2])
    """

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float) -> None:
        super().__init__(ps_roi_pool, output_size=output_size, spatial_scale=spatial_scale)
