"""Padding layers: what the docstrings draw, and torch's repr."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

ROW = [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    "layer, before, after",
    [
        (nn.ZeroPad2d((3, 3, 0, 0)), [0, 0, 0], [0, 0, 0]),
        (nn.ConstantPad2d((3, 3, 0, 0), 9.0), [9, 9, 9], [9, 9, 9]),
        (nn.ReflectionPad2d((3, 3, 0, 0)), [4, 3, 2], [3, 2, 1]),
        (nn.ReplicationPad2d((3, 3, 0, 0)), [1, 1, 1], [4, 4, 4]),
        (nn.CircularPad2d((3, 3, 0, 0)), [2, 3, 4], [1, 2, 3]),
    ],
)
def test_rows_as_drawn(layer, before, after):
    across = layer(mt.tensor([[ROW]]))
    assert across.tolist() == [[[*before, *ROW, *after]]]
    layer.padding = (0, 0, 3, 3)
    down = layer(mt.tensor([[[each] for each in ROW]]))
    assert down.flatten().tolist() == [*before, *ROW, *after]


def test_one_number_is_for_all_sides():
    y = nn.ZeroPad2d(1)(mt.ones(1, 1, 1, 1))
    assert y.tolist() == [[[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]]


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.ZeroPad2d(1),
        lambda nn: nn.ConstantPad2d((1, 2, 3, 4), 2.5),
        lambda nn: nn.ReflectionPad2d(2),
        lambda nn: nn.ReplicationPad2d((1, 2, 3, 4)),
        lambda nn: nn.CircularPad2d(1),
    ],
)
def test_repr_is_torchs(make):
    torch = pytest.importorskip("torch")
    assert repr(make(nn)) == repr(make(torch.nn))


def test_three_numbers_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 2, 3\)"):
        nn.ZeroPad2d((1, 2, 3))
