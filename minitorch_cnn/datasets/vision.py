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

    transform: called with the PIL image, of any size; target_transform: called with the target.
    transforms: called with both, in their place; ValueError for both ways at once.
    Subclasses write `__getitem__`, which ends with ``return self._transformed(image, target)``, and
    `__len__`, which raises NotImplementedError until then.

    >>> import minitorch_cnn as mt
    >>> data = mt.datasets.Shapes(size=2, transform=mt.transforms.ToTensor(), image_size=8)
    >>> isinstance(data, VisionDataset), data[0][0].shape
    (True, minitorch_cnn.Size([3, 8, 8]))
    >>> data
    Dataset Shapes
        Number of datapoints: 2
        Split: Train
        Transform: ToTensor()
    """

    transforms: Callable[[Any, Any], Any] | None = None

    def __init__(
        self,
        root: str | os.PathLike[str],
        transforms: Callable[[Any, Any], Any] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ):
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError(
                "Only transforms or transform/target_transform can be passed as argument"
            )
        self.root = os.path.expanduser(root)
        self.transforms = transforms
        self.transform = transform
        self.target_transform = target_transform

    def _transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        if self.transforms is not None:
            return self.transforms(image, target)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__()")

    def extra_repr(self) -> str:
        """Further lines for the repr, for subclasses to write.

        >>> VisionDataset("").extra_repr()
        ''
        """
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transforms is not None:
            lines.append(f"Transforms: {self.transforms!r}")
        if self.transform is not None:
            lines.append(f"Transform: {self.transform!r}")
        if self.target_transform is not None:
            lines.append(f"Target transform: {self.target_transform!r}")
        body = "\n".join(lines).replace("\n", "\n    ")
        return f"Dataset {type(self).__name__}\n    {body}"


def check_choice(value: Any, argument: str, choices: Sequence[str]) -> str:
    """`value`, if it is one of the words; ValueError if not.

    >>> check_choice("val", "split", ["train", "val"])
    'val'
    """
    if not isinstance(value, str):
        raise ValueError(
            f"Expected type str for argument {argument}, but got type {type(value).__name__}."
        )
    if value not in choices:
        raise ValueError(
            f"Unknown value '{value}' for argument {argument}. Valid values are {list(choices)}."
        )
    return value


def not_found(dataset: str, folder: str, urls: Sequence[str]) -> RuntimeError:
    """The error for files that are not where they should be."""
    return RuntimeError(
        f"Dataset not found. You can use download=True to download it: {dataset} looks for "
        f"{os.path.abspath(folder)}, which comes from {', '.join(urls)}"
    )


class PlanesDataset(VisionDataset):
    """Images as colour planes in one array, and a split that is a word.

        data    uint8 (N, 3, H, W)
        labels  N ints

    A sample is (PIL image, int), after the transforms. Raises IndexError for one that is not there.

    >>> data = PlanesDataset("")
    >>> data.data, data.labels, data.split = np.zeros((1, 3, 4, 4), np.uint8), [7], "test"
    >>> len(data), data[0][1], data.extra_repr()
    (1, 7, 'Split: Test')
    """

    data: np.ndarray
    labels: np.ndarray
    split: str

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = Image.fromarray(np.ascontiguousarray(self.data[index].transpose(1, 2, 0)))
        return self._transformed(image, int(self.labels[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """The split, as a line for the repr."""
        return f"Split: {self.split.capitalize()}"


class ArrayDataset(VisionDataset):
    """Images that all lie in one array.

        data     uint8 (N, H, W, C) or (N, H, W)
        targets  N ints

    Both are read anew for every sample, so they may be cut or replaced. A sample is (PIL image,
    int), after the transforms. Raises IndexError for a sample that is not there.

    >>> import minitorch_cnn as mt
    >>> data = mt.datasets.Shapes(size=4, image_size=8)
    >>> data.data, data.targets = data.data[:3], [7, 8, 9]
    >>> len(data), data[2][1]
    (3, 9)
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
        changes = self.transforms, self.transform, self.target_transform
        if own_getitem or any(change is not None for change in changes):
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
        """The split, as a line for the repr.

        >>> import minitorch_cnn as mt
        >>> mt.datasets.Shapes(size=1, image_size=8).extra_repr()
        'Split: Train'
        """
        return f"Split: {'Train' if self.train else 'Test'}"
