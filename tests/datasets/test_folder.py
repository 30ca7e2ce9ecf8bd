"""ImageFolder: classes, order, extensions and what errors tell."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_cnn.datasets import DatasetFolder, ImageFolder, ImageNet
from minitorch_cnn.datasets.folder import is_image_file, make_dataset, pil_loader


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


def test_a_subclass_chooses_classes_and_numbers(root):
    class Some(ImageFolder):
        def find_classes(self, directory):
            assert directory == str(root)
            return ["dog", "cat"], {"dog": 7, "cat": 2}

    data = Some(str(root))
    assert data.classes == ["dog", "cat"] and data.class_to_idx == {"dog": 7, "cat": 2}
    assert data.targets == [2, 2, 7, 7]  # by name, as torchvision sorts

    class Named(ImageFolder):
        def find_classes(self, directory):
            return ["dog", "cow"], {"dog": 0, "cow": 1}

    with pytest.raises(FileNotFoundError, match=r"classes \['cow'\].*no folder"):
        Named(root)
    assert Named(root, allow_empty=True).targets == [0, 0]


def test_a_subclass_chooses_the_files(root):
    class First(ImageFolder):
        @staticmethod
        def make_dataset(directory, class_to_idx, extensions=None, **rest):
            assert ".png" in extensions and rest == {"is_valid_file": None, "allow_empty": False}
            return make_dataset(directory, class_to_idx, extensions)[:1]

    assert [path.rpartition("/")[2] for path, _ in First(root).samples] == ["b.bmp"]


def test_files_of_any_kind(root):
    data = DatasetFolder(root, lambda path: Path(path).read_text(), (".txt",), allow_empty=True)
    assert data[0] == ("not a picture", 1) and len(data) == 1
    assert data.extensions == (".txt",) and not hasattr(data, "imgs")
    own = DatasetFolder(root, len, is_valid_file=is_image_file, target_transform=str)
    assert [target for _, target in own] == ["0", "1", "1", "2", "2"]
    with pytest.raises(FileNotFoundError, match=r"\['bird', 'dog'\].*Supported .* \.txt"):
        DatasetFolder(root, len, (".txt",))


def test_what_a_folder_needs(root):
    for options in ({}, {"extensions": (".png",), "is_valid_file": is_image_file}):
        with pytest.raises(ValueError, match="one of extensions and is_valid_file"):
            DatasetFolder(root, len, **options)
    with pytest.raises(ValueError, match="at least one entry"):
        make_dataset(root, {}, ".png")
    with pytest.raises(ValueError, match="cannot be None"):
        DatasetFolder.make_dataset(root, None, ".png")
    assert make_dataset(root, extensions=".bmp", allow_empty=True)[0][1] == 0


def test_a_picture_with_too_many_pixels_is_named(tmp_path):
    """A kilobyte of compressed nothing: 20,000 x 20,000 pixels of one bit, by its header."""
    buffer = io.BytesIO()
    Image.new("1", (8, 8)).save(buffer, "png")
    content = bytearray(buffer.getvalue())
    content[16:24] = (20_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path = tmp_path / "large.png"
    path.write_bytes(content)
    with pytest.raises(Image.DecompressionBombError, match=r"large.png: .*400000000"):
        pil_loader(path)


def test_imagenet_is_a_folder_of_folders(tmp_path):
    for split, wnids in (("train", ["n02", "n01"]), ("val", ["n01"])):
        for wnid in wnids:
            (tmp_path / split / wnid).mkdir(parents=True)
            Image.new("RGB", (3, 2)).save(tmp_path / split / wnid / "1.png")
    data = ImageNet(tmp_path, transform=lambda image: image.size)
    assert data.wnids == ["n01", "n02"] and data[1] == ((3, 2), 1)
    assert "Split: train" in repr(data) and data.wnid_to_idx["n02"] == 1
    assert len(ImageNet(tmp_path, "val")) == 1
    with pytest.raises(ValueError, match="'test'"):
        ImageNet(tmp_path, "test")
