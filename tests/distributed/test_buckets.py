"""How gradients are put into buckets: by the rule, for parameters of given sizes."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.nn.parallel.reducer import Bucket, in_buckets


def parameters(*sizes):
    """float32 parameters of as many elements; float64 where the size is a float."""
    kinds = {int: mt.float32, float: mt.float64}
    return [nn.Parameter(mt.zeros(int(size), dtype=kinds[type(size)])) for size in sizes]


@pytest.mark.parametrize(
    "sizes, limits, expected",
    [
        # Full as soon as the limit is reached: 10 elements are 40 bytes.
        ((5, 5, 5, 5), [40], [[0, 1], [2, 3]]),
        ((5, 6, 5, 50), [40], [[0, 1], [2, 3]]),
        # A first limit of its own.
        ((2, 9, 9, 9, 9, 9), [8, 80], [[0], [1, 2, 3], [4, 5]]),
        # The last bucket: at most as large as the first one, and an eighth of all.
        ((50, 40, 5, 3, 2), [100, 1000], [[0], [1], [2, 3, 4]]),
        ((50, 40, 5, 3, 2), [20, 1000], [[0], [1, 2], [3, 4]]),
        ((8, 4), [1000], [[0, 1]]),
        ((100, 4), [1000], [[0], [1]]),
        # One dtype in a bucket; it is closed when it is full, or at the end.
        ((5, 5.0, 5, 5.0, 30), [40], [[1], [0, 2], [3], [4]]),
        # Nothing to send is sent as well.
        ((0,), [1000], [[0]]),
        ((0, 0), [1000], [[0, 1]]),
    ],
)
def test_where_it_is_cut(sizes, limits, expected):
    found = in_buckets(list(range(len(sizes))), parameters(*sizes), limits)
    assert found == expected
    order = list(range(len(sizes)))[::-1]
    turned = in_buckets(order, parameters(*sizes[::-1]), limits)
    assert turned == [[len(sizes) - 1 - place for place in bucket] for bucket in expected]


def test_places_in_a_bucket_do_not_overlap():
    all_ = [nn.Parameter(mt.zeros(*shape)) for shape in ((), (2, 3), (0, 4), (5,))]
    bucket = Bucket([3, 0, 2, 1], all_)
    assert bucket.flat.shape == (12,)
    for place, view in bucket.views.items():
        assert view.shape == tuple(all_[place].shape)
        view += place + 1
    assert bucket.flat.tolist() == [4] * 5 + [1] + [2] * 6
