"""Folders of pictures: their parts, damaged files, classes that do not fit."""

import shutil

import numpy as np
import pytest
from PIL import Image

from minitorch_cnn.explain.subject import middle_of, read_picture
from minitorch_cnn.training.photos import (
    PictureFiles,
    Prepared,
    Split,
    pictures_by_class,
    read_split,
    split_pictures,
)


def test_of_each_class_the_same_share_is_for_testing(photos):
    split = split_pictures(photos, 0.25, seed=3)
    assert split.classes == ["blue", "green", "red"]
    assert {name: len(files) for name, files in split.test.items()} == {
        "red": 2, "green": 2, "blue": 2,
    }  # fmt: skip
    for name, files in split.train.items():
        both = files + split.test[name]
        assert len(set(both)) == len(both) == {"red": 10, "green": 8, "blue": 6}[name]
        assert all((photos / file).is_file() and file.startswith(f"{name}/") for file in both)
    assert split_pictures(photos, 0.25, seed=3) == split
    assert split_pictures(photos, 0.25, seed=4) != split
    assert split_pictures(photos, 0.99, seed=3).train["red"]  # never all, and never none
    assert all(len(files) == 1 for files in split_pictures(photos, 0.01, seed=3).test.values())
    assert "  red           8     2" in split.table()


def test_the_split_is_remembered(photos, tmp_path):
    split = split_pictures(photos, 0.25, seed=3)
    (tmp_path / "split.json").write_text(split.to_json(), encoding="utf-8")
    assert read_split(tmp_path / "split.json") == split
    moved = tmp_path / "moved"
    shutil.move(photos, moved)
    with pytest.raises(FileNotFoundError, match=r"\w+/\d.png of .*split.json is no longer in"):
        read_split(tmp_path / "split.json")
    assert read_split(tmp_path / "split.json", str(moved)) == split._replace(folder=str(moved))


@pytest.mark.parametrize("part", ["val", "test"])
def test_given_parts_are_kept(photos, part):
    (photos / "train").mkdir()
    for name in ("red", "green", "blue"):
        shutil.move(photos / name, photos / "train" / name)
    split = split_pictures(photos, 0.5, seed=0)  # of train, since there is no other part yet
    assert len(split.test["red"]) == 5 and split.test["red"][0].startswith("train/red/")
    for name in ("red", "green", "blue"):
        (photos / part / name).mkdir(parents=True)
        shutil.move(photos / "train" / name / "0.png", photos / part / name / "0.png")
    split = split_pictures(photos, 0.5, seed=0)
    assert split.test == {name: [f"{part}/{name}/0.png"] for name in split.classes}
    assert len(split.train["green"]) == 7
    assert pictures_by_class(photos, split.classes) == split.test  # what is tested on
    shutil.rmtree(photos / part / "blue")
    with pytest.raises(ValueError, match=rf"train has .*'blue'.*, {part} has \['green', 'red'\]"):
        split_pictures(photos, 0.5, seed=0)


def test_damaged_pictures_are_named(photos, capsys):
    (photos / "red" / "3.png").write_bytes((photos / "red" / "3.png").read_bytes()[:300])
    (photos / "red" / "4.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"2 of 24 pictures .* --skip-damaged:") as info:
        split_pictures(photos, 0.25, seed=0)
    assert "red/3.png" in str(info.value) and "red/4.png" in str(info.value)
    capsys.readouterr()
    split = split_pictures(photos, 0.25, seed=0, skip_damaged=True)
    printed = capsys.readouterr().out
    assert "red/3.png" in printed and "red/4.png" in printed
    left = split.train["red"] + split.test["red"]
    assert len(left) == 8 and "red/3.png" not in left
    for file in (photos / "blue").iterdir():
        file.write_text("no picture")
    with pytest.raises(ValueError, match="no picture of the class 'blue' can be read"):
        split_pictures(photos, 0.25, seed=0, skip_damaged=True)


def test_folders_that_cannot_be_learned_from(photos, tmp_path):
    (photos / ".hidden").mkdir()
    assert split_pictures(photos, 0.25, 0).classes == ["blue", "green", "red"]
    (photos / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no valid file for the classes \['empty'\]"):
        split_pictures(photos, 0.25, 0)
    shutil.move(photos / "red" / "0.png", photos / "empty" / "0.png")
    with pytest.raises(ValueError, match=r"'empty' has one picture only, empty/0\.png"):
        split_pictures(photos, 0.25, 0)
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        split_pictures(tmp_path / "nowhere", 0.25, 0)
    with pytest.raises(ValueError, match=r"one class only, \['photos'\]"):
        split_pictures(tmp_path, 0.25, 0)
    with pytest.raises(ValueError, match=r"classes \['blue', 'empty', 'green'\].*knows \['red'\]"):
        pictures_by_class(photos, ["red"])


def test_a_sample_is_the_picture_as_the_network_takes_it(tmp_path):
    """Turned as the camera noted, grey or with colours."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:, 0] = 255, 0, 0  # the left edge
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: left becomes up
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    files = PictureFiles(tmp_path, {"none": [], "a": ["a.png"]}, 4)
    assert files.targets == [1] and files.classes == ["none", "a"]
    colour, label = Prepared(files, 3, lambda picture: picture)[0]
    assert label == 1 and colour.shape == (6, 4, 3) and (colour[0] == (255, 0, 0)).all()
    assert not colour[1:].any()
    grey, _ = Prepared(files, 1, lambda picture: picture)[0]
    assert grey.shape == (6, 4) and (grey[0] == 76).all()  # 0.299 of 255


def test_a_long_table_is_cut():
    files = {f"class{number:02d}": ["a"] for number in range(23)}
    lines = Split("x", files, files).table().splitlines()
    assert len(lines) == 22 and lines[-1] == "  ... and 3 more classes"


def test_large_photographs_are_read_faster_and_as_predict_reads_them(tmp_path):
    """At the least eighth of their size that is twice what they are scaled to."""
    y, x = np.mgrid[0:400, 0:640]
    pixels = np.stack([x * 255 / 640, y * 255 / 400, 127 + 127 * np.sin(x / 40)], 2)
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "a.jpg", quality=95)
    files = PictureFiles(tmp_path, {"a": ["a.jpg"]}, 40)
    assert files[0][0].size == (160, 100)
    taken, _ = Prepared(files, 3, middle_of(32, 40))[0]
    assert np.array_equal(taken, read_picture(tmp_path / "a.jpg", 32, 3, 40))
    whole = np.asarray(middle_of(32, 40)(Image.open(tmp_path / "a.jpg")))
    assert np.abs(taken.astype(int) - whole).max() <= 4
    damaged = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(damaged[: len(damaged) // 2])
    with pytest.raises(OSError, match=r"a\.jpg: image file is truncated"):
        files[0]
