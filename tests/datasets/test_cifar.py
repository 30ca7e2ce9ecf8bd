"""CIFAR: the official layout, from small folders written here; the network is never used."""

import hashlib
import os
import pickle
import tarfile
import warnings

import numpy as np
import pytest

from minitorch_cnn.datasets import CIFAR10, CIFAR100, cifar as cifar_module
from minitorch_cnn.utils.data import DataLoader, ImageBatch

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
ROWS = 6


def images(seed):
    return np.random.default_rng(seed).integers(256, size=(ROWS, 32, 32, 3), dtype=np.uint8)


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value, protocol=4))


def flat(pictures):
    """The official layout: all red bytes of a picture, then the green, then the blue ones."""
    return np.stack([np.concatenate([p[:, :, c].ravel() for c in range(3)]) for p in pictures])


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    for k in range(1, 6):
        labels = [(k + i) % 10 for i in range(ROWS)]
        write(folder / f"data_batch_{k}", {"data": flat(images(k)), "labels": labels})
    write(folder / "test_batch", {"data": flat(images(0)), "labels": list(range(ROWS))})
    write(folder / "batches.meta", {"label_names": NAMES, "num_vis": 3072})
    cifar_module._noted_folders.clear()
    return tmp_path


def quiet(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CIFAR10(*args, **kwargs)


def test_layout(root):
    train, test = quiet(root), quiet(root, train=False)
    assert len(train) == 5 * ROWS
    assert len(test) == ROWS
    assert train.data.shape == (5 * ROWS, 32, 32, 3)
    assert train.data.dtype == np.uint8
    assert np.array_equal(train.data, np.concatenate([images(k) for k in range(1, 6)]))
    assert np.array_equal(test.data, images(0))
    assert train.targets[ROWS : 2 * ROWS] == [2, 3, 4, 5, 6, 7]
    assert test.classes == NAMES
    assert test.class_to_idx["cat"] == 3
    picture, label = test[4]
    assert picture.mode == "RGB"
    assert np.array_equal(np.asarray(picture), images(0)[4])
    assert label == 4
    assert repr(test).splitlines()[0] == "Dataset CIFAR10"
    assert "Split: Test" in repr(test)


def test_transforms_are_applied(root):
    data = quiet(root, False, lambda picture: picture.size, lambda label: -label)
    assert data[3] == ((32, 32), -3)


def test_whole_batches(root):
    data = quiet(root, train=False)
    batch = data.__getitems__([3, 1])
    assert isinstance(batch, ImageBatch)
    assert np.array_equal(batch.images, images(0)[[3, 1]])
    assert batch.labels.tolist() == [3, 1]
    assert batch.labels.dtype == np.int64
    pictures, labels = next(iter(DataLoader(data, batch_size=4)))
    assert np.array_equal(pictures.numpy(), images(0)[:4])
    assert labels.tolist() == [0, 1, 2, 3]


def test_whole_batches_only_without_transforms_and_overrides(root):
    class Numbered(CIFAR10):
        def __getitem__(self, index):
            return index, super().__getitem__(index)[1]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert Numbered(root, train=False).__getitems__([2, 5]) == [(2, 2), (5, 5)]
    data = quiet(root, False, transform=lambda picture: "picture")
    assert data.__getitems__([2, 5]) == [("picture", 2), ("picture", 5)]


def test_data_may_be_cut(root):
    data = quiet(root, train=False)
    data.data, data.targets = data.data[4:], data.targets[4:]
    assert len(data) == 2
    assert data[0][1] == 4
    assert data.__getitems__([1]).labels.tolist() == [5]


def test_one_note_for_a_folder_with_other_checksums(root):
    with pytest.warns(UserWarning, match="checksums differ") as caught:
        CIFAR10(root)
        CIFAR10(root, train=False, download=True)
        CIFAR10(str(root))
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_no_note_for_the_right_checksums(root, monkeypatch):
    def md5(name):
        return hashlib.md5((root / "cifar-10-batches-py" / name).read_bytes()).hexdigest()

    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5("test_batch")]])
    monkeypatch.setattr(CIFAR10, "meta", dict(CIFAR10.meta, md5=md5("batches.meta")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CIFAR10(root, train=False)


def test_missing_data_say_where_to_put_them(tmp_path):
    with pytest.raises(RuntimeError) as caught:
        CIFAR10(tmp_path / "nowhere")
    message = str(caught.value)
    assert str(tmp_path / "nowhere" / "cifar-10-python.tar.gz") in message
    assert "--dataset shapes" in message
    assert "minitorch_cnn.datasets.Shapes" in message
    assert not (tmp_path / "nowhere").exists()


def test_failed_download_says_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:1/cifar.tar.gz")
    with pytest.raises(RuntimeError, match=r"(?s)refused.*--dataset shapes"):
        CIFAR10(tmp_path, download=True)


def test_an_archive_that_is_there_is_unpacked_without_a_network(root, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    archive = home / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as file:
        file.add(root / "cifar-10-batches-py", "cifar-10-batches-py")
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:1/cifar.tar.gz")
    with pytest.raises(RuntimeError) as caught:
        CIFAR10(home, download=True)  # it is not the official archive
    assert CIFAR10.tgz_md5 in str(caught.value)
    assert hashlib.md5(archive.read_bytes()).hexdigest() in str(caught.value)
    assert os.listdir(home) == [CIFAR10.filename]

    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    data = quiet(home, train=False, download=True)
    assert np.array_equal(data.data, images(0))


def test_a_damaged_file_is_named_with_both_checksums(root):
    path = root / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(path.read_bytes()[:5000])
    actual = hashlib.md5(path.read_bytes()).hexdigest()
    for download in (False, True):
        with pytest.raises(RuntimeError) as caught:
            quiet(root, download=download)
        for part in ("data_batch_3 is damaged", actual, "54ebc095f3ab1f0389bbae665268c751"):
            assert part in str(caught.value)
    assert len(os.listdir(path.parent)) == 7
    assert len(quiet(root, train=False)) == ROWS  # the other files are still good


@pytest.mark.parametrize(
    "content",
    [
        {"data": np.zeros((2, 3071), np.uint8), "labels": [0, 1]},
        {"data": np.zeros((2, 3072), np.float32), "labels": [0, 1]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 10]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 0.5]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0, "1"]},
        {"data": [0] * 3072, "labels": [0]},
        {"labels": [0]},
        [1, 2],
    ],
    ids=str,
)
def test_wrong_contents(root, content):
    write(root / "cifar-10-batches-py" / "test_batch", content)
    with pytest.raises(RuntimeError, match="test_batch is damaged"):
        quiet(root, train=False)


def test_a_missing_file_is_named(root):
    os.remove(root / "cifar-10-batches-py" / "data_batch_2")
    with pytest.raises(RuntimeError, match=r"data_batch_2 is missing.*data_batch_1"):
        quiet(root)


class Exploit:
    def __reduce__(self):
        return os.system, ("echo hacked > hacked",)


@pytest.mark.parametrize(
    "value",
    [Exploit(), eval, ROWS.__class__, {"data": Exploit()}],
    ids=["object", "function", "class", "in a dict"],
)
def test_pickles_cannot_run_code(root, value, monkeypatch):
    monkeypatch.chdir(root)
    write(root / "cifar-10-batches-py" / "test_batch", value)
    with pytest.raises(RuntimeError, match=r"is refused: test_batch asks for"):
        quiet(root, train=False)
    assert not os.path.exists("hacked")


def test_official_pickles_name_numpy_1(root):
    """Protocol 2, text as bytes, and NumPy 1's module: as Python 2 wrote the official files."""
    value = {"data": flat(images(9)), "labels": list(range(ROWS))}
    raw = pickle.dumps(value, protocol=3).replace(b"cnumpy._core.mul", b"cnumpy.core.mul")
    (root / "cifar-10-batches-py" / "test_batch").write_bytes(raw)
    assert np.array_equal(quiet(root, train=False).data, images(9))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", [list, np.array], ids=["list", "array"])
def test_batches_of_every_protocol(root, protocol, kind):
    value = {"data": flat(images(9)), "labels": kind(range(ROWS))}
    path = root / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(pickle.dumps(value, protocol))
    data = quiet(root, train=False)
    assert np.array_equal(data.data, images(9))
    assert data.targets == list(range(ROWS))
    assert type(data.targets[0]) is int


@pytest.mark.parametrize("names", ["cat", [1, 2], {"cat": 1}, [["cat"]]], ids=str)
def test_wrong_class_names(root, names):
    write(root / "cifar-10-batches-py" / "batches.meta", {"label_names": names})
    with pytest.raises(RuntimeError, match=r"batches\.meta is damaged.*names"):
        quiet(root)


def test_cifar100(tmp_path):
    folder = tmp_path / "cifar-100-python"
    labels = {"fine_labels": [99, 0, 1, 2, 3, 4], "coarse_labels": [1] * ROWS}
    write(folder / "train", {"data": flat(images(1)), **labels})
    write(folder / "test", {"data": flat(images(2)), **labels})
    write(folder / "meta", {"fine_label_names": [f"c{k}" for k in range(100)]})
    with pytest.warns(UserWarning, match="CIFAR100"):
        data = CIFAR100(tmp_path, train=False)
    assert np.array_equal(data.data, images(2))
    assert data.targets[0] == 99
    assert data.class_to_idx["c99"] == 99
