"""The seldom functions of torch.special: beside torch's, and identities where torch's are rough."""

import math

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

X = np.concatenate([10 ** np.linspace(-4, 2, 60), [0.0, math.nan, math.inf]])
BOTH = np.concatenate([-X[::3], X[::3]])
SMALL = np.linspace(-2.5, 2.5, 40)
DEGREES = np.arange(-2, 18)


def value(lib, expression, x):
    return eval(expression, {"s": lib.special, "lib": lib, "x": lib.tensor(x)}).numpy()


FUNCTIONS = {
    "s.erfcx(x)": BOTH, "s.log_ndtr(x)": BOTH, "s.spherical_bessel_j0(x)": BOTH,
    "s.scaled_modified_bessel_k0(x)": X, "s.scaled_modified_bessel_k1(x)": X,
    "s.modified_bessel_k0(x)": X, "s.modified_bessel_k1(x)": X,
    "s.modified_bessel_i0(x / 9)": BOTH[:-1], "s.modified_bessel_i1(x / 9)": BOTH[:-1],
    "s.zeta(x, 1.5)": X, "s.zeta(2.5, x)": X[:-1], "s.zeta(lib.full_like(x, 3.0), -x - 0.5)": SMALL,
    "s.gammainc(x, lib.full_like(x, 2.0))": X, "s.gammaincc(lib.full_like(x, 3.0), x)": X,
    "lib.igamma(x, x * 1.1)": X, "lib.igammac(x, x * 0.8)": X, "x.igamma(x)": X,
}  # fmt: skip


@pytest.mark.parametrize("expression", FUNCTIONS)
def test_values(expression):
    ours, theirs = (value(lib, expression, FUNCTIONS[expression]) for lib in (mt, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-300)


def test_polynomials():
    names = [name for name in dir(torch.special) if "_polynomial_" in name]
    assert len(names) == 12
    for name in names:
        x, n = np.meshgrid(SMALL, DEGREES)
        ours, theirs = (
            getattr(lib.special, name)(lib.tensor(x), lib.tensor(n)).numpy() for lib in (mt, torch)
        )
        scale = np.maximum(1, np.abs(theirs))
        np.testing.assert_allclose(ours / scale, theirs / scale, rtol=1e-7, atol=1e-9, err_msg=name)
        ours, theirs = (getattr(lib.special, name)(lib.tensor([0.3]), 3) for lib in (mt, torch))
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, err_msg=name)


def test_bessel_functions_of_both_kinds():
    """torch's have seven digits; the Wronskian J1 Y0 - J0 Y1 = 2 / (pi x) tells all of ours."""
    x = 10 ** np.linspace(-5, 4, 200)
    j0, j1, y0, y1 = (
        getattr(mt.special, f"bessel_{kind}")(mt.tensor(x)).numpy()
        for kind in ("j0", "j1", "y0", "y1")
    )
    np.testing.assert_allclose((j1 * y0 - j0 * y1) * np.pi * x / 2, 1, rtol=1e-12)
    for kind in ("j0", "j1", "y0", "y1"):
        call = f"s.bessel_{kind}(x)"
        ours, theirs = (value(lib, call, BOTH[:-1]) for lib in (mt, torch))
        seen = np.isfinite(theirs) & (np.abs(BOTH[:-1]) < 1e3)
        np.testing.assert_allclose(ours[seen], theirs[seen], rtol=1e-4, atol=1e-6)
    assert value(mt, "s.bessel_y0(x)", np.array([0.0, -1.0]))[0] == -math.inf


@pytest.mark.parametrize(
    "expression",
    [
        "s.erfcx(x)", "s.log_ndtr(x)", "s.log_ndtr(-4 * x)", "s.bessel_j0(x)", "s.bessel_j1(x)",
        "s.bessel_y0(x)", "s.bessel_y1(x)", "s.scaled_modified_bessel_k0(x)",
        "s.modified_bessel_k1(x)", "s.spherical_bessel_j0(x)", "s.spherical_bessel_j0(x / 9)",
        "lib.igamma(lib.full_like(x, 1.7), x)", "lib.igammac(lib.full_like(x, 1.7), x)",
        "s.zeta(2.5, x)",
    ],
)  # fmt: skip
def test_gradients(expression):
    x = mt.tensor([0.3, 1.4, 2.6], dtype=mt.float64, requires_grad=True)
    names = {"s": mt.special, "lib": mt}
    function = eval(f"lambda x: {expression}", names)
    assert mt.autograd.gradcheck(function, (x,))
    single = mt.tensor(0.7, dtype=mt.float64, requires_grad=True)  # a number without axes
    assert mt.autograd.gradcheck(function, (single,))


def test_what_has_no_derivative_says_so():
    a = mt.ones(2, requires_grad=True)
    for call in (lambda: mt.igamma(a, mt.ones(2)), lambda: mt.special.zeta(a + 1, mt.ones(2))):
        with pytest.raises(NotImplementedError, match="derivative"):
            call().sum().backward()
    with pytest.raises(TypeError, match="tensor"):
        mt.special.zeta(1.0, 2.0)
