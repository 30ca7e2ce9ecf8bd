"""ImageFolder and DatasetFolder: your own pictures, or other files, one folder a class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from ..io import open_picture
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


def pil_loader(path: str) -> Image.Image:
    """The picture in a file, as an RGB PIL image, whatever it was before.

    Of 16 bits the upper 8 are kept, of several pictures the first; it is not turned as the camera
    noted. Raises FileNotFoundError without the file, PIL.UnidentifiedImageError if it holds no
    picture, ValueError if its numbers are no colours.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (4, 2), 255).save(f"{folder}/white.png")
    ...     image = pil_loader(f"{folder}/white.png")
    >>> image.size, image.mode, image.getpixel((0, 0))
    ((4, 2), 'RGB', (255, 255, 255))
    """
    return open_picture(path, "RGB")


default_loader = pil_loader


def has_file_allowed_extension(filename: str, extensions: str | Sequence[str]) -> bool:
    """Whether the name ends in one of the extensions, in whatever case it is written.

    >>> has_file_allowed_extension("cat.PNG", (".jpg", ".png"))
    True
    """
    endings = extensions if isinstance(extensions, str) else tuple(extensions)
    return filename.lower().endswith(endings)


def is_image_file(filename: str) -> bool:
    """Whether the name is that of a picture.

    >>> is_image_file("cat.png"), is_image_file("cat.txt")
    (True, False)
    """
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def find_classes(directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
    """The names of the folders in a folder, sorted, and name -> number.

    Raises FileNotFoundError if there is none.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("dog", "cat"):
    ...         os.mkdir(f"{root}/{name}")
    ...     find_classes(root)
    (['cat', 'dog'], {'cat': 0, 'dog': 1})
    """
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"ImageFolder: there is no folder {directory}")
    with os.scandir(directory) as entries:
        found = {entry.name: entry.is_dir() for entry in entries}
    classes = sorted(name for name, is_folder in found.items() if is_folder)
    if not classes:
        raise FileNotFoundError(
            f"ImageFolder: Couldn't find any class folder in {directory}. It needs one folder "
            f"of pictures for each class; found {_some(list(found)) or 'nothing'}"
        )
    return classes, {name: number for number, name in enumerate(classes)}


def make_dataset(
    directory: str | os.PathLike[str],
    class_to_idx: dict[str, int] | None = None,
    extensions: str | Sequence[str] | None = None,
    is_valid_file: Callable[[str], bool] | None = None,
    allow_empty: bool = False,
) -> list[tuple[str, int]]:
    """The files of each class, those of its subfolders too: a list of (path, class number).

    class_to_idx: by default what `find_classes` finds. extensions or is_valid_file: which files
    count; ValueError for both or neither, and for a class_to_idx without classes. Raises
    FileNotFoundError for classes without files, unless allow_empty.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     os.mkdir(f"{root}/cat")
    ...     open(f"{root}/cat/1.txt", "w").close()
    ...     samples = make_dataset(root, {"cat": 7}, ".txt")
    >>> [(os.path.basename(path), number) for path, number in samples]
    [('1.txt', 7)]
    """
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        class_to_idx = find_classes(directory)[1]
    if not class_to_idx:
        raise ValueError("class_to_idx must have at least one entry to collect any samples")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError(
            "give one of extensions and is_valid_file; "
            f"got extensions={extensions}, is_valid_file={is_valid_file}"
        )

    def counts(path: str) -> bool:
        if is_valid_file is not None:
            return is_valid_file(path)
        return has_file_allowed_extension(path, extensions or ())

    samples = []
    empty = []
    for name in sorted(class_to_idx):
        folder = os.path.join(directory, name)
        paths = [path for path in _files(folder) if counts(path)]
        samples += [(path, class_to_idx[name]) for path in paths]
        if not paths:
            empty.append(name)
    if empty and not allow_empty:
        contents = {
            name: _some(os.listdir(folder)) if os.path.isdir(folder) else "(no folder)"
            for name, folder in ((name, os.path.join(directory, name)) for name in empty)
        }
        message = f"Found no valid file for the classes {_some(empty)} in {directory}; their "
        message += f"folders hold {contents}."
        if extensions is not None:
            listed = extensions if isinstance(extensions, str) else ", ".join(extensions)
            message += f" Supported extensions are: {listed}"
        raise FileNotFoundError(message)
    return samples


class DatasetFolder(VisionDataset):
    """Files of any kind in folders named after their classes, see `ImageFolder`.

        loader         path -> sample
        extensions     the endings of the files that count; or is_valid_file: path -> bool
        allow_empty    accept classes without files

    A sample is (what the loader gives, class number): any shape the loader gives.

        .classes   class names, sorted          .samples       list of (path, class number)
        .targets   class number of each sample  .class_to_idx  name -> number

    A subclass may write `find_classes(directory)`, to choose among the classes or number them
    otherwise, and `make_dataset`. Raises FileNotFoundError as `ImageFolder` does, ValueError for
    both or neither of extensions and is_valid_file.

    >>> import minitorch_cnn as mt
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     os.mkdir(f"{root}/cat")
    ...     open(f"{root}/cat/1.txt", "w").close()
    ...     mt.datasets.DatasetFolder(root, os.path.getsize, (".txt",))[0]
    (0, 0)
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        loader: Callable[[str], Any],
        extensions: Sequence[str] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.loader = loader
        self.extensions = extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(
            self.root,
            class_to_idx=self.class_to_idx,
            extensions=extensions,
            is_valid_file=is_valid_file,
            allow_empty=allow_empty,
        )
        self.targets = [target for _, target in self.samples]

    def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
        """The class names, and name -> number, of the folder; for subclasses to write."""
        return find_classes(directory)

    @staticmethod
    def make_dataset(
        directory: str,
        class_to_idx: dict[str, int],
        extensions: Sequence[str] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> list[tuple[str, int]]:
        """The list of (path, class number); for subclasses to write.

        Raises ValueError for a class_to_idx of None or without classes.
        """
        if class_to_idx is None:
            raise ValueError("The class_to_idx parameter cannot be None.")
        return make_dataset(directory, class_to_idx, extensions, is_valid_file, allow_empty)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self._transformed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
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
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(
            root, loader, extensions, transform, target_transform, is_valid_file, allow_empty
        )
        self.imgs = self.samples


def _files(folder: str) -> list[str]:
    """The files of a class, those of its subfolders too, in the order of their names."""
    paths = []
    for directory, _, names in sorted(os.walk(folder, followlinks=True)):
        paths += [os.path.join(directory, name) for name in sorted(names)]
    return paths


def _some(names: list[str]) -> list[str]:
    """The first few names, for an error message."""
    names = sorted(names)
    return names if len(names) <= 5 else [*names[:5], f"... {len(names) - 5} more"]
