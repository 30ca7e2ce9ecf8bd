"""A batch in parts, and together again."""

import collections

import pytest

import minitorch_cnn as mt
from minitorch_cnn.nn.parallel.scatter_gather import gather, scatter, scatter_kwargs

Pair = collections.namedtuple("Pair", "a b")
DEVICES = ["cpu", "cpu"]


def plain(tree):
    if isinstance(tree, mt.Tensor):
        return tree.tolist()
    if isinstance(tree, dict):
        return {key: plain(each) for key, each in tree.items()}
    return type(tree)(map(plain, tree)) if type(tree) in (list, tuple) else tree


def test_tensors_are_cut_and_all_else_is_repeated():
    x = mt.arange(5)
    assert plain(scatter(x, DEVICES)) == ([0, 1, 2], [3, 4])
    assert plain(scatter([x, "name"], DEVICES)) == [[[0, 1, 2], "name"], [[3, 4], "name"]]
    assert plain(scatter({"x": (x, 7)}, DEVICES)) == [{"x": ([0, 1, 2], 7)}, {"x": ([3, 4], 7)}]
    assert plain(scatter(mt.arange(6).reshape(2, 3), DEVICES, 1)) == (
        [[0, 1], [3, 4]],
        [[2], [5]],
    )
    pair = scatter(Pair(x, 1), DEVICES)[1]
    assert isinstance(pair, Pair) and pair.a.tolist() == [3, 4] and pair.b == 1
    assert plain(scatter(mt.arange(1), DEVICES)) == ([0],)  # fewer parts than devices


def test_arguments_are_as_many_as_named_ones():
    x = mt.arange(2)
    assert plain(scatter_kwargs((x,), None, DEVICES)) == ((([0],), ([1],)), ({}, {}))
    assert plain(scatter_kwargs((), {"k": x}, DEVICES)) == (((), ()), ({"k": [0]}, {"k": [1]}))


def test_gather_is_the_way_back_with_its_gradient():
    x = mt.arange(6.0).reshape(3, 2).requires_grad_()
    back = gather(scatter({"x": [x], "none": None}, DEVICES), "cpu")
    assert back["none"] is None and back["x"][0].tolist() == x.tolist()
    (back["x"][0] * mt.tensor([[1.0], [2.0], [3.0]])).sum().backward()
    assert x.grad.tolist() == [[1, 1], [2, 2], [3, 3]]
    assert gather([mt.tensor(1.0), mt.tensor(2.0)], "cpu").tolist() == [1, 2]
    assert isinstance(gather([Pair(x, x), Pair(x, x)], "cpu"), Pair)
    with pytest.raises(ValueError, match="same number of keys"):
        gather([{"a": x}, {}], "cpu")
