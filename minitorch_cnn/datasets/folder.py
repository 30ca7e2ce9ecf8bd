"""ImageFolder: your own pictures, one folder a class."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from PIL import Image

from .vision import VisionDataset

IMG_EXTENSIONS = (
    ".jpg",
    ".jpeg",
    ".png",
    ".ppm",
    ".bmp",
    ".pgm",
    ".tif",
    ".tiff",
    ".webp",
)


def default_loader(path: str) -> Image.Image:
    """The picture in a file, as an RGB PIL image, whatever it was before.

    Raises FileNotFoundError without the file, PIL.UnidentifiedImageError if it holds no picture.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (4, 2), 255).save(f"{folder}/white.png")
    ...     image = default_loader(f"{folder}/white.png")
    >>> image.size, image.mode, image.getpixel((0, 0))
    ((4, 2), 'RGB', (255, 255, 255))
    """
    with open(path, "rb") as file:
        return Image.open(file).convert("RGB")


class ImageFolder(VisionDataset):
    """Pictures in folders named after their classes:

        root/cat/1.png
        root/cat/more/2.jpg
        root/dog/1.png

        loader         path -> image; by default an RGB PIL image
        is_valid_file  path -> bool, instead of the test for a picture's file extension
        allow_empty    accept class folders without pictures

        .classes   class names, sorted            .samples, .imgs  list of (path, class number)
        .targets   class number of each sample    .class_to_idx    name -> number

    A sample is (image, class number), after the transforms; before them, images have the size (H,
    W) of their files. Raises FileNotFoundError, listing what was found, if there are no class
    folders or if one of them holds no picture.

    >>> import minitorch_cnn as mt
    >>> import os, tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("dog", "cat"):
    ...         os.mkdir(f"{root}/{name}")
    ...         Image.new("RGB", (8, 8)).save(f"{root}/{name}/1.png")
    ...     data = mt.datasets.ImageFolder(root)
    ...     image, label = data[1]
    >>> data.classes, data.targets, image.size, data.classes[label]
    (['cat', 'dog'], [0, 1], (8, 8), 'dog')
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ):
        super().__init__(root, transform, target_transform)
        self.loader = loader
        self.classes = self._find_classes()
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
        self.samples: list[tuple[str, int]] = []
        empty = []
        for number, name in enumerate(self.classes):
            paths = _pictures(os.path.join(self.root, name), is_valid_file or _is_picture)
            self.samples += [(path, number) for path in paths]
            if not paths:
                empty.append(name)
        if empty and not allow_empty:
            contents = {name: _some(os.listdir(os.path.join(self.root, name))) for name in empty}
            raise FileNotFoundError(
                f"Found no valid file for the classes {_some(empty)} in {self.root}; their folders "
                f"hold {contents}. Supported extensions are: {', '.join(IMG_EXTENSIONS)}"
            )
        self.imgs = self.samples
        self.targets = [target for _, target in self.samples]

    def _find_classes(self) -> list[str]:
        if not os.path.isdir(self.root):
            raise FileNotFoundError(f"ImageFolder: there is no folder {self.root}")
        with os.scandir(self.root) as entries:
            found = {entry.name: entry.is_dir() for entry in entries}
        classes = sorted(name for name, is_folder in found.items() if is_folder)
        if not classes:
            raise FileNotFoundError(
                f"ImageFolder: Couldn't find any class folder in {self.root}. It needs one folder "
                f"of pictures for each class; found {_some(list(found)) or 'nothing'}"
            )
        return classes

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self._transformed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)


def _is_picture(path: str) -> bool:
    return path.lower().endswith(IMG_EXTENSIONS)


def _pictures(folder: str, is_valid_file: Callable[[str], bool]) -> list[str]:
    """The files of a class, those of its subfolders too, in the order of their names."""
    paths = []
    for directory, _, names in sorted(os.walk(folder, followlinks=True)):
        paths += [os.path.join(directory, name) for name in sorted(names)]
    return [path for path in paths if is_valid_file(path)]


def _some(names: list[str]) -> list[str]:
    """The first few names, for an error message."""
    names = sorted(names)
    return names if len(names) <= 5 else [*names[:5], f"... {len(names) - 5} more"]
