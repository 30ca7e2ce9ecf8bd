"""MNIST and Fashion-MNIST: 70,000 grey images of 28x28 pixels in 10 classes.

Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998;
H. Xiao et al., "Fashion-MNIST", 2017. Both come as idx files: a header that says type and shape,
then the bytes.
"""

from __future__ import annotations

import gzip
import math
import os
import string
import struct
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import wrap
from .archive import extract_archive, unpacked_limit
from .download import download
from .vision import ArrayDataset, check_choice

# The third byte of an idx file. All numbers are big-endian.
_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an idx file, gzipped (its name ends in .gz) or not.

        byte 0-1  zero
        byte 2    the type: 8 is uint8
        byte 3    the number of axes d
        4 d bytes the length of each axis, int32 big-endian
        then      the values, row by row

    Raises RuntimeError if the file is damaged or of another length than its header says,
    FileNotFoundError if it is not there.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 10, 20, 30]))
    ...     file.flush()
    ...     read_idx(file.name)
    array([10, 20, 30], dtype=uint8)
    """
    name = os.fspath(path)
    try:
        with gzip.open(name, "rb") if name.endswith(".gz") else open(name, "rb") as file:
            limit = unpacked_limit(os.path.getsize(name))
            content = bytearray()  # in pieces: read(n) takes n bytes before there are any
            while len(content) <= limit and (piece := file.read(1 << 16)):
                content += piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RuntimeError(f"{name} is truncated or damaged: {error}") from error
    if len(content) > limit:
        raise RuntimeError(f"{name} would take more than {limit} bytes unpacked: refused as unsafe")
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise RuntimeError(f"{name} is not an idx file: it begins with {bytes(content[:4])!r}")
    dtype = np.dtype(_IDX_TYPES[content[2]])
    header = 4 + 4 * content[3]
    if len(content) < header:
        raise RuntimeError(f"{name} is truncated: {len(content)} bytes, its header has {header}")
    shape = struct.unpack(f">{content[3]}I", content[4:header])
    expected = header + dtype.itemsize * math.prod(shape)
    if len(content) != expected:
        raise RuntimeError(
            f"{name} has {len(content)} bytes; its header says shape {shape} of {dtype.name}, "
            f"which takes {expected}"
        )
    try:
        values = np.frombuffer(content, dtype, offset=header).reshape(shape)
    except ValueError as error:  # more axes than NumPy has, or some of length 0 and some too long
        raise RuntimeError(f"{name} has the shape {shape}: {error}") from error
    return values.astype(dtype.newbyteorder("="))


def _renamed(old: str, new: str) -> property:
    """The attribute `new` under the name that it had in programs of 2017; it warns."""

    def get(self: ArrayDataset) -> Any:
        warnings.warn(f"{old} has been renamed {new}", stacklevel=2)
        return getattr(self, new)

    return property(get, doc=f"What is called `{new}` now. It is read-only, and warns.")


class MNIST(ArrayDataset):
    """60,000 training or 10,000 test images of handwritten digits.

        root      the folder with the four idx files (gzipped or not), or the one in which they
                  are, or get downloaded to, in `MNIST/raw` (torchvision's place)
        train     the training or the test images
        download  fetch the files if they are not there

        .data     uint8 tensor (N, 28, 28)        .classes       names
        .targets  int64 tensor (N,)               .class_to_idx  name -> number

    A sample is (grey PIL image, label), after the transforms. Raises RuntimeError if the files are
    missing (saying where to put them) or damaged.

    Here with two black pictures in the place of the real files:

    >>> import minitorch_cnn as mt
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as root:
    ...     header = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28])
    ...     _ = Path(root, "t10k-images-idx3-ubyte").write_bytes(header + bytes(2 * 28 * 28))
    ...     header = bytes([0, 0, 8, 1, 0, 0, 0, 2])
    ...     _ = Path(root, "t10k-labels-idx1-ubyte").write_bytes(header + bytes([5, 7]))
    ...     data = mt.datasets.MNIST(root, train=False)
    >>> data.data.shape, data.targets
    (minitorch_cnn.Size([2, 28, 28]), tensor([5, 7]))
    >>> image, label = data[1]
    >>> image.size, data.classes[label]
    ((28, 28), '7 - seven')
    """

    mirrors = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ]
    resources = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]

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
        if download:
            self.download()
        images_path = self._find(f"{self._prefix()}-images-idx3-ubyte")
        labels_path = self._find(f"{self._prefix()}-labels-idx1-ubyte")
        images, labels = read_idx(images_path), read_idx(labels_path)
        if images.dtype != np.uint8 or images.ndim != 3:
            raise RuntimeError(f"{images_path} holds {images.dtype} {images.shape}, not images")
        if labels.shape != images.shape[:1]:
            raise RuntimeError(
                f"{labels_path} holds labels of shape {labels.shape} for {len(images)} images"
            )
        self.data = wrap(images)
        self.targets = wrap(labels.astype(np.int64))
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}

    train_data, test_data = _renamed("train_data", "data"), _renamed("test_data", "data")
    train_labels = _renamed("train_labels", "targets")
    test_labels = _renamed("test_labels", "targets")

    def _prefix(self) -> str:
        return "train" if self.train else "t10k"

    @property
    def raw_folder(self) -> str:
        """`root/MNIST/raw`, or with the name of a subclass: where downloads go.

        It is read-only, and need not exist.
        """
        return os.path.join(self.root, type(self).__name__, "raw")

    def download(self) -> None:
        """Fetch those of the four files that are not there, and check them.

        Called by ``MNIST(root, download=True)``. Raises RuntimeError if no mirror gives the right
        file.
        """
        for filename, md5 in self.resources:
            if self._look_for(filename.removesuffix(".gz")) is None:
                path = os.path.join(self.raw_folder, filename)
                try:
                    download([mirror + filename for mirror in self.mirrors], path, md5=md5)
                except RuntimeError as error:
                    raise RuntimeError(f"{error}\n{self._way_out()}") from error

    def _way_out(self) -> str:
        return (
            f"Put the four files from {self.mirrors[0]} into {os.path.abspath(self.raw_folder)}.\n"
            "To train without any download, use the built-in data set: `--dataset shapes` in the "
            "examples, minitorch_cnn.datasets.Shapes in a program."
        )

    def _look_for(self, name: str) -> str | None:
        for folder in (self.raw_folder, os.path.join(self.raw_folder, "gzip"), self.root):
            for candidate in (name, f"{name}.gz"):
                path = os.path.join(folder, candidate)
                if os.path.isfile(path):
                    return path
        return None

    def _find(self, name: str) -> str:
        path = self._look_for(name)
        if path is None:
            raise RuntimeError(
                f"{type(self).__name__}: {name}(.gz) is neither in {self.raw_folder} nor in "
                f"{self.root}. Use download=True, or:\n{self._way_out()}"
            )
        return path


class FashionMNIST(MNIST):
    """60,000 training or 10,000 test images of clothes.

    Arguments, shapes and errors are those of `MNIST`. Debian and Ubuntu have them as the package
    `dataset-fashion-mnist`: then `root` is "/usr/share/datasets/fashion-mnist".

    >>> import minitorch_cnn as mt
    >>> mt.datasets.FashionMNIST.classes[:3]
    ['T-shirt/top', 'Trouser', 'Pullover']
    """

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]


class KMNIST(MNIST):
    """60,000 training or 10,000 test images of cursive Japanese characters.

    Arguments, shapes and errors are those of `MNIST`. Clanuwat et al., "Deep Learning for Classical
    Japanese Literature", 2018.

    >>> import minitorch_cnn as mt
    >>> mt.datasets.KMNIST.classes[:3]
    ['o', 'ki', 'su']
    """

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


class EMNIST(MNIST):
    """Images of handwritten digits and letters, in one of six selections (split).

        byclass         62 classes: digits, capital and small letters
        bymerge         47: small letters that look like the capital ones are those
        balanced        47, as many images of each
        letters         26, from 1; class 0 is "N/A"
        digits, mnist   10

    The files lie in `root`, `EMNIST/raw` or `EMNIST/raw/gzip`. Other arguments, shapes and errors
    are those of `MNIST`; ValueError for another split. The images are turned: rows are columns.
    Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", 2017.

    >>> import minitorch_cnn as mt
    >>> mt.datasets.EMNIST.classes_split_dict["letters"][:3]
    ['N/A', 'a', 'b']
    """

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    mirrors = [url]
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    _all = list(string.digits + string.ascii_uppercase + string.ascii_lowercase)
    _merged = [name for name in _all if name not in "cijklmopsuvwxyz"]
    classes_split_dict = {
        "byclass": _all,
        "bymerge": _merged,
        "balanced": _merged,
        "letters": ["N/A", *string.ascii_lowercase],
        "digits": list(string.digits),
        "mnist": list(string.digits),
    }

    def __init__(self, root: str | os.PathLike[str], split: str, **kwargs: Any):
        self.split = check_choice(split, "split", self.splits)
        self.classes = self.classes_split_dict[split]
        super().__init__(root, **kwargs)

    def _prefix(self) -> str:
        return f"emnist-{self.split}-{'train' if self.train else 'test'}"

    def download(self) -> None:
        """Fetch the archive with all splits and unpack it into `raw_folder`, unless it is there.

        Called by ``EMNIST(root, split, download=True)``. Raises RuntimeError if the server does not
        give the right file.
        """
        if self._look_for(f"{self._prefix()}-images-idx3-ubyte") is None:
            archive = os.path.join(self.raw_folder, "gzip.zip")
            download(self.url, archive, md5=self.md5)
            extract_archive(archive, self.raw_folder)
