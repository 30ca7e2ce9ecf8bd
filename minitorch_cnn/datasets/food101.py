"""Food-101: photographs of 101 dishes.

Bossard et al., "Food-101: Mining Discriminative Components with Random Forests", 2014.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from .archive import extract_archive
from .download import download as _download
from .folder import default_loader
from .pictures import PictureDataset
from .vision import check_choice, not_found


class Food101(PictureDataset):
    """75,750 images to train with and 25,250 to test.

        root    the folder with `food-101`, which holds `meta/train.json` and `images/`
        split   "train" or "test"; download: fetch and unpack the archive if it is not there
        loader  makes an image of a path

        .classes  names        .class_to_idx  name -> number

    A sample is (RGB PIL image of any size, label), after the transforms. Raises ValueError for
    another split, RuntimeError if the files are missing or damaged.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for folder in ("meta", "images/soup"):
    ...         os.makedirs(f"{root}/food-101/{folder}")
    ...     Image.new("RGB", (6, 4)).save(f"{root}/food-101/images/soup/12.jpg")
    ...     with open(f"{root}/food-101/meta/test.json", "w") as file:
    ...         json.dump({"soup": ["soup/12"]}, file)
    ...     data = Food101(root, split="test")
    ...     image, label = data[0]
    >>> image.size, data.classes[label]
    ((6, 4), 'soup')
    """

    _url = "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz"
    _md5 = "85eeb15f3717b99a5da872d97d918f87"

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
        loader: Callable[[str], Any] = default_loader,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = check_choice(split, "split", ("train", "test"))
        self.loader = loader
        self._folder = os.path.join(self.root, "food-101")
        if download and not os.path.isdir(self._folder):
            archive = os.path.join(self.root, "food-101.tar.gz")
            _download(self._url, archive, md5=self._md5)
            extract_archive(archive, self.root)
        path = os.path.join(self._folder, "meta", f"{split}.json")
        if not os.path.isfile(path):
            raise not_found("Food101", path, [self._url])
        try:
            with open(path, encoding="utf-8") as file:
                names = json.load(file)
            self.classes = sorted(names)
            self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
            pairs = [(image, self.class_to_idx[name]) for name in names for image in names[name]]
            self._labels = [label for _, label in pairs]
            self._image_files = [
                os.path.join(self._folder, "images", *f"{image}.jpg".split("/"))
                for image, _ in pairs
            ]
        except (ValueError, TypeError) as error:
            raise RuntimeError(f"{path} is damaged: {error}") from error

    def extra_repr(self) -> str:
        """The split, as a line for the repr."""
        return f"split={self._split}"
