"""Regions out of a feature pyramid: each box is read at the level that fits its size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .. import nn
from ..backend import to_device, to_numpy
from ..ops import cat
from ..tensor import Tensor, wrap
from .boxes import box_area
from .regions import roi_align


class MultiScaleRoIAlign(nn.Module):
    """`roi_align` on the level of a feature pyramid that fits each box (Lin et al., 2017, eq. 1).

        featmap_names    which maps of the pyramid are used, from the finest to the coarsest
        canonical_scale  a box of this size is read at canonical_level

    Called with {name: (N, C, H, W)}, a list of boxes (L, 4) for each image and the (height, width)
    of each image; returns (K, C, OH, OW). Raises ValueError if no name is there.

    >>> import minitorch_cnn as mt
    >>> pool = MultiScaleRoIAlign(["0", "1"], output_size=3, sampling_ratio=2)
    >>> maps = {"0": mt.zeros(1, 5, 16, 16), "1": mt.zeros(1, 5, 8, 8)}
    >>> pool(maps, [mt.tensor([[0.0, 0.0, 40.0, 40.0]])], [(64, 64)]).shape
    minitorch_cnn.Size([1, 5, 3, 3])
    """

    def __init__(
        self,
        featmap_names: list[str],
        output_size: int | Sequence[int],
        sampling_ratio: int,
        *,
        canonical_scale: int = 224,
        canonical_level: int = 4,
    ) -> None:
        super().__init__()
        self.featmap_names = featmap_names
        self.sampling_ratio = sampling_ratio
        pair = (output_size, output_size) if isinstance(output_size, int) else tuple(output_size)
        self.output_size = pair
        self.canonical_scale = canonical_scale
        self.canonical_level = canonical_level

    def forward(
        self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        maps = [each for name, each in x.items() if name in self.featmap_names]
        if not maps or not image_shapes:
            raise ValueError(f"none of {self.featmap_names} in {list(x)}, or no image_shapes")
        tallest = max(height for height, _ in image_shapes)
        scales = [2.0 ** round(math.log2(each.shape[-2] / tallest)) for each in maps]
        index = np.repeat(np.arange(len(boxes)), [len(each) for each in boxes])
        corners = cat(boxes)
        column = wrap(to_device(index[:, None].astype(corners.array.dtype), corners.device))
        regions = cat([column, corners], dim=1)
        first, last = (-math.log2(scale) for scale in (scales[0], scales[-1]))
        with np.errstate(divide="ignore"):  # a box without area is read at the finest level
            size = np.sqrt(to_numpy(box_area(corners).array)) / self.canonical_scale
            level = np.floor(self.canonical_level + np.log2(size) + 1e-6)
        levels = level.clip(first, last).astype(np.int64) - int(first)
        parts, order = [], []
        for number, (each, scale) in enumerate(zip(maps, scales, strict=True)):
            (here,) = np.nonzero(levels == number)
            chosen = regions[wrap(to_device(here, corners.device))]
            parts.append(roi_align(each, chosen, self.output_size, scale, self.sampling_ratio))
            order.append(here)
        back = np.argsort(np.concatenate(order))
        return cat(parts)[wrap(to_device(back, corners.device))]

    def __repr__(self) -> str:
        return (
            f"MultiScaleRoIAlign(featmap_names={self.featmap_names}, "
            f"output_size={self.output_size}, sampling_ratio={self.sampling_ratio})"
        )
