"""CIFAR-10 and CIFAR-100: 60,000 colour photographs of 32x32 pixels in 10 or 100 classes.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..serialization.files import Refused
from ..serialization.numpy_pickle import read_pickled_dict
from .archive import extract_archive
from .download import download
from .vision import ArrayDataset

_noted_folders: set[str] = set()


class CIFAR10(ArrayDataset):
    """50,000 training or 10,000 test images in 10 classes, airplane to truck.

        root      the folder that holds (or gets) `cifar-10-batches-py`
        train     the training or the test images
        download  fetch and unpack the archive if the folder is not there

        .data     uint8 (N, 32, 32, 3)            .classes       names
        .targets  list of N ints                  .class_to_idx  name -> number

    A sample is (PIL image, label), after the transforms. A folder that is there and whose files
    load with the right shapes is used as it is. If its checksums differ from the official ones, one
    warning says so.

    Raises RuntimeError if the data are missing (saying where to put them), or if a file is damaged
    (saying which, and both checksums). A present folder is never replaced or deleted.

    Here with a folder of two black pictures in the place of the real one:

    >>> import minitorch_cnn as mt
    >>> import pickle, tempfile, warnings
    >>> from pathlib import Path
    >>> import numpy as np
    >>> warnings.simplefilter("ignore")  # these are not the official files
    >>> with tempfile.TemporaryDirectory() as root:
    ...     folder = Path(root, "cifar-10-batches-py")
    ...     folder.mkdir()
    ...     pictures = {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}
    ...     _ = (folder / "test_batch").write_bytes(pickle.dumps(pictures))
    ...     names = {"label_names": ["airplane", "automobile"]}
    ...     _ = (folder / "batches.meta").write_bytes(pickle.dumps(names))
    ...     data = mt.datasets.CIFAR10(root, train=False)
    >>> data.data.shape, data.targets
    ((2, 32, 32, 3), [0, 1])
    >>> image, label = data[1]
    >>> image.size, data.classes[label]
    ((32, 32), 'automobile')
    """

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta = {
        "filename": "batches.meta",
        "key": "label_names",
        "md5": "5ff9c542aee3614f3951f8cda6e48888",
    }
    label_key = "labels"

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        self._folder = os.path.join(self.root, self.base_folder)
        if not os.path.isdir(self._folder):
            if not download:
                raise RuntimeError(self._missing("it is not there, and download=False"))
            self.download()

        self._differing: list[str] = []
        self.classes: list[str] = self._read(
            self.meta["filename"], self.meta["md5"], self._class_names
        )
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
        parts = [
            self._read(name, md5, self._images_and_labels)
            for name, md5 in (self.train_list if train else self.test_list)
        ]
        rows = np.concatenate([images for images, _ in parts])
        # (N, 3*32*32), colour planes one after the other -> (N, 32, 32, 3)
        planes = rows.reshape(-1, 3, 32, 32)
        self.data = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
        self.targets: list[int] = [label for _, labels in parts for label in labels]
        self._note_differing_checksums()

    def download(self) -> None:
        """Fetch the archive, unless it is in `root` already, and unpack it there.

        Called by ``CIFAR10(root, download=True)`` where the folder is missing. Raises RuntimeError
        if no server gives the right file, or the archive is damaged.
        """
        archive = os.path.join(self.root, self.filename)
        try:
            download(self.url, archive, md5=self.tgz_md5)
        except RuntimeError as error:
            raise RuntimeError(self._missing(str(error))) from error
        extract_archive(archive, self.root)

    def _missing(self, reason: str) -> str:
        name = type(self).__name__
        return (
            f"{name}: no data in {os.path.abspath(self._folder)}: {reason}\n"
            f"Download {self.url}\n"
            f"to {os.path.abspath(os.path.join(self.root, self.filename))} and use download=True "
            "(it is checked and unpacked, without a network), or unpack it there yourself.\n"
            "To train without any download, use the built-in data set: `--dataset shapes` in the "
            "examples, minitorch_cnn.datasets.Shapes in a program."
        )

    def _read(self, name: str, md5: str, select: Callable[[Any], Any]) -> Any:
        """What `select` takes from one pickled file of the folder."""
        path = os.path.join(self._folder, name)
        if not os.path.isfile(path):
            raise RuntimeError(
                f"{type(self).__name__}: {path} is missing; the folder holds "
                f"{sorted(os.listdir(self._folder))}. Remove or complete the folder."
            )
        with open(path, "rb") as file:
            content = file.read()
        actual = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if actual != md5:
            self._differing.append(f"{name} has md5 {actual}, the official file {md5}")
        try:
            return select(read_pickled_dict(content, name))
        except Refused as error:
            raise RuntimeError(f"{type(self).__name__}: {path} is refused: {error}") from error
        # A damaged pickle can raise nearly anything.
        except Exception as error:
            raise RuntimeError(
                f"{type(self).__name__}: {path} is damaged ({type(error).__name__}: {error}); its "
                f"md5 is {actual}, the official file's {md5}. Move the folder away and use "
                "download=True for a fresh copy."
            ) from error

    def _class_names(self, content: dict[Any, Any]) -> list[str]:
        names = content[self.meta["key"]]
        if type(names) is not list or not all(type(name) is str for name in names):
            raise ValueError(f"its {self.meta['key']} are not a list of names")
        return names

    def _images_and_labels(self, content: dict[Any, Any]) -> tuple[np.ndarray, list[int]]:
        images, labels = content["data"], content[self.label_key]
        if not isinstance(images, np.ndarray):
            raise ValueError(f"data is a {type(images).__name__}, not an array")
        if images.dtype != np.uint8 or images.ndim != 2 or images.shape[1] != 3 * 32 * 32:
            raise ValueError(f"data is {images.dtype} {images.shape}, not uint8 (N, 3072)")
        if len(labels) != len(images):
            raise ValueError(f"{len(images)} images, but {len(labels)} labels")
        labels = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
        if not all(type(label) is int and 0 <= label < len(self.classes) for label in labels):
            raise ValueError(f"a label is not in 0..{len(self.classes) - 1}")
        return images, labels

    def _note_differing_checksums(self) -> None:
        folder = os.path.realpath(self._folder)
        if self._differing and folder not in _noted_folders:
            _noted_folders.add(folder)
            warnings.warn(
                f"{self._folder} is used as it is, but it is not the official copy of "
                f"{type(self).__name__}: its checksums differ ({self._differing[0]}).",
                stacklevel=3,
            )


class CIFAR100(CIFAR10):
    """50,000 training or 10,000 test images in 100 classes.

    Arguments, shapes and errors are those of `CIFAR10`. The classes are the 100 fine labels; the
    folder is `cifar-100-python`.

    >>> import minitorch_cnn as mt
    >>> import pickle, tempfile, warnings
    >>> from pathlib import Path
    >>> import numpy as np
    >>> warnings.simplefilter("ignore")  # these are not the official files
    >>> with tempfile.TemporaryDirectory() as root:
    ...     folder = Path(root, "cifar-100-python")
    ...     folder.mkdir()
    ...     pictures = {"data": np.zeros((2, 3072), np.uint8), "fine_labels": [1, 0]}
    ...     _ = (folder / "test").write_bytes(pickle.dumps(pictures))
    ...     names = {"fine_label_names": ["apple", "aquarium_fish"]}
    ...     _ = (folder / "meta").write_bytes(pickle.dumps(names))
    ...     data = mt.datasets.CIFAR100(root, train=False)
    >>> [data.classes[label] for _, label in data]
    ['aquarium_fish', 'apple']
    """

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta = {
        "filename": "meta",
        "key": "fine_label_names",
        "md5": "7973b15100ade9c7d40fb424638fde48",
    }
    label_key = "fine_labels"
