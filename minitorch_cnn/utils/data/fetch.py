"""One task -> one batch. The same code runs in the main process and in the workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from .dataset import IterableDataset


class Exhausted(Exception):
    """An iterable data set has no more samples."""


class MapFetcher:
    """A task is a list of indices, or one index where batching is off."""

    def __init__(self, dataset: Any, collate_fn: Callable, batched: bool):
        self.dataset = dataset
        self.collate_fn = collate_fn
        self.batched = batched

    def fetch(self, task: Any) -> Any:
        if not self.batched:
            return self.collate_fn(self.dataset[task])
        if hasattr(self.dataset, "__getitems__"):
            return self.collate_fn(self.dataset.__getitems__(task))
        return self.collate_fn([self.dataset[index] for index in task])


class IterableFetcher:
    """A task is a number of samples, or None where batching is off."""

    def __init__(self, dataset: Any, collate_fn: Callable, drop_last: bool):
        self.samples = iter(dataset)
        self.collate_fn = collate_fn
        self.drop_last = drop_last

    def fetch(self, task: int | None) -> Any:
        wanted = 1 if task is None else task
        samples = list(itertools.islice(self.samples, wanted))
        if not samples or (self.drop_last and len(samples) < wanted):
            raise Exhausted
        return self.collate_fn(samples[0] if task is None else samples)


def make_fetcher(
    dataset: Any, collate_fn: Callable, batched: bool, drop_last: bool
) -> MapFetcher | IterableFetcher:
    """The fetcher for this kind of data set. It is made anew for each epoch."""
    if isinstance(dataset, IterableDataset):
        return IterableFetcher(dataset, collate_fn, drop_last)
    return MapFetcher(dataset, collate_fn, batched)
