"""Poisson's, binomial and gamma distributed numbers: the same from the same seed, and plausible."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.ops.breadth.random_counts import standard_gamma


@pytest.mark.parametrize(
    "draw, mean, variance",
    [
        (lambda g: mt.poisson(mt.full((9000,), 3.0), g), 3, 3),
        (lambda g: mt.binomial(mt.full((9000,), 8.0), mt.tensor([0.25]), g), 2, 1.5),
        (lambda g: standard_gamma(mt.full((9000,), 2.5), g), 2.5, 2.5),
    ],
)
def test_means_and_variances(draw, mean, variance):
    first, again = (draw(mt.Generator().manual_seed(3)) for _ in range(2))
    assert first.tolist() == again.tolist() and first.dtype == mt.float32
    assert abs(first.mean().item() - mean) < 0.1
    assert abs(first.var().item() - variance) < 0.2
    other = draw(mt.Generator().manual_seed(4))
    assert other.tolist() != first.tolist()


def test_the_seed_of_everything_else_decides():
    drawn = []
    for _ in range(2):
        mt.manual_seed(5)
        drawn.append(mt.poisson(mt.full((20,), 9.0)).tolist())
    assert drawn[0] == drawn[1] != mt.poisson(mt.full((20,), 9.0)).tolist()


def test_what_is_refused():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        with pytest.raises(RuntimeError, match="Poisson rate"):
            lib.poisson(lib.tensor([-1.0]))
    with pytest.raises(RuntimeError, match="binomial"):
        mt.binomial(mt.tensor([1.0]), mt.tensor([1.5]))
    np.testing.assert_array_equal(mt.poisson(mt.zeros(2, 3)).numpy(), np.zeros((2, 3)))
