"""Oxford's pets: photographs of 37 breeds of cats and dogs, with the animals' outlines.

Parkhi et al., "Cats and Dogs", 2012.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from .archive import extract_archive
from .download import download as _download
from .folder import pil_loader
from .vision import VisionDataset, check_choice, not_found


class OxfordIIITPet(VisionDataset):
    """3,680 images to train and validate with, 3,669 to test.

        root          the folder with `oxford-iiit-pet`, which holds `images/` and `annotations/`
        split         "trainval" or "test"; download: fetch and unpack what is not there
        target_types  "category": 0 to 36; "binary-category": 0 for a cat, 1 for a dog;
                      "segmentation": a PIL image of 1 (animal), 2 (around it), 3 (edge); or a list
                      of them
        transforms    called with image and target, instead of transform and target_transform

        .classes, .bin_classes  names

    A sample is (RGB PIL image of any size, target); the target is a tuple for more types than one,
    None for none. Raises ValueError for another split or type, RuntimeError if the files are
    missing.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for folder in ("images", "annotations"):
    ...         os.makedirs(f"{root}/oxford-iiit-pet/{folder}")
    ...     Image.new("RGB", (6, 4)).save(f"{root}/oxford-iiit-pet/images/great_dane_7.jpg")
    ...     with open(f"{root}/oxford-iiit-pet/annotations/test.txt", "w") as file:
    ...         _ = file.write("great_dane_7 1 2 1\\n")
    ...     data = OxfordIIITPet(root, "test", target_types=["category", "binary-category"])
    ...     data.classes, data[0][1]
    (['Great Dane'], (0, 1))
    """

    _resources = (
        (
            "https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz",
            "5c4f3ee8e5d25df40f4fd59a7f44e54c",
        ),
        (
            "https://www.robots.ox.ac.uk/~vgg/data/pets/data/annotations.tar.gz",
            "95a8c909bbe2e81eed6a22bccdf3f68f",
        ),
    )
    bin_classes = ["Cat", "Dog"]

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "trainval",
        target_types: Sequence[str] | str = "category",
        transforms: Callable[[Any, Any], Any] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ):
        super().__init__(root, transforms, transform, target_transform)
        self._split = check_choice(split, "split", ("trainval", "test"))
        kinds = [target_types] if isinstance(target_types, str) else target_types
        known = ("category", "binary-category", "segmentation")
        self._target_types = [check_choice(kind, "target_types", known) for kind in kinds]
        self._folder = Path(self.root, "oxford-iiit-pet")
        if download:
            self.download()
        listed = self._folder / "annotations" / f"{split}.txt"
        if not listed.is_file():
            raise not_found("OxfordIIITPet", str(listed), [url for url, _ in self._resources])
        names, self._labels, self._bin_labels = [], [], []
        try:
            for line in listed.read_text().splitlines():
                name, label, species, _ = line.split()
                names.append(name)
                self._labels.append(int(label) - 1)
                self._bin_labels.append(int(species) - 1)
        except ValueError as error:
            raise RuntimeError(f"{listed} is damaged: {error}") from error
        breeds = {name.rpartition("_")[0]: i for name, i in zip(names, self._labels, strict=True)}
        self.classes = [
            " ".join(word.title() for word in breed.split("_"))
            for breed in sorted(breeds, key=breeds.__getitem__)
        ]
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
        self._images = [self._folder / "images" / f"{name}.jpg" for name in names]
        trimaps = self._folder / "annotations" / "trimaps"
        self._segs = [trimaps / f"{name}.png" for name in names]

    def download(self) -> None:
        """Fetch and unpack what is not there; RuntimeError without the right files."""
        for url, md5 in self._resources:
            archive = self._folder / url.rpartition("/")[2]
            if not (self._folder / archive.name.partition(".")[0]).is_dir():
                _download(url, archive, md5=md5)
                extract_archive(archive, self._folder)

    def _target(self, kind: str, index: int) -> Any:
        if kind == "segmentation":
            with Image.open(self._segs[index]) as mask:
                return mask.copy()
        return (self._labels if kind == "category" else self._bin_labels)[index]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        targets = tuple(self._target(kind, index) for kind in self._target_types)
        target = (targets[0] if len(targets) == 1 else targets) if targets else None
        return self._transformed(pil_loader(str(self._images[index])), target)

    def __len__(self) -> int:
        return len(self._images)
