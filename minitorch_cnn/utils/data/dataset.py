"""What the samples are: map-style and iterable data sets, and ways to cut and join them."""

from __future__ import annotations

import bisect
import itertools
import math
import operator
import warnings
from collections.abc import Iterable, Iterator, Sequence
from types import GenericAlias
from typing import Any

import numpy as np
from PIL import Image

from ...random import Generator, rng_of
from ...tensor import Tensor


class Dataset:
    """A collection of samples found by number: subclasses write `__getitem__` and `__len__`.

    A sample may be anything; often it is a pair of an image (C, H, W) and a class number. A data
    set that can read many samples faster together than one by one may also write
    `__getitems__(indices)`, which returns the sequence of those samples; DataLoader then calls it
    once a batch. ``a + b`` is a `ConcatDataset`. Raises NotImplementedError where `__getitem__` is
    not written.

    >>> import minitorch_cnn as mt
    >>> class Squares(mt.utils.data.Dataset):
    ...     def __getitem__(self, index):
    ...         return index, index * index
    ...     def __len__(self):
    ...         return 10
    >>> Squares()[3]
    (3, 9)
    """

    __class_getitem__: Any = classmethod(GenericAlias)  # Dataset[int] in annotations and as a base

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index)")

    def __add__(self, other: Any) -> Dataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """A stream of samples: subclasses write `__iter__`.

    Samples are as those of a `Dataset`, an image (C, H, W) and a class number for instance. With
    `num_workers=W` every worker process iterates over its own copy; use `get_worker_info()` in
    `__iter__` to give each worker another part of the stream. Raises NotImplementedError where
    `__iter__` is not written.

    >>> import minitorch_cnn as mt
    >>> class Countdown(mt.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> [batch.tolist() for batch in mt.utils.data.DataLoader(Countdown(), batch_size=2)]
    [[3, 2], [1]]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__()")

    def __add__(self, other: Any) -> Dataset:
        return ChainDataset([self, other])


class ChainDataset(IterableDataset):
    """Several streams, one after the other; ``a + b`` makes one.

    Samples of any shape and kind. Raises TypeError, when iterated, for what is no IterableDataset.

    >>> import minitorch_cnn as mt
    >>> class Countdown(mt.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter([2, 1])
    >>> list(mt.utils.data.ChainDataset([Countdown(), Countdown()]))
    [2, 1, 2, 1]
    """

    def __init__(self, datasets: Iterable[Any]):
        self.datasets = datasets

    def _streams(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(
                    f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}"
                )
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._streams():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._streams())


class StackDataset(Dataset):
    """Sample i joins the samples i of several data sets: a tuple, or a dict for keyword arguments.

    Samples of any shape and kind. Raises ValueError without data sets, for both kinds of argument,
    and for data sets of different lengths.

    >>> import minitorch_cnn as mt
    >>> mt.utils.data.StackDataset(image="abc", label=[5, 6, 7])[1]
    {'image': 'b', 'label': 6}
    """

    def __init__(self, *args: Any, **kwargs: Any):
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or ``dict``- (via ``kwargs``) like "
                f"input: StackDataset got {len(args)} without keywords, {len(kwargs)} with"
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed to StackDataset")
        self.datasets: Any = args or kwargs
        lengths = [len(dataset) for dataset in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"Size mismatch between datasets: StackDataset got lengths {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        """The samples of a batch, by the data sets' own __getitems__ where they have one."""
        if isinstance(self.datasets, dict):
            rows = zip(*(_samples(d, indices) for d in self.datasets.values()), strict=True)
            return [dict(zip(self.datasets, row, strict=True)) for row in rows]
        return list(zip(*(_samples(d, indices) for d in self.datasets), strict=True))

    def __len__(self) -> int:
        return self._length


def _samples(dataset: Any, indices: list[Any]) -> Any:
    if not callable(getattr(dataset, "__getitems__", None)):
        return [dataset[index] for index in indices]
    samples = dataset.__getitems__(indices)
    if len(samples) != len(indices):
        raise ValueError(
            f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(samples)}"
        )
    return samples


class TensorDataset(Dataset):
    """Sample i is the tuple of row i of every tensor: the tensors (N, ...) hold N samples.

    Raises TypeError for what is no tensor, ValueError without tensors, or if they do not have the
    same number of rows.

    >>> import minitorch_cnn as mt
    >>> rows = mt.utils.data.TensorDataset(mt.tensor([[1, 2], [3, 4]]), mt.tensor([0, 1]))
    >>> len(rows), rows[1]
    (2, (tensor([3, 4]), tensor(1)))
    """

    def __init__(self, *tensors: Tensor):
        for each in tensors:
            if not isinstance(each, Tensor):
                raise TypeError(
                    f"TensorDataset needs tensors, got {type(each).__name__}: {each!r:.60}; make "
                    "one with mt.tensor(...)"
                )
        lengths = [len(tensor) for tensor in tensors]
        if len(set(lengths)) != 1:
            raise ValueError(
                "TensorDataset needs at least one tensor, and tensors of equal length; "
                f"got lengths {lengths}"
            )
        self.tensors = tensors

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset):
    """The samples of `dataset` at `indices`, in that order.

    Samples of any shape and kind; nothing is copied. Raises IndexError, when it is asked for, for a
    sample that is not there.

    >>> import minitorch_cnn as mt
    >>> list(mt.utils.data.Subset("abcdef", [4, 0]))
    ['e', 'a']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]):
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: int) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[each] for each in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> Sequence[Any]:
        chosen = [self.indices[index] for index in indices]
        if hasattr(self.dataset, "__getitems__"):
            return self.dataset.__getitems__(chosen)
        return [self.dataset[index] for index in chosen]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """Several data sets, one after the other.

    Samples of any shape and kind; nothing is copied. Raises ValueError without any or for an
    IterableDataset, IndexError for a sample that is not there.

    >>> import minitorch_cnn as mt
    >>> joined = mt.utils.data.ConcatDataset(["abc", "de"])
    >>> len(joined), joined[3], joined[-1]
    (5, 'd', 'e')
    """

    def __init__(self, datasets: Iterable[Any]):
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset needs at least one data set, got an empty list")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset: it has no index")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> Any:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of range for a ConcatDataset of {size} samples")
        if index < 0:
            index += size
        which = bisect.bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[which - 1] if which > 0 else 0
        return self.datasets[which][index - before]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset]:
    """Cut `dataset`, of samples of any shape, at random into non-overlapping subsets.

    `lengths` are numbers of samples, or fractions that add up to 1 (each rounded down; the samples
    left over go to the first subsets, one each, and an empty part warns). generator: as for
    `RandomSampler`. Returns a list of `Subset`. Raises ValueError if the lengths do not add up to
    `len(dataset)`, or a fraction is not in [0, 1], TypeError for lengths that are no ints.

    >>> import minitorch_cnn as mt
    >>> parts = mt.utils.data.random_split(range(10), [0.75, 0.25])
    >>> [len(part) for part in parts], sorted([*parts[0], *parts[1]]) == list(range(10))
    ([8, 2], True)
    """
    total = len(dataset)
    sizes = list(lengths)
    if math.isclose(sum(sizes), 1) and sum(sizes) <= 1:
        sizes = _sizes_of_fractions(sizes, total)
    if sum(sizes) != total:
        raise ValueError(
            f"random_split: lengths {list(lengths)} add up to {sum(sizes)}, but the data set "
            f"has {total} samples"
        )
    try:
        counts = [operator.index(size) for size in sizes]  # type: ignore[arg-type]
    except TypeError as error:
        raise TypeError(f"random_split: lengths should be ints, got {list(lengths)}") from error
    order = rng_of(generator).permutation(total).tolist()
    ends = itertools.accumulate(counts)
    return [Subset(dataset, order[end - n : end]) for n, end in zip(counts, ends, strict=True)]


def _sizes_of_fractions(fractions: Sequence[float], total: int) -> list[int | float]:
    for number, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(
                f"random_split: fraction {fraction} at position {number} not in [0, 1]"
            )
    sizes: list[int | float] = [math.floor(total * fraction) for fraction in fractions]
    left_over = total - int(sum(sizes))
    for number in range(left_over):
        sizes[number % len(sizes)] += 1
    for number, size in enumerate(sizes):
        if size == 0:
            warnings.warn(
                f"random_split: part {number} of {list(fractions)} is empty", stacklevel=3
            )
    return sizes


class ImageBatch(Sequence[Any]):
    """Samples (image, label) that still lie together in two arrays.

    This is what the image data sets return from `__getitems__` when they have no per-image
    transform. To a collate function written for a list of samples it is one: `batch[i]` is `(PIL
    image, label)`. One that knows better takes the arrays, without a loop over images:

        images: uint8 (B, H, W, C)         labels: int64 (B,)

    `default_collate` turns it into the pair of those tensors. Raises ValueError for images of
    another number of dimensions, or another number of labels.

    >>> import minitorch_cnn as mt
    >>> import numpy as np
    >>> batch = mt.utils.data.ImageBatch(np.zeros((2, 8, 8, 3), np.uint8), np.array([3, 5]))
    >>> image, label = batch[1]
    >>> len(batch), image.size, label
    (2, (8, 8), 5)
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        if images.ndim != 4 or len(images) != len(labels):
            raise ValueError(
                "ImageBatch needs images of shape (B, H, W, C) and B labels; got images "
                f"{images.shape} and labels {labels.shape}"
            )
        self.images = images
        self.labels = labels

    def __getitem__(self, index: Any) -> Any:
        image = self.images[index]
        # Pillow knows grey images only without the channel axis.
        picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
        return picture, int(self.labels[index])

    def __len__(self) -> int:
        return len(self.images)
