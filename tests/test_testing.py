"""assert_close: what passes, what does not, and what it says."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn.testing import assert_close


def test_within_torchs_tolerances():
    assert_close(mt.tensor([1.0]), mt.tensor([1.0 + 1e-5]))
    assert_close(mt.tensor([1000.0]), mt.tensor([1000.0 + 1e-3]))
    assert_close([mt.tensor([1, 2]), 3.0], [mt.tensor([1, 2]), 3.0])
    assert_close({"a": mt.zeros(0)}, {"a": mt.zeros(0)})
    assert_close(mt.tensor([float("inf")]), mt.tensor([float("inf")]))
    nan = mt.tensor([float("nan")])
    assert_close(nan, nan, equal_nan=True)
    assert_close(mt.tensor([1.0]), mt.tensor([1.0]).double(), check_dtype=False)
    assert_close(mt.tensor([1.0]), mt.tensor([1.4]), rtol=0, atol=0.5)


@pytest.mark.parametrize(
    "actual, expected, text",
    [
        (mt.tensor([1.0, 2.0, 3.5]), mt.tensor([1.0, 2.0, 3.0]), r"1 of 3 .* index \(2,\): 3.5"),
        (mt.tensor([1.0]), mt.tensor([1.0 + 3e-5]), "1 of 1"),
        (mt.tensor([1]), mt.tensor([2]), "index"),
        (mt.zeros(2), mt.zeros(3), "shapes"),
        (mt.zeros(2), mt.zeros(2).double(), "dtypes"),
        (mt.tensor([float("nan")]), mt.tensor([0.0]), "nan"),
        (mt.tensor([float("nan")]), mt.tensor([float("nan")]), "nan"),
        ([mt.zeros(1), mt.ones(1)], [mt.zeros(1), mt.zeros(1)], "Item 1"),
        ({"a": 1.0}, {"b": 1.0}, "collections"),
        ([1.0], [1.0, 2.0], "collections"),
    ],
)
def test_differences_are_reported(actual, expected, text):
    with pytest.raises(AssertionError, match=text):
        assert_close(actual, expected)


def test_tolerances_go_together():
    with pytest.raises(ValueError, match="both"):
        assert_close(mt.zeros(1), mt.zeros(1), rtol=1e-3)
