"""What `half_precision` and `full_precision` cast; which operations do it is in amp/."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn.ops.precision import full_precision, half_precision, state

HERE = mt.backend.default_device().type  # see tests/backends.py
OTHER = "cuda" if HERE == "cpu" else "cpu"


def mixed():
    """Tensors of all kinds, and what is no tensor."""
    x = mt.ones(2)
    return x.half(), x, x.double(), x.long(), None, 2.5


def kinds(values):
    return [each.dtype if isinstance(each, mt.Tensor) else each for each in values]


@pytest.mark.parametrize("cast", [half_precision, full_precision])
def test_without_autocast_everything_stays(cast):
    given = mixed()
    assert all(got is each for got, each in zip(cast(*given), given, strict=True))


def test_only_small_floating_tensors_are_cast():
    rest = [mt.float64, mt.int64, None, 2.5]
    with mt.autocast(HERE, dtype=mt.float16):
        assert kinds(half_precision(*mixed())) == [mt.float16, mt.float16, *rest]
        assert kinds(full_precision(*mixed())) == [mt.float32, mt.float32, *rest]


def test_what_has_the_type_already_is_not_copied():
    x = mt.ones(2)
    with mt.autocast(HERE, dtype=mt.float16):
        assert full_precision(x)[0] is x
        half = half_precision(x)[0]
        assert half_precision(half)[0] is half


def test_autocast_of_another_device_changes_nothing(monkeypatch):
    given = mixed()
    monkeypatch.setitem(state.fast, OTHER, mt.float16)
    for cast in (half_precision, full_precision):
        assert all(got is each for got, each in zip(cast(*given), given, strict=True))


def test_gradients_come_back_in_the_type_of_the_leaf():
    x = mt.ones(2, requires_grad=True)
    with mt.autocast(HERE, dtype=mt.float16):
        (half,) = half_precision(x)
    half.sum().backward()
    assert half.dtype is mt.float16 and x.grad.dtype is mt.float32
