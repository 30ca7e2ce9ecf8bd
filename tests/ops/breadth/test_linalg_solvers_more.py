"""lstsq, tensorsolve and the solvers with an info, beside torch's."""

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)
TALL, WIDE = RNG.normal(size=(2, 5, 3)), RNG.normal(size=(2, 3, 5))
GOOD = RNG.normal(size=(4, 3, 3))
MIXED = np.stack([np.eye(3), np.zeros((3, 3)), np.diag([1.0, 2.0, 0.0]), GOOD[0] @ GOOD[0].T])


def both(call, *arrays):
    results = []
    for lib in (mt, torch):
        tensors = [lib.tensor(each, requires_grad=True) for each in arrays]
        y = call(lib, *tensors)
        first = y[0] if isinstance(y, tuple) else y
        grads = []
        if bool(lib.isfinite(first).all()):
            grads = lib.autograd.grad((first**2).sum(), tensors)
        parts = list(y) if isinstance(y, tuple) else [y]
        results.append([each.detach().numpy() for each in (*parts, *grads)])
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)


def test_least_squares():
    b = RNG.normal(size=(2, 5, 2))
    both(lambda lib, a, b: lib.linalg.lstsq(a, b), TALL, b)
    both(lambda lib, a, b: lib.linalg.lstsq(a, b, driver="gelsd"), TALL, b)
    both(lambda lib, a, b: lib.linalg.lstsq(a, b), WIDE, RNG.normal(size=(2, 3, 2)))
    both(lambda lib, a, b: lib.linalg.lstsq(a, b), GOOD, RNG.normal(size=(4, 3, 1)))
    for driver, rcond in (("gels", 0.9), ("gelsd", 0.5), ("gelsd", 1.5), ("gelss", 2.0)):
        both(lambda lib, a, b, d=driver, r=rcond: lib.linalg.lstsq(a, b, r, driver=d), GOOD, GOOD)
    with pytest.raises(RuntimeError, match="driver"):
        mt.linalg.lstsq(mt.eye(2), mt.eye(2), driver="x")
    with pytest.raises(RuntimeError, match="size"):
        mt.linalg.lstsq(mt.eye(2), mt.ones(3, 1))


def test_tensor_equations():
    a = RNG.normal(size=(2, 3, 6))
    both(lambda lib, a, b: lib.linalg.tensorsolve(a, b), a, RNG.normal(size=(2, 3)))
    a = RNG.normal(size=(6, 4, 4, 6, 2, 3, 2))[:, :, 0, 0, 0, :, 0]  # (6, 4, 3)
    a = RNG.normal(size=(3, 6, 2))
    both(lambda lib, a, b: lib.linalg.tensorsolve(a, b, dims=(0, 2)), a, RNG.normal(size=(6,)))
    with pytest.raises(RuntimeError, match="requirement"):
        mt.linalg.tensorsolve(mt.ones(2, 3, 5), mt.ones(2, 3))


def test_info_of_good_matrices():
    spd = GOOD @ np.swapaxes(GOOD, -1, -2)
    both(lambda lib, a: lib.linalg.inv_ex(a), GOOD)
    both(lambda lib, a: lib.linalg.cholesky_ex(a @ a.mT, upper=True), GOOD)
    both(lambda lib, a, b: lib.linalg.solve_ex(a, b), spd, RNG.normal(size=(4, 3, 2)))


def test_info_of_bad_matrices():
    calls = {
        "cholesky": lambda lib, a: lib.linalg.cholesky_ex(a),
        "inv": lambda lib, a: lib.linalg.inv_ex(a),
        "solve": lambda lib, a: lib.linalg.solve_ex(a, lib.ones_like(a)),
    }
    for name, call in calls.items():
        ours, theirs = (call(lib, lib.tensor(MIXED)) for lib in (mt, torch))
        assert ours.info.tolist() == theirs.info.tolist(), name
        good = ours.info.numpy() == 0
        assert good.tolist() == [True, False, False, True]
        np.testing.assert_allclose(ours[0].numpy()[good], theirs[0].numpy()[good], atol=1e-9)
        assert np.isnan(ours[0].numpy()[~good]).any((-2, -1)).all()
        with pytest.raises(mt.linalg.LinAlgError):
            getattr(mt.linalg, f"{name}_ex")(
                mt.zeros(2, 2), *([mt.ones(2, 1)] if name == "solve" else []), check_errors=True
            )
