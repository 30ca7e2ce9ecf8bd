"""Writing torch's format: what our reader and torch's strict one make of it."""

import argparse
import io
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn.serialization import load_torch, save_torch

numbers = (
    st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none() | st.text(max_size=5)
)
keys = st.text(max_size=4) | st.integers(-5, 5) | st.tuples(st.text(max_size=2), st.booleans())
plain = st.recursive(
    numbers,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=12,
)


def written(obj):
    file = io.BytesIO()
    save_torch(obj, file)
    file.seek(0)
    return file


def state():
    model = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 3), mt.nn.BatchNorm2d(2))
    return model.state_dict()


@given(plain)
def test_plain_data_comes_back_equal_and_of_the_same_types(data):
    back = load_torch(written(data))
    assert back == data and repr(back) == repr(data)


@given(plain)
def test_torch_reads_the_same_plain_data(data):
    torch = pytest.importorskip("torch", reason="torch reads what we wrote")
    back = torch.load(written(data), weights_only=True)
    assert back == data and repr(back) == repr(data)


def tensors():
    base = mt.arange(12.0).reshape(3, 4)
    kinds = [mt.bool, mt.uint8, mt.int8, mt.int16, mt.int32, mt.int64]
    kinds += [mt.float16, mt.float32, mt.float64]
    return {
        **{kind.name: mt.tensor([0, 1, 1]).to(kind) for kind in kinds},
        "row": base[1],
        "transposed": base.t(),
        "every_second": base[:, ::2],
        "expanded": mt.ones(1).expand(5),
        "channels_last": mt.randn(1, 2, 3, 4).contiguous(memory_format=mt.channels_last),
        "scalar": mt.tensor(3),
        "empty": mt.zeros(0, 3),
        "no_rows": base[:0],
        "flipped": mt.from_numpy(np.arange(4)[::-1]),
        "big_endian": mt.from_numpy(np.arange(3, dtype=">f4")),
        "half_an_element": mt.from_numpy(np.zeros(3, "f4,u1")["f0"]),
        "parameter": mt.nn.Parameter(mt.ones(2)),
        "frozen": mt.nn.Parameter(mt.ones(2), requires_grad=False),
        "needs_grad": mt.ones(2, requires_grad=True),
    }


def check(back, original):
    assert list(back) == list(original)
    for name, x in original.items():
        y = back[name]
        assert str(y.dtype).partition(".")[2] == x.dtype.name, name
        assert tuple(y.shape) == x.shape and y.tolist() == x.tolist(), name
        assert y.requires_grad == x.requires_grad, name
        assert type(y).__name__ == type(x).__name__, name
        if name not in ("flipped", "half_an_element") and x.numel() > 1:
            assert tuple(y.stride()) == x.stride(), name
    back["row"][0] = 99  # it shares its memory with two others
    assert back["transposed"][0, 1].item() == back["every_second"][1, 0].item() == 99


def test_tensors_of_all_kinds():
    original = tensors()
    check(load_torch(written(original)), original)


@pytest.mark.parametrize("mmap", [False, True])
def test_torch_reads_tensors_of_all_kinds(tmp_path, mmap):
    torch = pytest.importorskip("torch", reason="torch reads what we wrote")
    original = tensors()
    path = tmp_path / "tensors.pt"
    mt.save(original, path)
    back = torch.load(path, weights_only=True, mmap=mmap)
    if mmap:  # the memory of the file is aligned, too
        assert all(x.data_ptr() % 8 == 0 for x in back.values())
    check(back, original)


def test_a_state_dict_goes_into_torchs_modules():
    torch = pytest.importorskip("torch", reason="torch loads what we wrote")
    ours = state()
    theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    back = torch.load(written(ours), weights_only=True)
    assert str(theirs.load_state_dict(back)) == "<All keys matched successfully>"
    assert back._metadata["1"] == {"version": 2}
    file = io.BytesIO()
    torch.save(theirs.state_dict(), file)
    file.seek(0)
    again = load_torch(file)
    assert [again[key].tolist() for key in ours] == [ours[key].tolist() for key in ours]


def test_our_types_of_torchs_values():
    values = {"size": mt.Size([2, 3]), "dtype": mt.int16, "cpu": mt.device("cpu")}
    values["gpu"] = mt.device("cuda", 1)
    assert load_torch(written(values)) == values
    torch = pytest.importorskip("torch", reason="torch reads what we wrote")
    back = torch.load(written(values), weights_only=True)
    assert back == {
        "size": torch.Size([2, 3]),
        "dtype": torch.int16,
        "cpu": torch.device("cpu"),
        "gpu": torch.device("cuda", 1),
    }


def test_numpy_numbers_become_python_numbers():
    back = load_torch(written([np.float64(1.5), np.int32(3), np.bool_(True)]))
    assert repr(back) == "[1.5, 3, True]"


def test_the_same_object_gives_the_same_file():
    assert written(state_of_ones()).getvalue() == written(state_of_ones()).getvalue()


def state_of_ones():
    return {"a": mt.ones(3), "b": mt.ones(2), "c": mt.ones(4)[:2]}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object(), "the object"),
        ({"a": [1, frozenset({2})]}, r"the object\['a'\]\[1\]"),
        ({"model": mt.nn.ReLU()}, r"the object\['model'\]: a ReLU"),
        ({frozenset(): 1}, r"the object: its key frozenset\(\)"),
        ([np.array([None])], r"the object\[0\]: a ndarray"),
    ],
)
def test_what_is_not_plain_data_is_refused_by_place(tmp_path, value, place):
    with pytest.raises(TypeError, match=f"cannot save {place}"):
        save_torch(value, tmp_path / "x.pth")
    assert list(tmp_path.iterdir()) == []


def test_two_types_in_one_memory_are_refused():
    array = np.arange(4, dtype=np.float32)
    both = [mt.from_numpy(array), mt.from_numpy(array.view(np.int32))]
    with pytest.raises(RuntimeError, match="different types: float32, int32"):
        written(both)


def test_what_contains_itself_and_huge_integers_are_refused(tmp_path):
    endless = []
    endless.append(endless)
    for name in ("x.pth", "x.npz"):
        with pytest.raises(ValueError, match="contains itself"):
            mt.save(endless, tmp_path / name)
    with pytest.raises(ValueError, match="an integer of 2041 bits"):
        mt.save(2**2040, tmp_path / "x.pth")
    assert list(tmp_path.iterdir()) == []


def test_a_programs_arguments_are_kept(tmp_path):
    torch = pytest.importorskip("torch")
    args = argparse.Namespace(lr=0.1, layers=[1, 2], name="r", device=None, x=mt.ones(2))
    for save in (
        save_torch,
        lambda obj, path: torch.save(
            {"args": argparse.Namespace(**{**vars(args), "x": torch.ones(2)})}, path
        ),
    ):
        save({"args": args}, tmp_path / "x.pth")
        for weights_only in (False, True):
            back = mt.load(tmp_path / "x.pth", weights_only=weights_only)["args"]
            assert type(back) is argparse.Namespace and vars(back).keys() == vars(args).keys()
            assert (back.lr, back.layers, back.name) == (0.1, [1, 2], "r")
            assert back.x.tolist() == [1.0, 1.0]
        theirs = torch.load(tmp_path / "x.pth", weights_only=False)["args"]
        assert theirs.layers == [1, 2] and torch.equal(theirs.x, torch.ones(2))
    with pytest.raises(TypeError, match="a function is not plain data"):
        save_torch(argparse.Namespace(f=lambda: 0), tmp_path / "y.pth")


def with_attributes(lib):
    """A tensor, a Parameter and a Buffer on which a program has noted something."""
    x, p, b = lib.arange(3.0), lib.nn.Parameter(lib.ones(2)), lib.nn.Buffer(lib.zeros(2))
    x.foo, x.pi, p.note, p.mask, b.seen = "foo", 3.14, [1, {"a": None}], lib.ones(2), True
    return {"x": x[1:], "whole": x, "p": p, "b": b}


def check_attributes(lib, back):
    x, p, b = back["whole"], back["p"], back["b"]
    assert (x.foo, x.pi, p.note, b.seen) == ("foo", 3.14, [1, {"a": None}], True)
    assert p.mask.tolist() == [1, 1] and isinstance(p, lib.nn.Parameter) and p.requires_grad
    assert isinstance(b, lib.nn.Buffer) and not isinstance(x, lib.nn.Parameter)
    assert not hasattr(back["x"], "foo") and back["x"].tolist() == [1, 2]
    back["x"][0] = 5
    assert x.tolist() == [0, 5, 2]  # the memory is still one


def test_attributes_of_tensors_come_back():
    check_attributes(mt, load_torch(written(with_attributes(mt))))
    with pytest.raises(TypeError, match=r"cannot save the object\['w'\]\['f'\]: a function"):
        weight = mt.ones(2)
        weight.f = lambda: 1
        save_torch({"w": weight}, io.BytesIO())


def test_attributes_go_to_torch_and_come_from_it():
    torch = pytest.importorskip("torch", reason="torch reads what we wrote")
    check_attributes(torch, torch.load(written(with_attributes(mt)), weights_only=True))
    file = io.BytesIO()
    torch.save(with_attributes(torch), file)
    check_attributes(mt, load_torch(io.BytesIO(file.getvalue())))


@pytest.mark.parametrize("name", ["array", "_node", "__class__", "add", 3])
def test_no_attribute_takes_the_place_of_what_a_tensor_is(name):
    tensor = mt.ones(2)
    tensor.__dict__[name] = 1
    with pytest.raises(ValueError, match=f"a tensor has an attribute {name!r} of its own"):
        load_torch(written(tensor))
