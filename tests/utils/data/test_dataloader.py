"""DataLoader: batches, order, seeds and resuming, with and without worker processes."""

import itertools
import random
import warnings

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    ImageBatch,
    IterableDataset,
    SequentialSampler,
    TensorDataset,
    get_worker_info,
)


class Numbers(Dataset):
    def __init__(self, n=20):
        self.n = n

    def __getitem__(self, index):
        return index

    def __len__(self):
        return self.n


class RandomNumbers(Numbers):
    """A sample is its index and a number from each generator that a transform may use."""

    def __getitem__(self, index):
        own = float(mt.default_generator.rng.uniforms(1)[0])
        return index, own, random.random(), float(np.random.random())  # noqa: NPY002


class Stream(IterableDataset):
    """0 .. n-1, dealt out among the workers."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        return iter(range(self.n) if info is None else range(info.id, self.n, info.num_workers))

    def __len__(self):
        return self.n


def identity(batch):
    return batch


def values(loader):
    return [batch.tolist() for batch in loader]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_in_order(workers, drop_last):
    loader = DataLoader(Numbers(11), batch_size=3, drop_last=drop_last, num_workers=workers)
    expected = [[0, 1, 2], [3, 4, 5], [6, 7, 8]] + ([] if drop_last else [[9, 10]])
    assert values(loader) == expected
    assert values(loader) == expected  # a second epoch
    assert len(loader) == len(expected)


def test_order_does_not_depend_on_the_number_of_workers():
    orders = []
    for workers in (0, 1, 3):
        generator = mt.Generator().manual_seed(3)
        loader = DataLoader(Numbers(), 4, shuffle=True, num_workers=workers, generator=generator)
        orders.append([values(loader), values(loader)])
    assert orders[0] == orders[1] == orders[2]
    first, second = orders[0]
    assert first != second
    assert sorted(itertools.chain(*first)) == list(range(20))


def test_manual_seed_repeats_the_order():
    def shuffled():
        return values(DataLoader(Numbers(), 4, shuffle=True))

    mt.manual_seed(1)
    first = shuffled()
    assert shuffled() != first
    mt.manual_seed(1)
    assert shuffled() == first


def test_numpy_and_random_are_left_alone_in_the_main_process():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    list(DataLoader(Numbers(), 4, shuffle=True))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_batching_off():
    loader = DataLoader([np.ones(2), np.zeros(2)], batch_size=None)
    assert len(loader) == 2
    assert [sample.tolist() for sample in loader] == [[1, 1], [0, 0]]
    assert list(DataLoader(Stream(3), batch_size=None, num_workers=1)) == [0, 1, 2]


def test_own_sampler_and_batch_sampler():
    assert values(DataLoader(Numbers(), 2, sampler=[5, 1, 9])) == [[5, 1], [9]]
    batches = [[3, 4], [0], [7, 8, 9]]
    assert values(DataLoader(Numbers(), batch_sampler=batches)) == batches
    sampler = BatchSampler(SequentialSampler(range(5)), 2, drop_last=True)
    loader = DataLoader(Numbers(), batch_sampler=sampler, num_workers=2)
    assert values(loader) == [[0, 1], [2, 3]]
    assert loader.batch_sampler is sampler
    assert len(loader) == 2


def test_collate_fn_and_getitems():
    class Whole(Numbers):
        def __getitems__(self, indices):
            return np.array(indices) * 10

    assert list(DataLoader(Numbers(4), 2, collate_fn=tuple)) == [(0, 1), (2, 3)]
    got = list(DataLoader(Whole(4), 2, collate_fn=identity))
    assert [batch.tolist() for batch in got] == [[0, 10], [20, 30]]


def test_image_batches_reach_the_collate_function_whole():
    class Images(Numbers):
        def __getitems__(self, indices):
            return ImageBatch(np.zeros((len(indices), 4, 4, 3), np.uint8), np.array(indices))

    (batch,) = DataLoader(Images(5), 5, collate_fn=identity)
    assert isinstance(batch, ImageBatch)
    images, labels = next(iter(DataLoader(Images(5), 2)))
    assert images.shape == (2, 4, 4, 3)
    assert labels.tolist() == [0, 1]


@pytest.mark.parametrize("workers", [0, 2])
def test_tensors_arrive_with_values_and_types(workers):
    x = np.random.default_rng(0).standard_normal((7, 3, 5)).astype(np.float32)
    data = TensorDataset(mt.from_numpy(x), mt.from_numpy(np.arange(7)))
    batches = list(DataLoader(data, 4, num_workers=workers))
    assert np.array_equal(np.concatenate([batch[0].numpy() for batch in batches]), x)
    assert batches[0][0].dtype is mt.float32
    assert batches[1][1].tolist() == [4, 5, 6]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_iterable_dataset(workers):
    loader = DataLoader(Stream(10), batch_size=2, num_workers=workers)
    got = values(loader)
    assert sorted(itertools.chain(*got)) == list(range(10))
    if workers == 3:
        # worker 0 has 0 3 6 9, worker 1 has 1 4 7, worker 2 has 2 5 8; they take turns
        assert got == [[0, 3], [1, 4], [2, 5], [6, 9], [7], [8]]
    assert len(loader) == 5


def test_iterable_dataset_drop_last():
    loader = DataLoader(Stream(5), batch_size=2, drop_last=True)
    assert values(loader) == [[0, 1], [2, 3]]
    assert len(loader) == 2


class Seeds(Numbers):
    def __getitem__(self, index):
        info = get_worker_info()
        return info.id, info.num_workers, info.seed


def test_worker_seeds_differ_and_are_reproducible():
    def seeds(seed):
        generator = mt.Generator().manual_seed(seed)
        loader = DataLoader(Seeds(3), 1, num_workers=3, generator=generator)
        return [tuple(int(value) for value in batch) for batch in loader]

    first = seeds(1)
    assert [(worker, count) for worker, count, _ in first] == [(0, 3), (1, 3), (2, 3)]
    base = first[0][2]
    assert [seed - base for _, _, seed in first] == [0, 1, 2]
    assert seeds(1) == first
    assert seeds(2)[0][2] != base


def drawn(workers, seed=0):
    generator = mt.Generator().manual_seed(seed)
    loader = DataLoader(
        RandomNumbers(12), 3, num_workers=workers, generator=generator, collate_fn=identity
    )
    return list(loader), list(loader)


def test_random_numbers_in_workers():
    first, second = drawn(2)
    assert (first, second) == drawn(2)
    assert first != second
    assert first != drawn(2, seed=1)[0]
    for column in (1, 2, 3):  # this library's generator, random, numpy
        numbers = [sample[column] for batch in first + second for sample in batch]
        assert len(set(numbers)) == len(numbers)


def remember_worker(worker_id):
    get_worker_info().dataset.n = 100 + worker_id


class SeenByInit(Numbers):
    def __getitem__(self, index):
        return self.n


def test_worker_init_fn_and_spawn():
    loader = DataLoader(
        SeenByInit(4),
        1,
        num_workers=2,
        worker_init_fn=remember_worker,
        multiprocessing_context="spawn",
    )
    assert values(loader) == [[100], [101], [100], [101]]
    assert loader.dataset.n == 4  # the workers have copies


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.parametrize("done", [0, 2, 5])
def test_resume_in_the_middle_of_an_epoch(workers, own_generator, done):
    """Two epochs in one go, and the same with an interruption after `done` batches of the first."""

    def new_loader(seed):
        mt.manual_seed(seed)
        generator = mt.Generator().manual_seed(seed) if own_generator else None
        data = RandomNumbers(10) if workers else Numbers(10)
        return DataLoader(
            data,
            2,
            shuffle=True,
            generator=generator,
            num_workers=workers,
            collate_fn=lambda batch: [sample[:2] for sample in batch] if workers else batch,
        )

    def train(batches, count=None):
        """Takes batches, with random numbers of its own between them, as dropout has."""
        log = []
        for batch in batches:
            log.append((batch, float(mt.default_generator.rng.uniforms(1)[0])))
            if len(log) == count:
                break
        return log

    loader = new_loader(1)
    iterator = iter(loader)
    before = train(iterator, done) if done else []
    state, rng = loader.state_dict(), mt.get_rng_state()
    rest = train(iterator)
    next_epoch = train(loader)
    assert len(before + rest) == 5

    other = new_loader(2)
    other.load_state_dict(state)
    mt.set_rng_state(rng)
    assert train(other) == rest
    assert train(other) == next_epoch


def test_resume_loads_no_sample_of_the_batches_before():
    class Recording(Numbers):
        def __getitem__(self, index):
            loaded.append(index)
            return index

    loaded: list[int] = []
    loader = DataLoader(Recording(10), 2)
    iterator = iter(loader)
    next(iterator)
    next(iterator)
    state = loader.state_dict()
    assert state["batches_done"] == 2
    loaded.clear()
    other = DataLoader(Recording(10), 2)
    other.load_state_dict(state)
    assert values(other) == [[4, 5], [6, 7], [8, 9]]
    assert loaded == [4, 5, 6, 7, 8, 9]


def test_state_between_epochs_begins_a_new_one():
    loader = DataLoader(Numbers(6), 2, shuffle=True, generator=mt.Generator().manual_seed(1))
    list(loader)
    state = loader.state_dict()
    expected = values(loader)
    other = DataLoader(Numbers(6), 2, shuffle=True, generator=mt.Generator().manual_seed(9))
    other.load_state_dict(state)
    assert values(other) == expected


def test_iterable_dataset_cannot_resume():
    loader = DataLoader(Stream(10), 2)
    next(iter(loader))
    with pytest.raises(NotImplementedError, match="batch 1"):
        loader.load_state_dict(loader.state_dict())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_workers": -1}, "num_workers"),
        ({"timeout": -1}, "timeout"),
        ({"prefetch_factor": 2}, "prefetch_factor=2"),
        ({"num_workers": 1, "prefetch_factor": 0}, "prefetch_factor"),
        ({"persistent_workers": True}, "persistent_workers"),
        ({"shuffle": True, "sampler": [1]}, "mutually exclusive"),
        ({"batch_sampler": [[1]], "batch_size": 2}, "mutually exclusive"),
        ({"batch_sampler": [[1]], "shuffle": True}, "mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, "drop_last"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_options_that_exclude_each_other(options, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(Numbers(), **options)


def test_iterable_dataset_has_no_sampler():
    with pytest.raises(ValueError, match="shuffle"):
        DataLoader(Stream(4), shuffle=True)


def test_pin_memory_is_accepted_with_a_warning():
    with pytest.warns(UserWarning, match="pin_memory"):
        DataLoader(Numbers(), pin_memory=True)


def test_what_a_loader_was_made_with_is_fixed():
    loader = DataLoader(Numbers(4), batch_size=2, in_order=True)
    for name in ("batch_size", "dataset", "sampler", "batch_sampler", "drop_last"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set"):
            setattr(loader, name, 3)
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3]]


def test_worker_contexts_are_checked():
    with pytest.raises(ValueError, match="num_workers > 0"):
        DataLoader(Numbers(), multiprocessing_context="fork")
    with pytest.raises(ValueError, match=r"valid start method in .*got 'bad'"):
        DataLoader(Numbers(), num_workers=1, multiprocessing_context="bad")
    with pytest.raises(TypeError, match="got 3"):
        DataLoader(Numbers(), num_workers=1, multiprocessing_context=3)


class SomeBroken(Numbers):
    def __getitem__(self, index):
        if index % 3 == 1:
            raise OSError(f"picture {index}")
        return index


@pytest.mark.parametrize("workers", [0, 2])
def test_the_batches_after_one_that_failed(workers):
    loader = DataLoader(SomeBroken(7), batch_size=1, num_workers=workers)
    batches, seen = iter(loader), []
    for _ in range(7):
        try:
            seen.append(next(batches).item())
        except OSError as error:
            seen.append(str(error).strip().rpartition(" ")[2])
    assert seen == [0, "1", 2, 3, "4", 5, 6] and next(batches, "end") == "end"


def test_more_workers_than_cores_warn():
    with pytest.warns(UserWarning, match="excessive worker creation"):
        DataLoader(Numbers(), num_workers=10000)


class ToldLength(IterableDataset):
    """Says that it has 3 numbers, and gives 5 in each process."""

    def __len__(self):
        return 3

    def __iter__(self):
        return iter(range(5))


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(("batch_size", "warned"), [(None, 2), (1, 2), (2, 0)])  # as in torch
def test_more_than_the_length_that_was_told(workers, batch_size, warned):
    loader = DataLoader(ToldLength(), batch_size, num_workers=workers)
    for asked in (False, True):
        told = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12's, of fork
            for _ in loader:
                told.append(len(caught))
        assert told[-1] == len(caught) == (warned if asked else 0) and told[:3] == [0, 0, 0]
        for each in caught:
            text = str(each.message)
            assert "reported to be 3" in text and "samples have been fetched" in text
            assert ("multiprocessing" in text) == (workers > 0)
            assert each.filename == __file__
        assert len(loader) == (2 if batch_size == 2 else 3)
