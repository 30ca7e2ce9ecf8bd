"""CelebA: photographs of famous faces, with 40 attributes each.

Liu et al., "Deep Learning Face Attributes in the Wild", 2015.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from .folder import pil_loader
from .vision import VisionDataset, check_choice

_PAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
_SPLITS = {"train": 0, "valid": 1, "test": 2, "all": None}


class CelebA(VisionDataset):
    """162,770 images to train with, 19,867 to validate, 19,962 to test, of 178x218 pixels.

        root         the folder with `celeba`, which holds `img_align_celeba/` and the lists, such
                     as `list_attr_celeba.txt`
        split        "train", "valid", "test" or "all"
        target_type  "attr": 40 times 0 or 1; "identity": the person's number; "bbox": x, y, width,
                     height; "landmarks": x and y of eyes, nose, corners of the mouth; or a list

        .attr_names  of the attributes        .attr, .identity, .bbox, .landmarks_align  tensors

    A sample is (RGB PIL image of any size, int64 tensor), a tuple of tensors for more types
    than one, None for none, after the transforms. Raises ValueError for another split or type, RuntimeError for a
    target_transform without a type, or if the files are missing, which cannot be downloaded here.

    >>> import minitorch_cnn as mt
    >>> mt.datasets.CelebA("", split="half")
    Traceback (most recent call last):
    ValueError: Unknown value 'half' for argument split. Valid values are ['train', 'valid', 'test', 'all'].
    """  # noqa: E501

    base_folder = "celeba"

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        target_type: Sequence[str] | str = "attr",
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = check_choice(split, "split", list(_SPLITS))
        kinds = [target_type] if isinstance(target_type, str) else list(target_type)
        known = ("attr", "identity", "bbox", "landmarks")
        self.target_type = [check_choice(kind, "target_type", known) for kind in kinds]
        if not kinds and target_transform is not None:
            raise RuntimeError("target_transform is specified but target_type is empty")
        self._folder = Path(self.root, self.base_folder)
        _, self.filename, parts = self._table("list_eval_partition.txt", 0)
        mine = np.ones(len(parts), bool)
        if _SPLITS[split] is not None:
            mine = parts[:, 0] == _SPLITS[split]
        self.filename = [name for name, own in zip(self.filename, mine, strict=True) if own]
        self.attr_names: list[str] = []
        tables: list[Tensor] = []
        for file, header in (
            ("list_attr_celeba.txt", 2),
            ("identity_CelebA.txt", 0),
            ("list_bbox_celeba.txt", 2),
            ("list_landmarks_align_celeba.txt", 2),
        ):
            names, _, numbers = self._table(file, header)
            if len(numbers) != len(mine):
                raise RuntimeError(
                    f"{self._folder / file} has {len(numbers)} images, "
                    f"list_eval_partition.txt {len(mine)}"
                )
            self.attr_names = self.attr_names or names
            tables.append(wrap(numbers[mine]))
        self.attr, self.identity, self.bbox, self.landmarks_align = tables
        self.attr = (self.attr + 1) // 2  # -1 and 1 there

    def _table(self, file: str, header: int) -> tuple[list[str], list[str], np.ndarray]:
        """Names of columns (in the last of `header` lines), names of images, and the numbers."""
        path = self._folder / file
        if not path.is_file():
            raise RuntimeError(
                f"Dataset not found: CelebA looks for {path.absolute()}. It lies on a server that "
                f"wants a browser: put the files of {_PAGE} there"
            )
        lines = [line.split() for line in path.read_text().splitlines()]
        names = lines[header - 1] if header else []
        try:
            numbers = np.array([[int(word) for word in line[1:]] for line in lines[header:]])
        except ValueError as error:
            raise RuntimeError(f"{path} is damaged: {error}") from error
        return names, [line[0] for line in lines[header:]], numbers.astype(np.int64)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = pil_loader(str(self._folder / "img_align_celeba" / self.filename[index]))
        values = {
            "attr": self.attr[index],
            "identity": self.identity[index, 0],
            "bbox": self.bbox[index],
            "landmarks": self.landmarks_align[index],
        }
        targets = tuple(values[kind] for kind in self.target_type)
        if not targets:
            return (image if self.transform is None else self.transform(image)), None
        return self._transformed(image, targets[0] if len(targets) == 1 else targets)

    def __len__(self) -> int:
        return len(self.attr)

    def extra_repr(self) -> str:
        """Types and split, as lines for the repr."""
        return f"Target type: {self.target_type}\nSplit: {self.split}"
