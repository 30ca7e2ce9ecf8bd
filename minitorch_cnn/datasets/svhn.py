"""SVHN: colour photographs of house numbers, 32x32 pixels around one digit.

Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", 2011.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .download import download as _download
from .mat import read_mat
from .vision import PlanesDataset, check_choice, not_found


class SVHN(PlanesDataset):
    """73,257 images to train with, 26,032 to test, or 531,131 extra ones.

        root   the folder with `train_32x32.mat`, `test_32x32.mat` or `extra_32x32.mat`
        split  "train", "test" or "extra"; download: fetch the file if it is not there

        .data    uint8 (N, 3, 32, 32)        .labels  int64 (N,), the digits

    A sample is (PIL image, label), after the transforms. Raises ValueError for another split,
    RuntimeError if the file is missing or damaged.

    >>> import minitorch_cnn as mt
    >>> sorted(mt.datasets.SVHN.split_list)
    ['extra', 'test', 'train']
    """

    split_list = {
        "train": [
            "http://ufldl.stanford.edu/housenumbers/train_32x32.mat",
            "train_32x32.mat",
            "e26dedcc434d2e4c54c9b2d4a06d8373",
        ],
        "test": [
            "http://ufldl.stanford.edu/housenumbers/test_32x32.mat",
            "test_32x32.mat",
            "eb5a983be6a315427106f1b164d9cef3",
        ],
        "extra": [
            "http://ufldl.stanford.edu/housenumbers/extra_32x32.mat",
            "extra_32x32.mat",
            "a93ce644f1a588dc4d68dda5feec44a7",
        ],
    }

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = check_choice(split, "split", list(self.split_list))
        self.url, self.filename, self.file_md5 = self.split_list[split]
        path = os.path.join(self.root, self.filename)
        if download:
            self.download()
        if not os.path.isfile(path):
            raise not_found("SVHN", path, [self.url])
        arrays = read_mat(path)
        images, labels = (arrays.get(name, np.zeros((0, 0))) for name in ("X", "y"))
        if images.dtype != np.uint8 or images.ndim != 4 or labels.size != images.shape[-1]:
            raise RuntimeError(
                f"{path} holds X {images.dtype} {images.shape} and y {labels.shape}, not uint8 "
                "images (H, W, 3, N) and their labels"
            )
        self.data = images.transpose(3, 2, 0, 1)
        self.labels = labels.reshape(-1).astype(np.int64) % 10  # a 0 is written as 10 there

    def download(self) -> None:
        """Fetch the split's file, unless it is there. Raises RuntimeError without the right one."""
        path = os.path.join(self.root, self.filename)
        if not os.path.isfile(path):
            _download(self.url, path, md5=self.file_md5)
