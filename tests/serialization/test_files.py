"""Writing files where the disk is full, through links, and to what is no ordinary file."""

import contextlib
import os
import threading

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.serialization.files import write_atomically


@contextlib.contextmanager
def full_disk(left):
    """No file can become longer than `left` bytes, as on a disk that has no more."""
    resource = pytest.importorskip("resource", reason="only Unix limits a process's files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


NOISE = np.random.default_rng(0).integers(0, 256, (3, 60, 60), np.uint8)
WRITERS = {
    "a.npz": lambda path: mt.save(mt.ones(5000), path),
    "a.pth": lambda path: mt.save(mt.ones(5000), path),
    "a.safetensors": lambda path: mt.save({"a": mt.ones(5000)}, path),
    "a.png": lambda path: mt.io.write_png(mt.tensor(NOISE), path),
    "a.jpg": lambda path: mt.io.write_jpeg(mt.tensor(NOISE), path),
    "b.png": lambda path: mt.utils.save_image(mt.tensor(NOISE) / 255, path),
    "a.svg": lambda path: mt.explain.tape(mt.nn.Conv2d(1, 1, 1)(mt.ones(1, 1, 9, 9))).save(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_one_sentence_and_keeps_the_previous_file(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)  # what it imports is imported before the disk is full
    path.write_bytes(b"precious")
    with (
        full_disk(500),
        pytest.raises(OSError, match=rf"File too large: .*{name}"),
    ):
        WRITERS[name](path)
    assert path.read_bytes() == b"precious" and os.listdir(tmp_path) == [name]
    WRITERS[name](path)
    assert path.stat().st_size > 500


def test_a_link_is_followed(tmp_path):
    (tmp_path / "there").mkdir()
    link, target = tmp_path / "link.npz", tmp_path / "there" / "file.npz"
    link.symlink_to(target)
    for value in (1, 2):
        mt.save({"a": value}, link)
        assert link.is_symlink() and mt.load(target) == {"a": value}


def test_what_is_no_ordinary_file_is_written_to_and_not_replaced(tmp_path):
    """/dev/null would become a file, if a pipe did."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_atomically(pipe, lambda file: file.write(b"hello"))
    reader.join(timeout=10)
    assert read == [b"hello"] and pipe.is_fifo()
