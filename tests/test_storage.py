"""Storages: bytes and elements, as torch has them; files; what is refused."""

import copy
import io
import pickle
import warnings
import weakref

import numpy as np
import pytest

import minitorch_cnn as mt

KINDS = ["Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double"]


@pytest.fixture
def torch():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "TypedStorage is deprecated")
        yield pytest.importorskip("torch")


def described(lib):
    """What programs see of storages of all types."""
    found = []
    for name in KINDS:
        kind = getattr(lib, f"{name}Storage")
        s = kind([3, 0, 1, 2])
        s[1] = 1
        s[2:4] = 0
        half = kind(2).fill_(1)
        half.copy_(kind([1, 0]))
        found += [s.tolist(), list(half), len(s), s.nbytes(), s.element_size(), s.type(), s[-1]]
        found += [s.untyped().tolist(), s.double().tolist(), s.float().type(), s.is_shared()]
        found += [isinstance(s, kind), isinstance(s, lib.FloatStorage), kind(3).size()]
        found += [isinstance(s, lib.TypedStorage), str(s.dtype).partition(".")[2]]
        found += [
            kind.from_buffer(bytes(range(8)), byte_order=o).tolist() for o in ("big", "little")
        ]
        s.resize_(2)
        found.append(s.tolist())
    u = lib.UntypedStorage([1, 2, 3, 4, 5, 6, 7, 8])
    found += [u[1:3].tolist(), u[-1], u.clone().tolist(), u.type(), lib.is_storage(u)]
    for name in ("int16", "float32", "float64"):
        v = u.clone()
        v.byteswap(getattr(lib, name))
        found.append(v.tolist())
    x = lib.tensor(lib.FloatStorage([1, 2]))
    y = lib.FloatTensor(lib.FloatStorage([1, 2]))
    z = lib.tensor([], dtype=lib.float32).set_(u)
    found += [x.tolist(), y.tolist(), z.tolist(), y.new(y.storage()).data_ptr() == y.data_ptr()]
    return [round(n, 3) if isinstance(n, float) else n for n in found]


def test_they_are_torchs(torch):
    assert described(mt) == described(torch)


ERRORS = {
    "two sizes": lambda lib: lib.FloatStorage(0, 0),
    "dtype": lambda lib: lib.FloatStorage(dtype=lib.float32),
    "text": lambda lib: lib.FloatStorage("1"),
    "tensor": lambda lib: lib.FloatStorage(lib.ones(2)),
    "place": lambda lib: lib.FloatStorage(3)[3],
    "part": lambda lib: lib.FloatStorage(3)[0:2],
    "type": lambda lib: lib.tensor(lib.FloatStorage([1]), dtype=lib.int64),
    "set": lambda lib: lib.ones(2).set_(lib.DoubleStorage([1])),
    "item": lambda lib: lib.FloatStorage(2).fill_(lib.FloatStorage(2)),
    "wrap and size": lambda lib: lib.TypedStorage(
        0, wrap_storage=lib.UntypedStorage(4), dtype=lib.float32
    ),
    "wrap alone": lambda lib: lib.TypedStorage(wrap_storage=lib.UntypedStorage(4)),
    "wrap of another": lambda lib: lib.TypedStorage(
        wrap_storage=lib.FloatStorage(4), dtype=lib.float32
    ),
    "kind": lambda lib: lib.TypedStorage(wrap_storage=lib.UntypedStorage(4), dtype=0),
}


def test_errors_are_of_torchs_type(torch):
    for name, mistake in ERRORS.items():
        with pytest.raises(Exception) as theirs:
            mistake(torch)
        with pytest.raises(theirs.type) as ours:
            mistake(mt)
        assert len(str(ours.value)) > 15, name
    with pytest.raises(NotImplementedError, match="a tensor cannot change its size"):
        mt.ones(2).untyped_storage().resize_(0)


def test_a_file_is_the_memory(tmp_path, torch):
    path = str(tmp_path / "numbers")
    s = mt.FloatStorage.from_file(path, True, 3)
    x = mt.FloatTensor(s)
    x.copy_(mt.tensor([1.5, 2.5, 3.5]))
    assert s.is_shared() and x.data_ptr() == s.data_ptr()
    assert np.fromfile(path, np.float32).tolist() == [1.5, 2.5, 3.5]
    assert torch.FloatStorage.from_file(path, False, 3).tolist() == [1.5, 2.5, 3.5]
    assert mt.from_file(path, size=2).tolist() == [1.5, 2.5]
    with pytest.raises(RuntimeError, match="holds 3 elements"):
        mt.from_file(path, size=4)


def test_copies_share_what_was_shared():
    x = mt.arange(6.0).reshape(2, 3)
    for twin, part, storage in (
        copy.deepcopy([x, x[1], x.storage()]),
        copy.deepcopy((x, x[1], x.untyped_storage())),
    ):
        twin += 1
        assert part.tolist() == [4, 5, 6] and x[1].tolist() == [3, 4, 5]
        assert storage.data_ptr() == twin.data_ptr() != x.data_ptr()
    for storage in (x.storage(), x.untyped_storage()):
        assert pickle.loads(pickle.dumps(storage)).tolist() == storage.tolist()


def test_files_of_both_libraries_hold_them(torch):
    for writer, reader in ((mt, torch), (torch, mt), (mt, mt)):
        x = writer.arange(6.0).reshape(2, 3)
        file = io.BytesIO()
        what = [x, x[1].storage(), writer.UntypedStorage([5, 6]), writer.IntStorage([1, 2])]
        if writer is mt:
            from minitorch_cnn.serialization import save_torch

            save_torch(what, file)
        else:
            writer.save(what, file)
        file.seek(0)
        y, storage, bytes_, ints = reader.load(file)
        y[0, 0] = 7
        assert storage.tolist() == [7, 1, 2, 3, 4, 5] and ints.tolist() == [1, 2]
        assert bytes_.tolist() == [5, 6]
        assert isinstance(ints, reader.TypedStorage) and ints.type() == "torch.IntStorage"


def test_storage_is_the_one_of_float32(torch):
    for lib in (mt, torch):
        assert lib.Storage is lib.FloatStorage and lib.Storage([1, 2]).tolist() == [1.0, 2.0]


def test_a_memory_in_use_has_one_storage():
    x = mt.ones(2, 3)
    storage = x.untyped_storage()
    storage.note = "kept"
    assert x[1].untyped_storage() is storage and x.detach().untyped_storage().note == "kept"
    assert x.clone().untyped_storage() is not storage
    one, two = (mt.empty(0).untyped_storage() for _ in range(2))
    assert one is not two  # no memory at all, but two tensors
    address = storage.data_ptr()
    del x  # the storage keeps the memory
    assert storage.data_ptr() == address and storage.nbytes() == 24


def test_the_file_that_a_storage_is(tmp_path):
    path = str(tmp_path / "numbers")
    x = mt.from_file(path, shared=True, size=2)
    assert x.untyped_storage().filename == path
    assert x[1:].untyped_storage().filename == path
    assert mt.from_file(path, size=2).untyped_storage().filename is None
    assert mt.ones(1).untyped_storage().filename is None
    assert mt.ones(1).share_memory_().untyped_storage().filename is None
    assert mt.UntypedStorage.from_file(path, True, 4).filename == path


class Noted(mt.UntypedStorage):
    """A storage of a program's own."""


@pytest.mark.parametrize("kind", [mt.UntypedStorage, Noted])
def test_a_storage_stays_as_long_as_its_memory_is_in_use(kind):
    storage = kind(10)
    storage.fill_(0)
    storage.note = "kept"
    seen = weakref.ref(storage)
    x = mt.tensor(storage)
    assert x.dtype is mt.int64 and x.data_ptr() == storage.data_ptr()
    del storage
    again = x.view(1, 1).untyped_storage()
    assert type(again) is kind and again.note == "kept"
    assert x.storage().tolist() == [0]  # two bytes are no int64
    del x
    assert seen() is again
    del again
    assert seen() is None


def test_the_storage_of_a_tensor_stays_and_is_not_pickled_or_copied_with_it():
    x = mt.ones(2)
    x.untyped_storage().note = lambda: None  # which pickle could not
    assert callable(x.untyped_storage().note)
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.tolist() == [1, 1] and not hasattr(twin.untyped_storage(), "note")
    seen = weakref.ref(x.untyped_storage())
    del x
    assert seen() is None


def test_tensors_share_the_memory_of_a_storage(torch):
    for lib in (mt, torch):
        numbers = lib.FloatStorage([1, 2])
        for make in (lib.tensor, lib.as_tensor):
            make(numbers)[0] += 1
        assert numbers.tolist() == [3, 2]
        raw = lib.UntypedStorage([1, 0, 0, 0, 0, 0, 0, 0, 7])
        assert lib.tensor(raw).tolist() == [1]  # a byte is left over
        assert lib.tensor(raw, dtype=lib.uint8).tolist()[-1] == 7
        with pytest.raises(RuntimeError, match="Expected a Storage of type"):
            lib.tensor(numbers, dtype=lib.float64)


@pytest.mark.parametrize("name", ["float32", "float64", "int64", "bool", "uint8"])
def test_the_type_of_the_storage(name, torch):
    ours, theirs = (lib.ones(1, dtype=getattr(lib, name)).storage_type() for lib in (mt, torch))
    assert ours is getattr(mt, theirs.__name__)
