"""What the data sets of pictures in files have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .folder import pil_loader
from .vision import VisionDataset


class PictureDataset(VisionDataset):
    """Images that lie in files of their own; (image, label), after the transforms.

        _image_files  N paths                     loader  makes an image of a path
        _labels       N ints

    Raises IndexError for a sample that is not there.
    """

    _image_files: Sequence[str]
    _labels: Sequence[int]
    loader: Callable[[str], Any] = staticmethod(pil_loader)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(self.loader(self._image_files[index]), self._labels[index])

    def __len__(self) -> int:
        return len(self._image_files)
