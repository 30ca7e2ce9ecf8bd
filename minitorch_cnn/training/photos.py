"""Pictures of one's own: a folder of class folders, its split into parts, damaged files.

photos/cat/1.jpg, photos/dog/2.jpg                     a part of each class is kept for testing
photos/train/cat/1.jpg, photos/val/cat/7.jpg           the parts are given; val may be called test
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..datasets.folder import IMG_EXTENSIONS, find_classes, make_dataset
from ..explain.subject import FINER
from ..io import UNREADABLE, open_picture
from ..utils.data import Dataset

TEST_FOLDERS = ("val", "valid", "validation", "test")
SHOWN = 20  # classes in a table, files in an error

Files = dict[str, list[str]]  # class -> its files, seen from the folder


class Split(NamedTuple):
    """Which pictures are for training and which for testing: class -> files in `folder`."""

    folder: str
    train: Files
    test: Files

    @property
    def classes(self) -> list[str]:
        return list(self.train)

    def to_json(self) -> str:
        return json.dumps(self._asdict(), indent=1, ensure_ascii=False) + "\n"

    def table(self) -> str:
        """The counts of each class."""
        width = max(len("class"), *(len(name) for name in self.classes[:SHOWN]))
        lines = [f"  {'class':<{width}}  training  test"]
        for name in self.classes[:SHOWN]:
            lines.append(
                f"  {name:<{width}}  {len(self.train[name]):8,}  {len(self.test[name]):4,}"
            )
        if more := self.classes[SHOWN:]:
            lines.append(f"  ... and {len(more)} more classes")
        return "\n".join(lines)


def read_split(path: str | os.PathLike, folder: str | None = None) -> Split:
    """The split in a run's split.json; folder: where the pictures lie now, if they were moved.

    Raises FileNotFoundError if one of them is gone.
    """
    split = Split(**json.loads(Path(path).read_text(encoding="utf-8")))
    split = split._replace(folder=folder or split.folder)
    for part in (split.train, split.test):
        for file in (file for files in part.values() for file in files):
            if not os.path.exists(os.path.join(split.folder, file)):
                raise FileNotFoundError(
                    f"{file} of {path} is no longer in {split.folder}: bring it back, or name "
                    "the folder where the pictures are now"
                )
    return split


def split_pictures(
    folder: str | os.PathLike, test_share: float, seed: int, skip_damaged: bool = False
) -> Split:
    """Finds the pictures of a folder, looks at each of them, and splits them, class by class.

    test_share: the part for testing, where the folder has none of its own. The seed and the files'
    names alone decide. Raises FileNotFoundError without class folders, or for an empty one;
    ValueError for damaged pictures, unless they are skipped, and for classes that are not in both
    parts.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root}")
    given = [name for name in TEST_FOLDERS if (root / name).is_dir()]
    if (root / "train").is_dir():
        train = _by_class(root, "train")
        test = _by_class(root, given[0]) if given else None
    else:
        train, test = _by_class(root, "."), None
    if len(train) < 2:
        raise ValueError(f"{root} has one class only, {list(train)}: two are needed to tell apart")
    if test is not None and list(train) != list(test):
        raise ValueError(
            f"{root}: train has the classes {list(train)}, {given[0]} has {list(test)}"
        )
    parts = [train] if test is None else [train, test]
    _leave_out_damaged(root, parts, skip_damaged)
    if test is None:
        train, test = _divided(root, train, test_share, seed)
    return Split(str(folder), train, test)


def pictures_by_class(folder: str | os.PathLike, classes: Sequence[str]) -> Files:
    """The pictures of a folder to be tested on, which may lack some of the classes.

    Of a folder with parts it is the one for testing. Raises ValueError for other classes.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root}")
    given = [name for name in TEST_FOLDERS if (root / name).is_dir() and name not in classes]
    files = _by_class(root, given[0] if given else ".")
    unknown = [name for name in files if name not in classes]
    if unknown:
        raise ValueError(
            f"{root} has the classes {unknown[:SHOWN]}, which the network does not know; it knows "
            f"{list(classes)[:SHOWN]}"
        )
    return files


def _by_class(root: Path, part: str) -> Files:
    """The pictures in root/part, by their class; the paths are seen from root."""
    directory = root / part
    names = [name for name in find_classes(directory)[0] if not name.startswith(".")]
    files: Files = {name: [] for name in names}
    for path, number in make_dataset(
        directory, {name: n for n, name in enumerate(names)}, IMG_EXTENSIONS
    ):
        files[names[number]].append(Path(os.path.relpath(path, root)).as_posix())
    return files


def _leave_out_damaged(root: Path, parts: list[Files], skip: bool) -> None:
    """Opens all pictures, and takes out those that cannot be read, or raises ValueError."""
    files = [file for part in parts for each in part.values() for file in each]
    print(f"looking at {len(files):,} pictures ...", flush=True)

    def damage(file: str) -> str | None:
        try:
            open_picture(root / file, "RGB", short_side=1)  # all of it is read
        except UNREADABLE as error:
            return str(error)
        return None

    with ThreadPoolExecutor() as pool:  # Pillow lets go of Python's lock while it decodes
        reasons = dict(zip(files, pool.map(damage, files), strict=True))
    damaged = {file: reason for file, reason in reasons.items() if reason is not None}
    if not damaged:
        return
    shown = "".join(f"\n  {reason}" for reason in list(damaged.values())[:SHOWN])
    shown += f"\n  ... and {len(damaged) - SHOWN} more" if len(damaged) > SHOWN else ""
    if not skip:
        raise ValueError(
            f"{len(damaged)} of {len(files)} pictures cannot be read; mend or remove them, or "
            f"leave them out by --skip-damaged:{shown}"
        )
    print(f"left out, since they cannot be read:{shown}")
    for part in parts:
        for name, each in part.items():
            each[:] = [file for file in each if file not in damaged]
            if not each:
                raise ValueError(f"{root}: no picture of the class {name!r} can be read")


def _divided(root: Path, files: Files, test_share: float, seed: int) -> tuple[Files, Files]:
    """Of each class the same share for testing, at least one picture and not all."""
    rng = np.random.default_rng(seed)
    train, test = {}, {}
    for name, each in files.items():
        if len(each) < 2:
            raise ValueError(
                f"{root}: the class {name!r} has one picture only, {each[0]}: one is needed for "
                "training and one for testing"
            )
        count = min(max(1, round(test_share * len(each))), len(each) - 1)
        chosen = set(rng.permutation(len(each))[:count].tolist())
        train[name] = [file for place, file in enumerate(each) if place not in chosen]
        test[name] = [file for place, file in enumerate(each) if place in chosen]
    return train, test


class PictureFiles(Dataset):
    """The pictures of `files`, as (PIL image, class number), turned as the camera noted.

    resize: what their short side will be scaled to; they are read as `read_picture` does.
    """

    def __init__(
        self, folder: str | os.PathLike, files: Mapping[str, Sequence[str]], resize: int
    ) -> None:
        self.enough = FINER * resize
        self.classes = list(files)
        self.paths = [os.path.join(folder, file) for each in files.values() for file in each]
        self.targets = [number for number, each in enumerate(files.values()) for _ in each]

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return open_picture(self.paths[index], None, True, self.enough), self.targets[index]

    def __len__(self) -> int:
        return len(self.paths)


class Prepared(Dataset):
    """The pictures of another data set, cut to one size: (uint8 (size, size, C), class number).

    channels: 1 or 3. transform: PIL image -> PIL image of the size.
    """

    def __init__(self, dataset: Any, channels: int, transform: Callable[[Any], Any]) -> None:
        self.dataset, self.transform = dataset, transform
        self.mode = "L" if channels == 1 else "RGB"
        self.classes, self.targets = dataset.classes, dataset.targets

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        picture, label = self.dataset[index]
        return np.asarray(self.transform(picture.convert(self.mode))), label

    def __len__(self) -> int:
        return len(self.dataset)
