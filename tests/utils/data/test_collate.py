"""default_collate, compared live with torch's on the same samples."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn.utils.data import ImageBatch, default_collate, default_convert

Point = namedtuple("Point", "x y")


def plain(value):
    """Nested batches as lists with the dtype's name beside the values, for comparison."""
    if hasattr(value, "dtype"):
        return str(value.dtype).rpartition(".")[2], value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    return value


SAMPLES = [
    [1, 2, 3],
    [1.5, 2.5],
    [True, False],
    ["a", "b"],
    [b"a", b"b"],
    [np.float32(1), np.float32(2)],
    [np.int16(1), np.int16(2)],
    [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)],
    [(np.ones(2), 3), (np.zeros(2), 4)],
    [[1, 2.0], [3, 4.0]],
    [
        {"image": np.ones(2), "label": 1, "name": "x"},
        {"image": np.ones(2), "label": 2, "name": "y"},
    ],
    [Point(1, 2.0), Point(3, 4.0)],
    [(1, (2, ["a", 3.0])), (4, (5, ["b", 6.0]))],
]


@pytest.mark.parametrize("samples", SAMPLES, ids=str)
def test_as_torch(samples):
    torch_data = pytest.importorskip("torch.utils.data")
    assert plain(default_collate(samples)) == plain(torch_data.default_collate(samples))


@pytest.mark.parametrize(
    "sample", [3, "a", np.ones(2), (np.ones(2), "a"), {"k": np.ones(2)}], ids=str
)
def test_convert_as_torch(sample):
    torch_data = pytest.importorskip("torch.utils.data")
    assert plain(default_convert(sample)) == plain(torch_data.default_convert(sample))


def test_tensors_get_a_new_first_axis():
    first = mt.from_numpy(np.arange(6, dtype=np.float32).reshape(2, 3))
    batch = default_collate([first, -first])
    assert batch.shape == (2, 2, 3)
    assert np.array_equal(batch.numpy()[1], -first.numpy())


def test_image_batch_becomes_two_tensors():
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    pictures, labels = default_collate(ImageBatch(images, np.array([1, 2])))
    assert np.array_equal(pictures.numpy(), images)
    assert labels.tolist() == [1, 2]


def test_errors_say_what_is_wrong():
    with pytest.raises(TypeError, match="Image"):
        default_collate([Image.new("RGB", (2, 2))])
    with pytest.raises(RuntimeError, match=r"sample 1 has \[3\]"):
        default_collate([np.ones(2), np.ones(3)])
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([(1, 2), (1, 2, 3)])
    with pytest.raises(TypeError, match="<U1"):
        default_collate([np.array(["a"])])


def test_kinds_of_mappings_and_sequences_are_kept_as_in_torch():
    collate = pytest.importorskip("torch.utils.data").default_collate
    for sample in (OrderedDict(a=1), defaultdict(int, a=2), deque([1, 2])):
        ours, theirs = default_collate([sample, sample]), collate([sample, sample])
        assert type(ours) is type(theirs) is type(sample)
        assert str(ours) == str(theirs)


def test_gradients_and_the_common_type_are_kept():
    x = mt.ones(2, requires_grad=True)
    default_collate([x, x]).sum().backward()
    assert x.grad.tolist() == [2, 2]
    assert default_collate([mt.ones(2), mt.tensor([1, 2])]).dtype == mt.float32


@pytest.mark.parametrize("batch", [[1.0, None], [mt.ones(1), 1]])
def test_samples_of_mixed_kinds_are_refused(batch):
    with pytest.raises(TypeError):
        default_collate(batch)


def test_numpy_numbers_beside_pythons_have_the_type_of_both():
    assert default_collate([np.int64(1), 2.5]).dtype is mt.float32
    assert default_collate([np.float32(1), np.float64(2)]).dtype is mt.float64
    with pytest.raises(ValueError, match="Overflow"):
        default_collate([2**63, 1])  # no float32 in its place
