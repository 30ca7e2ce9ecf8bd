"""USPS: grey images of handwritten digits from letters, 16x16 pixels.

Hull, "A database for handwritten text recognition research", 1994, in the form of LIBSVM: a line
for each image, "label 1:value 2:value ...", with values from -1 to 1 and labels from 1.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .download import download as _download
from .vision import ArrayDataset, not_found


class USPS(ArrayDataset):
    """7,291 training or 2,007 test images.

        root      the folder with `usps.bz2` or `usps.t.bz2`
        train     the training or the test images; download: fetch the file if it is not there

        .data  uint8 (N, 16, 16)        .targets  list of N ints, the digits

    A sample is (grey PIL image, label), after the transforms. Raises RuntimeError if the file is
    missing or damaged.

    >>> import bz2, tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     values = " ".join(f"{number}:1.0" for number in range(1, 257))
    ...     with bz2.open(f"{root}/usps.bz2", "wt") as file:
    ...         _ = file.write(f"8 {values}\\n")
    ...     image, label = USPS(root)[0]
    >>> image.size, image.getpixel((0, 0)), label
    ((16, 16), 255, 7)
    """

    _prefix = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"
    split_list = {
        "train": [_prefix + "usps.bz2", "usps.bz2", "ec16c51db3855ca6c91edd34d0e9b197"],
        "test": [_prefix + "usps.t.bz2", "usps.t.bz2", "8ea070ee2aca1ac39742fdd1ef5ed118"],
    }

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
        url, name, md5 = self.split_list["train" if train else "test"]
        path = os.path.join(self.root, name)
        if download and not os.path.isfile(path):
            _download(url, path, md5=md5)
        if not os.path.isfile(path):
            raise not_found("USPS", path, [url])
        import bz2  # here, since some builds of Python lack it

        self.targets: list[int] = []
        rows = []
        try:
            with bz2.open(path, "rt", encoding="ascii") as file:
                for line in file:
                    label, *values = line.split()
                    self.targets.append(int(label) - 1)
                    rows.append([float(value.partition(":")[2]) for value in values])
            grey = (np.array(rows, np.float64) + 1) / 2 * 255
            self.data = grey.reshape(-1, 16, 16).astype(np.uint8)
        except (ValueError, OSError, EOFError) as error:
            raise RuntimeError(f"{path} is damaged: {error}") from error
