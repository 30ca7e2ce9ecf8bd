"""geqrf and householder_product: torch's values, and gradients."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck

SHAPES = [(3, 3), (5, 3), (2, 4, 2), (3, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_they_are_torchs_and_undo_each_other(shape):
    torch = pytest.importorskip("torch")
    A = np.random.default_rng(0).standard_normal(shape)
    for few in (0, 1):  # all reflections, and all but the last
        results = []
        for lib in (mt, torch):
            a, tau = lib.geqrf(lib.tensor(A))
            q = lib.linalg.householder_product(a, tau[..., : tau.shape[-1] - few])
            results.append([np.asarray(each.cpu()) for each in (a, tau, q)])
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    a, tau = mt.geqrf(mt.tensor(A))
    r = a[..., : shape[-1], :].triu()
    product = mt.orgqr(a, tau) @ r
    np.testing.assert_allclose(np.asarray(product.cpu()), A, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(shape):
    a, tau = mt.geqrf(mt.tensor(np.random.default_rng(1).standard_normal(shape)))
    inputs = a.requires_grad_(), tau.requires_grad_()
    assert gradcheck(mt.linalg.householder_product, inputs)
    assert gradgradcheck(mt.linalg.householder_product, inputs)


def test_shapes_that_do_not_fit():
    with pytest.raises(RuntimeError, match=r"m >= n >= k.*\(2, 3\)"):
        mt.linalg.householder_product(mt.ones(2, 3), mt.ones(2))
