"""What lists in lists become as a tensor: shape, type and refusals, beside torch's."""

import numpy as np
import pytest

import minitorch_cnn as mt

# Expressions of the library T. What is refused must be refused with the same type of exception.
EXPRESSIONS = [
    "2**63", "[2**63, 1]", "[[1], [-(2**63) - 1]]", "[2**63 - 1, -(2**63)]", "[1.5, 2**70]",
    "[1, 2**70, 1.5]", "[1.5, 2**1030]", "None", "[1, None]", "[None]", "'a'", "['a']", "[1, 'a']",
    "[['a']]", "b'ab'", "[b'ab']", "{1}", "{'a': 1}", "[{}]", "object()", "[object()]", "[int]",
    "[[1, 2], [3]]", "[[1, 2], 3]", "[1, [2]]", "[1.5, [2]]", "[[1], [[2]]]", "[[1], []]",
    "[[1], None]", "[[1], 'a']", "[]", "[[]]", "[[], []]", "((1, 2), [3, 4])", "range(3)",
    "[range(2), range(2)]", "bytearray(b'ab')", "memoryview(b'ab')", "[True, 2]", "[True, 2.5]",
    "[T.tensor(1), T.tensor(2.5)]", "[T.tensor([1.0]), 2]", "[T.ones(2), T.ones(2)]",
    "[T.tensor([[1]])]", "[[T.tensor(1)], [T.tensor([2.0])]]", "[True, T.tensor(2)]",
    "[T.tensor(1.0, dtype=T.float64), 2]", "[1.5, T.tensor(1, dtype=T.float16)]",
    "[T.tensor([])]", "([T.tensor([1.0]), 0], [T.tensor([2.0]), 1])",
    "[np.int64(1), 2.5]", "[2.5, np.int64(1)]", "[np.float32(1), np.int64(2)]",
    "[np.float16(1), 2.5]", "[1.5, np.float64(2)]", "[np.int8(1), 2]", "[np.uint8(1), np.int8(1)]",
    "[np.int32(1), np.float32(1)]", "[np.bool_(True), 1.5]", "[np.float16(1), np.int32(5)]",
    "[np.zeros(2, 'f4'), np.zeros(2, 'i8')]", "[[1.5, 2], np.zeros(2)]", "np.float64(2)",
    "[[0, 0], np.zeros(2)]", "[np.zeros(2), np.zeros(3)]", "[1, np.array([2, 3])]",
]  # fmt: skip
WITH_A_DTYPE = [
    ("[300]", "uint8"), ("300", "uint8"), ("[-1]", "uint8"), ("[2**63]", "float32"),
    ("[10**400]", "float32"), ("10**400", "float64"), ("[2**70]", "int32"), ("[2**63]", "bool"),
    ("[1, None]", "float32"), ("None", "float32"), ("['a']", "float32"), ("[1, 'a']", "float32"),
    ("[1, (2, 3)]", "float32"), ("[1.7, -1.7]", "int64"), ("[float('nan')]", "int64"),
    ("[2.0, 0.0]", "bool"), ("[1e39]", "float32"), ("[1e20]", "int64"), ("[1e300]", "float16"),
    ("[2**53 + 1, 1.5]", "int64"),
]  # fmt: skip


def outcome(library, expression, dtype):
    try:
        data = eval(expression, {"T": library, "np": np})
        x = library.tensor(data, dtype=None if dtype is None else getattr(library, dtype))
    except Exception as error:
        return type(error).__name__
    return str(x.dtype).rpartition(".")[2], tuple(x.shape), x.tolist()


def test_values_types_and_refusals_are_torchs():
    torch = pytest.importorskip("torch", reason="compares with torch")
    for expression, dtype in [*((each, None) for each in EXPRESSIONS), *WITH_A_DTYPE]:
        theirs, ours = outcome(torch, expression, dtype), outcome(mt, expression, dtype)
        assert ours == theirs, (expression, dtype)


def test_stored_values():
    """The most usual mixtures, without torch."""
    assert outcome(mt, "[np.int64(1), 2.5]", None) == ("float32", (2,), [1, 2.5])
    assert outcome(mt, "[T.tensor([1.0]), 2]", None) == ("float32", (2,), [1, 2])
    assert outcome(mt, "[1.5, np.float64(2)]", None) == ("float64", (2,), [1.5, 2])
    assert outcome(mt, "[[], [1]]", None) == "ValueError"  # torch drops the 1


@pytest.mark.parametrize("hostile", ["in itself", "deep"])
def test_messages_do_not_show_endless_lists(hostile):
    k = []
    k.append(k)
    for _ in range(10_000 if hostile == "deep" else 0):
        k = [k]
    x = mt.zeros(2, 2)
    for function in (
        lambda: x.__setitem__(0, k),
        lambda: x.sum(k),
        lambda: x.reshape(k),
        lambda: mt.where(x > 0, k, 1),
        lambda: mt.nn.Conv2d(1, 1, k),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            function()
        assert len(str(caught.value)) < 300
