"""LU decompositions and what solves by them, beside torch's and as products."""

import numpy as np
import pytest

import minitorch_cnn as mt

RNG = np.random.default_rng(0)
SHAPES = [(3, 3), (4, 2), (2, 4), (2, 3, 3), (1, 3, 5, 3), (0, 3, 3), (2, 0, 3), (3, 0)]


def test_the_factors_multiply_to_the_matrix():
    for shape in SHAPES:
        a = mt.tensor(RNG.normal(size=shape))
        P, L, U = mt.linalg.lu(a)
        np.testing.assert_allclose((P @ L @ U).numpy(), a.numpy(), atol=1e-12)
        assert (P.sum(-1) == 1).all() and (P.sum(-2) == 1).all()
        assert (L.abs() <= 1).all()  # the largest of each column was taken
        for part, there in zip((P, L, U), mt.lu_unpack(*mt.linalg.lu_factor_ex(a)[:2])):
            assert mt.equal(part, there)
    empty = mt.lu_unpack(*mt.lu(mt.eye(2)), unpack_data=False, unpack_pivots=False)
    assert [each.numel() for each in empty] == [0, 0, 0]


def test_values_and_gradients():
    torch = pytest.importorskip("torch")
    calls = {
        "lu": lambda lib, a, b: lib.linalg.lu(a)[1:],
        "lu_factor": lambda lib, a, b: lib.linalg.lu_factor(a)[:1],
        "lu_unpack": lambda lib, a, b: lib.lu_unpack(*lib.lu(a))[1:],
        "lu_solve": lambda lib, a, b: [lib.linalg.lu_solve(*lib.linalg.lu_factor(a), b)],
        "adjoint": lambda lib, a, b: [
            lib.linalg.lu_solve(*lib.linalg.lu_factor(a), b, adjoint=True)
        ],
        "right": lambda lib, a, b: [
            lib.linalg.lu_solve(*lib.linalg.lu_factor(a), b.mT, left=False, adjoint=True)
        ],
        "older": lambda lib, a, b: [b.lu_solve(*a.lu())],
    }
    for name, call in calls.items():
        for shape in [(3, 3), (4, 2), (2, 4), (2, 3, 3)]:
            if shape[-1] != shape[-2] and name not in ("lu", "lu_factor", "lu_unpack"):
                continue
            a, b = RNG.normal(size=shape), RNG.normal(size=(*shape[:-1], 2))
            seeds, found = None, []
            for lib in (mt, torch):
                x, y = (lib.tensor(each, requires_grad=True) for each in (a, b))
                results = call(lib, x, y)
                if seeds is None:
                    seeds = [RNG.normal(size=each.shape) for each in results]
                loss = sum((r * lib.tensor(s)).sum() for r, s in zip(results, seeds, strict=True))
                (gx,) = lib.autograd.grad(loss, [x], create_graph=True)
                (ggx,) = lib.autograd.grad((gx**2).sum(), [x])
                found.append([each.detach().numpy() for each in (*results, gx, ggx)])
            for ours, theirs in zip(*found, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9, err_msg=name)


def test_pivots_and_info_are_torchs():
    torch = pytest.importorskip("torch")
    zero = np.diag([1.0, 0.0, 2.0])
    for a in (RNG.normal(size=(2, 4, 3)), np.stack([zero, np.eye(3), np.zeros((3, 3))])):
        ours, theirs = (lib.linalg.lu_factor_ex(lib.tensor(a)) for lib in (mt, torch))
        assert ours.pivots.tolist() == theirs.pivots.tolist()
        assert ours.info.tolist() == theirs.info.tolist()
        assert str(ours.info.dtype) == "minitorch_cnn.int32"
    with pytest.raises(mt.linalg.LinAlgError, match=r"U\[i,i\] is zero"):
        mt.linalg.lu_factor(mt.tensor(zero))
    assert mt.lu(mt.tensor(zero), get_infos=True)[2].item() == 2


def test_errors():
    LU, pivots = mt.linalg.lu_factor(mt.eye(2))
    B = mt.ones(2, 1)
    cases = [
        (lambda: mt.linalg.lu(mt.eye(2), pivot=False), "without pivoting is not implemented"),
        (lambda: mt.lu_unpack(LU, pivots.long()), "torch.int32 dtype"),
        (lambda: mt.linalg.lu_solve(LU, pivots, mt.ones(3, 1)), "Incompatible shapes"),
        (lambda: mt.linalg.lu_solve(LU, pivots, B.double()), "same dtype"),
        (lambda: mt.linalg.lu_solve(LU, pivots[:1], B), "Number of pivots"),
        (lambda: mt.linalg.lu(mt.ones(2)), "at least 2 dimensions"),
    ]
    for call, message in cases:
        with pytest.raises(RuntimeError, match=message):
            call()


def test_pivots_that_cannot_be():
    LU, pivots = mt.linalg.lu_factor(mt.eye(2))
    B = mt.ones(2, 1)
    with pytest.raises(RuntimeError, match=r"between 1 and LU.size\(-2\)"):
        mt.lu_unpack(LU, pivots * 0)
    with pytest.raises(RuntimeError, match="greater or equal to 1"):
        mt.linalg.lu_solve(LU, pivots * 0, B)
    with pytest.raises(RuntimeError, match=r"smaller or equal to LU.size\(-2\)"):
        mt.linalg.lu_solve(LU, pivots + 2, B)
