"""The safetensors format: round trips, the package's own reader and writer, damage."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.serialization import load_safetensors, save_safetensors

DATA = Path(__file__).parent / "reference"
KINDS = [mt.bool, mt.uint8, mt.int8, mt.int16, mt.int32, mt.int64]
KINDS += [mt.float16, mt.float32, mt.float64]


def tensors():
    base = mt.arange(12.0).reshape(3, 4)
    return {
        "z_first": mt.tensor([True]),
        **{kind.name: mt.tensor([0, 1, 1]).to(kind) for kind in KINDS},
        "transposed": base.t(),
        "flipped": mt.from_numpy(np.arange(4)[::-1]),
        "big_endian": mt.from_numpy(np.arange(3, dtype=">f4")),
        "scalar": mt.tensor(2.5),
        "empty": mt.zeros(0, 3),
        "parameter": mt.nn.Parameter(mt.ones(2)),
    }


def written(values):
    file = io.BytesIO()
    save_safetensors(values, file)
    file.seek(0)
    return file


def test_round_trip(tmp_path):
    original = tensors()
    mt.save(original, tmp_path / "x.safetensors")
    for back in (mt.load(tmp_path / "x.safetensors"), load_safetensors(tmp_path / "x.safetensors")):
        assert list(back) == list(original)
        for name, x in original.items():
            assert back[name].dtype is x.dtype and back[name].shape == x.shape
            assert back[name].tolist() == x.tolist() and not back[name].requires_grad
    back["scalar"].fill_(1)  # the memory can be written


def test_all_elements_are_aligned():
    content = written({"a": mt.ones(1).bool(), "b": mt.ones(3).double(), "c": mt.ones(1).half()})
    length = int.from_bytes(content.read(8), "little")
    header = json.loads(content.read(length))
    assert (8 + length) % 8 == 0
    assert [header[name]["data_offsets"] for name in "abc"] == [[26, 27], [0, 24], [24, 26]]


def test_the_package_reads_ours_and_we_read_its_files(tmp_path):
    numpy_file = pytest.importorskip("safetensors.numpy", reason="compares with the package")
    original = tensors()
    theirs = numpy_file.load(written(original).getvalue())
    for name, x in original.items():
        assert theirs[name].dtype == x.dtype.numpy and theirs[name].tolist() == x.tolist()
    arrays = {kind.name: np.array([[0, 1, 1]], kind.numpy) for kind in KINDS}
    arrays["scalar"], arrays["empty"] = np.array(2.5), np.zeros((0, 3), np.int16)
    numpy_file.save_file(arrays, tmp_path / "theirs", metadata={"format": "np"})
    back = mt.load(tmp_path / "theirs")
    for name, x in arrays.items():
        assert back[name].dtype.numpy == x.dtype and back[name].tolist() == x.tolist()


def test_torch_reads_ours():
    torch_file = pytest.importorskip("safetensors.torch", reason="torch and safetensors read ours")
    pytest.importorskip("torch", reason="torch and safetensors read ours")
    model = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 3), mt.nn.BatchNorm2d(2))
    back = torch_file.load(written(model.state_dict()).getvalue())
    for name, x in model.state_dict().items():
        assert back[name].tolist() == x.tolist() and tuple(back[name].shape) == x.shape


def test_bfloat16_becomes_float32():
    back = mt.load(DATA / "bfloat16.safetensors")
    assert back["a"].dtype is back["b"].dtype is mt.float32
    assert back["a"].tolist() == back["b"].tolist() == [1, -2.5, 3.140625]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([mt.ones(1)], "a dict of tensors, got a list"),
        ({1: mt.ones(1)}, "names of text"),
        ({"__metadata__": mt.ones(1)}, "names of text"),
        ({"a": {"b": mt.ones(1)}}, "'a' is a dict"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path, value, message):
    with pytest.raises(TypeError, match=message):
        mt.save(value, tmp_path / "x.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_changed_bit_in_our_files_is_noticed(damage):
    content = written({"weight": mt.arange(6.0), "mask": mt.tensor([True])}).getvalue()
    counts = damage(content, flips=2000)
    assert counts["refused"] > 2000
    # Of several bytes changed at once some hit the name of the checksum and a value.
    assert counts["other"] < 5
    for place in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            try:
                back = mt.load(io.BytesIO(bytes(changed)))
            except (ValueError, NotImplementedError):
                continue
            assert back["weight"].tolist() == [0, 1, 2, 3, 4, 5] and back["mask"].tolist() == [True]


def file_of(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    return io.BytesIO(size.to_bytes(8, "little") + text + data)


def entry(start, stop, shape, kind="U8"):
    return {"dtype": kind, "shape": shape, "data_offsets": [start, stop]}


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (file_of({}, length=2**63), "more than 100000000"),
        (file_of({}, length=99), "should have 99 more bytes but has 2"),
        (file_of(b"{" * 10_000), "not a readable safetensors file"),
        (file_of(b'{"a":' * 10_000), "not a readable safetensors file"),
        (file_of([1]), "not a readable safetensors file"),
        (file_of({"a": 3}), "not a readable safetensors file"),
        (file_of(b'{"a": 1, "a": 2}'), "names something twice"),
        (file_of({"a": entry(0, 4, [5])}, b"1234"), r"4 bytes for the shape \[5\]"),
        (file_of({"a": entry(0, 4, [-2, -2])}, b"1234"), "-2 is no length"),
        (file_of({"a": entry(0, 4, [2.0, 2])}, b"1234"), "2.0 is no length"),
        (file_of({"a": entry(0, 2**40, [2**40])}), "should have 1099511627776 more bytes"),
        (file_of({"a": entry(0, 0, [0, 2**62, 4])}), "not a readable safetensors file"),
        (file_of({"a": entry(1, 4, [3])}, b"1234"), "not from 0 on"),
        (file_of({"a": entry(0, 4, [4])}, b"12345"), "1 bytes follow"),
        (file_of({"a": entry(0, 4, [4]), "b": entry(0, 4, [4])}, b"1234"), "not from 4 on"),
        (file_of({"a": entry(0, 1, [1], "BOOL")}, b"\2"), "neither 0 nor 1"),
    ],
)
def test_malformed_files_are_refused(file, message):
    with pytest.raises(ValueError, match=message):
        load_safetensors(file)


def test_types_that_we_do_not_have():
    with pytest.raises(NotImplementedError, match="'a' has elements of type F8_E4M3"):
        load_safetensors(file_of({"a": entry(0, 1, [1], "F8_E4M3")}, b"1"))
