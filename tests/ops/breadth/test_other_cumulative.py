"""Running sums, products and extremes, differences, integrals: against torch."""

import math

import numpy as np
import pytest
from tables import A, against_torch, case, gradients_of, on_random_matrices

import minitorch_cnn as mt

CASES = [
    case("cumsum", lambda lib, x: x.cumsum(1) ** 2, A),
    case("cumprod", lambda lib, x: x.cumprod(-1), A),
    case("cumprod_zero", lambda lib, x: (x * lib.tensor([1.0, 0.0, 1.0, 0.0])).cumprod(-1), A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ON_MATRICES = {
    "cummax": (lambda lib, a: lib.cummax(a, 0)[0] ** 2, 1, -3.0, 3.0),
    "cummin": (lambda lib, a: lib.cummin(a, -1)[0] ** 2, 1, -3.0, 3.0),
    "logcumsumexp": (lambda lib, a: lib.logcumsumexp(a, 0), 1, -3.0, 3.0),
    "diff": (lambda lib, a: lib.diff(a, dim=0) ** 2, 1, -3.0, 3.0),
    "diff_2": (lambda lib, a: lib.diff(a, 2, 1, prepend=a) ** 2, 1, -3.0, 3.0),
    "trapezoid": (lambda lib, a, b: lib.trapezoid(a, b, dim=0) ** 2, 2, -3.0, 3.0),
    "cumulative_trapezoid": (lambda lib, a: lib.cumulative_trapezoid(a) ** 2, 1, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

GRADIENTS = [
    lambda a: mt.logcumsumexp(a, 1),
]

test_gradients = gradients_of(GRADIENTS)


def test_gradient_is_numpys_and_differentiable():
    rng = np.random.default_rng(4)
    f = rng.standard_normal((4, 1, 3, 5))
    x = mt.tensor(f, requires_grad=True)
    places = [np.cumsum(rng.uniform(0.5, 2, n)) for n in (4, 5)]
    for order in (1, 2):
        for spacing, numpys in (
            (2.0, [2.0]),
            ([0.5, 3], [0.5, 3]),
            ([mt.tensor(p) for p in places], places),
        ):
            ours = mt.gradient(x, spacing=spacing, dim=(0, -1), edge_order=order)
            theirs = np.gradient(f, *numpys, axis=(0, -1), edge_order=order)
            for mine, other in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(mine.detach().numpy(), other, rtol=1e-10, atol=1e-12)
        args = {"spacing": [mt.tensor(p) for p in places], "dim": (0, 3), "edge_order": order}
        assert mt.autograd.gradcheck(lambda x, args=args: mt.gradient(x, **args), (x,))
    y = mt.tensor([2.0, -math.inf, math.inf, math.nan, 3.0])
    np.testing.assert_array_equal(mt.gradient(y)[0].numpy(), np.gradient(y.numpy()))
    assert mt.gradient(mt.ones(3), spacing=None)[0].tolist() == [0.0, 0.0, 0.0]
    for mistake, words in (
        ({"spacing": [1.0]}, "expected spacing to be"),
        ({"edge_order": 3}, "only supports edge_order=1"),
        ({"dim": 1}, "at least edge_order\\+1, got 1 in dimension 1"),
        ({"dim": (0, 0)}, "more than once"),
        ({"dim": 0, "spacing": [mt.ones(3)]}, "a vector of 4 coordinates"),
    ):
        with pytest.raises(RuntimeError, match=words):
            mt.gradient(x, **mistake)


def test_slopes_at_coordinates_of_double_precision_are_as_precise():
    rng = np.random.default_rng(0)
    x, places = rng.standard_normal(1000).astype(np.float32), np.sort(rng.standard_normal(1000))
    for edge_order in (1, 2):
        (found,) = mt.gradient(mt.tensor(x), spacing=[mt.tensor(places)], edge_order=edge_order)
        assert found.dtype is mt.float64
        expected = np.gradient(x.astype(np.float64), places, edge_order=edge_order)
        np.testing.assert_allclose(found.tolist(), expected, rtol=1e-9, atol=1e-9)
