"""DistributedSampler against torch's, and against the rule applied to our own permutations."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn.utils.data import DataLoader, DistributedSampler

LENGTHS = (0, 1, 2, 3, 5, 8, 16, 17)
CASES = [
    (length, replicas, drop_last)
    for length in LENGTHS
    for replicas in (1, 2, 3, 4, 7)
    for drop_last in (False, True)
]


def deal(order, replicas, drop_last):
    """What each rank gets, by the rule: equally many, each the next in turn."""
    order = list(order)
    if drop_last:
        order = order[: len(order) // replicas * replicas]
    else:
        place = 0
        while len(order) % replicas:
            order.append(order[place])
            place += 1
    return [order[rank::replicas] for rank in range(replicas)]


def test_in_order_as_torchs():
    torch = pytest.importorskip("torch")
    for length, replicas, drop_last in CASES:
        for rank in range(replicas):
            options = dict(num_replicas=replicas, rank=rank, shuffle=False, drop_last=drop_last)
            ours = DistributedSampler(range(length), **options)
            theirs = torch.utils.data.DistributedSampler(range(length), **options)
            assert list(ours) == list(theirs), options
            assert len(ours) == len(theirs) == len(list(ours))
            assert ours.total_size == theirs.total_size
            assert ours.num_samples == theirs.num_samples


def test_shuffled_by_the_permutation_of_seed_plus_epoch():
    for length, replicas, drop_last in CASES:
        for seed, epoch in ((0, 0), (0, 3), (7, 2)):
            generator = mt.Generator().manual_seed(seed + epoch)
            order = mt.randperm(length, generator=generator).tolist()
            expected = deal(order, replicas, drop_last)
            for rank in range(replicas):
                sampler = DistributedSampler(
                    range(length), replicas, rank, seed=seed, drop_last=drop_last
                )
                sampler.set_epoch(epoch)
                assert list(sampler) == expected[rank]
                assert list(sampler) == expected[rank]  # the same epoch again


def test_the_ranks_share_the_data_and_the_epochs_differ():
    epochs = set()
    for epoch in range(4):
        seen = []
        for rank in range(3):
            sampler = DistributedSampler(range(20), 3, rank)
            sampler.set_epoch(epoch)
            seen += list(sampler)
        assert set(seen) == set(range(20)) and len(seen) == 21  # one of them twice
        epochs.add(tuple(seen))
    assert len(epochs) == 4


def test_the_default_generator_is_not_touched():
    mt.manual_seed(5)
    expected = mt.rand(3).tolist()
    mt.manual_seed(5)
    list(DistributedSampler(range(10), 2, 1))
    assert mt.rand(3).tolist() == expected


def test_in_a_loader():
    data = mt.utils.data.TensorDataset(mt.arange(10))
    sampler = DistributedSampler(data, 2, 1, shuffle=False)
    batches = [batch.tolist() for (batch,) in DataLoader(data, batch_size=2, sampler=sampler)]
    assert batches == [[1, 3], [5, 7], [9]]


@pytest.mark.parametrize("replicas, rank", [(2, 2), (2, -1), (1, 1)])
def test_a_rank_that_is_none(replicas, rank):
    torch = pytest.importorskip("torch")
    for sampler in (DistributedSampler, torch.utils.data.DistributedSampler):
        with pytest.raises(ValueError, match=f"Invalid rank {rank}, rank should be in the inter"):
            sampler(range(4), replicas, rank)


@pytest.mark.parametrize("drop_last", [False, True])
def test_shuffled_as_by_torch(drop_last):
    torch = pytest.importorskip("torch")
    for length, replicas, seed, epoch in ((10, 3, 0, 0), (101, 4, 7, 2), (64, 2, 12345, 31)):
        for rank in range(replicas):
            dealt = []
            for sampler in (DistributedSampler, torch.utils.data.DistributedSampler):
                each = sampler(range(length), replicas, rank, seed=seed, drop_last=drop_last)
                each.set_epoch(epoch)
                dealt.append(list(each))
            assert dealt[0] == dealt[1]
