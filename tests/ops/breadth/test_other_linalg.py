"""The older names of linear algebra at torch's top."""

import numpy as np
import pytest

import minitorch_cnn as mt

RNG = np.random.default_rng(0)


def test_ormqr_multiplies_by_the_square_q():
    torch = pytest.importorskip("torch")
    for shape in [(4, 3), (3, 3), (2, 3, 4), (3, 0)]:
        a = RNG.normal(size=shape)
        other = RNG.normal(size=(*shape[:-1], 2))
        for left in (True, False):
            for transpose in (True, False):
                c = other if left else np.swapaxes(other, -1, -2).copy()
                seed, found = RNG.normal(size=c.shape), []
                for lib in (mt, torch):
                    h, tau = (each.clone().requires_grad_() for each in lib.geqrf(lib.tensor(a)))
                    x = lib.tensor(c, requires_grad=True)
                    y = lib.ormqr(h, tau, x, left, transpose)
                    (gx,) = lib.autograd.grad((y * lib.tensor(seed)).sum(), [x])
                    found.append([each.detach().numpy() for each in (y, gx)])
                for ours, theirs in zip(*found, strict=True):
                    np.testing.assert_allclose(ours, theirs, atol=1e-10)
    for sizes, message in [
        (((10,), (2,), (2,)), "input must have at least 2 dimensions"),
        (((2, 2), (2,), (2,)), "other must have at least 2 dimensions"),
        (((4, 3), (6,), (4, 3)), "greater than or equal to tau"),
        (((6, 6), (5,), (5, 5)), r"equal to input.shape\[-2\]"),
        (((1, 2, 2), (2, 2), (1, 2, 2)), "batch dimensions of tau"),
        (((1, 2, 2), (1, 2), (2, 2, 2)), "batch dimensions of other"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            mt.ormqr(*map(mt.ones, sizes))


def test_other_forms():
    a = mt.tensor(RNG.normal(size=(2, 4, 3)))
    assert [each.shape for each in a.qr(some=False)] == [(2, 4, 4), (2, 4, 3)]
    np.testing.assert_allclose(
        mt.nuclear_norm(a, dim=(0, 2), keepdim=True).numpy(),
        np.linalg.norm(a.numpy(), "nuc", (0, 2), keepdims=True),
    )
    x = mt.eye(2)
    removed = (lambda: mt.eig(x), x.symeig, lambda: mt.lstsq(x, x), lambda: x.solve(x))
    for call in (*removed, lambda: mt.matrix_rank(x)):
        with pytest.raises(RuntimeError, match="and is now removed"):
            call()
