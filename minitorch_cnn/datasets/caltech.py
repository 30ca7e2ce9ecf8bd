"""Caltech-101 and Caltech-256: photographs of things, in one folder for each kind.

Fei-Fei et al., "Learning Generative Visual Models from Few Training Examples", 2004;
Griffin et al., "Caltech-256 Object Category Dataset", 2007.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..io import open_picture
from .folder import pil_loader
from .mat import read_mat
from .vision import VisionDataset, check_choice

_PAGE = "https://data.caltech.edu/records/"
# Folders of outlines that have other names than those of the images.
_RENAMED = {
    "Faces": "Faces_2",
    "Faces_easy": "Faces_3",
    "Motorbikes": "Motorbikes_16",
    "airplanes": "Airplanes_Side_2",
}


class _Caltech(VisionDataset):
    categories: list[str]
    index: list[int]
    y: list[int]

    def _find(self, folder: Path, record: str) -> None:
        if not folder.is_dir():
            raise RuntimeError(
                f"Dataset not found: {type(self).__name__} looks for {folder.absolute()}. Put the "
                f"files of {_PAGE}{record} there; they cannot be downloaded here"
            )
        self._pictures = folder
        names = sorted(each.name for each in folder.iterdir() if each.is_dir())
        self.categories = [name for name in names if name != "BACKGROUND_Google"]
        self.index, self.y = [], []
        for label, name in enumerate(self.categories):
            found = sum(each.suffix == ".jpg" for each in (folder / name).iterdir())
            self.index += range(1, found + 1)
            self.y += [label] * found

    def __len__(self) -> int:
        return len(self.index)


class Caltech101(_Caltech):
    """8,677 images of 101 kinds of things.

        root         the folder with `caltech101`, which holds `101_ObjectCategories/` and
                     `Annotations/`
        target_type  "category": a number; "annotation": the outline, float64 (2, points); or a
                     list of both
        download     must be False: the archives are unpacked by hand

        .categories  names

    A sample is (RGB PIL image of any size, target), after the transforms; the target is a tuple for
    both types. Raises ValueError for another type, RuntimeError if the folder is missing.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     folder = Path(root, "caltech101/101_ObjectCategories/chair")
    ...     folder.mkdir(parents=True)
    ...     Image.new("RGB", (6, 4)).save(folder / "image_0001.jpg")
    ...     data = Caltech101(root)
    ...     data.categories, data[0][1]
    (['chair'], 0)
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        target_type: Sequence[str] | str = "category",
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ):
        super().__init__(
            os.path.join(root, "caltech101"),
            transform=transform,
            target_transform=target_transform,
        )
        kinds = [target_type] if isinstance(target_type, str) else target_type
        known = ("category", "annotation")
        self.target_type = [check_choice(kind, "target_type", known) for kind in kinds]
        self._find(Path(self.root, "101_ObjectCategories"), "mzrjq-6wc02")
        self.annotation_categories = [_RENAMED.get(name, name) for name in self.categories]

    def _outline(self, index: int) -> Any:
        folder = Path(self.root, "Annotations", self.annotation_categories[self.y[index]])
        return read_mat(folder / f"annotation_{self.index[index]:04d}.mat")["obj_contour"]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        folder = self._pictures / self.categories[self.y[index]]
        image = pil_loader(str(folder / f"image_{self.index[index]:04d}.jpg"))
        targets = tuple(
            self.y[index] if kind == "category" else self._outline(index)
            for kind in self.target_type
        )
        return self._transformed(image, targets[0] if len(targets) == 1 else targets)

    def extra_repr(self) -> str:
        """The types, as a line for the repr."""
        return f"Target type: {self.target_type}"


class Caltech256(_Caltech):
    """30,607 images of 256 kinds of things, and of others.

        root      the folder with `caltech256`, which holds `256_ObjectCategories/`
        download  must be False: the archive is unpacked by hand

        .categories  names

    A sample is (PIL image of any size, grey or RGB, label), after the transforms. Raises
    RuntimeError if the folder is missing.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     folder = Path(root, "caltech256/256_ObjectCategories/001.ak47")
    ...     folder.mkdir(parents=True)
    ...     Image.new("L", (6, 4)).save(folder / "001_0001.jpg")
    ...     data = Caltech256(root)
    ...     data.categories, data[0][0].mode
    (['001.ak47'], 'L')
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ):
        super().__init__(
            os.path.join(root, "caltech256"),
            transform=transform,
            target_transform=target_transform,
        )
        self._find(Path(self.root, "256_ObjectCategories"), "nyy15-4j048")

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        label = self.y[index]
        name = f"{label + 1:03d}_{self.index[index]:04d}.jpg"
        image = open_picture(str(self._pictures / self.categories[label] / name))
        return self._transformed(image, label)
