"""Low-rank decompositions: exact where the rank is low, torch's numbers where it is not."""

import numpy as np
import pytest

import minitorch_cnn as mt


def lowrank(*shape, rank):
    rng = np.random.default_rng(1)
    return rng.normal(size=(*shape[:-1], rank)) @ rng.normal(size=(*shape[:-2], rank, shape[-1]))


@pytest.mark.parametrize("shape", [(9, 6), (6, 9), (2, 3, 7, 5), (4, 4)])
def test_a_matrix_of_low_rank_comes_back(shape):
    a, m = lowrank(*shape, rank=2), lowrank(*shape[-2:], rank=1)
    for given, shift in ((a, None), (a + m, m)):
        U, S, V = mt.svd_lowrank(mt.tensor(given), 3, M=None if shift is None else mt.tensor(shift))
        u, s, v = (each.numpy() for each in (U, S, V))
        assert u.shape == (*shape[:-1], 3) and v.shape == (*shape[:-2], shape[-1], 3)
        np.testing.assert_allclose((u * s[..., None, :]) @ np.swapaxes(v, -1, -2), a, atol=1e-10)
        np.testing.assert_allclose(s, np.linalg.svd(a, compute_uv=False)[..., :3], atol=1e-10)
        for each in (u, v):
            gram = np.swapaxes(each, -1, -2) @ each
            np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), gram.shape), atol=1e-10)
    assert mt.svd_lowrank(mt.tensor(a).float(), q=99)[1].shape[-1] == min(shape[-2:])


# Made with torch 2.13 after manual_seed(0): they depend on the random vectors and each iteration.
TORCHS = [
    (lambda a: mt.svd_lowrank(a, 3), [2.7321382278035773, 2.282367302116575, 1.633632995545122]),
    (lambda a: mt.pca_lowrank(a, 2, niter=0), [2.4442559876312675, 1.9173354955844015]),
    (
        lambda a: mt.svd_lowrank(a.mT.expand(2, 5, 8), 2, niter=1),
        [[2.5607237444871354, 2.2345044474031575]] * 2,
    ),
]


def test_torchs_approximations():
    i = np.arange(40.0)
    a = mt.tensor(np.sin(i * i).reshape(8, 5))
    mt.manual_seed(0)
    for call, expected in TORCHS:
        np.testing.assert_allclose(call(a)[1].numpy(), expected, rtol=1e-10)


def test_principal_components():
    points = lowrank(30, 4, rank=4) * [5, 1, 0.2, 0] + [3, 1, 2, 7]
    U, S, V = mt.pca_lowrank(mt.tensor(points), 2, niter=8)
    values, vectors = np.linalg.eigh(np.cov(points.T))
    np.testing.assert_allclose(S.numpy() ** 2 / 29, values[::-1][:2], rtol=1e-8)
    along = np.abs((V.numpy() * vectors[:, ::-1][:, :2]).sum(0))
    np.testing.assert_allclose(along, 1, atol=1e-8)
    assert U.shape == (30, 2) and mt.pca_lowrank(mt.tensor(points))[1].shape == (4,)
    plain = mt.pca_lowrank(mt.tensor(points), 1, center=False, niter=8)[1].numpy()
    np.testing.assert_allclose(plain, np.linalg.svd(points, compute_uv=False)[:1], rtol=1e-8)


def test_gradients_of_the_largest_values():
    """d S_i / dA is u_i v_i', whatever vectors the search began with, where it finds them."""
    a = lowrank(6, 5, rank=2)
    x = mt.tensor(a, requires_grad=True)
    weights = np.array([1.0, -2.0])
    (mt.svd_lowrank(x, 2, niter=4)[1] * mt.tensor(weights)).sum().backward()
    u, _, vh = np.linalg.svd(a)
    np.testing.assert_allclose(x.grad.numpy(), (u[:, :2] * weights) @ vh[:2], atol=1e-8)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda a: mt.pca_lowrank(a, 5), ValueError, r"q\(=5\) must be non-negative integer and"),
        (lambda a: mt.pca_lowrank(a, -1), ValueError, r"not greater than min\(m, n\)=3"),
        (lambda a: mt.pca_lowrank(a, niter=-1), ValueError, r"niter\(=-1\) must be non-negative"),
        (lambda a: mt.svd_lowrank(a.long()), RuntimeError, "float32 or float64"),
        (lambda a: mt.pca_lowrank(a[0]), RuntimeError, "at least 2 dimensions"),
        (lambda a: mt.svd_lowrank(a, M=mt.ones(5)), RuntimeError, "size"),
    ],
)
def test_refused(call, error, words):
    with pytest.raises(error, match=words):
        call(mt.ones(3, 4))
