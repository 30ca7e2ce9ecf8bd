"""embedding: rows of a table, padding, rare rows, and rows that are too long."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import array, check_gradients, compare_with_torch

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SEEDS = st.integers(0, 2**32 - 1)


@given(
    st.integers(1, 5),
    st.integers(0, 3),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
    SEEDS,
)
def test_rows_and_their_gradients(rows, columns, shape, padded, by_frequency, seed):
    """The gradient of a row is the sum of those of its places, by the rules of the options."""
    rng = np.random.default_rng(seed)
    table = array(seed, (rows, columns))
    index = np.asarray(rng.integers(0, rows, shape))
    padding = int(rng.integers(-rows, rows)) if padded else None
    weight = mt.from_numpy(table).requires_grad_()
    options = dict(padding_idx=padding, scale_grad_by_freq=by_frequency)
    y = F.embedding(mt.from_numpy(index), weight, **options)
    np.testing.assert_array_equal(y.detach().numpy(), table[index])
    gy = rng.standard_normal(y.shape)
    expected = np.zeros_like(table)
    for place in np.ndindex(*shape):
        row = index[place]
        if not padded or row != padding % rows:
            expected[row] += gy[place] / ((index == row).sum() if by_frequency else 1)
    (got,) = mt.autograd.grad(y, weight, mt.from_numpy(gy))
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), SEEDS)
def test_gradients_of_gradients(index, seed):
    index = mt.tensor(index)
    check_gradients(lambda table: F.embedding(index, table) ** 2, array(seed, (4, 2)))


@pytest.mark.parametrize("options", [{}, dict(padding_idx=-1), dict(scale_grad_by_freq=True)])
@pytest.mark.parametrize("norm_type", [2.0, 1.0])
def test_long_rows_are_shortened_in_the_table_as_by_torch(options, norm_type):
    torch = pytest.importorskip("torch")
    index, table = np.array([[1, 1], [3, 0]]), array(1, (5, 3))
    tables = []
    for lib in (mt, torch):
        weight = lib.from_numpy(table.copy()).requires_grad_()
        y = lib.nn.functional.embedding(
            lib.from_numpy(index), weight,
            max_norm=1.0, norm_type=norm_type, **options,
        )  # fmt: skip
        y.backward(lib.from_numpy(array(2, (2, 2, 3))))
        tables.append([each.detach().numpy() for each in (weight, y, weight.grad)])
    for ours, theirs in zip(*tables, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert not np.array_equal(tables[0][0], table)
    np.testing.assert_array_equal(tables[0][0][[2, 4]], table[[2, 4]])  # not used, not touched


def test_values_are_torchs():
    pytest.importorskip("torch")
    index = np.array([[0, 2], [2, 2]])

    def call(lib, table):
        return lib.nn.functional.embedding(lib.tensor(index.tolist()), table, padding_idx=2)

    compare_with_torch(call, [array(0, (4, 3))])


@pytest.mark.parametrize(
    "index, table, options, error, words",
    [
        ([4], (4, 2), {}, IndexError, "index 4"),
        ([-1], (4, 2), {}, IndexError, "index -1"),
        ([0.5], (4, 2), {}, RuntimeError, "float32"),
        ([0], (4,), {}, RuntimeError, "2-D"),
        ([0], (4, 2), dict(padding_idx=4), AssertionError, "4"),
        ([0], (4, 2), dict(padding_idx=-5), AssertionError, "-5"),
        ([0], (4, 2), dict(sparse=True), NotImplementedError, "sparse"),
    ],
)
def test_what_does_not_fit_is_refused(index, table, options, error, words):
    with pytest.raises(error, match=words):
        F.embedding(mt.tensor(index), mt.zeros(table), **options)


def test_the_layer():
    layer = mt.nn.Embedding(4, 3, padding_idx=-1, max_norm=2.0, norm_type=1.0)
    assert layer.weight[3].tolist() == [0.0] * 3 and layer.padding_idx == 3
    assert repr(layer) == "Embedding(4, 3, padding_idx=3, max_norm=2.0, norm_type=1.0)"
    assert 0.5 < mt.nn.Embedding(100, 20).weight.std().item() < 1.5
    table = mt.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = mt.nn.Embedding.from_pretrained(table)
    assert frozen(mt.tensor([1, 0])).tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert not frozen.weight.requires_grad
    assert mt.nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(NotImplementedError, match="sparse"):
        mt.nn.Embedding(4, 3, sparse=True)
    with pytest.raises(AssertionError, match="4"):
        mt.nn.Embedding(4, 3, padding_idx=4)
    with pytest.raises(AssertionError, match="2"):
        mt.nn.Embedding(4, 3, _weight=table)
    with pytest.raises(AssertionError, match="2-dimensional"):
        mt.nn.Embedding.from_pretrained(mt.zeros(3))


def test_a_class_beyond_the_last():
    one_hot = mt.nn.functional.one_hot
    assert one_hot(mt.tensor([2]), 3).tolist() == [[0, 0, 1]]
    with pytest.raises(RuntimeError):
        one_hot(mt.tensor([3]), 3)


def test_a_gradient_of_nan_does_not_reach_the_row_of_padding():
    torch = pytest.importorskip("torch")
    found = []
    for lib in (mt, torch):
        table = lib.arange(6.0).reshape(3, 2).requires_grad_()
        y = lib.nn.functional.embedding(lib.tensor([0, 1, 1]), table, padding_idx=1)
        y.backward(lib.tensor([[1.0, 2.0], [float("nan")] * 2, [float("inf")] * 2]))
        found.append(table.grad.tolist())
    assert found[0] == found[1] == [[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]
