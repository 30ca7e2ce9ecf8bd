"""Samplers: which indices come, and that their order can be restored."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn.utils.data import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def generator(seed=0):
    return mt.Generator().manual_seed(seed)


def test_sequential():
    assert list(SequentialSampler("abcd")) == [0, 1, 2, 3]
    assert len(SequentialSampler("abcd")) == 4


@given(n=st.integers(1, 50), seed=st.integers(0, 1000))
def test_random_sampler_visits_each_index_once(n, seed):
    sampler = RandomSampler(range(n), generator=generator(seed))
    assert sorted(sampler) == list(range(n))
    assert len(sampler) == n


def test_random_sampler_orders_differ_between_epochs_and_seeds():
    sampler = RandomSampler(range(100), generator=generator(1))
    first, second = list(sampler), list(sampler)
    assert first != second
    assert first == list(RandomSampler(range(100), generator=generator(1)))
    assert first != list(RandomSampler(range(100), generator=generator(2)))


def test_random_sampler_without_generator_follows_manual_seed():
    mt.manual_seed(5)
    first = list(RandomSampler(range(30)))
    mt.manual_seed(5)
    assert list(RandomSampler(range(30))) == first


def test_order_is_drawn_when_the_first_batch_is_asked_for():
    g = generator(3)
    state = g.get_state()
    batches = iter(BatchSampler(RandomSampler(range(20), generator=g), 4, False))
    assert np.array_equal(state.numpy(), g.get_state().numpy())
    drawn = list(batches)
    assert not np.array_equal(state.numpy(), g.get_state().numpy())
    g.set_state(state)
    assert list(BatchSampler(RandomSampler(range(20), generator=g), 4, False)) == drawn


def test_random_sampler_num_samples():
    more = list(RandomSampler(range(5), num_samples=12, generator=generator()))
    assert len(more) == 12
    assert sorted(more[:5]) == sorted(more[5:10]) == list(range(5))  # whole permutations
    fewer = list(RandomSampler(range(5), num_samples=3, generator=generator()))
    assert len(set(fewer)) == 3
    drawn = list(RandomSampler(range(5), replacement=True, num_samples=400, generator=generator()))
    counts = np.bincount(drawn, minlength=5)
    assert counts.sum() == 400
    assert counts.min() > 40  # 80 expected


def test_random_sampler_rejects_bad_arguments():
    with pytest.raises(ValueError, match="num_samples=0"):
        RandomSampler([])
    with pytest.raises(ValueError, match="num_samples=-3"):
        RandomSampler(range(5), num_samples=-3)
    with pytest.raises(TypeError, match="replacement"):
        RandomSampler(range(5), replacement=1)


def test_subset_random_sampler():
    indices = [10, 20, 30, 40, 50, 60]
    sampler = SubsetRandomSampler(indices, generator=generator())
    assert sorted(sampler) == indices
    assert list(sampler) != list(sampler)


def test_weighted_random_sampler_follows_the_weights():
    sampler = WeightedRandomSampler([0.0, 3.0, 1.0], 4000, generator=generator())
    counts = np.bincount(list(sampler), minlength=3)
    assert counts[0] == 0
    assert abs(counts[1] / 4000 - 0.75) < 0.04  # 5.8 standard deviations
    once = list(WeightedRandomSampler([1, 2, 0, 4], 3, replacement=False, generator=generator()))
    assert sorted(once) == [0, 1, 3]


@pytest.mark.parametrize("weights", [[-1.0, 2.0], [0.0, 0.0], [float("nan"), 1.0], [[1.0]]])
def test_weighted_random_sampler_rejects_bad_weights(weights):
    with pytest.raises(ValueError, match="weights should be"):
        WeightedRandomSampler(weights, 1)


def test_weighted_random_sampler_needs_enough_weights():
    with pytest.raises(ValueError, match="num_samples=3 cannot be drawn"):
        WeightedRandomSampler([1, 0, 1], 3, replacement=False)


@given(n=st.integers(0, 40), size=st.integers(1, 12), drop_last=st.booleans())
def test_batch_sampler(n, size, drop_last):
    sampler = BatchSampler(range(n), size, drop_last)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert all(len(batch) == size for batch in batches[:-1])
    flat = [index for batch in batches for index in batch]
    assert flat == list(range(n - n % size if drop_last else n))
    if drop_last:
        assert all(len(batch) == size for batch in batches)


@pytest.mark.parametrize("size", [0, -1, 2.5, True])
def test_batch_sampler_rejects_bad_sizes(size):
    with pytest.raises(ValueError, match="batch_size"):
        BatchSampler(range(4), size, False)
