"""In which order the samples are visited.

A sampler draws its random numbers when it is asked for the first index, and a random one without
replacement once more after the last: as torch's do, whose orders come out. The order of an epoch is
a function of the generator's state at that moment: save that state, restore it later, and the same
order comes again (`DataLoader.state_dict` builds on this).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from types import GenericAlias
from typing import Any

import numpy as np

from ...mersenne import MersenneTwister
from ...ops.breadth.random_sampling import multinomial
from ...random import Generator, default_generator, rng_of
from ...tensor import wrap


def _own(generator: Generator | None) -> MersenneTwister:
    """Where an order comes from: by default, as in torch, from a generator of the order's own.

    It is seeded by one number of the default generator, which so goes on from the same place
    whatever the length of the data set.
    """
    if generator is not None:
        return rng_of(generator)
    return MersenneTwister(default_generator.rng.integers(0, 2**63))


class Sampler:
    """Base class: `__iter__` yields the indices of one epoch, `__len__` says how many.

    Raises NotImplementedError where `__iter__` is not written.

    >>> import minitorch_cnn as mt
    >>> class Backwards(mt.utils.data.Sampler):
    ...     def __iter__(self):
    ...         return iter([2, 1, 0])
    ...     def __len__(self):
    ...         return 3
    >>> next(iter(mt.utils.data.DataLoader("abc", batch_size=3, sampler=Backwards())))
    ['c', 'b', 'a']
    """

    __class_getitem__: Any = classmethod(GenericAlias)  # Sampler[int] in annotations and as a base

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__()")


class SequentialSampler(Sampler):
    """0, 1, 2, ... up to the length of data_source, in this order.

    Raises TypeError, when iterated, for a data_source without a length.

    >>> import minitorch_cnn as mt
    >>> list(mt.utils.data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized):
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Every index once in random order, or `num_samples` indices drawn with replacement.

    Without replacement and with `num_samples` larger than the data set, whole permutations follow
    each other. `generator=None` means the default generator, which `manual_seed` seeds. Raises
    TypeError for a replacement that is no bool (when iterated also for another generator),
    ValueError for a num_samples that is not a positive integer or an empty data set.

    >>> import minitorch_cnn as mt
    >>> sorted(mt.utils.data.RandomSampler("abcd"))
    [0, 1, 2, 3]
    >>> len(list(mt.utils.data.RandomSampler("abcd", replacement=True, num_samples=9)))
    9
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ):
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={replacement!r}"
            )
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(
                "num_samples should be a positive integer value, but got "
                f"num_samples={self.num_samples}"
            )

    @property
    def num_samples(self) -> int:
        """The indices of an epoch: the number that was given, or the length of the data set.

        >>> import minitorch_cnn as mt
        >>> mt.utils.data.RandomSampler("abcd").num_samples
        4
        """
        # The data set may grow between epochs, so its length is asked for each time.
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        rng = _own(self.generator)
        n = len(self.data_source)
        if self.replacement:
            for start in range(0, self.num_samples, 32):
                yield from rng.integers(0, n, min(32, self.num_samples - start)).tolist()
            return
        for _ in range(self.num_samples // n):
            yield from rng.permutation(n).tolist()
        # Also for no rest at all, which uses up random numbers.
        yield from rng.permutation(n)[: self.num_samples % n].tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given indices in random order, each once; generator: as for `RandomSampler`.

    Raises TypeError, when iterated, for indices without a length.

    >>> import minitorch_cnn as mt
    >>> sorted(mt.utils.data.SubsetRandomSampler([5, 7, 9]))
    [5, 7, 9]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None):
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for position in rng_of(self.generator).permutation(len(self.indices)).tolist():
            yield self.indices[position]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """`num_samples` indices in [0, len(weights)), drawn with probabilities ~ `weights`.

    It balances rare classes: give each sample 1 / how many there are of its class. Raises TypeError
    for weights that are no numbers, ValueError for negative or all-zero ones, a num_samples that is
    not a positive integer, and if without replacement more samples are asked for than there are
    non-zero weights.

    >>> import minitorch_cnn as mt
    >>> list(mt.utils.data.WeightedRandomSampler([0.0, 1.0, 0.0], num_samples=3))
    [1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ):
        values = np.asarray(weights)
        if values.dtype.kind not in "biuf":
            raise TypeError(f"weights should be numbers, got {weights!r:.80}")
        values = values.astype(np.float64)
        if values.ndim != 1 or not np.all(values >= 0) or not 0 < values.sum() < np.inf:
            raise ValueError(
                "weights should be one list of finite numbers >= 0, not all zero; got "
                f"shape {values.shape}, values {values.ravel()[:10].tolist()}"
            )
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(
                f"num_samples should be a positive integer value, but got num_samples={num_samples}"
            )
        if not isinstance(replacement, bool):
            raise ValueError(
                f"replacement should be a boolean value, but got replacement={replacement!r}"
            )
        positive = int(np.count_nonzero(values))
        if not replacement and num_samples > positive:
            raise ValueError(
                f"num_samples={num_samples} cannot be drawn without replacement from "
                f"{positive} non-zero weights"
            )
        self.weights = values
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights = wrap(self.weights)
        chosen = multinomial(weights, self.num_samples, self.replacement, generator=self.generator)
        yield from chosen.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Groups the indices of `sampler` into lists of `batch_size`.

    `drop_last` leaves out a last batch that is smaller than `batch_size`. Raises ValueError for a
    batch_size that is not a positive integer or a drop_last that is no bool.

    >>> import minitorch_cnn as mt
    >>> list(mt.utils.data.BatchSampler(range(7), batch_size=3, drop_last=False))
    [[0, 1, 2], [3, 4, 5], [6]]
    """

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(
                f"batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        if not isinstance(drop_last, bool):
            raise ValueError(
                f"drop_last should be a boolean value, but got drop_last={drop_last!r}"
            )
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        batch = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        samples = len(self.sampler)
        if self.drop_last:
            return samples // self.batch_size
        return -(-samples // self.batch_size)  # ceiling
