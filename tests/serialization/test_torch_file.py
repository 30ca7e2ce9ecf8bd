"""Reading torch's files: values, memory, refusals, damage, and files made to do harm."""

import collections
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.serialization import load_torch, save_torch

DATA = Path(__file__).parent / "reference"
FILES = [DATA / "zip.pth", DATA / "legacy.pth"]


@pytest.fixture(params=FILES, ids=["zip", "legacy"])
def loaded(request):
    return load_torch(request.param)


def test_element_types(loaded):
    assert len(loaded["kinds"]) == 10
    for name, tensor in loaded["kinds"].items():
        expected = "float32" if name == "torch.bfloat16" else name.removeprefix("torch.")
        assert tensor.dtype is getattr(mt, expected)
        assert tensor.tolist() == [0, 1, 1]
    assert loaded["bfloat16"].tolist() == [1, -2.5, 3.140625, 2.0**100, np.inf]


def test_views_of_one_storage_share_memory(loaded):
    assert loaded["row"].tolist() == [4, 5, 6, 7]
    assert loaded["transposed"].tolist() == np.arange(12).reshape(3, 4).T.tolist()
    assert loaded["transposed"].stride() == (1, 4)
    assert loaded["every_second"].tolist() == [[0, 2], [4, 6], [8, 10]]
    loaded["row"][0] = 99
    assert loaded["transposed"][0, 1].item() == loaded["every_second"][1, 0].item() == 99


def test_strides_scalars_and_empty_tensors(loaded):
    assert loaded["expanded"].tolist() == [7] * 5 and loaded["expanded"].stride() == (0,)
    image = loaded["channels_last"]
    assert image.is_contiguous(memory_format=mt.channels_last)
    assert image.tolist() == np.arange(24).reshape(1, 2, 3, 4).tolist()
    assert loaded["scalar"].shape == () and loaded["scalar"].item() == 3
    assert loaded["empty"].shape == (0, 3) and loaded["empty"].dtype is mt.float32


def test_parameters_and_gradients(loaded):
    assert type(loaded["parameter"]) is mt.nn.Parameter and loaded["parameter"].requires_grad
    assert type(loaded["frozen"]) is mt.nn.Parameter and not loaded["frozen"].requires_grad
    assert type(loaded["needs_grad"]) is mt.Tensor and loaded["needs_grad"].requires_grad


def test_state_dict_with_its_version_numbers(loaded):
    state = loaded["state_dict"]
    assert type(state) is collections.OrderedDict and state._metadata["0"] == {"version": 2}
    model = mt.nn.Sequential(mt.nn.BatchNorm2d(2))
    with mt.no_grad():
        model[0].weight.fill_(5)
    assert str(model.load_state_dict(state)) == "<All keys matched successfully>"
    assert model[0].weight.tolist() == [1, 1]


def test_plain_data(loaded):
    expected = [1, -1, 2**40, 2**70, 1.5, True, None, "text ä", b"\x00\xff", (1, (2,)), {3, 4}]
    assert repr(loaded["plain"]) == repr(expected)
    assert list(loaded["ordered"].items()) == [("b", 1), ("a", 2)]
    assert loaded["size"] == (2, 3) and type(loaded["size"]) is mt.Size
    assert loaded["dtype"] is mt.float64 and loaded["device"] == mt.device("cuda:1")
    assert loaded[5] == {(1, "key"): "value"}


def test_load_recognises_the_content_whatever_the_name(tmp_path, as_plain):
    for number, path in enumerate(FILES):
        renamed = tmp_path / f"weights{number}.npz"
        renamed.write_bytes(path.read_bytes())
        assert as_plain(mt.load(renamed)) == as_plain(load_torch(path))
    with open(FILES[0], "rb") as file:
        assert mt.load(file, weights_only=False)["size"] == (2, 3)


def test_map_location():
    assert load_torch(FILES[0], map_location="cpu")["row"].device == mt.device("cpu")
    seen = []
    for place in (
        lambda storage, location: seen.append(location),
        lambda storage, location: storage,
        lambda storage, location: storage.cpu(),
        {"cuda:0": "cpu"},
    ):
        assert load_torch(FILES[0], map_location=place)["row"].device == mt.device("cpu")
    assert seen == ["cpu"]
    with pytest.raises(NotImplementedError, match="map_location"):
        load_torch(FILES[0], map_location={"cuda:0": "cuda:1"})
    if not mt.cuda.is_available():
        for load in (load_torch, mt.load):
            with pytest.raises(RuntimeError, match=r"GPU|CuPy"):
                load(FILES[0], map_location="cuda")


def test_what_torch_takes_for_its_pickles_changes_nothing(tmp_path):
    mt.save({"a": mt.ones(2)}, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert mt.load(tmp_path / "a.pth", mmap=True, encoding="latin1")["a"].tolist() == [1, 1]
    with pytest.raises(NotImplementedError, match=r"whole Linear: .*state_dict\(\)"):
        mt.save(mt.nn.Linear(2, 2), tmp_path / "b.pth")
    assert not (tmp_path / "b.pth").exists()


def records_of(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(records, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


def test_big_endian_files():
    values = {"a": mt.tensor([1.0, -2.5]), "b": mt.tensor([1, 2**40]), "c": mt.tensor([True])}
    file = io.BytesIO()
    mt.serialization.save_torch(values, file)
    records = records_of(file)
    records["archive/byteorder"] = b"big"
    for number, kind in enumerate(["f4", "i8", "?"]):
        name = f"archive/data/{number}"
        records[name] = np.frombuffer(records[name], "<" + kind).astype(">" + kind).tobytes()
    back = load_torch(zipped(records))
    assert [back[name].tolist() for name in "abc"] == [[1, -2.5], [1, 2**40], [True]]
    assert back["a"].array.dtype.isnative

    records["archive/byteorder"] = b"mixed"
    with pytest.raises(ValueError, match="byte order is 'mixed'"):
        load_torch(zipped(records))


# ------------------------------------------------------------------------------------ damage


@pytest.mark.parametrize("name", ["zip.pth", "legacy.pth"])
def test_a_path_that_is_cut_or_missing(tmp_path, name):
    with pytest.raises(FileNotFoundError):
        load_torch(tmp_path / name)
    (tmp_path / name).write_bytes((DATA / name).read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"{name} is not a readable torch file"):
        load_torch(tmp_path / name)


def test_damaged_zip_files_never_give_other_data(damage):
    file = io.BytesIO()
    base = mt.arange(6.0)
    mt.serialization.save_torch({"a": base[1:4], "b": base[::2], "n": [1, "x"]}, file)
    counts = damage(file.getvalue())
    assert counts["other"] == 0 and counts["refused"] > 1500


def test_damaged_legacy_files_never_do_harm(damage):
    """They have no checksums: a changed byte of a number gives another number."""
    content = legacy_tensor(count=4, size=(2, 2), stride=(2, 1))
    counts = damage(content)
    assert counts["other"] > 0 and counts["refused"] > 900


def test_every_truncation_of_torchs_own_files_is_refused():
    for path in FILES:
        content = path.read_bytes()
        for length in range(0, len(content), 7):
            with pytest.raises(ValueError, match="not a readable torch file"):
                load_torch(io.BytesIO(content[:length]))


def test_bytes_after_a_legacy_file_are_refused():
    with pytest.raises(ValueError, match="1 bytes follow"):
        load_torch(io.BytesIO(FILES[1].read_bytes() + b"x"))


# ------------------------------------------------- pickles made by hand, instruction by instruction


def integer(value):
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def row(*items):
    return b"(" + b"".join(items) + b"t"


def call(name, *args):
    return b"c" + name.replace(" ", "\n").encode() + b"\n" + row(*args) + b"R"


def storage(kind="FloatStorage", key="0", count=4, view=b"N"):
    name = b"ctorch\n" + kind.encode() + b"\n"
    return row(text("storage"), name, text(key), text("cpu"), integer(count), view) + b"Q"


def tensor(where, offset=0, size=(4,), stride=(1,)):
    return call(
        "torch._utils _rebuild_tensor",
        where,
        integer(offset),
        row(*map(integer, size)),
        row(*map(integer, stride)),
    )


def legacy(body, keys=(), data=b""):
    """A legacy file whose object is pickled by the instructions `body`."""
    head = [0x1950A86A20F9469CFC6C, 1001, {}]
    pickles = [pickle.dumps(each, 2) for each in head]
    pickles += [b"\x80\x02" + body + b".", pickle.dumps(list(keys), 2)]
    return b"".join(pickles) + data


def legacy_tensor(offset=0, size=(4,), stride=(1,), count=4, view=b"N"):
    data = count.to_bytes(8, "little") + np.arange(4, dtype="<f4").tobytes()
    return legacy(tensor(storage(count=count, view=view), offset, size, stride), ["0"], data)


def test_text_of_python_2():
    """Its str was bytes; all text of a file that it wrote is of this kind, the names too."""

    def old(data):
        return b"U" + bytes([len(data)]) + data

    kind = b"ctorch\nFloatStorage\n"
    where = row(old(b"storage"), kind, old(b"0"), old(b"cpu"), integer(4), b"N") + b"Q"
    for encoding, expected in (("utf-8", "é"), ("latin1", "Ã©"), ("bytes", "é".encode())):
        body = b"]" + old("é".encode()) + b"a" + tensor(where) + b"a"
        data = (4).to_bytes(8, "little") + np.arange(4, dtype="<f4").tobytes()
        file = io.BytesIO(legacy(body, ["0"], data))
        note, x = mt.load(file, encoding=encoding)
        assert note == expected and x.tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="ascii"):
        mt.load(io.BytesIO(legacy(body, ["0"], data)), encoding="ascii")


def test_the_handmade_file_is_right():
    back = load_torch(io.BytesIO(legacy_tensor(offset=1, size=(3,))))
    assert back.tolist() == [1, 2, 3]


def test_a_view_of_a_legacy_storage():
    view = row(text("1"), integer(1), integer(2))  # its key, offset and length
    assert load_torch(io.BytesIO(legacy_tensor(size=(2,), view=view))).tolist() == [1, 2]
    outside = row(text("1"), integer(3), integer(2))
    with pytest.raises(ValueError, match="part 3:5 of storage 0 is outside"):
        load_torch(io.BytesIO(legacy_tensor(size=(2,), view=outside)))


@pytest.mark.parametrize(
    "bad",
    [
        {"offset": 1},
        {"offset": -1},
        {"size": (5,)},
        {"size": (2, 2), "stride": (3, 1)},
        {"size": (2, 2), "stride": (1,)},
        {"size": (4,), "stride": (-1,)},
        {"size": (2**62, 2**62), "stride": (0, 0)},
        {"size": (2**63,), "stride": (0,)},
        {"size": (0, 2**61), "stride": (1, 1)},
        {"size": (4,), "stride": (2**62,)},
        {"size": (1,) * 65, "stride": (1,) * 65},
    ],
)
def test_tensors_outside_their_storage_are_refused(bad):
    with pytest.raises(ValueError, match="not a readable torch file"):
        load_torch(io.BytesIO(legacy_tensor(**bad)))


def test_the_stride_of_an_axis_of_length_one_means_nothing():
    content = legacy_tensor(size=(1, 4), stride=(2**62, 1))
    assert load_torch(io.BytesIO(content)).tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("count", [-1, 5, 2**40, 2**62])
def test_storages_that_the_file_does_not_have(count):
    content = legacy(tensor(storage(count=count)), ["0"], count.to_bytes(8, "little", signed=True))
    with pytest.raises(ValueError, match="not a readable torch file"):
        load_torch(io.BytesIO(content))


def test_a_storage_cannot_have_two_types():
    both = row(tensor(storage()), tensor(storage("IntStorage")))
    with pytest.raises(ValueError, match="storage 0 is a FloatStorage and a IntStorage"):
        load_torch(io.BytesIO(legacy(both, ["0"], bytes(40))))


def test_truth_values_are_zero_or_one():
    content = legacy(
        tensor(storage("BoolStorage", count=1), 0, (1,)), ["0"], b"\1" + bytes(7) + b"\2"
    )
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        load_torch(io.BytesIO(content))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("torch.nn.modules.linear", "Linear"),
        ("numpy._core.multiarray", "fromfile"),
        ("minitorch_cnn.tensor", "_unpickle"),
        ("collections", "OrderedDict.fromkeys"),
    ],
)
def test_everything_else_is_refused_by_name(tmp_path, module, name):
    called = tmp_path / "called"
    bodies = [
        b"c%s\n%s\n" % (module.encode(), name.encode()) + row(text(f"touch {called}")) + b"R",
        text(module) + text(name) + b"\x93" + row(text(f"touch {called}")) + b"R",
    ]
    for body in bodies:
        with pytest.raises(pickle.UnpicklingError, match=f"asks for {module}.{name}") as caught:
            load_torch(io.BytesIO(legacy(body)))
        assert isinstance(caught.value, ValueError)
    assert not called.exists()


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (storage("ComplexFloatStorage"), "complex numbers"),
        (storage("QInt8Storage"), "quantized numbers"),
        (call("torch._utils _rebuild_tensor_v3"), "uint16 or float8"),
        (call("torch._utils _rebuild_sparse_tensor"), "sparse"),
        (b"ctorch\nbfloat16\n", "bfloat16 as a value"),
    ],
)
def test_what_we_have_no_counterpart_for(body, what):
    with pytest.raises(NotImplementedError, match=what):
        load_torch(io.BytesIO(legacy(body)))


def test_attributes_are_refused():
    state = b"}" + text("items") + b"Ns"
    with pytest.raises(ValueError, match="sets attributes of a OrderedDict"):
        load_torch(io.BytesIO(legacy(call("collections OrderedDict") + state + b"b")))


LIST = b"](" + b"K\1" * 4000 + b"eq\0"  # a list of 4000 numbers, remembered as 0
FEED = {
    "text longer than the file": (b"X\xff\xff\xff\xffabc", r"should have 4294967295 more"),
    "bytes longer than the file": (b"B\xff\xff\xff\xffabc", r"should have 4294967295 more"),
    "a longer integer than LONG1": (b"\x8b\xff\xff\xff\x7f", r"instruction b'.x8b'"),
    "nothing on the stack": (b"0", r"instruction b'0'"),
    "a mark as a value": (b"(\x85", r"a mark for a value"),
    "a mark as the result": (b"(", r"a mark for a value"),
    "an unknown memory": (b"h\x05", r"not a readable torch file: 5"),
    "a call of a list": (b"])R", r"calls a list"),
    "append to a number": (b"K\1K\1a", r"appends to a int"),
    "items for a list": (b"]K\1K\1s", r"puts 2 values into a list"),
    "an odd number of items": (b"}(K\1u", r"puts 1 values into a dict"),
    "a list as a key": (b"}]Ns", r"holds a list"),
    "a nested tuple as a key": (b"}))\x86\x85Ns", r"holds a tuple"),
    "a long tuple as a key": (b"}(" + b"K\1" * 17 + b"tNs", r"a tuple of 17 values"),
    "an integer of 65 bits as a key": (b"}" + integer(2**64) + b"Ns", r"more than 64 bits"),
    "a tuple of tuples doubled 60 times as a key": (
        b"})" + b"q\0h\0\x86" * 60 + b"Ns",
        r"holds a tuple",
    ),
    "a list copied again and again": (
        LIST + b"(" + call("builtins set", b"h\0") * 400 + b"tt",
        r"copies the same values",
    ),
    "a name that does not end": (b"c" + b"x" * 5000, r"a line in it does not end"),
    "a name that is no text": (b"K\1K\1\x93", r"a name that is not text"),
    "bytes in another encoding": (
        call("_codecs encode", text("a"), text("idna")),
        r"encodes text as 'idna'",
    ),
    "a device of a number": (call("torch device", integer(1)), r"a device is made of"),
    "a Size of text": (call("torch Size", text("ab")), r"no length, offset or stride"),
    "a parameter of text": (
        call("torch._utils _rebuild_parameter", text("a"), b"\x88", b"N"),
        r"made of a str",
    ),
    "a tensor of a Size": (
        tensor(call("torch Size", row(integer(4)))),
        r"makes a tensor of a Size",
    ),
    "a persistent thing that is no storage": (text("module") + b"Q", r"other than a storage"),
}


@pytest.mark.parametrize(("body", "message"), FEED.values(), ids=FEED.keys())
def test_hostile_pickles_are_refused(body, message):
    with pytest.raises(ValueError, match=message):
        load_torch(io.BytesIO(legacy(body)))


def test_hostile_pickles_that_are_harmless():
    assert load_torch(io.BytesIO(legacy(b"K\7r\xff\xff\xff\xff"))) == 7  # memory 4,294,967,295
    deep = load_torch(io.BytesIO(legacy(b"]" * 50_000 + b"a" * 49_999)))
    for _ in range(49_999):
        deep = deep[0]
    assert deep == []
    doubled = load_torch(io.BytesIO(legacy(b")" + b"q\0h\0\x86" * 60)))
    assert doubled[0] is doubled[1]  # 2^60 leaves, 60 tuples
    expanded = load_torch(io.BytesIO(legacy_tensor(size=(10**12,), stride=(0,))))
    assert expanded.shape == (10**12,) and expanded[5].item() == 0


# ----------------------------------------------------------------------------- hostile archives


def test_compressed_records_are_refused():
    bomb = {"a/data.pkl": b"\x80\x02N.", "a/data/0": bytes(2**22)}
    file = zipped(bomb, compression=zipfile.ZIP_DEFLATED)
    assert len(file.getvalue()) < 10_000
    with pytest.raises(ValueError, match=r"together, but the file only|is compressed"):
        load_torch(file)
    small = zipped({"a/data.pkl": b"\x80\x02N."}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="is compressed"):
        load_torch(small)


def test_records_that_overlap_are_refused():
    """Two entries of the archive's directory that name the same bytes, made by hand."""
    file = zipped({"a/data.pkl": b"\x80\x02N.", "a/data/0": bytes(1000), "a/data/1": bytes(1)})
    content = file.getvalue()
    directory = content.index(b"PK\x01\x02")
    first, second, _ = content[directory:].split(b"PK\x01\x02")[1:]
    entries = [b"PK\x01\x02" + each for each in (first, *[second] * 50)]
    listing = b"".join(entries)
    end = b"PK\x05\x06" + bytes(4) + (len(entries)).to_bytes(2, "little") * 2
    end += len(listing).to_bytes(4, "little") + directory.to_bytes(4, "little") + bytes(2)
    with pytest.raises(ValueError, match="together, but the file only"):
        load_torch(io.BytesIO(content[:directory] + listing + end))


def test_archives_that_are_something_else():
    script = zipped({"a/data.pkl": b"\x80\x02N.", "a/constants.pkl": b"\x80\x02)."})
    with pytest.raises(NotImplementedError, match="TorchScript"):
        load_torch(script)
    with pytest.raises(ValueError, match="it has 2 records NAME"):
        load_torch(zipped({"a/data.pkl": b"\x80\x02N.", "b/data.pkl": b"\x80\x02N."}))
    with pytest.raises(ValueError, match="it has 0 records"):
        load_torch(zipped({"readme": b"hello"}))
    with pytest.raises(ValueError, match="not one of torch"):
        load_torch(io.BytesIO(pickle.dumps({"a": 1}, 2)))
    with pytest.raises(ValueError, match="neither with a zip record nor with a pickle"):
        load_torch(io.BytesIO(b"hello"))


# ------------------------------------------------------------------------------- torch, live


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_torch_writes_now(as_plain, new, protocol):
    torch = pytest.importorskip("torch", reason="compares with torch's own files")
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(3, 4, 5, generator=generator)
    views = [
        base,
        base[1],
        base[:, 2:, ::2],
        base.transpose(0, 2),
        base.expand(2, 3, 4, 5),
        base[:0],
    ]
    file = io.BytesIO()
    options = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": new}
    torch.save({"views": views, "set": {1}, "n": [2**70, b"x", -1.5]}, file, **options)
    file.seek(0)
    back = load_torch(file)
    for ours, theirs in zip(back["views"], views, strict=True):
        assert ours.numpy().tobytes() == theirs.numpy().tobytes()
        assert ours.shape == tuple(theirs.shape)
        if theirs.numel():
            assert ours.stride() == theirs.stride()
    assert back["set"] == {1} and back["n"] == [2**70, b"x", -1.5]
    assert as_plain(mt.load(io.BytesIO(file.getvalue()))) == as_plain(back)


def test_what_torch_refuses_is_refused():
    torch = pytest.importorskip("torch", reason="compares with torch's own files")
    file = io.BytesIO()
    torch.save(torch.nn.Linear(1, 1), file)
    for read in (load_torch, lambda f: torch.load(f, weights_only=True)):
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError):
            read(file)


NUMPY = {
    "state": np.random.RandomState(1).get_state(),
    "matrix": np.arange(6.0).reshape(2, 3),
    "by columns": np.asfortranarray(np.arange(4).reshape(2, 2)),
    "nothing": np.zeros((0, 2), "f2"),
    "one": [np.array(3, np.int16), np.array([True])],
    "unsigned": (np.arange(3, dtype=np.uint32), np.array([2**64 - 1], np.uint64)),
}


def assert_same_arrays(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype and found.flags.writeable
        np.testing.assert_array_equal(found, expected, strict=True)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        assert_same_arrays(list(found.values()), list(expected.values()))
    elif isinstance(expected, list | tuple):
        for each, other in zip(found, expected, strict=True):
            assert_same_arrays(each, other)
    else:
        assert found == expected


def test_numpys_arrays_go_both_ways():
    torch = pytest.importorskip("torch")

    def old_save(what, file):
        torch.save(what, file, _use_new_zipfile_serialization=False)

    def torch_load(file):
        return torch.load(file, weights_only=False)

    for writer, reader in (
        (save_torch, torch_load),
        (torch.save, mt.load),
        (old_save, mt.load),
    ):
        file = io.BytesIO()
        writer(NUMPY, file)
        file.seek(0)
        assert_same_arrays(reader(file), NUMPY)
    file = io.BytesIO()
    torch.save([np.float64(2.5), np.int32(-3)], file)
    file.seek(0)
    assert_same_arrays(mt.load(file), [np.float64(2.5), np.int32(-3)])


def test_numpys_arrays_without_torch():
    file = io.BytesIO()
    save_torch(NUMPY, file)
    file.seek(0)
    back = mt.load(file)
    assert_same_arrays(back, NUMPY)
    np.random.RandomState().set_state(back["state"])
    for made in (np.array([1j]), np.array(["a"]), np.array([None]), np.zeros(2, "i4,f4")):
        with pytest.raises(TypeError, match="a ndarray is not plain data"):
            save_torch(made, io.BytesIO())


def test_an_array_is_as_long_as_its_bytes():
    head = b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01"
    kind = b"cnumpy\ndtype\n(U\x02f4\x89\x88tR"
    for shape, content in (
        (b"K\x02", b"\0" * 4),
        (b"K\x00", b"\0" * 4),
        (b"J\xff\xff\xff\xff", b""),
    ):
        body = head + b"(" + shape + b"t" + kind + b"\x89" + text("\0" * len(content)) + b"tb"
        with pytest.raises(ValueError):
            load_torch(io.BytesIO(legacy(body)))
    number = b"cnumpy._core.multiarray\nscalar\n(" + kind + text("\0" * 8) + b"tR"
    with pytest.raises(ValueError, match="in 8 bytes"):
        load_torch(io.BytesIO(legacy(number)))


def test_a_namespace_holds_plain_data_only():
    empty = b"cargparse\nNamespace\n)\x81"
    assert vars(load_torch(io.BytesIO(legacy(empty + b"}" + text("a") + b"K\x01sb")))) == {"a": 1}
    for body in (
        b"cargparse\nNamespace\n(K\x01t\x81",  # with arguments
        b"ccollections\nOrderedDict\n)\x81",
        b"K\x01)\x81",
        empty + b"}K\x01K\x01sb",  # a name that is a number
        empty + b"K\x01b",
        b"cargparse\nNamespace\n)R",
    ):
        with pytest.raises(ValueError):
            load_torch(io.BytesIO(legacy(body)))


def test_bytes_and_sets_go_both_ways():
    torch = pytest.importorskip("torch")
    what = [b"ab\xff\x00", b"", bytearray(b"\x01\xfe"), bytearray(), {1, "two", 3.0}, set()]
    for writer, reader in ((save_torch, torch.load), (torch.save, mt.load), (save_torch, mt.load)):
        file = io.BytesIO()
        writer(what, file)
        file.seek(0)
        found = reader(file)
        assert found == what and [type(each) for each in found] == [type(each) for each in what]


class Plain:
    """A file that can do no more than programs' own often can."""

    def __init__(self, data=b""):
        self.file = io.BytesIO(data)
        for name in ("read", "readline", "seek", "tell", "write", "flush"):
            setattr(self, name, getattr(self.file, name))


def test_files_that_programs_make():
    file = Plain()
    save_torch({"x": mt.ones(2)}, file)
    file.seek(0)
    assert mt.load(file)["x"].tolist() == [1, 1]
    file.seek(0)
    file.readinto, asked = file.file.readinto, []
    file.read = lambda count=-1: asked.append(count) or file.file.read(count)
    assert mt.load(file)["x"].tolist() == [1, 1]
    assert -1 not in asked  # the whole was read into memory of ours
    del file.seek
    with pytest.raises(AttributeError, match="a file that is seekable"):
        mt.load(file)


def test_the_order_of_bytes_where_a_file_does_not_say_it():
    from minitorch_cnn import serialization as s

    whole, file = io.BytesIO(), io.BytesIO()
    save_torch(mt.tensor([1, 256], dtype=mt.int16), whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            if not name.endswith("byteorder"):
                new.writestr(name, old.read(name))
    found = []
    assert s.get_default_load_endianness() is None
    for order in (None, s.LoadEndianness.NATIVE, s.LoadEndianness.BIG):
        s.set_default_load_endianness(order)
        try:
            found.append(mt.load(io.BytesIO(file.getvalue())).tolist())
        finally:
            s.set_default_load_endianness(None)
    assert found == [[1, 256], [1, 256], [256, 1]]
    with pytest.raises(TypeError, match="Invalid argument type"):
        s.set_default_load_endianness("big")


def test_without_checksums_zip_readers_see_damage_and_load_does_not_look():
    from minitorch_cnn import serialization as s

    assert s.get_crc32_options() is True
    s.set_crc32_options(False)
    try:
        assert s.get_crc32_options() is False
        file = io.BytesIO()
        save_torch(mt.arange(3.0), file)
    finally:
        s.set_crc32_options(True)
    assert {entry.CRC for entry in zipfile.ZipFile(file).infolist()} == {0}
    assert zipfile.ZipFile(file).testzip() == "archive/data.pkl"
    assert load_torch(io.BytesIO(file.getvalue())).tolist() == [0, 1, 2]


@pytest.mark.parametrize("writer", ["ours", "torchs"])
def test_files_without_checksums_go_both_ways(writer):
    torch = pytest.importorskip("torch")
    lib, other = (mt, torch) if writer == "ours" else (torch, mt)
    file = io.BytesIO()
    lib.serialization.set_crc32_options(False)
    try:
        (save_torch if lib is mt else torch.save)({"x": lib.arange(3.0)}, file)
    finally:
        lib.serialization.set_crc32_options(True)
    assert other.load(io.BytesIO(file.getvalue()))["x"].tolist() == [0, 1, 2]
