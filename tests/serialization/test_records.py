"""PyTorchFileReader: the records of torch's files one by one."""

import io

import pytest

import minitorch_cnn as mt


def saved():
    file = io.BytesIO()
    values = {"a": mt.tensor([1, 2, 3], dtype=mt.uint8), "b": mt.tensor([7], dtype=mt.uint8)}
    mt.serialization.save_torch(values, file)
    return file


def test_records_by_name(tmp_path):
    path = tmp_path / "file.pt"
    path.write_bytes(saved().getvalue())
    reader = mt.PyTorchFileReader(str(path))
    assert reader.get_record("data/0") == b"\1\2\3" and reader.get_record("data/1") == b"\7"
    assert {"data.pkl", "version", "data/0", "data/1"} <= set(reader.get_all_records())
    assert reader.has_record("data.pkl") and not reader.has_record("data/2")


def test_torch_says_the_same(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "file.pt"
    torch.save({"a": torch.arange(3.0), "b": 4}, path)
    ours, theirs = mt.PyTorchFileReader(str(path)), torch.PyTorchFileReader(str(path))
    assert ours.get_all_records() == theirs.get_all_records()
    for name in theirs.get_all_records():
        assert ours.get_record(name) == theirs.get_record(name)
    for reader in (ours, theirs):
        with pytest.raises(RuntimeError, match="failed locating file nothing"):
            reader.get_record("nothing")


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "file.pt"
    path.write_bytes(b"no archive")
    for name in (str(path), str(tmp_path / "absent.pt")):
        with pytest.raises(RuntimeError, match="PytorchStreamReader failed"):
            mt.PyTorchFileReader(name)
    changed = bytearray(saved().getvalue())
    changed[changed.index(b"\1\2\3")] ^= 255
    with pytest.raises(RuntimeError, match="failed reading file data/0: Bad CRC-32"):
        mt.PyTorchFileReader(io.BytesIO(bytes(changed))).get_record("data/0")
