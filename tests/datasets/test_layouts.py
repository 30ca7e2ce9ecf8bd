"""Data sets in folders laid out as the real ones, against what torchvision reads there (stored)."""

import base64
import bz2
import json
import shutil

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import datasets
from minitorch_cnn.datasets.mat import read_mat
from tests.datasets import layouts

STORED = json.loads(layouts.STORED.read_text())
# Written by scipy.io.savemat, compressed: trnid and x, and a text and a structure to leave out.
BY_SCIPY = """
TUFUTEFCIDUuMCBNQVQtZmlsZSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg
ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAAAAAAAAAAAAABSU0PAAAAFgEAAHicLZB7RANwFIW/o7Vq
PZVSSimllFJKKaWUspRSSlNKacrSy3oopZRSShERERERERERERERERERERERERH9Zrscn3vOH/e4YYBdYDUMNArGO/6+3UQs++jx
xt3DLqehxcgmj28hABuhRBBFDHEkkEQKaWSQRQ55FFBECWVUUEUNtdTTSDOtOOigix6c9DPAEKOMMck0s8yzaG6uss4mW2yzwy57
7HPAIUccc8IpZ5xzwSVXXHPDLXfc88AjTzzzwitvvPPBJ19888Mvf6aqn6wKUojCFaloxSpeiUpWqtKVqWzlKl+FKlapylWpatlV
pwY1qUVtalenutWrPrk0qBG5NaEpzWhOC1rSita0Ie/f/gEKNTrNDwAAADMAAAB4nONjYGAIAGI2IOaA0iDACuUzQTEjEFYAaU4g
VmCAgR/2YOpAkQNU4ACEEnAAAIUxBOAPAAAAMwAAAHic42NgYHAAYjYg5gBiFgYIYIXyGYGYC0yzMJSkVpQIQPl5+Qp5pblJqUXF
EPUAfAsGVg8AAAA4AAAAeJzjY2BgqABiNiDmAGImBghghfIZ4ZiRoRgszgJWwwgkE4E0HxBbIOnnw6kfAniQxEEAAKzKAhE=
"""


@pytest.mark.parametrize("name", layouts.CASES)
def test_samples_and_classes_are_torchvisions(tmp_path, name):
    layouts.CASES[name][0](tmp_path)
    found = json.loads(json.dumps(layouts.samples(datasets, name, tmp_path)))
    assert found == STORED[name]


def test_what_a_reader_shows_besides_its_samples(tmp_path):
    layouts.svhn(tmp_path)
    data = datasets.SVHN(tmp_path, "test", target_transform=lambda label: -label)
    assert np.array_equal(data.data, layouts.PIXELS)
    assert data.labels.tolist() == [0, 1, 9, 0, 2] and data[2][1] == -9
    assert repr(data).splitlines()[-2:] == ["    Split: Test", repr(data).splitlines()[-1]]
    layouts.celeba(tmp_path)
    faces = datasets.CelebA(tmp_path, "valid", transform=mt.transforms.ToTensor())
    assert faces.filename == ["000001.jpg", "000004.jpg"] and faces.identity.tolist() == [
        [101],
        [104],
    ]
    assert faces[0][0].shape == (3, 16, 17) and faces[0][1].dtype is mt.int64
    batch = next(iter(mt.utils.data.DataLoader(faces, batch_sampler=[[0]])))
    assert batch[1].tolist() == [faces.attr[0].tolist()]


def test_one_function_for_image_and_target(tmp_path):
    layouts.voc(tmp_path)
    layouts.pets(tmp_path)
    swapped = {"transforms": lambda image, target: (target, image.size)}
    segments = datasets.VOCSegmentation(tmp_path, "2007", "test", **swapped)
    assert segments[0][1] == (17, 16) and segments[0][0].getpixel((0, 0)) == 1
    pets = datasets.OxfordIIITPet(tmp_path, **swapped)
    assert [each for each, _ in (pets[0], pets[1], pets[2])] == [0, 2, 1]
    assert "Transforms: <function" in repr(pets)
    with pytest.raises(ValueError, match="Only transforms or"):
        datasets.VOCDetection(tmp_path, transform=str, transforms=str)


@pytest.mark.parametrize("name", layouts.CASES)
def test_files_that_are_not_there_are_named(tmp_path, name):
    arguments = {"split": "letters"} if name == "EMNIST" else {}
    with pytest.raises(RuntimeError, match=str(tmp_path)):
        getattr(datasets, name)(tmp_path, **arguments)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: datasets.SVHN("", split="x"), "'x' for argument split.*extra"),
        (lambda: datasets.SVHN("", split=3), "Expected type str for argument split"),
        (lambda: datasets.STL10("", folds=12), r"range \[0, 10\), but got 12"),
        (lambda: datasets.STL10("", folds="a"), "None or int for argument folds"),
        (lambda: datasets.EMNIST("", split="capitals"), "capitals"),
        (lambda: datasets.Flowers102("", split="valid"), "valid"),
        (lambda: datasets.OxfordIIITPet("", target_types="breed"), "breed.*target_types"),
        (lambda: datasets.VOCDetection("", year="1999"), "1999"),
        (lambda: datasets.VOCDetection("", year="2012", image_set="test"), "image_set"),
        (lambda: datasets.CelebA("", target_type="smile"), "smile"),
        (lambda: datasets.Caltech101("", target_type="mask"), "mask"),
    ],
)
def test_words_that_are_none_of_the_choices(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_damaged_files(tmp_path):
    def check(name, words, **arguments):
        with pytest.raises(RuntimeError, match=words):
            getattr(datasets, name)(tmp_path, **arguments)

    for name, (make, _) in layouts.CASES.items():
        if name not in ("VOCSegmentation", "EMNIST"):
            make(tmp_path)
    layouts.mat(tmp_path / "train_32x32.mat", X=np.zeros((2, 2), np.uint8))
    check("SVHN", "X uint8 .2, 2.")
    np.zeros(7, np.uint8).tofile(tmp_path / "stl10_binary" / "test_X.bin")
    check("STL10", "7 bytes", split="test")
    np.zeros(7, np.uint8).tofile(tmp_path / "stl10_binary" / "train_y.bin")
    check("STL10", "12 images and 7 labels")
    (tmp_path / "usps.bz2").write_bytes(bz2.compress(b"3 1:0.5\n"))
    check("USPS", "damaged")
    (tmp_path / "food-101" / "meta" / "test.json").write_text("{")
    check("Food101", "damaged", split="test")
    layouts.mat(tmp_path / "flowers-102" / "setid.mat", trnid=np.array([[9]], np.uint16))
    check("Flowers102", "IndexError")
    check("Flowers102", "tstid", split="test")
    (tmp_path / "oxford-iiit-pet" / "annotations" / "test.txt").write_text("cat_1 1\n")
    check("OxfordIIITPet", "damaged", split="test")
    (tmp_path / "celeba" / "identity_CelebA.txt").write_text("000000.jpg x\n")
    check("CelebA", "damaged")
    (tmp_path / "celeba" / "identity_CelebA.txt").write_text("000000.jpg 1\n")
    check("CelebA", "has 1 images.* 7")
    with pytest.raises(RuntimeError, match="target_type is empty"):
        datasets.CelebA(tmp_path, target_type=[], target_transform=str)
    data = datasets.VOCDetection(tmp_path, "2007", "test")
    for content, words in (("<a", "damaged"), ("<!DOCTYPE a>\n<a/>", "refused as unsafe")):
        with open(data.annotations[0], "w") as file:
            file.write(content)
        with pytest.raises(RuntimeError, match=words):
            data[0]


def test_archives_are_fetched_and_unpacked(tmp_path, monkeypatch):
    layouts.stl10(tmp_path / "there")
    layouts.pets(tmp_path / "there")
    resources = []
    for name in ("images", "annotations"):
        pets = tmp_path / "there" / "oxford-iiit-pet"
        file = shutil.make_archive(str(tmp_path / name), "gztar", pets, name)
        resources.append(("file://" + file, datasets.utils.calculate_md5(file)))
    monkeypatch.setattr(datasets.OxfordIIITPet, "_resources", resources)
    assert len(datasets.OxfordIIITPet(tmp_path / "here", download=True)) == 3
    file = shutil.make_archive(str(tmp_path / "stl"), "gztar", tmp_path / "there", "stl10_binary")
    monkeypatch.setattr(datasets.STL10, "url", "file://" + file)
    monkeypatch.setattr(datasets.STL10, "tgz_md5", datasets.utils.calculate_md5(file))
    for _ in range(2):  # the second time it is there
        assert len(datasets.STL10(tmp_path / "here", download=True)) == 12
    layouts.svhn(tmp_path / "there")
    file = tmp_path / "there" / "test_32x32.mat"
    entry = [file.as_uri(), file.name, "0" * 32]
    monkeypatch.setitem(datasets.SVHN.split_list, "test", entry)
    with pytest.raises(RuntimeError, match="0" * 32):
        datasets.SVHN(tmp_path / "here", "test", download=True)


# ------------------------------------------------------------------------- MATLAB's format


def test_read_mat_reads_what_scipy_writes(tmp_path):
    path = tmp_path / "x.mat"
    path.write_bytes(base64.b64decode(BY_SCIPY))
    found = read_mat(path)
    assert sorted(found) == ["trnid", "x"]
    assert found["trnid"].dtype == np.uint16
    assert found["trnid"].tolist() == [list(range(1, 400, 3))]
    assert found["x"].dtype == np.float64 and found["x"].tolist() == [[1.5, -2], [300, 4]]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True])
def test_read_mat_in_both_orders(tmp_path, order, packed):
    arrays = {"a": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "longer": np.eye(3) / 3}
    layouts.mat(tmp_path / "x.mat", order=order, packed=packed, **arrays)
    found = read_mat(tmp_path / "x.mat")
    assert list(found) == ["a", "longer"]
    for name, expected in arrays.items():
        assert found[name].dtype == expected.dtype and np.array_equal(found[name], expected)


@pytest.mark.parametrize("packed", [False, True])
def test_read_mat_names_damaged_files(tmp_path, packed):
    path = tmp_path / "x.mat"
    layouts.mat(path, packed=packed, a=np.arange(24, dtype=np.uint8).reshape(4, 6))
    content = path.read_bytes()
    for cut in (0, 60, 127, *range(129, len(content), 5)):
        path.write_bytes(content[:cut])
        with pytest.raises(RuntimeError, match=r"x.mat is (damaged|no .mat file)"):
            read_mat(path)
    for place in range(128, len(content)):  # never another error
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        try:
            read_mat(path)
        except RuntimeError as error:
            assert "x.mat" in str(error)


def test_read_mat_does_not_unpack_without_end(tmp_path, monkeypatch):
    layouts.mat(tmp_path / "x.mat", a=np.zeros((300, 300), np.uint8))
    monkeypatch.setattr("minitorch_cnn.datasets.mat.unpacked_limit", lambda packed: 50_000)
    with pytest.raises(RuntimeError, match="too many unpacked"):
        read_mat(tmp_path / "x.mat")
