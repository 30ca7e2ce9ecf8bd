"""L D L^T: torch's factors and pivots, and solutions that solve, with blocks of two rows."""

import numpy as np
import pytest

import minitorch_cnn as mt

RNG = np.random.default_rng(0)


def symmetric(*shape):
    a = RNG.normal(size=shape)
    return a + np.swapaxes(a, -1, -2)


# Of the second, the diagonal is no pivot: D has blocks of two rows there.
MATRICES = [symmetric(3, 5, 5), np.array([[0.0, 1.0], [1.0, 0.0]]), symmetric(4, 4) - 9 * np.eye(4)]
MATRICES += [symmetric(20, 7, 7) * (1 - np.eye(7)), np.zeros((0, 0)), np.zeros((2, 0, 3, 3))]


def test_factors_and_pivots_are_torchs():
    torch = pytest.importorskip("torch")
    two_rows = 0
    for a in [*MATRICES, np.zeros((3, 3))]:
        ours, theirs = (lib.linalg.ldl_factor_ex(lib.tensor(np.tril(a))) for lib in (mt, torch))
        assert ours.pivots.tolist() == theirs.pivots.tolist()
        assert ours.info.tolist() == theirs.info.tolist()
        lower = torch.tril(theirs.LD).numpy()
        np.testing.assert_allclose(ours.LD.numpy(), lower, rtol=1e-9, atol=1e-11)
        two_rows += int((ours.pivots < 0).sum())
    assert two_rows > 40


def test_solutions():
    for a in MATRICES:
        b = RNG.normal(size=(*a.shape[:-1], 2))
        LD, pivots = mt.linalg.ldl_factor(mt.tensor(a))
        x = mt.linalg.ldl_solve(LD, pivots, mt.tensor(b))
        np.testing.assert_allclose(a @ x.numpy(), b, atol=1e-9)
    LD, pivots = mt.linalg.ldl_factor(mt.tensor(MATRICES[0]))
    b = RNG.normal(size=(5, 1))  # for all matrices of the batch
    x = mt.linalg.ldl_solve(LD, pivots, mt.tensor(b))
    np.testing.assert_allclose(MATRICES[0] @ x.numpy(), np.broadcast_to(b, (3, 5, 1)), atol=1e-9)


def test_errors():
    with pytest.raises(mt.linalg.LinAlgError, match="zero"):
        mt.linalg.ldl_factor(mt.zeros(2, 2))
    LD, pivots = mt.linalg.ldl_factor(mt.eye(2))
    for B, message in ((mt.ones(2), "2 dimensions"), (mt.ones(2, 1).double(), "dtype")):
        with pytest.raises(RuntimeError, match=message):
            mt.linalg.ldl_solve(LD, pivots, B)
    with pytest.raises(RuntimeError, match="pivots"):
        mt.linalg.ldl_solve(LD, pivots[:1], mt.ones(2, 1))
    with pytest.raises(NotImplementedError, match="no gradients"):
        mt.linalg.ldl_factor(mt.eye(2).requires_grad_()).LD.sum().backward()


@pytest.mark.parametrize("pivots", [[9, 9, 9], [0, 1, 2], [-9, -9, 1], [-1, -1, -1]])
def test_pivots_of_other_matrices_are_refused(pivots):
    with pytest.raises(RuntimeError, match=r"are not those of 3 rows"):
        mt.linalg.ldl_solve(mt.eye(3), mt.tensor(pivots, dtype=mt.int32), mt.ones(3, 1))
