"""One task -> one batch. The same code runs in the main process and in the workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from .dataset import IterableDataset


class Exhausted(Exception):
    """An iterable data set has no more samples.

    >>> try:
    ...     IterableFetcher([], list, False).fetch(1)
    ... except Exhausted:
    ...     print("the epoch is over")
    the epoch is over
    """


class MapFetcher:
    """A task is a list of indices, or one index where batching is off.

    >>> MapFetcher("abcd", "".join, batched=True).fetch([2, 0])
    'ca'
    """

    def __init__(self, dataset: Any, collate_fn: Callable, batched: bool):
        self.dataset = dataset
        self.collate_fn = collate_fn
        self.batched = batched

    def fetch(self, task: Any) -> Any:
        """The batch for a task. Raises what the data set and the collate function raise.

        >>> MapFetcher("abcd", str.upper, batched=False).fetch(2)
        'C'
        """
        if not self.batched:
            return self.collate_fn(self.dataset[task])
        if getattr(self.dataset, "__getitems__", None) is not None:
            return self.collate_fn(self.dataset.__getitems__(task))
        return self.collate_fn([self.dataset[index] for index in task])


class IterableFetcher:
    """A task is a number of samples, or None where batching is off.

    >>> fetcher = IterableFetcher("abc", "".join, drop_last=False)
    >>> fetcher.fetch(2), fetcher.fetch(2)
    ('ab', 'c')
    """

    def __init__(self, dataset: Any, collate_fn: Callable, drop_last: bool):
        self.samples = iter(dataset)
        self.collate_fn = collate_fn
        self.drop_last = drop_last

    def fetch(self, task: int | None) -> Any:
        """The batch of the next samples. Raises Exhausted if there are none (drop_last: too few).

        >>> IterableFetcher("abc", str.upper, drop_last=False).fetch(None)
        'A'
        """
        wanted = 1 if task is None else task
        samples = list(itertools.islice(self.samples, wanted))
        if not samples or (self.drop_last and len(samples) < wanted):
            raise Exhausted
        return self.collate_fn(samples[0] if task is None else samples)


def make_fetcher(
    dataset: Any, collate_fn: Callable, batched: bool, drop_last: bool
) -> MapFetcher | IterableFetcher:
    """The fetcher for this kind of data set. It is made anew for each epoch.

    >>> type(make_fetcher("abc", list, True, False)).__name__
    'MapFetcher'
    """
    if isinstance(dataset, IterableDataset):
        return IterableFetcher(dataset, collate_fn, drop_last)
    return MapFetcher(dataset, collate_fn, batched)
