"""p-norms: beside NumPy's and singular values."""

import numpy as np
import pytest
from tables import raises

import minitorch_cnn as mt
from minitorch_cnn.ops.norms import p_norm

inf, nan = float("inf"), float("nan")


@pytest.mark.parametrize("p", [inf, -inf, 0, 0.5, 1, 2, 3, -1])
def test_p_norm_as_numpy(p):
    x = np.random.default_rng(3).uniform(0.5, 2.0, (3, 4)) * [1, -1, 1, -1]
    expected = np.linalg.norm(x, p, axis=1)
    np.testing.assert_allclose(p_norm(mt.tensor(x), p, 1).numpy(), expected)
    np.testing.assert_allclose(p_norm(mt.tensor(x), p, 1, True).numpy(), expected[:, None])


def test_the_nuclear_norm_is_the_sum_of_singular_values():
    x = np.random.default_rng(4).standard_normal((2, 3, 4))
    values = np.linalg.svd(x, compute_uv=False).sum(-1)
    np.testing.assert_allclose(mt.tensor(x).norm("nuc", (1, 2)).numpy(), values)
    np.testing.assert_allclose(mt.tensor(x[0]).norm("nuc", keepdim=True).numpy(), [[values[0]]])


def test_the_gradient_of_the_number_of_elements_is_0():
    x = mt.tensor([3.0, 0.0, nan], requires_grad=True)
    count = x.norm(0)
    count.backward()
    assert count.item() == 2
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


test_error = raises(
    [
        (lambda: mt.zeros(0).norm(inf), RuntimeError, "identity"),
        (lambda: mt.zeros(2, 0).norm(-1, 1), RuntimeError, "identity"),
        (lambda: mt.ones(2, 2).norm("largest"), RuntimeError, "largest"),
        (lambda: mt.ones(2).norm("nuc"), RuntimeError, "2"),
    ]
)
