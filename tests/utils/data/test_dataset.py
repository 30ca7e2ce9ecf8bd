"""Data sets: cutting, joining, and the batch of whole arrays."""

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn.utils.data import (
    ConcatDataset,
    Dataset,
    ImageBatch,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)


def test_dataset_must_define_getitem():
    with pytest.raises(NotImplementedError, match="__getitem__"):
        Dataset()[0]
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(IterableDataset())


def test_tensor_dataset():
    x = mt.from_numpy(np.arange(12.0).reshape(4, 3))
    y = mt.from_numpy(np.arange(4))
    data = TensorDataset(x, y)
    assert len(data) == 4
    row, label = data[2]
    assert row.tolist() == [6.0, 7.0, 8.0]
    assert label.item() == 2
    with pytest.raises(ValueError, match=r"\[4, 3\]"):
        TensorDataset(x, y[:3])


def test_concat_dataset():
    joined = ConcatDataset(["ab", "", "cde"])
    assert len(joined) == 5
    assert [joined[i] for i in range(5)] == list("abcde")
    assert [joined[i] for i in range(-5, 0)] == list("abcde")
    for index in (5, -6):
        with pytest.raises(IndexError, match=str(index)):
            joined[index]
    assert len(Subset("abc", [0, 1]) + Subset("abc", [2])) == 3
    with pytest.raises(ValueError, match="empty"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="IterableDataset"):
        ConcatDataset([IterableDataset()])


def test_subset_passes_whole_batches_on():
    class Counting(Dataset):
        def __getitems__(self, indices):
            return [("many", index) for index in indices]

    assert Subset(Counting(), [5, 7, 9]).__getitems__([2, 0]) == [("many", 9), ("many", 5)]
    assert Subset("abcdef", [5, 3, 1]).__getitems__([2, 0]) == ["b", "f"]


def test_random_split_lengths():
    parts = random_split(range(10), [7, 2, 1], generator=mt.Generator().manual_seed(1))
    assert [len(part) for part in parts] == [7, 2, 1]
    assert sorted(sample for part in parts for sample in part) == list(range(10))
    again = random_split(range(10), [7, 2, 1], generator=mt.Generator().manual_seed(1))
    assert [part.indices for part in parts] == [part.indices for part in again]
    other = random_split(range(10), [7, 2, 1], generator=mt.Generator().manual_seed(2))
    assert [part.indices for part in parts] != [part.indices for part in other]


def test_random_split_fractions():
    # 11 * 0.3 = 3.3, 11 * 0.7 = 7.7: rounded down 3 + 7, and one left over for the first
    assert [len(part) for part in random_split(range(11), [0.3, 0.7])] == [4, 7]
    assert [len(part) for part in random_split(range(10), [0.5, 0.25, 0.25])] == [6, 2, 2]
    with pytest.warns(UserWarning, match="part 1"):
        random_split(range(1), [0.5, 0.5])


def test_random_split_rejects_wrong_lengths():
    with pytest.raises(ValueError, match="add up to 9"):
        random_split(range(10), [4, 5])
    with pytest.raises(ValueError, match=r"fraction 1.5"):
        random_split(range(10), [1.5, -0.5])


def test_image_batch_is_a_sequence_of_samples():
    images = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    batch = ImageBatch(images, np.array([3, 8]))
    assert len(batch) == 2
    pictures, labels = zip(*batch, strict=True)
    assert labels == (3, 8)
    assert all(isinstance(picture, Image.Image) for picture in pictures)
    assert np.array_equal(np.asarray(pictures[1]), images[1])
    grey = ImageBatch(images[..., :1], np.array([3, 8]))
    assert grey[0][0].mode == "L"
    with pytest.raises(ValueError, match="labels"):
        ImageBatch(images, np.array([1]))


def test_streams_and_columns_are_joined():
    class Two(IterableDataset):
        def __iter__(self):
            return iter([1, 2])

    assert list(Two() + Two()) == [1, 2, 1, 2]
    with pytest.raises(AssertionError, match="got list"):
        list(mt.utils.data.ChainDataset([[1]]))
    stack = mt.utils.data.StackDataset
    assert list(map(stack("ab", [5, 6]).__getitem__, range(2))) == [("a", 5), ("b", 6)]
    assert stack(x="ab", y=[5, 6])[1] == {"x": "b", "y": 6}
    for args, kwargs in (((), {}), (([1],), {"a": [1]}), (([1], [1, 2]), {})):
        with pytest.raises(ValueError, match="StackDataset"):
            stack(*args, **kwargs)


def test_stacked_data_sets_fetch_whole_batches():
    class Squares:
        def __len__(self):
            return 4

        def __getitems__(self, indices):
            return [i * i for i in indices][: 4 if 0 in indices else -1]

    stack = mt.utils.data.StackDataset
    assert stack(Squares(), "abcd").__getitems__([0, 3]) == [(0, "a"), (9, "d")]
    assert stack(n=Squares(), c="abcd").__getitems__([0, 2])[1] == {"n": 4, "c": "c"}
    with pytest.raises(ValueError, match="Expected 2, got 1"):
        stack(Squares(), "abcd").__getitems__([1, 2])
    with pytest.raises(IndexError):
        stack(Squares(), "abcd").__getitems__([0, 4])
