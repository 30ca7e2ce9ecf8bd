"""Pickled arrays, honest in every protocol and hostile in every part."""

import pickle
import time

import numpy as np
import pytest

from minitorch_cnn.serialization.numpy_pickle import read_pickled_dict
from minitorch_cnn.serialization.unpickle import RefusedGlobal

ARRAYS = {
    "u1": np.arange(200, dtype=np.uint8).reshape(4, 50),
    "i8 big": np.arange(-3, 9).astype(">i8").reshape(3, 4),
    "f4 columns": np.asfortranarray(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)),
    "f8 strided": np.arange(20.0).reshape(4, 5)[::2, ::-1],
    "bool": np.array([True, False]),
    "empty": np.empty((0, 3), np.int16),
    "0-d": np.array(2.5),
}


def load(content):
    return read_pickled_dict(content, "the file")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_arrays_of_every_protocol(array, protocol):
    same = load(pickle.dumps({"a": array, "again": array, "n": [1, "two"]}, protocol))
    for name in ("a", "again"):
        assert same[name].dtype == array.dtype.newbyteorder("=")
        assert same[name].flags.writeable
        np.testing.assert_array_equal(same[name], array)
    assert same["n"] == [1, "two"]


def test_text_of_python_2_is_latin1():
    assert load(b"\x80\x02}U\x01\xe9U\x02\xfc!s.") == {"\xe9": "\xfc!"}


HEAD = (
    b"\x80\x02}U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
)


def crafted(shape=b"K\x02\x85", code=b"U\x02u1", state=b"", data=b"U\x02ab", order=b"U\x01|"):
    """{"data": an array}, whose pieces are pickle instructions."""
    element = b"cnumpy\ndtype\n" + code + b"K\x00K\x01\x87R"
    element += state or b"(K\x03" + order + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return HEAD + b"(K\x01" + shape + element + b"\x89" + data + b"tbs."


def test_the_crafted_pickle_is_a_good_one_as_it_is():
    assert load(crafted())["data"].tolist() == [97, 98]


HUGE = b"J\xff\xff\xff\x7f"  # 2^31 - 1
HOSTILE = {
    "longer than its data": crafted(shape=b"K\x03\x85"),
    "two gigabytes": crafted(shape=HUGE + b"\x85"),
    "product overflows": crafted(shape=HUGE + HUGE + HUGE + b"\x87"),
    "negative": crafted(shape=b"J\xfe\xff\xff\xffJ\xff\xff\xff\xff\x86"),
    "shape of text": crafted(shape=b"U\x01a\x85"),
    "no shape": crafted(shape=b"N"),
    "objects": crafted(code=b"U\x02O8"),
    "objects, one letter": crafted(code=b"U\x01O"),
    "void": crafted(code=b"U\x02V8"),
    "text": crafted(code=b"U\x02U1"),
    "list of fields": crafted(code=b"]"),
    "a dtype whose state is a number": crafted(state=b"K\x07b"),
    "data is a list": crafted(data=b"]"),
    "data is None": crafted(data=b"N"),
    "65 dimensions": crafted(shape=b"(" + b"K\x01" * 64 + b"K\x02t"),
    "not latin1": crafted(data=b"X\x03\x00\x00\x00\xe4\xb8\xad"),
    "state is too short": HEAD + b"K\x01\x85bs.",
    "state of another class": HEAD + b"}bs.",
    "another class of array": crafted().replace(b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"),
    "bools of sevens": crafted(code=b"U\x02b1", data=b"U\x02\x07\x07"),
    "a list": b"\x80\x02].",
    "nothing": b"",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_arrays(content):
    with pytest.raises((ValueError, TypeError, LookupError, EOFError)):
        load(content)


def test_states_are_copied_no_more_often_than_the_file_is_long():
    text = b"X" + (50_000).to_bytes(4, "little") + b"a" * 50_000 + b"q\x05"
    array = HEAD[9:] + b"(K\x01M\x50\xc3\x85cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R\x89h\x05tb"
    content = b"\x80\x02}K\x00" + text + b"sK\x01]" + (array + b"a") * 2000 + b"s."
    began = time.monotonic()
    with pytest.raises(ValueError, match="over and over"):
        load(content)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("name", ["os system", "builtins eval", "numpy.core.multiarray frombuffer"])
def test_other_names_are_refused(name):
    module, function = name.split()
    with pytest.raises(RefusedGlobal, match=f"asks for {module}.{function}.*Only arrays"):
        load(b"\x80\x02}K\x00c" + f"{module}\n{function}\n".encode() + b"s.")
