"""Tensors with a part replaced: against torch, and by the places in memory."""

import numpy as np
import pytest
from tables import on_random_matrices

import minitorch_cnn as mt

ON_MATRICES = {
    "index_fill": (lambda lib, a: a.index_fill(0, lib.tensor([0]), 2.0) ** 2, 1, -3.0, 3.0),
    "index_copy": (lambda lib, a, b: a.index_copy(0, lib.tensor([1, 0]), b[:2]) ** 2, 2, -3.0, 3.0),
    "masked_scatter": (lambda lib, a, b: a.masked_scatter(a.detach() > 0, b) ** 2, 2, -3.0, 3.0),
    "put": (lambda lib, a, b: a.put(lib.tensor([1, 1]), b.ravel()[:2], True) ** 2, 2, -3.0, 3.0),
    "select_scatter": (lambda lib, a, b: lib.select_scatter(a, b[0], 0, 1) ** 2, 2, -3.0, 3.0),
    "slice_scatter": (lambda lib, a, b: lib.slice_scatter(a, b[:1], 0, 1, 2) ** 2, 2, -3.0, 3.0),
    "diagonal_scatter": (
        lambda lib, a, b: lib.diagonal_scatter(a, b.diagonal() * 1) ** 2,
        2,
        -3.0,
        3.0,
    ),
    "as_strided": (
        lambda lib, a: lib.as_strided((a * 1).contiguous(), (2, 2), (1, 1), 1) ** 2,
        1,
        -3.0,
        3.0,
    ),
}

test_operation = on_random_matrices(ON_MATRICES)


def test_strides_over_memory_stay_inside_of_it():
    x = mt.arange(12.0, dtype=mt.float64).requires_grad_()
    y = x.as_strided((3, 2, 2), (3, 2, 1), 2)  # elements occur several times
    places = 2 + 3 * np.arange(3)[:, None, None] + 2 * np.arange(2)[:, None] + np.arange(2)
    np.testing.assert_array_equal(y.detach().numpy(), places)
    gy = np.random.default_rng(0).standard_normal(places.shape)
    y.backward(mt.tensor(gy))
    expected = np.zeros(12)
    np.add.at(expected, places, gy)
    np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-15)
    for size, stride, offset in (((4,), (4,), 0), ((2, 3), (6, 3), 0), ((2,), (1,), 11)):
        with pytest.raises(RuntimeError, match="memory of 12"):
            mt.zeros(12).as_strided(size, stride, offset)
    assert mt.zeros(12).as_strided((2, 3), (5, 3), 0).shape == (2, 3)  # to the last element


STRIDED = """
    x.as_strided((2, 2), (1, 1), 3)
    x[1:].as_strided((2, 2), (1, 2))
    x[1:].as_strided((2, 2), (1, 2), 0)
    x.t().as_strided((2, 3), (1, 2), 1)
    x[:, 1].as_strided((2, 2), (4, 1))
    x[:1].expand(3, 4).as_strided((2, 2), (1, 2))
    x[0, 0].as_strided((), ())
"""


@pytest.mark.parametrize("call", [line.strip() for line in STRIDED.strip().splitlines()])
def test_strides_over_the_memory_of_views(call):
    """Values and gradients as torch's: places of the memory that x does not show have none."""
    torch = pytest.importorskip("torch")
    found = []
    for lib in (mt, torch):
        leaf = lib.arange(12.0, dtype=lib.float64).reshape(3, 4).requires_grad_()
        y = eval(call, {"x": leaf * 1})
        weights = lib.arange(1.0, y.numel() + 1, dtype=lib.float64).reshape(y.shape)
        (y**2 * weights).sum().backward(create_graph=True)
        first = leaf.grad.tolist()
        (second,) = lib.autograd.grad((leaf.grad**2).sum(), leaf)
        found.append([y.tolist(), y.stride(), y.storage_offset(), first, second.tolist()])
    assert found[0] == found[1]
