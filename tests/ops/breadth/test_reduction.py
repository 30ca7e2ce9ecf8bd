"""prod, quantiles, unique: against torch, and prod against its definition."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import A, against_torch, at_the_seams, case, on_random_matrices
from torch_oracle import check_gradients

import minitorch_cnn as mt

CASES = [
    case("prod", lambda lib, x: x.prod(), (5,)),
    case("prod_dim", lambda lib, x: x.prod(1, keepdim=True), A),
    case("prod_zero", lambda lib, x: (x * lib.tensor([1.0, 0.0, 1.0, 0.0])).prod(0), A),
    case("prod_zeros", lambda lib, x: (x * lib.tensor([1.0, 0.0, 1.0, 1.0])).prod(-1), A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ON_MATRICES = {
    "nanmedian": (lambda lib, a: lib.nanmedian(a, 1)[0] ** 2, 1, -3.0, 3.0),
    "nanmean": (lambda lib, a: lib.nanmean(a, 1) ** 2, 1, -3.0, 3.0),
    "quantile": (lambda lib, a: lib.quantile(a, 0.3, 1) ** 2, 1, -3.0, 3.0),
    "nanquantile": (lambda lib, a: lib.nanquantile(a, 0.6) ** 2, 1, -3.0, 3.0),
    "dist": (lambda lib, a, b: lib.dist(a, b, 3), 2, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

SEAMS = {
    "unique of a matrix": lambda lib: lib.unique(
        lib.tensor([[3, 1], [1, 3]]), return_inverse=True, return_counts=True
    ),
    "unique columns": lambda lib: lib.unique(
        lib.tensor([[1, 0, 1], [2, 5, 2]]), return_inverse=True, return_counts=True, dim=1
    ),
    "consecutive of a matrix": lambda lib: lib.unique_consecutive(
        lib.tensor([[3, 3], [1, 3]]), return_inverse=True, return_counts=True
    ),
    "consecutive columns": lambda lib: lib.unique_consecutive(
        lib.tensor([[1, 1, 1], [2, 3, 3]]), return_inverse=True, return_counts=True, dim=1
    ),
}

test_at_the_seams = at_the_seams(SEAMS)


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=6))
def test_gradient_of_products_with_zeros(numbers):
    """prod and cumprod with any number of zeros, against the definition."""
    x = mt.tensor([float(each) for each in numbers], dtype=mt.float64, requires_grad=True)
    (gradient,) = mt.autograd.grad(x.prod(), x)
    others = [math.prod(numbers[:i] + numbers[i + 1 :]) for i in range(len(numbers))]
    np.testing.assert_allclose(gradient.numpy(), others)
    check_gradients(lambda t: mt.cumprod(t, 0), x.detach().numpy())


def test_gradients_that_are_not_known_are_not_left_out_in_silence():
    x = mt.tensor([1.0, 2.0, 2.0], requires_grad=True)
    counted = mt.tensor([0, 1, 1])
    for result in (
        mt.unique(x),
        mt.unique(x, dim=0),
        mt.unique(x, return_inverse=True)[0],
        mt.unique_consecutive(x, return_counts=True)[0],
        mt.bincount(counted, x),
    ):
        assert result.requires_grad
        with pytest.raises(NotImplementedError, match="the derivative for"):
            (result.sum() + x.sum()).backward()
    assert not mt.unique(counted).requires_grad and not mt.unique(x.detach()).requires_grad
