"""ImageNet as it is after unpacking: one folder for each class, named by its number in WordNet."""

from __future__ import annotations

import os
from typing import Any

from .folder import ImageFolder


class ImageNet(ImageFolder):
    """ImageNet's training or validation images, in `root/train` or `root/val`.

        root/train/n01440764/n01440764_10026.JPEG
        root/val/n01440764/ILSVRC2012_val_00000293.JPEG

    The classes are named by the folders, since the words for them are in no file that is read here:
    .classes, .wnids, and .class_to_idx, .wnid_to_idx. Other arguments, shapes and errors are those
    of `ImageFolder`. Raises ValueError for another split. The images cannot be downloaded; the
    archives are unpacked into these folders by hand.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     os.makedirs(f"{root}/val/n01440764")
    ...     Image.new("RGB", (8, 8)).save(f"{root}/val/n01440764/1.png")
    ...     data = ImageNet(root, split="val")
    ...     len(data), data.wnids
    (1, ['n01440764'])
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train", **kwargs: Any):
        if split not in ("train", "val"):
            raise ValueError(f"Unknown value {split!r} for argument split: 'train' or 'val'")
        self.split = split
        super().__init__(os.path.join(os.path.expanduser(root), split), **kwargs)
        self.wnids = self.classes
        self.wnid_to_idx = self.class_to_idx

    def extra_repr(self) -> str:
        """The split, as a line for the repr."""
        return f"Split: {self.split}"
