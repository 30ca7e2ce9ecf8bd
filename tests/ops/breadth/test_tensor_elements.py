"""Elements written by a Python function, and diagonals."""

import pytest

import minitorch_cnn as mt


def test_apply_and_map():
    x = mt.tensor([[1, 2], [3, 4]])
    assert x.apply_(lambda v: v * v) is x and x.tolist() == [[1, 4], [9, 16]]
    x.map_(mt.tensor([10, 20]), lambda a, b: a + b)  # which broadcasts
    assert x.tolist() == [[11, 24], [19, 36]]
    x.map2_(x, mt.tensor([[1], [2]]), lambda a, b, c: (a - b) + c)
    assert x.tolist() == [[1, 1], [2, 2]]
    with pytest.raises(TypeError, match="requires grad"):
        mt.ones(1, requires_grad=True).apply_(abs)
    with pytest.raises(RuntimeError, match=r"expand to \[2\]"):
        mt.ones(2).map_(mt.ones(3, 2), max)


def test_apply_on_a_part_writes_into_the_whole():
    x = mt.zeros(2, 2)
    x[:, 0].apply_(lambda v: v + 5)
    assert x.tolist() == [[5, 0], [5, 0]]


def test_fill_diagonal_is_torchs():
    torch = pytest.importorskip("torch")
    for shape in [(3, 3), (7, 3), (3, 7), (2, 2, 2), (8, 2), (1, 1)]:
        for wrap in (False, True):
            ours = mt.zeros(*shape).fill_diagonal_(5, wrap)
            assert ours.tolist() == torch.zeros(*shape).fill_diagonal_(5, wrap).tolist()
    for shape in [(3,), (2, 2, 3)]:
        for lib in (mt, torch):
            with pytest.raises(RuntimeError, match="dimensions"):
                lib.zeros(*shape).fill_diagonal_(1)


def test_the_gradient_of_a_diagonal_that_is_overwritten():
    x = mt.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 2
    y.fill_diagonal_(9.0)
    (y * mt.tensor([[1.0, 10.0], [100.0, 1000.0]])).sum().backward()
    assert x.grad.tolist() == [[0, 20], [200, 0]]
