"""MNIST: idx files, in the places where they may lie."""

import gzip
import hashlib
import os
import struct

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

import minitorch_cnn as mt
from minitorch_cnn.datasets import KMNIST, MNIST, FashionMNIST
from minitorch_cnn.datasets.mnist import read_idx
from minitorch_cnn.utils.data import DataLoader

DEBIAN = "/usr/share/datasets/fashion-mnist"
CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx(array):
    header = struct.pack(">BBBB", 0, 0, CODES[array.dtype.name], array.ndim)
    header += b"".join(struct.pack(">i", length) for length in array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


IMAGES = np.random.default_rng(0).integers(256, size=(7, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)


def fill(folder, zipped, prefix="train"):
    os.makedirs(folder, exist_ok=True)
    for name, array in (("images-idx3-ubyte", IMAGES), ("labels-idx1-ubyte", LABELS)):
        content = idx(array)
        path = os.path.join(folder, f"{prefix}-{name}" + (".gz" if zipped else ""))
        with open(path, "wb") as file:
            file.write(gzip.compress(content) if zipped else content)


@given(
    array=st.sampled_from(list(CODES)).flatmap(
        lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0))
    ),
    zipped=st.booleans(),
)
def test_read_idx(tmp_path_factory, array, zipped):
    path = tmp_path_factory.mktemp("idx") / ("x.gz" if zipped else "x")
    path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    got = read_idx(path)
    assert got.dtype == array.dtype
    assert np.array_equal(got, array, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize("zipped", [False, True])
def test_damaged_idx_files_are_named(tmp_path, zipped):
    path = tmp_path / ("x.gz" if zipped else "x")
    content = idx(IMAGES)
    for wrong in (content[:-1], content + b"x", content[:10], b"", b"PK\3\4" + content[4:]):
        path.write_bytes(gzip.compress(wrong) if zipped else wrong)
        with pytest.raises(RuntimeError, match=f"{path.name} (has|is)"):
            read_idx(path)
    if zipped:
        for wrong in (gzip.compress(content)[:-20], b"no gzip at all"):
            path.write_bytes(wrong)
            with pytest.raises(RuntimeError, match=r"x\.gz is truncated or damaged"):
                read_idx(path)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("place", ["", "MNIST/raw"])
def test_places(tmp_path, place, zipped):
    fill(tmp_path / place, zipped)
    data = MNIST(tmp_path)
    assert len(data) == 7
    assert data.data.dtype is mt.uint8
    assert np.array_equal(data.data.numpy(), IMAGES)
    assert data.targets.dtype is mt.int64
    assert data.targets.tolist() == LABELS.tolist()
    picture, label = data[2]
    assert picture.mode == "L"
    assert np.array_equal(np.asarray(picture), IMAGES[2])
    assert label == 4
    assert type(label) is int
    assert data.class_to_idx["4 - four"] == 4
    with pytest.raises(RuntimeError, match="t10k-images-idx3-ubyte"):
        MNIST(tmp_path, train=False)


def test_batches_have_a_channel_axis(tmp_path):
    fill(tmp_path, zipped=True, prefix="t10k")
    images, labels = next(iter(DataLoader(MNIST(tmp_path, train=False), batch_size=4)))
    assert np.array_equal(images.numpy(), IMAGES[:4, :, :, np.newaxis])
    assert labels.tolist() == [3, 1, 4, 1]


def test_missing_files_say_where_to_put_them(tmp_path):
    with pytest.raises(RuntimeError) as caught:
        FashionMNIST(tmp_path)
    assert str(tmp_path / "FashionMNIST" / "raw") in str(caught.value)
    assert "Shapes" in str(caught.value)


def test_download_fails_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:1/a/", "http://127.0.0.1:1/b/"])
    with pytest.raises(RuntimeError, match=r"(?s)1/a/train-images.*1/b/train-images"):
        MNIST(tmp_path, download=True)


def test_images_and_labels_must_fit(tmp_path):
    fill(tmp_path, zipped=False)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS[:5]))
    with pytest.raises(RuntimeError, match=r"\(5,\) for 7 images"):
        MNIST(tmp_path)


@pytest.mark.skipif(not os.path.isdir(DEBIAN), reason="package dataset-fashion-mnist not installed")
def test_debian_package():
    test = FashionMNIST(DEBIAN, train=False)
    assert test.data.shape == (10000, 28, 28)
    assert np.bincount(test.targets.numpy()).tolist() == [1000] * 10
    assert test.classes[test[0][1]] == "Ankle boot"
    for name, md5 in FashionMNIST.resources:
        with open(os.path.join(DEBIAN, name), "rb") as file:
            packed = file.read()
        if name.startswith("t10k") and hashlib.md5(packed).hexdigest() != md5:
            # Debian may compress anew; then at least the sizes must be those of the contents.
            assert read_idx(os.path.join(DEBIAN, name)).shape[0] == 10000


def header(kind, *shape):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


@pytest.mark.parametrize(
    "content",
    [
        header(8, 2**32 - 1, 2**32 - 2) + b"ab",
        header(8, *[2**31] * 4),
        header(8, *[2**16] * 4),
        header(8, *[2**32 - 1] * 8, 0),
        header(8, *[1] * 65) + b"a",
        header(8, *[0] * 255),
        header(14, 2**28),
    ],
)
def test_crafted_shapes(tmp_path, content):
    path = tmp_path / "idx"
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match="idx has"):
        read_idx(path)


def test_a_bomb(tmp_path):
    path = tmp_path / "idx.gz"
    path.write_bytes(gzip.compress(header(8, 110_000_000) + bytes(110_000_000)))
    with pytest.raises(RuntimeError, match="more than 100000000 bytes unpacked"):
        read_idx(path)


def test_kmnist_is_read_as_mnist_is(tmp_path):
    raw = tmp_path / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    header = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28])
    (raw / "t10k-images-idx3-ubyte").write_bytes(header + bytes(28 * 28))
    (raw / "t10k-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))
    data = KMNIST(tmp_path, train=False)
    assert data.classes[data[0][1]] == "ya" and len(data.classes) == 10


def test_the_names_of_2017_warn_and_are_the_same_tensors(tmp_path):
    """What the first tutorials called its arrays, in training and test sets alike."""
    fill(tmp_path, zipped=False)
    data = MNIST(tmp_path)
    for old, new in (("data", data.data), ("labels", data.targets)):
        for name in (f"train_{old}", f"test_{old}"):
            with pytest.warns(UserWarning, match=f"{name} has been renamed"):
                assert getattr(data, name) is new
