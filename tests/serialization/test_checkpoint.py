"""save and load: round trips, refusals, atomic writing, damaged files."""

import io
import os
import subprocess
import sys
import time
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt

numbers = (
    st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none() | st.text(max_size=5)
)
keys = st.text(max_size=4) | st.integers(-5, 5)
plain = st.recursive(
    numbers,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
)


@given(plain)
def test_plain_data_comes_back_equal_and_of_the_same_types(data):
    file = io.BytesIO()
    mt.save(data, file)
    file.seek(0)
    back = mt.load(file)
    assert back == data and repr(back) == repr(data)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"])
def test_tensors(tmp_path, dtype):
    x = mt.tensor([[0, 1, 1]]).to(getattr(mt, dtype))
    path = tmp_path / "x.npz"
    mt.save({"x": x, "t": x.t(), "scalar": x[0, 1], "empty": x[:0], "type": x.dtype}, path)
    back = mt.load(path)
    assert back["x"].dtype is x.dtype and back["x"].tolist() == x.tolist()
    assert (
        back["t"].shape == (3, 1) and back["scalar"].shape == () and back["empty"].shape == (0, 3)
    )
    assert back["type"] is x.dtype


def test_state_dict_and_special_numbers(tmp_path):
    state = OrderedDict(a=mt.ones(2, requires_grad=True), b=float("inf"), c=np.arange(3))
    mt.save(state, tmp_path / "s")
    back = mt.load(tmp_path / "s")
    assert type(back) is OrderedDict and back["a"].requires_grad and back["b"] == float("inf")
    assert isinstance(back["c"], np.ndarray)


@pytest.mark.parametrize("value", [object(), {1, 2}, {"a": [lambda: 0]}, np.array(["a"])])
def test_what_is_not_plain_data_is_refused_by_place(tmp_path, value):
    with pytest.raises(TypeError, match="cannot save the object"):
        mt.save(value, tmp_path / "x")
    assert os.listdir(tmp_path) == []


def test_what_a_killed_process_left_is_removed(tmp_path):
    program = (
        "import os, sys\nfrom minitorch_cnn.serialization.files import write_atomically\n"
        "write_atomically(sys.argv[1], lambda file: (print('!', flush=True), sys.stdin.read()))"
    )
    path = tmp_path / "a.npz"
    other = tmp_path / ".a.npz.newest"  # not ours
    other.write_bytes(b"")
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdout.read(1)
        time.sleep(1.1)
        mt.save({"a": 1}, path)
        assert len(os.listdir(tmp_path)) == 3, "the file of a process that is alive was removed"
        writer.kill()
    mt.save({"a": 1}, path)
    assert sorted(os.listdir(tmp_path)) == [".a.npz.newest", "a.npz"]


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "x.npz"
    mt.save({"a": 1}, path)

    def break_off(file):
        file.write(b"half")
        raise OSError("disk full")

    from minitorch_cnn.serialization.checkpoint import write_atomically

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, break_off)
    assert mt.load(path) == {"a": 1} and os.listdir(tmp_path) == ["x.npz"]


def test_the_old_file_is_whole_until_it_is_replaced_at_once(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    mt.save({"a": 1}, path)
    replaced = []

    def crash(source, target):
        replaced.append((mt.load(source), mt.load(target)))  # both are complete at this moment
        raise OSError("power failure")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="power failure"):
        mt.save({"a": 2}, path)
    assert replaced == [({"a": 2}, {"a": 1})] and mt.load(path) == {"a": 1}


def test_a_file_cut_anywhere_or_with_changed_bytes_never_gives_other_data(damage):
    file = io.BytesIO()
    mt.save({"weight": mt.arange(6.0).t(), "step": 3, "deep": [(None, "x")]}, file)
    counts = damage(file.getvalue())
    assert counts["other"] == 0 and counts["refused"] > 1500


def archive(**records):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in records.items():
            archive.writestr(f"{name}.npy", content)
    file.seek(0)
    return file


def npy(header, data=b""):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -1), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f3', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 70 + "), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",), }",
        "-" * 9000,
        "",
    ],
)
def test_hostile_arrays_are_refused(header):
    with pytest.raises(ValueError, match="not a readable minitorch_cnn checkpoint"):
        mt.load(archive(structure=npy(header, b"\0\0\0\0")))


@pytest.mark.parametrize(
    "data",
    [
        "[" * 5000,
        '["unknown", 1]',
        '["tensor", 7, false]',
        '["tensor"]',
        '["dict", [[["list", []], 1]]]',
    ],
)
def test_hostile_structures_are_refused(data):
    text = '{"format": "minitorch_cnn checkpoint 1", "data": ' + data + "}"
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({len(text)},), }}"
    with pytest.raises(ValueError, match="not a readable minitorch_cnn checkpoint"):
        mt.load(archive(structure=npy(header, text.encode())))


def test_files_of_the_first_version_are_read():
    """What np.savez wrote for {"a": tensor, "b": "x"}, fortran order and big-endian included."""
    text = (
        b'{"format": "minitorch_cnn checkpoint 1", "data": ["dict", [["a", ["tensor", 0, false]]]]}'
    )
    file = io.BytesIO()
    array = np.arange(6, dtype=">f4").reshape(2, 3, order="F")
    np.savez(file, structure=np.frombuffer(text, np.uint8), **{"0": array})
    file.seek(0)
    back = mt.load(file)["a"]
    assert back.tolist() == array.tolist() and back.array.dtype.isnative


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text").write_text("hello")
    np.savez(tmp_path / "other.npz", a=np.ones(2))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    for name in ("text", "other.npz", "objects.npy"):
        with pytest.raises(ValueError, match=name):
            mt.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        mt.load(tmp_path / "missing")
