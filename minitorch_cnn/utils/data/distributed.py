"""Which samples each process takes when several of them train one network."""

from __future__ import annotations

from collections.abc import Iterator, Sized

import numpy as np

from ...ops.breadth.random_sampling import randperm
from ...random import Generator
from .sampler import Sampler


class DistributedSampler(Sampler):
    """Deals out a data set to `num_replicas` processes: this one, `rank`, gets every n-th index.

    Every process makes the same order, a permutation from `seed` plus the epoch (shuffle=False:
    0, 1, 2, ...), so nobody has to ask anybody. All get equally many samples, since each step of
    training takes a batch of every process: what is lacking is filled up with samples from the
    beginning of the order, or, with drop_last, the last len(dataset) % num_replicas are left out.
    Call `set_epoch` before each epoch, or all of them have the same order.

    num_replicas, rank: those of the process group if not given. Raises ValueError for a rank that
    is not below num_replicas, and as `distributed.get_rank` does without a process group.

    >>> import minitorch_cnn as mt
    >>> list(mt.utils.data.DistributedSampler("abcde", num_replicas=2, rank=0, shuffle=False))
    [0, 2, 4]
    >>> list(mt.utils.data.DistributedSampler("abcde", num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            from ... import distributed  # needed by programs of several processes alone

            num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
            rank = distributed.get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas, self.rank = num_replicas, rank
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        self.epoch = 0
        length = len(dataset)
        self.num_samples = length // num_replicas if drop_last else -(-length // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        order = np.arange(len(self.dataset))
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            order = randperm(len(order), generator=generator, device="cpu").array
        order = np.resize(order, self.total_size)  # begins again where it ends, or cuts it short
        return iter(order[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Says which epoch comes next: another order in each, the same on every process.

        >>> import minitorch_cnn as mt
        >>> sampler = mt.utils.data.DistributedSampler(range(100), num_replicas=2, rank=0)
        >>> first = list(sampler)
        >>> sampler.set_epoch(1)
        >>> list(sampler) == first
        False
        """
        self.epoch = epoch
