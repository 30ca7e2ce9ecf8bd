"""Files that are memory: torch.load(mmap=True)."""

import contextlib
import io
import mmap
import random
import sys
import zipfile

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import serialization
from minitorch_cnn.serialization import set_default_mmap_options

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a mapped file cannot be removed")


def bytes_of(path):
    """The numbers of the first storage, read by the standard library."""
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("archive/data/0")
        entry.CRC = None  # it may have been written to
        return np.frombuffer(archive.read(entry), "<f4").tolist()


def test_writing_leaves_the_file_as_it_is_unless_it_is_shared(tmp_path):
    path = tmp_path / "a.pth"
    mt.save({"x": mt.arange(4.0), "empty": mt.ones(0), "bytes": mt.tensor([7]).byte()}, path)
    private = mt.load(path, mmap=True)
    assert private["empty"].shape == (0,) and private["bytes"].tolist() == [7]
    private["x"][0] = 9
    assert private["x"].tolist() == [9, 1, 2, 3] and bytes_of(path) == [0, 1, 2, 3]
    assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    with set_default_mmap_options(mmap.MAP_SHARED):
        assert serialization.get_default_mmap_options() == mmap.MAP_SHARED
        shared, again = mt.load(path, mmap=True)["x"], mt.load(str(path), mmap=True)["x"]
        put_off = mt.nn.functional.conv2d(mt.ones(1, 1, 1, 1).cpu(), again.reshape(4, 1, 1, 1))
        shared[1] = 8
    assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    assert again.tolist() == [0, 8, 2, 3] and shared.is_shared()
    assert put_off.flatten().tolist() == [0, 1, 2, 3]  # computed before somebody else writes
    mt.load(path, mmap=True)["x"][2] = 7
    assert bytes_of(path) == [0, 8, 2, 3]


def test_the_option_stays_without_a_block_and_wrong_ones_are_refused():
    set_default_mmap_options(mmap.MAP_SHARED)
    try:
        assert serialization.get_default_mmap_options() == mmap.MAP_SHARED
        with pytest.raises(ValueError, match=r"expected mmap\.MAP_PRIVATE or mmap\.MAP_SHARED"):
            set_default_mmap_options(77)
    finally:
        set_default_mmap_options(mmap.MAP_PRIVATE)
    assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE


def test_only_zip_files_with_a_path_can_be_mapped(tmp_path):
    file = io.BytesIO()
    mt.serialization.save_torch(mt.ones(2), file)
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap"):
        mt.load(file, mmap=True)
    mt.save({"x": mt.ones(2)}, tmp_path / "a.safetensors")
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        mt.load(tmp_path / "a.safetensors", mmap=True)
    with pytest.raises(FileNotFoundError):
        mt.load(tmp_path / "b.pth", mmap=True)
    mt.save({"x": mt.arange(3.0)}, tmp_path / "a.npz")
    x = mt.load(tmp_path / "a.npz", mmap=True)["x"]
    x += 1
    assert x.tolist() == [1, 2, 3] and mt.load(tmp_path / "a.npz")["x"].tolist() == [0, 1, 2]


def test_numbers_that_do_not_lie_at_whole_steps_are_copied(tmp_path):
    path = tmp_path / "a.pth"
    mt.save({"x": mt.arange(4.0)}, path)
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    for extra in range(4):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            archive.comment = b"c" * extra
            for name, data in records.items():
                entry = zipfile.ZipInfo(name)
                entry.extra = b"FB" + extra.to_bytes(2, "little") + b"Z" * extra
                archive.writestr(entry, data)
        x = mt.load(path, mmap=True)["x"]
        assert x.array.flags.aligned and x.tolist() == [0, 1, 2, 3]


def test_damaged_files_are_refused_in_words_or_read(tmp_path, as_plain):
    """There are no checksums here: numbers may be others, but nothing else may happen."""
    path = tmp_path / "a.pth"
    mt.save({"x": mt.arange(40.0), "y": [1, "text"]}, path)
    content, rng = path.read_bytes(), random.Random(0)
    for trial in range(600):
        data = bytearray(content)
        if trial % 3 == 0:
            del data[rng.randrange(len(data)) :]
        else:
            for _ in range(rng.choice([1, 1, 4])):
                place = rng.randrange(len(data))
                size = rng.choice([1, 4])
                data[place : place + size] = rng.choice([b"\xff", b"\0", b"\x7f"]) * size
        path.write_bytes(data)
        with contextlib.suppress(ValueError, NotImplementedError):
            as_plain(mt.load(path, mmap=True))
