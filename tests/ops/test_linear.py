"""bilinear: against its definition."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import array, check_gradients

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SEEDS = st.integers(0, 2**32 - 1)


BATCHES = st.lists(st.integers(1, 3), max_size=2).map(tuple)


@given(BATCHES, st.tuples(*[st.integers(1, 3)] * 3), SEEDS)
def test_bilinear_is_a_sum_over_pairs(batch, sizes, seed):
    I, J, O = sizes
    x, y = array(seed, (*batch, I)), array(seed + 1, (*batch, J))
    w, b = array(seed + 2, (O, I, J)), array(seed + 3, (O,))
    expected = np.einsum("...i,oij,...j->...o", x, w, y)
    got = F.bilinear(*map(mt.from_numpy, (x, y, w)))
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(
        F.bilinear(*map(mt.from_numpy, (x, y, w, b))).numpy(), expected + b, atol=1e-12
    )
    check_gradients(F.bilinear, x, y, w, b)


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3), (1, 4), (5, 3, 4)],
        [(2, 3), (2, 4), (5, 4, 3)],
        [(2, 3), (2, 4), (3, 4)],
        [(2, 3), (2, 4), (5, 3, 4), (4,)],
    ],
)
def test_bilinear_refuses_shapes_that_do_not_fit(shapes):
    with pytest.raises(RuntimeError, match=r"\d"):
        F.bilinear(*(mt.zeros(shape) for shape in shapes))
