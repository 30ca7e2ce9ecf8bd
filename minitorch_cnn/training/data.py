"""The data of a run, built-in sets and folders of pictures, in batches for the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import datasets, transforms
from ..backend import get_backend
from ..explain.subject import middle_of
from ..models import classifiers
from ..tensor import Tensor
from ..transforms import draws
from ..transforms.v2 import CutMix, MixUp
from ..utils.data import DataLoader
from .photos import PictureFiles, Prepared, Split, read_split, split_pictures
from .processes import Group

DATASETS = {
    "cifar10": datasets.CIFAR10,
    "cifar100": datasets.CIFAR100,
    "mnist": datasets.MNIST,
    "fashionmnist": datasets.FashionMNIST,
    "shapes": datasets.Shapes,
}

SMALLEST_PART = 0.35  # of a photograph that is cut out for training


class Data:
    """Train and test set with what the network must know about them.

    statistics: mean and std of each channel, as fractions of the range 0..255; by default those of
    the training images. cut: whether the training set's own transform has cut the images already.
    """

    split: Split | None = None  # of a folder of pictures

    def __init__(
        self,
        train_set: Any,
        test_set: Any,
        augment: bool,
        flip: bool,
        statistics: tuple[Sequence[float], Sequence[float]] | None = None,
        cut: bool = False,
    ) -> None:
        self.train_set, self.test_set = train_set, test_set
        self.classes = list(train_set.classes)
        self.mean, self.std = map(list, statistics or statistics_of(train_set.data))
        self.in_channels = len(self.mean)
        padding = 0 if cut else 4
        augmented = transforms.BatchAugment(self.mean, self.std, crop_padding=padding, flip=flip)
        self.normalize = augmented.eval()
        self.augment = augmented if augment else self.normalize

    def loaders(self, args: Any, group: Group) -> tuple[DataLoader, DataLoader]:
        """Batches of normalised float32 images (N, C, H, W) and labels (N,): of this process.

        With --mixup or --cutmix, the labels for training are probabilities (N, classes).
        """
        common: dict = dict(
            batch_size=group.share(args.batch_size),
            num_workers=args.workers,
            pin_memory=get_backend() == "cupy",
        )
        sampler = group.sampler(self.train_set, args.seed)
        order: dict = dict(shuffle=True) if sampler is None else dict(sampler=sampler)
        collate: Callable = self.augment
        if args.mixup or args.cutmix:
            collate = Mixed(self.augment, args.mixup, args.cutmix, len(self.classes))
        train = DataLoader(self.train_set, drop_last=True, collate_fn=collate, **order, **common)
        if len(train) == 0:
            raise ValueError(
                f"--batch-size {args.batch_size} is more than the {len(self.train_set)} images "
                "for training"
            )
        part = group.part(self.test_images(args))
        return train, DataLoader(self.test_set, sampler=part, collate_fn=self.normalize, **common)

    def test_images(self, args: Any) -> int:
        """How many images are tested: all, or those of --limit-batches batches."""
        limit = args.batch_size * (args.limit_batches or len(self.test_set))
        return min(len(self.test_set), limit)

    def class_counts(self) -> np.ndarray:
        """How many training images each class has, (classes,)."""
        return np.bincount(np.asarray(self.train_set.targets), minlength=len(self.classes))

    def test_pictures(self) -> Pictures:
        """The test images as they are looked at."""
        return Pictures(self.test_set)


class Pictures:
    """A data set's images alone, uint8 (H, W[, C]), read when they are asked for."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __getitem__(self, index: int) -> np.ndarray:
        return np.asarray(self.dataset[int(index)][0])

    def __len__(self) -> int:
        return len(self.dataset)


class Mixed:
    """A collate function whose batches are mixed by MixUp, by CutMix, or by one or the other.

    collate: samples -> images (N, C, H, W) and labels (N,). Labels become probabilities
    (N, classes).
    """

    def __init__(
        self, collate: Callable, mixup: float | None, cutmix: float | None, classes: int
    ) -> None:
        self.collate = collate
        self.ways: list[Any] = [
            kind(alpha=alpha, num_classes=classes)
            for kind, alpha in ((MixUp, mixup), (CutMix, cutmix))
            if alpha
        ]

    def __call__(self, samples: Any) -> tuple[Tensor, Tensor]:
        images, labels = self.collate(samples)
        way = self.ways[0] if len(self.ways) == 1 else self.ways[draws.integer(0, len(self.ways))]
        return way(images, labels)


def statistics_of(images: Any) -> tuple[list[float], list[float]]:
    """Mean and std of each channel of uint8 images (N, H, W[, C]), as fractions of 0..255.

    >>> statistics_of(np.full((1, 2, 2), 255, np.uint8))
    ([1.0], [0.0])
    """
    images = np.asarray(images)
    if images.ndim == 3:  # grey images have no channel axis yet
        images = images[..., None]
    channels = range(images.shape[-1])
    mean = [float(images[..., c].mean(dtype=np.float64)) / 255 for c in channels]
    return mean, [float(images[..., c].std(dtype=np.float64)) / 255 for c in channels]


def load_data(args: Any, group: Group) -> Data:
    """The built-in set named by --dataset; CIFAR and MNIST are downloaded if they are missing."""
    train_set, test_set = builtin_sets(args.dataset, args.data_dir, group)
    return Data(train_set, test_set, args.augment, flip="mnist" not in args.dataset)


def builtin_sets(name: str, data_dir: str, group: Group) -> tuple[Any, Any]:
    """Training and test set."""
    print(f"loading {name} ...", flush=True)
    if name == "shapes":  # drawn by all at the same time
        return builtin_set(name, data_dir, True), builtin_set(name, data_dir, False)
    with group.first_on_host_first():
        return builtin_set(name, data_dir, True), builtin_set(name, data_dir, False)


def builtin_set(name: str, data_dir: str, train: bool) -> Any:
    """One part of a set of `DATASETS`, downloaded if it is missing."""
    kind: Any = DATASETS[name]
    return kind(train=train) if name == "shapes" else kind(data_dir, train=train, download=True)


def load_for_network(args: Any, group: Group) -> Data:
    """The data for a network of `models`, --arch, at any --image-size: a built-in set or a folder.

    Writes the size into `args` if it was not given, and what the short side is scaled to before
    the middle is cut out. Raises as `split_pictures` does, and ValueError for an unknown set.
    """
    arch, weights = args.arch, args.weights
    classifiers.check_name(arch)
    published = classifiers.published_weights(arch, weights)  # a wrong name is no use later
    if args.dataset not in DATASETS:
        return _load_folder(args)
    train_set, test_set = builtin_sets(args.dataset, args.data_dir, group)
    own_size, own_channels = np.shape(train_set.data)[1], 1 if np.ndim(train_set.data) == 3 else 3
    size = args.image_size = args.resize = args.image_size or own_size
    channels = classifiers.usual_channels(arch, weights, own_channels)
    flip = "mnist" not in args.dataset
    if size != own_size or channels != own_channels:
        return _prepared(args, train_set, test_set, channels, flip)
    statistics = None if published is None else classifiers.usual_statistics(arch, weights)
    return Data(train_set, test_set, args.augment, flip, statistics)


def _load_folder(args: Any) -> Data:
    if not Path(args.dataset).is_dir():
        raise ValueError(
            f"--data {args.dataset} is no folder, and none of the built-in sets "
            f"{', '.join(DATASETS)}"
        )
    if args.resume:
        split = read_split(Path(args.resume).with_name("split.json"), args.dataset)
    else:
        split = split_pictures(args.dataset, args.test_share, args.seed, args.skip_damaged)
    print(split.table())
    args.image_size = args.image_size or classifiers.usual_size(args.arch, args.weights)
    args.resize = args.image_size * 256 // 224
    channels = classifiers.usual_channels(args.arch, args.weights, 3)
    train, test = (
        PictureFiles(split.folder, files, args.resize) for files in (split.train, split.test)
    )
    data = _prepared(args, train, test, channels, flip=True)
    data.split = split
    return data


def _prepared(args: Any, train_set: Any, test_set: Any, channels: int, flip: bool) -> Data:
    """Pictures that are cut to the size one by one, at random for training."""
    size = args.image_size
    middle = middle_of(size, args.resize)
    random = transforms.RandomResizedCrop(size, scale=(SMALLEST_PART, 1.0))
    mean, std = classifiers.usual_statistics(args.arch, args.weights)
    if len(mean) != channels:
        mean, std = [sum(mean) / len(mean)] * channels, [sum(std) / len(std)] * channels
    train = Prepared(train_set, channels, random if args.augment else middle)
    test = Prepared(test_set, channels, middle)
    return Data(train, test, args.augment, flip, (mean, std), cut=True)
