"""ImageFolder: classes, order, extensions and what errors tell."""

import numpy as np
import pytest
from PIL import Image

from minitorch_cnn.datasets import ImageFolder


@pytest.fixture
def root(tmp_path):
    for name, value in (
        ("dog/2.png", 2),
        ("dog/1.png", 1),
        ("cat/z.PNG", 3),
        ("cat/sub/a.png", 4),
        ("bird/b.bmp", 5),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 2), value).save(path)
    (tmp_path / "cat/notes.txt").write_text("not a picture")
    (tmp_path / "readme.md").write_text("not a class")
    return tmp_path


def test_classes_and_order(root):
    data = ImageFolder(root)
    assert data.classes == ["bird", "cat", "dog"]
    assert data.class_to_idx == {"bird": 0, "cat": 1, "dog": 2}
    names = [path.removeprefix(str(root)) for path, _ in data.samples]
    assert names == ["/bird/b.bmp", "/cat/z.PNG", "/cat/sub/a.png", "/dog/1.png", "/dog/2.png"]
    assert data.targets == [0, 1, 1, 2, 2]
    assert data.imgs == data.samples
    assert len(data) == 5


def test_samples(root):
    picture, label = ImageFolder(root)[3]
    assert picture.mode == "RGB"
    assert np.array_equal(np.asarray(picture), np.full((2, 3, 3), 1))
    assert label == 2
    data = ImageFolder(root, lambda p: p.size, lambda t: t + 10, loader=Image.open)
    assert data[0] == ((3, 2), 10)


def test_own_filter(root):
    data = ImageFolder(root, is_valid_file=lambda path: path.endswith(("txt", "1.png", "bmp")))
    assert [path.rpartition("/")[2] for path, _ in data.samples] == ["b.bmp", "notes.txt", "1.png"]


def test_errors_list_what_was_found(root, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        ImageFolder(root / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"1\.png.*2\.png"):
        ImageFolder(root / "dog")
    (root / "fish").mkdir()
    (root / "fish/song.mp3").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"\['fish'\].*song\.mp3.*\.jpg"):
        ImageFolder(root)
    assert ImageFolder(root, allow_empty=True).classes == ["bird", "cat", "dog", "fish"]
