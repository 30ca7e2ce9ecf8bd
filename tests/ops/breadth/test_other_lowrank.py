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


def definite(seed, *shape):
    a = np.random.default_rng(seed).standard_normal(shape)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


@pytest.mark.parametrize("largest", [None, True, False])
@pytest.mark.parametrize("general", [False, True])
def test_some_eigenvalues(largest, general):
    a, b = definite(0, 2, 7, 7), definite(1, 2, 7, 7)
    E, X = mt.lobpcg(mt.tensor(a), 2, mt.tensor(b) if general else None, largest=largest)
    whole = np.linalg.eigvals(np.linalg.solve(b, a) if general else a)
    whole = np.sort(whole.real, -1)
    expected = whole[:, :2] if largest is False else whole[:, :-3:-1]
    np.testing.assert_allclose(E.numpy(), expected, rtol=1e-10)
    e, x = E.numpy(), X.numpy()
    bx = b @ x if general else x
    np.testing.assert_allclose(a @ x, bx * e[:, None], atol=1e-10)
    np.testing.assert_allclose(np.swapaxes(x, -1, -2) @ bx, np.stack([np.eye(2)] * 2), atol=1e-12)


def test_some_eigenvalues_are_torchs():
    torch = pytest.importorskip("torch")
    a = definite(2, 9, 9)
    guess = np.random.default_rng(3).standard_normal((9, 3))
    for options in ({}, dict(k=2), dict(X=guess), dict(k=1, X=guess, niter=3, tol=1e-3)):
        seen = []
        for lib in (mt, torch):
            x = lib.tensor(a, requires_grad=True)
            given = {k: lib.tensor(v) if k == "X" else v for k, v in options.items()}
            if lib is torch:
                given.update(niter=200, tol=1e-12)
            E = lib.lobpcg(x, **given)[0]
            E.sum().backward()
            seen += [E.detach().numpy(), x.grad.numpy()]
        np.testing.assert_allclose(seen[0], seen[2], rtol=1e-8)
        np.testing.assert_allclose(seen[1], seen[3], atol=1e-6)


def test_gradients_of_some_eigenvalues_and_vectors():
    a, b = (mt.tensor(definite(seed, 6, 6), requires_grad=True) for seed in (4, 5))
    weights = mt.tensor(np.random.default_rng(6).standard_normal((6, 2)))

    def of(a, b):
        E, X = mt.lobpcg(a, 2, b)
        return E, (X @ X.mT * (weights @ weights.mT)).sum()  # whatever the signs of vectors are

    assert mt.autograd.gradcheck(of, (a, b)) and mt.autograd.gradgradcheck(of, (a, b))


def test_more_eigenvalues_than_torch_gives():
    with pytest.raises(ValueError, match=r"rows \(=8\) is smaller than 3 x .* eigenpairs \(=3\)"):
        mt.lobpcg(mt.eye(8), 3)
