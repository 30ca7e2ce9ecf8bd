"""Shapes: the same pictures each time, and other ones for another seed or split."""

import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from minitorch_cnn.datasets import Shapes


def test_interface_of_cifar10():
    data = Shapes(size=50)
    assert len(data) == 50
    assert data.data.shape == (50, 32, 32, 3)
    assert data.data.dtype == np.uint8
    assert len(data.classes) == len(set(data.classes)) == 10
    assert all(type(label) is int and 0 <= label < 10 for label in data.targets)
    picture, label = data[7]
    assert isinstance(picture, Image.Image)
    assert np.array_equal(np.asarray(picture), data.data[7])
    assert label == data.targets[7]
    assert data.class_to_idx[data.classes[3]] == 3
    assert Shapes(size=2, transform=lambda p: p.size, target_transform=str)[0][0] == (32, 32)
    assert repr(data) == "Dataset Shapes\n    Number of datapoints: 50\n    Split: Train"


def test_a_small_set_is_the_beginning_of_a_larger_one():
    # 1100 is more than the number of pictures that are made together.
    large, small = Shapes(size=1100, image_size=8), Shapes(size=1003, image_size=8)
    assert np.array_equal(large.data[:1003], small.data)
    assert large.targets[:1003] == small.targets


def test_same_in_another_process():
    code = (
        "import zlib; from minitorch_cnn.datasets import Shapes; "
        "print(zlib.crc32(Shapes(size=20, seed=3).data))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(output.stdout) == zlib.crc32(Shapes(size=20, seed=3).data)


def test_splits_and_seeds_have_no_picture_in_common():
    sets = [Shapes(size=200), Shapes(train=False, size=200), Shapes(size=200, seed=1)]
    pictures = {picture.tobytes() for each in sets for picture in each.data}
    assert len(pictures) == 600
    assert len({tuple(each.targets) for each in sets}) == 3


def test_global_generators_are_left_alone():
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    Shapes(size=10)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def test_classes_are_balanced():
    counts = np.bincount(Shapes(size=4000, image_size=8).targets, minlength=10)
    assert counts.min() > 320  # 400 expected, standard deviation 19


@pytest.mark.parametrize("image_size", [8, 33, 64])
def test_image_size(image_size):
    assert Shapes(size=3, image_size=image_size).data.shape == (3, image_size, image_size, 3)


def test_empty_and_wrong_sizes():
    assert Shapes(size=0).data.shape == (0, 32, 32, 3)
    with pytest.raises(ValueError, match="size=-1"):
        Shapes(size=-1)
    with pytest.raises(ValueError, match="image_size"):
        Shapes(size=1, image_size=4)


def test_a_linear_model_learns_little():
    """Least squares on the pixels: far below the 60% that would make the pictures too easy."""
    train, test = Shapes(size=6000), Shapes(train=False, size=1000)

    def features(data):
        # 16 x 16 pixels are enough to see the shapes, and keep the system small
        small = data.data.reshape(-1, 16, 2, 16, 2, 3).mean(axis=(2, 4), dtype=np.float32)
        rows = small.reshape(len(small), -1) / 128 - 1
        return np.hstack([rows, np.ones((len(rows), 1), np.float32)])

    x, y = features(train), np.eye(10, dtype=np.float32)[train.targets]
    weights = np.linalg.solve(x.T @ x + 10 * np.eye(x.shape[1]), x.T @ y)
    accuracy = np.mean((features(test) @ weights).argmax(axis=1) == test.targets)
    assert accuracy < 0.4


def test_joint_transforms_change_whole_batches_too():
    """`transforms` takes image and target together; a DataLoader asks for many samples at once."""
    data = Shapes(train=False, size=4, image_size=8)
    data.transforms = lambda image, target: (np.asarray(image).sum(), target + 100)
    assert list(data.__getitems__([2, 0])) == [data[2], data[0]]
    assert data[0][1] >= 100
