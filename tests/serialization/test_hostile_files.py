"""Files of data sets, archives and ONNX with random damage: refused in words, or read.

Never another exception than those said, nor memory out of proportion. What `load` reads is tried
in the tests of each format.
"""

import gzip
import io
import pickle
import random
import struct
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.datasets.archive import extract_archive
from minitorch_cnn.datasets.mnist import read_idx
from minitorch_cnn.serialization.files import DAMAGE
from minitorch_cnn.serialization.numpy_pickle import read_pickled_dict

LENGTHS = [0, -1, 255, 2**15, 2**31 - 1, -(2**31), 2**62, 2**63 - 1]


def damaged(content, rng):
    """A copy with some bits, bytes or lengths changed, or parts cut out, doubled or cut off."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5])):
        place = min(int(rng.expovariate(1 / 200)), len(data) - 1)  # structure stands at the start
        kind = rng.randrange(6)
        if kind == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place] = rng.randrange(256)
        elif kind == 2:
            number = rng.choice(LENGTHS).to_bytes(8, rng.choice(["little", "big"]), signed=True)
            data[place : place + 8] = number
        elif kind == 3:
            del data[place : place + rng.randrange(1, 60)]
        elif kind == 4:
            data[place:place] = data[place : place + 40] * rng.choice([1, 50])
        else:
            del data[place:]
        data = data or bytearray(b"\0")
    return bytes(data)


def idx():
    return b"\0\0\x08\3" + struct.pack(">3i", 20, 28, 28) + bytes(20 * 784)


def batch(protocol):
    data = {"data": np.zeros((3, 3072), "u1"), "labels": [0, 1, 2], "filenames": ["a", "b", "c"]}
    return pickle.dumps(data, protocol)


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in ("folder/a", "b"):
            member = tarfile.TarInfo(name)
            member.size = 500
            archive.addfile(member, io.BytesIO(bytes(500)))
    return file.getvalue()


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/a", bytes(500))
        archive.writestr("b", b"text")
    return file.getvalue()


def network():
    pytest.importorskip("onnx", reason="ONNX files need the package onnx")
    file = io.BytesIO()
    model = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 3), mt.nn.Flatten(), mt.nn.Linear(8, 2))
    mt.onnx.export(model, (mt.ones(1, 1, 4, 4),), file)
    return file.getvalue()


def read_pickle(path):
    read_pickled_dict(path.read_bytes(), path.name)


def unpack(path):
    extract_archive(path, path.parent / "out")


CASES = {
    "x.idx": (idx, read_idx, (RuntimeError,)),
    "x.gz": (lambda: gzip.compress(idx()), read_idx, (RuntimeError,)),
    "protocol0": (lambda: batch(0), read_pickle, DAMAGE),
    "protocol2": (lambda: batch(2), read_pickle, DAMAGE),
    "protocol5": (lambda: batch(5), read_pickle, DAMAGE),
    "x.tar.gz": (tar, unpack, (RuntimeError, FileExistsError)),
    "x.zip": (zipped, unpack, (RuntimeError, FileExistsError, ValueError)),
    "x.onnx": (network, mt.onnx.load, (ValueError, NotImplementedError)),
}


@pytest.mark.parametrize("name", CASES)
def test_damaged_files_are_refused_in_words(tmp_path, name):
    make, read, allowed = CASES[name]
    content, rng = make(), random.Random(name)
    path, refused = tmp_path / name, 0
    for _ in range(120):
        changed = damaged(content, rng)
        path.write_bytes(changed)
        tracemalloc.start()
        try:
            read(path)
        except allowed as error:
            refused += 1
            assert str(error)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 2**22 + 100 * len(changed)
        out = tmp_path / "out"
        assert not out.exists() or not any(each.name[0] == "." for each in out.iterdir())
    assert refused > 30
