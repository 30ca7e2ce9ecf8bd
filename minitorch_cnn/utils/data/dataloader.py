"""DataLoader: from a data set and a sampler to batches."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.context import BaseContext
from types import GenericAlias
from typing import Any, NamedTuple

from ...backend import is_cupy_available
from ...random import Generator, default_generator
from .collate import default_collate, default_convert, pinned
from .dataset import IterableDataset
from .fetch import Exhausted, make_fetcher
from .pool import WorkerPool
from .sampler import BatchSampler, RandomSampler, SequentialSampler
from .worker import WorkerPlan

# What decides which batches there are: a loader that began with one and went on with another would
# give neither.
FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class Failed(NamedTuple):
    """In the place of a batch: what its samples raised."""

    error: Exception


class Epoch:
    """The batches of one epoch. One that cannot be loaded raises, and the next one follows.

    >>> batches = Epoch(iter([1, Failed(ValueError("no such picture")), 3]))
    >>> next(batches)
    1
    >>> try:
    ...     next(batches)
    ... except ValueError as error:
    ...     print(error)
    no such picture
    >>> next(batches)
    3
    """

    def __init__(self, batches: Iterator[Any]):
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        batch = next(self._batches)
        if isinstance(batch, Failed):
            raise batch.error
        return batch


class DataLoader:
    """Iterates over a data set in batches: samples (...) become batches (B, ...).

        dataset         has `__getitem__` and `__len__`, or is an `IterableDataset`
        batch_size      samples in a batch; None: single samples, not collated
        shuffle         a new random order each epoch
        sampler         the order, as an iterable of indices (instead of `shuffle`)
        batch_sampler   the batches, as an iterable of lists of indices (instead of `batch_size`,
                        `shuffle`, `sampler`, `drop_last`)
        collate_fn      list of samples -> batch; default `default_collate`
        pin_memory      copy each batch to pinned memory, from where ``to("cuda",
                        non_blocking=True)`` brings it to the GPU while that computes
        drop_last       leave out a last, smaller batch
        num_workers     processes that load batches; 0: load them here, when asked for
        prefetch_factor batches that each worker loads ahead (2)
        persistent_workers  keep the processes from epoch to epoch
        timeout         seconds to wait for a batch from a worker; 0: for ever
        worker_init_fn  called in each worker, at its start, with its id
        multiprocessing_context  "fork", "spawn", "forkserver" or a context; default: fork on Linux
        generator       draws the order and the worker seeds; default: the one `manual_seed` seeds
        in_order, pin_memory_device  as in torch, without effect: batches always come in order, and
                        there is one kind of device

    Batches come in the sampler's order, whatever the number of workers. Worker i is seeded (this
    library's default generator, `random` and `numpy.random`) with `base_seed + i`, where the base
    seed is drawn at the start of each epoch. All of that is as in torch: the same `manual_seed`
    gives the same order, and with as many workers the same numbers in each of them.

    `state_dict()` in the middle of an epoch, and `load_state_dict()` in another process, continue
    with the next batch without loading those before it.

    Raises ValueError for options that exclude each other, and for assigning another batch_size,
    dataset, sampler, batch_sampler, drop_last or persistent_workers afterwards. While iterating: an
    exception in a worker is raised here with the same type and the worker's traceback in its
    message; a worker that dies raises RuntimeError with its process id and exit code.

    >>> import minitorch_cnn as mt
    >>> loader = mt.utils.data.DataLoader([10, 11, 12, 13, 14], batch_size=2)
    >>> [batch.tolist() for batch in loader]
    [[10, 11], [12, 13], [14]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ):
        self.dataset = dataset
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers > 0 else prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self._check_worker_options()
        self._iterable = isinstance(dataset, IterableDataset)
        self._check_sampling_options(batch_size, shuffle, sampler, batch_sampler, drop_last)

        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if self._iterable:
            sampler = None
        elif sampler is None:
            sampler = (
                RandomSampler(dataset, generator=generator)
                if shuffle
                else SequentialSampler(dataset)
            )
        if sampler is not None and batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self._auto_collation = batch_sampler is not None or batch_size is not None
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn

        self._told_length: int | None = None  # of an IterableDataset, once somebody asks for it
        self._pool: WorkerPool | None = None
        # Where the current epoch began and how far it is, for state_dict().
        self._epoch_start: Any = None
        self._batches_done = self._tasks_taken = self._base_seed = 0
        self._worker_states: list[Any] = []
        self._resume_from: dict[str, Any] | None = None
        self._made = True

    __class_getitem__: Any = classmethod(GenericAlias)  # DataLoader[...] in annotations

    def __setattr__(self, name: str, value: Any) -> None:
        if name in FIXED and "_made" in self.__dict__:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized: "
                f"make another one with {name}={value!r}"
            )
        if name == "multiprocessing_context":
            self._check_context(value)
        super().__setattr__(name, value)

    def _check_context(self, context: Any) -> None:
        if context is None:
            return
        if self.num_workers == 0:
            raise ValueError(
                "multiprocessing_context can only be used with multi-process loading "
                f"(num_workers > 0), but got num_workers=0 and {context!r}"
            )
        if isinstance(context, str):
            if context not in multiprocessing.get_all_start_methods():
                raise ValueError(
                    "multiprocessing_context option should specify a valid start method in "
                    f"{multiprocessing.get_all_start_methods()}, got {context!r}"
                )
        elif not isinstance(context, BaseContext):
            raise TypeError(
                "multiprocessing_context option should be a valid context object or the name of a "
                f"start method, got {context!r}"
            )

    def _check_worker_options(self) -> None:
        if self.num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative: 0 or more, got num_workers="
                f"{self.num_workers}"
            )
        if self.timeout < 0:
            raise ValueError(
                f"timeout option should be non-negative: 0 or more, got timeout={self.timeout}"
            )
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        if cores is not None and self.num_workers > cores:
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total, more "
                f"than the {cores} cores that there are: excessive worker creation might get "
                "DataLoader running slow or even freeze. Lower num_workers if it does",
                stacklevel=3,
            )
        if self.num_workers == 0 and self.prefetch_factor is not None:
            raise ValueError(
                f"prefetch_factor={self.prefetch_factor} needs worker processes: set num_workers"
            )
        if self.prefetch_factor is not None and self.prefetch_factor < 1:
            raise ValueError(f"prefetch_factor should be positive, got {self.prefetch_factor}")
        if self.num_workers == 0 and self.persistent_workers:
            raise ValueError("persistent_workers=True needs num_workers > 0")
        if self.pin_memory and not is_cupy_available():
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device "
                "pinned memory won't be used.",
                stacklevel=3,
            )
            self.pin_memory = False

    def _check_sampling_options(
        self,
        batch_size: int | None,
        shuffle: bool | None,
        sampler: Iterable[Any] | None,
        batch_sampler: Iterable[Any] | None,
        drop_last: bool,
    ) -> None:
        for name, option in (
            ("shuffle", shuffle or None),
            ("sampler", sampler),
            ("batch_sampler", batch_sampler),
        ):
            if self._iterable and option is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, since "
                    f"the dataset has its own order, but got {name}={option}"
                )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (
            batch_size != 1 or shuffle or sampler is not None or drop_last
        ):
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, "
                f"and drop_last; got batch_size={batch_size}, shuffle={shuffle}, "
                f"sampler={sampler}, drop_last={drop_last}"
            )
        if batch_size is None and batch_sampler is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last=True"
            )
        if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
            raise ValueError(
                f"batch_size should be a positive integer value, but got {batch_size!r:.60}"
            )

    def __len__(self) -> int:
        """Batches of an epoch. Raises TypeError for an IterableDataset without a length."""
        if not self._iterable:
            order: Any = self.sampler if self.batch_sampler is None else self.batch_sampler
            return len(order)
        samples = self._told_length = len(self.dataset)
        if self.batch_size is None:
            return samples
        full, rest = divmod(samples, self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __iter__(self) -> Iterator[Any]:
        """Draws the epoch's order now, and loads the batches as they are asked for."""
        generator = self.generator or default_generator
        resume, self._resume_from = self._resume_from, None
        self._tasks_taken = 0
        goes_on = resume is None and self._pool is not None  # workers that stay, as in torch
        if resume is None or resume["epoch_start"] is None:
            # Drawn without workers too, so that the order does not depend on how many there are.
            if resume is not None and self.persistent_workers and resume.get("workers"):
                self._base_seed, self._worker_states = resume["base_seed"], resume["workers"]
            elif not goes_on:
                self._base_seed, self._worker_states = generator.rng.integers(0, 2**63), []
            self._epoch_start = generator.get_state()
            self._batches_done = 0
            tasks = self._tasks()
            # What workers prepare in advance is drawn now, the rest when it is needed, as in torch.
            ahead = [*itertools.islice(tasks, self.num_workers * (self.prefetch_factor or 0))]
        else:
            now = generator.get_state()
            generator.set_state(resume["epoch_start"])
            self._base_seed = resume.get("base_seed", 0)  # a checkpoint may be older than these
            self._batches_done = resume["batches_done"]
            self._worker_states = resume.get("workers", [])
            tasks = self._tasks()
            taken = max(resume.get("tasks_taken", 0), self._batches_done)
            ahead = [*itertools.islice(tasks, taken)]
            generator.set_state(now)

        done = self._batches_done
        remaining = itertools.islice(enumerate(itertools.chain(ahead, tasks)), done, None)
        if self.num_workers == 0:
            batches = self._load_here(remaining)
        else:
            batches = self._load_in_workers(remaining, goes_on)
        return Epoch(self._counted(batches))

    def _tasks(self) -> Iterator[Any]:
        """What to fetch for each batch: indices, or for an iterable data set how many samples."""
        self._tasks_taken = 0
        self._epoch_start = (self.generator or default_generator).get_state()
        if self._iterable:
            order: Any = itertools.repeat(self.batch_size)
        else:
            order = self.sampler if self.batch_sampler is None else self.batch_sampler
        for task in order:
            self._tasks_taken += 1
            yield task
        self._tasks_taken += 1  # somebody has asked for one more, and the sampler may have drawn

    def _counted(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            self._batches_done += 1
            if self._told_length is not None and self._batches_done > self._told_length:
                self._warn_of_length()
            yield pinned(batch) if self.pin_memory and not isinstance(batch, Failed) else batch
        self._epoch_start = None
        self._batches_done = 0

    def _warn_of_length(self) -> None:
        """Says that an IterableDataset gives more than its length.

        Batches are counted, as in torch: of workers that share one well, each may end with a
        smaller batch.
        """
        workers = (
            " For multiprocessing data-loading, this could be because each worker goes through "
            "the whole data set: let its __iter__ ask get_worker_info() which part is its own."
        )
        warnings.warn(
            f"Length of IterableDataset {self.dataset} was reported to be {self._told_length} by "
            f"len(dataloader), but {self._batches_done} samples have been fetched."
            + (workers if self.num_workers else ""),
            stacklevel=4,
        )

    def _load_here(self, tasks: Iterator[tuple[int, Any]]) -> Iterator[Any]:
        fetcher = make_fetcher(self.dataset, self.collate_fn, self._auto_collation, self.drop_last)
        for _, task in tasks:
            try:
                batch = fetcher.fetch(task)
            except Exhausted:
                return
            except Exception as error:
                batch = Failed(error)
            yield batch

    def _load_in_workers(self, tasks: Iterator[tuple[int, Any]], goes_on: bool) -> Iterator[Any]:
        seed = None if goes_on and self._pool else self._base_seed
        pool = self._pool or self._start_workers()
        first = self._batches_done
        # The workers whose batches are due, in the order of the batches.
        due: deque[int] = deque()

        def dispatch(worker_id: int) -> None:
            for number, task in itertools.islice(tasks, 1):
                pool.send_task(worker_id, number, task)
                due.append(worker_id)

        finished = False
        try:
            pool.begin_epoch(seed, self._worker_states)
            for number in range(first, first + self.num_workers * (self.prefetch_factor or 1)):
                dispatch(number % self.num_workers)
            while due:
                worker_id = due.popleft()
                kind, value = pool.receive(worker_id)
                if kind == "end":
                    continue  # this worker's part of the stream is over: no more tasks for it
                self._worker_states = pool.states
                dispatch(worker_id)
                yield Failed(value.exception()) if kind == "error" else value
            finished = True
        except GeneratorExit:
            # The loop over the loader was left early: persistent workers may stay.
            finished = True
            raise
        finally:
            if not (finished and self.persistent_workers):
                self._pool = None
                pool.shutdown()

    def _start_workers(self) -> WorkerPool:
        plan = WorkerPlan(
            self.dataset,
            self.collate_fn,
            self._auto_collation,
            self.drop_last,
            self.num_workers,
            self.worker_init_fn,
        )
        pool = WorkerPool(plan, self.multiprocessing_context, self.timeout)
        if self.persistent_workers:
            self._pool = pool
        return pool

    def state_dict(self) -> dict[str, Any]:
        """Where the latest iteration stands, to be saved in a checkpoint.

        epoch_start   the generator's state before the order was drawn; None between two epochs
        batches_done  batches handed out since then
        tasks_taken   batches for which the sampler has been asked
        base_seed     of the workers, and the states in which their own generators are: workers
        generator     the generator's state now

        A checkpoint in the middle of an epoch, from which training goes on as if it had never
        stopped, holds this and the state of the default generator, from which dropout and the
        transforms draw:

        >>> import minitorch_cnn as mt
        >>> loader = mt.utils.data.DataLoader(range(8), batch_size=2, shuffle=True)
        >>> batches = iter(loader)
        >>> done = [next(batches).tolist() for _ in range(2)]
        >>> checkpoint = {"loader": loader.state_dict(), "rng": mt.get_rng_state()}
        >>> rest = [batch.tolist() for batch in batches]
        >>> loader.load_state_dict(checkpoint["loader"])
        >>> mt.set_rng_state(checkpoint["rng"])
        >>> [batch.tolist() for batch in loader] == rest
        True
        """
        generator = self.generator or default_generator
        return {
            "epoch_start": self._epoch_start,
            "batches_done": self._batches_done,
            "tasks_taken": self._tasks_taken,
            "base_seed": self._base_seed,
            "workers": list(self._worker_states),
            "generator": generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the generator, and lets the next `iter(loader)` go on where `state` was taken.

        The order of the interrupted epoch is drawn again from the state in which the generator was
        then; the indices of the batches already done are skipped, and no sample is loaded for them.
        A sampler of your own must draw from the loader's `generator`. With as many workers as
        before, these go on with their random numbers too.

        Raises NotImplementedError for an IterableDataset in the middle of an epoch.

        >>> import minitorch_cnn as mt
        >>> loader = mt.utils.data.DataLoader([10, 11, 12, 13], batch_size=2)
        >>> first = next(iter(loader))
        >>> resumed = mt.utils.data.DataLoader([10, 11, 12, 13], batch_size=2)
        >>> resumed.load_state_dict(loader.state_dict())
        >>> [batch.tolist() for batch in resumed]
        [[12, 13]]
        """
        if self._iterable and state["batches_done"]:
            raise NotImplementedError(
                "DataLoader.load_state_dict: an IterableDataset cannot skip to batch "
                f"{state['batches_done']}"
            )
        (self.generator or default_generator).set_state(state["generator"])
        self._resume_from = state
