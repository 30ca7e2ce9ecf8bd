"""What all image data sets have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ..utils.data import Dataset, ImageBatch


class VisionDataset(Dataset):
    """A data set of (image, target), with an optional transform for each.

    transform: called with the PIL image; target_transform: called with the target.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ):
        self.root = os.path.expanduser(root)
        self.transform = transform
        self.target_transform = target_transform

    def _transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__()")

    def extra_repr(self) -> str:
        """Further lines for the repr, for subclasses to write."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transform is not None:
            lines.append(f"Transform: {self.transform!r}")
        if self.target_transform is not None:
            lines.append(f"Target transform: {self.target_transform!r}")
        body = "\n".join(lines).replace("\n", "\n    ")
        return f"Dataset {type(self).__name__}\n    {body}"


class ArrayDataset(VisionDataset):
    """Images that all lie in one array: `data` is uint8 (N, H, W, C) or (N, H, W), `targets`
    holds N ints.

    Both are read anew for every sample, so they may be cut or replaced.
    """

    data: Any
    targets: Any
    train: bool

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = Image.fromarray(np.asarray(self.data)[index])
        return self._transformed(image, int(self._labels()[index]))

    def __getitems__(self, indices: Sequence[int]) -> Sequence[Any]:
        """Many samples at once; without transforms they stay in one array (`ImageBatch`)."""
        # A subclass that overrides __getitem__ expects its own to be called.
        own_getitem = type(self).__getitem__ is not ArrayDataset.__getitem__
        if own_getitem or self.transform is not None or self.target_transform is not None:
            return [self[index] for index in indices]
        images = np.asarray(self.data)[indices]
        if images.ndim == 3:
            images = images[..., np.newaxis]
        labels = self._labels()
        chosen = np.array([labels[index] for index in indices], dtype=np.int64)
        return ImageBatch(images, chosen)

    def _labels(self) -> Sequence[int] | np.ndarray:
        # A tensor is indexed much faster as an array; a long list would be slow to convert.
        return self.targets if isinstance(self.targets, list) else np.asarray(self.targets)

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"
