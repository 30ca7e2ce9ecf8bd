"""Regions of interest: parts of feature maps, brought to one size.

boxes: (K, 5), the index of the image in the batch and (x1, y1, x2, y2); or a list with the (L, 4)
of each image. Their coordinates times `spatial_scale` are pixels of the feature map. They get no
gradient, and are looked at on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import nn
from ..backend import to_device, to_numpy
from ..ops import cat
from ..tensor import Tensor, wrap

Boxes = Tensor | Sequence[Tensor]


def _regions(name: str, input: Tensor, boxes: Boxes) -> tuple[np.ndarray, np.ndarray]:
    """(index of the image (K,), corners (K, 4) in the input's type)."""
    if input.ndim != 4:
        raise ValueError(f"{name} takes (N, C, H, W), got shape {tuple(input.shape)}")
    if isinstance(boxes, Tensor):
        if boxes.ndim != 2 or boxes.shape[1] != 5:
            raise ValueError(
                f"The boxes tensor shape is not correct as Tensor[K, 5]: {tuple(boxes.shape)}"
            )
        array = to_numpy(boxes.array).astype(input.array.dtype)
        index, corners = array[:, 0].astype(np.int64), array[:, 1:]
    else:
        if any(each.ndim != 2 or each.shape[1] != 4 for each in boxes):
            shapes = [tuple(each.shape) for each in boxes]
            raise ValueError(f"The shape of the tensor in the boxes list is not (L, 4): {shapes}")
        arrays = [to_numpy(each.array).astype(input.array.dtype) for each in boxes]
        index = np.repeat(np.arange(len(arrays)), [len(each) for each in arrays])
        corners = np.concatenate([*arrays, np.empty((0, 4), input.array.dtype)])
    if len(index) and not 0 <= index.min() <= index.max() < len(input):
        raise IndexError(f"{name}: a box is in image {index.max()} of a batch of {len(input)}")
    return index, corners


def _size_of(output_size: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(output_size, int):
        return output_size, output_size
    height, width = output_size
    return height, width


def _shares(low: Any, high: Any, bins: int, length: int, grid: int, whole: bool) -> np.ndarray:
    """(K, bins, length): the part that each of `length` pixels has in each of the bins.

    low, high: (K,), where each region begins and ends. In every bin `grid` points (below 1: one a
    pixel) are read between the two pixels next to them, and averaged.
    """
    kind = low.dtype.type
    extent = high - low if whole else np.maximum(high - low, 1)
    step = (extent / kind(bins)).astype(kind)
    points = np.full(len(low), grid) if grid > 0 else np.ceil(step).astype(np.int64)
    # Axes: the region, the bin, the point.
    number = np.arange(max(points.max(initial=0), 1))
    count = np.maximum(points, 1)[:, None, None]
    inside = ((number + kind(0.5)) * (step[:, None, None] / count)).astype(kind)
    place = (np.arange(bins)[:, None] * step[:, None, None]).astype(kind)
    place = low[:, None, None] + place + inside
    counts = (number < points[:, None, None]) & (place >= -1) & (place <= length)
    place = np.clip(np.where(counts, place, 0), 0, length - 1)
    before = np.floor(place).astype(np.int64)
    after = np.minimum(before + 1, length - 1)
    weight = counts / count
    shares = np.zeros((len(low), bins, length), low.dtype)
    where = np.arange(len(low))[:, None, None], np.arange(bins)[:, None]
    np.add.at(shares, (*where, before), weight * (1 - (place - before)))
    np.add.at(shares, (*where, after), weight * (place - before))
    return shares


def roi_align(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """The mean over each cell of a grid laid on every box, between pixels: (K, C, OH, OW).

        input           (N, C, H, W)
        boxes           (K, 5), or a list of (L, 4) for each image; see above
        output_size     (OH, OW), or one number
        sampling_ratio  points along each side of a cell; below 1: one a pixel
        aligned         pixels are measured from their middles, so that boxes lie exactly

    What is more than a pixel outside of the image is 0. Raises ValueError for other shapes,
    IndexError for a box in an image that is not there. He et al., "Mask R-CNN", 2017.

    >>> import minitorch_cnn as mt
    >>> image = mt.arange(16.0).reshape(1, 1, 4, 4)
    >>> roi_align(image, [mt.tensor([[0.0, 0.0, 4.0, 4.0]])], 2, aligned=True)
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """
    index, corners = _regions("roi_align", input, boxes)
    (OH, OW), (_, C, H, W) = _size_of(output_size), input.shape
    scale, half = corners.dtype.type(spatial_scale), corners.dtype.type(0.5 if aligned else 0)
    x1, y1, x2, y2 = (corners * scale - half).T
    # A point between pixels is a mean along y of means along x: both are products of matrices.
    down = _shares(y1, y2, OH, H, sampling_ratio, aligned)
    across = _shares(x1, x2, OW, W, sampling_ratio, aligned)

    def cells(image: int, here: np.ndarray) -> Tensor:
        L = len(here)
        left = to_device(down[here].reshape(L * OH, H), input.device)
        right = to_device(across[here].transpose(0, 2, 1), input.device)  # (L, W, OW)
        rows = wrap(left) @ input[image]  # (C, L*OH, W)
        found = rows.reshape(C, L, OH, W) @ wrap(right)
        return found.transpose(0, 1)  # (L, C, OH, OW)

    return _each_image(input, index, (C, OH, OW), cells)


def _each_image(
    input: Tensor,
    index: np.ndarray,
    shape: tuple[int, int, int],
    cells: Callable[[int, np.ndarray], Tensor],
) -> Tensor:
    """(K, C, OH, OW) in the order of the boxes, from cells(image, its boxes' numbers).

    shape: (C, OH, OW). Without boxes the result has none, and its gradient is zeros.
    """
    parts, order = [], []
    for image in np.unique(index):
        (here,) = np.nonzero(index == image)
        parts.append(cells(int(image), here))
        order.append(here)
    if not parts:
        return input.new_zeros((0, *shape)) + 0 * input.sum()
    back = np.argsort(np.concatenate(order))
    return cat(parts)[wrap(to_device(back, input.device))]


def roi_pool(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
) -> Tensor:
    """The maximum of each cell of a grid laid on every box, of whole pixels: (K, C, OH, OW).

    input: (N, C, H, W); boxes: (K, 5), or a list of (L, 4) for each image; output_size: (OH, OW),
    or one number. An empty cell is 0. Raises ValueError for other shapes, IndexError for a box in
    an image that is not there. Girshick, "Fast R-CNN", 2015.

    >>> import minitorch_cnn as mt
    >>> image = mt.arange(16.0).reshape(1, 1, 4, 4)
    >>> roi_pool(image, [mt.tensor([[0.0, 0.0, 3.0, 3.0]])], 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    index, corners = _regions("roi_pool", input, boxes)
    (OH, OW), (_, C, H, W) = _size_of(output_size), input.shape
    x1, y1, x2, y2 = _rounded(corners, spatial_scale).T
    rows = _cells(y1, y2 - y1 + 1, OH, H)
    columns = _cells(x1, x2 - x1 + 1, OW, W)
    values = to_numpy(input.array)
    # Which pixel of its image is the largest of a cell; of an empty cell it counts 0 times.
    place, there = np.zeros((len(index), C, OH, OW), np.int64), np.zeros((len(index), 1, OH, OW))
    for k, image in enumerate(index):
        for i, (top, bottom) in enumerate(rows[k]):
            for j, (left, right) in enumerate(columns[k]):
                if top < bottom and left < right:
                    cell = values[image, :, top:bottom, left:right].reshape(C, -1)
                    y, x = np.divmod(cell.argmax(axis=1), right - left)
                    place[k, :, i, j], there[k, :, i, j] = (top + y) * W + left + x, 1
    number, channel = index[:, None, None, None], np.arange(C)[:, None, None]
    flat = wrap(to_device((number * C + channel) * (H * W) + place, input.device))
    empty = wrap(to_device(there.astype(values.dtype), input.device))
    return input.contiguous().reshape(-1)[flat] * empty


def _rounded(corners: np.ndarray, scale: float) -> np.ndarray:
    """The nearest whole pixels, halves away from 0."""
    moved = corners * corners.dtype.type(scale)
    return np.trunc(moved + np.copysign(corners.dtype.type(0.5), moved)).astype(np.int64)


def _cells(first: np.ndarray, extent: np.ndarray, bins: int, length: int) -> np.ndarray:
    """(K, bins, 2): where each cell of `extent` pixels begins and ends, within 0..length."""
    step = (np.maximum(extent, 1).astype(np.float32) / np.float32(bins))[:, None]
    number = np.arange(bins, dtype=np.float32)
    ends = np.stack([np.floor(number * step), np.ceil((number + 1) * step)], axis=-1)
    return (ends.astype(np.int64) + first[:, None, None]).clip(0, length)


class _OnRegions(nn.Module):
    """A function of (input, boxes, *settings) as a layer, whose attributes the settings are."""

    output_size: int | Sequence[int]
    spatial_scale: float

    def __init__(self, function: Callable[..., Tensor], **settings: Any) -> None:
        super().__init__()
        self._function, self._names = function, tuple(settings)
        for name, value in settings.items():
            setattr(self, name, value)

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._names}

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        return self._function(input, rois, **self._settings())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self._settings().items())
        return f"{type(self).__name__}({shown})"


class RoIAlign(_OnRegions):
    """`roi_align` as a layer: shapes and errors are those of `roi_align`.

    >>> import minitorch_cnn as mt
    >>> layer = RoIAlign(2, spatial_scale=0.5, sampling_ratio=2)
    >>> layer(mt.zeros(1, 3, 8, 8), [mt.tensor([[0.0, 0.0, 8.0, 8.0]])]).shape
    minitorch_cnn.Size([1, 3, 2, 2])
    """

    sampling_ratio: int
    aligned: bool

    def __init__(
        self,
        output_size: int | Sequence[int],
        spatial_scale: float,
        sampling_ratio: int,
        aligned: bool = False,
    ) -> None:
        super().__init__(
            roi_align,
            output_size=output_size,
            spatial_scale=spatial_scale,
            sampling_ratio=sampling_ratio,
            aligned=aligned,
        )


class RoIPool(_OnRegions):
    """`roi_pool` as a layer: shapes and errors are those of `roi_pool`.

    >>> import minitorch_cnn as mt
    >>> layer = RoIPool(2, spatial_scale=0.5)
    >>> layer(mt.zeros(1, 3, 8, 8), [mt.tensor([[0.0, 0.0, 8.0, 8.0]])]).shape
    minitorch_cnn.Size([1, 3, 2, 2])
    """

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float) -> None:
        super().__init__(roi_pool, output_size=output_size, spatial_scale=spatial_scale)
