"""Rarer matrix products: against torch and NumPy."""

import numpy as np
from tables import on_random_matrices

import minitorch_cnn as mt

ON_MATRICES = {
    "inner": (lambda lib, a, b: lib.inner(a, b), 2, -3.0, 3.0),
    "addr": (lambda lib, a: lib.addr(a, a[:, 0], a[0], alpha=2), 1, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)


def test_chain_matmul():
    rng = np.random.default_rng(0)
    a, b, c = (rng.standard_normal(s) for s in ((2, 5), (5, 3), (3, 4)))
    got = mt.chain_matmul(*(mt.tensor(each) for each in (a, b, c)))
    np.testing.assert_allclose(got.numpy(), a @ b @ c, rtol=1e-12)
