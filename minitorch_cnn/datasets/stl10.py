"""STL-10: colour photographs of 96x96 pixels, few of them with labels.

Coates et al., "An Analysis of Single Layer Networks in Unsupervised Feature Learning", 2011.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .archive import extract_archive
from .download import download as _download
from .vision import PlanesDataset, check_choice, not_found


class STL10(PlanesDataset):
    """5,000 images to train with, 8,000 to test, both of 10 classes, and 100,000 without labels.

        root   the folder with `stl10_binary`; download: fetch and unpack it if it is not there
        split  "train", "test", "unlabeled", or "train+unlabeled"
        folds  0 to 9: only the 1,000 images of this fold of the training images

        .data    uint8 (N, 3, 96, 96)        .labels   int (N,), -1 where there is no label
        .classes names

    A sample is (PIL image, label), after the transforms. Raises ValueError for another split or
    fold, RuntimeError if a file is missing or of a wrong length.

    >>> import minitorch_cnn as mt
    >>> mt.datasets.STL10.splits
    ('train', 'train+unlabeled', 'unlabeled', 'test')
    """

    base_folder = "stl10_binary"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    filename = "stl10_binary.tar.gz"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        folds: int | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = check_choice(split, "split", self.splits)
        if folds is not None and not isinstance(folds, int):
            raise ValueError(
                f"Expected type None or int for argument folds, but got type {type(folds)}."
            )
        if folds is not None and not 0 <= folds < 10:
            raise ValueError(
                f"Value for argument folds should be in the range [0, 10), but got {folds}."
            )
        self.folds = folds
        self._folder = Path(self.root, self.base_folder)
        if download:
            self.download()
        parts = [self._read(name) for name in split.split("+")]
        self.data = np.concatenate([images for images, _ in parts])
        self.labels = np.concatenate([labels for _, labels in parts])
        names = self._folder / "class_names.txt"
        self.classes = names.read_text().split() if names.is_file() else []

    def _read(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        images = self._bytes(f"{part}_X.bin")
        if images.size % (3 * 96 * 96):
            raise RuntimeError(
                f"{self._folder}/{part}_X.bin has {images.size} bytes, no multiple of 3*96*96"
            )
        # Column by column there.
        images = images.reshape(-1, 3, 96, 96).swapaxes(2, 3)
        if part == "unlabeled":
            return images, np.full(len(images), -1)
        labels = self._bytes(f"{part}_y.bin").astype(np.int64) - 1
        if len(labels) != len(images):
            raise RuntimeError(
                f"{self._folder}: {part} has {len(images)} images and {len(labels)} labels"
            )
        if part == "train" and self.folds is not None:
            lines = (self._folder / "fold_indices.txt").read_text().splitlines()
            chosen = np.array(lines[self.folds].split(), np.int64)
            images, labels = images[chosen], labels[chosen]
        return images, labels

    def _bytes(self, name: str) -> np.ndarray:
        if not (self._folder / name).is_file():
            raise not_found("STL10", str(self._folder / name), [self.url])
        return np.fromfile(self._folder / name, np.uint8)

    def download(self) -> None:
        """Fetch the archive and unpack it, unless the folder is there.

        Raises RuntimeError if the server does not give the right file.
        """
        if not self._folder.is_dir():
            archive = os.path.join(self.root, self.filename)
            _download(self.url, archive, md5=self.tgz_md5)
            extract_archive(archive, self.root)
