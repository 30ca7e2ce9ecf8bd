"""Functions of gamma, Bessel and the normal curve: against torch, and by differences."""

import math

import numpy as np
import pytest
from tables import against_torch, case

import minitorch_cnn as mt

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(
    [
        case("lgamma", lambda lib, a: lib.lgamma(a), (3, 4), low=0.2, high=30.0),
        case("digamma", lambda lib, a: lib.digamma(a), (3, 4), low=-3.8, high=-3.2),
        case("digamma_above", lambda lib, a: lib.digamma(a), (3, 4), low=0.2, high=30.0),
        case("trigamma", lambda lib, a: lib.polygamma(1, a), (3, 4), low=0.3, high=20.0),
        case("polygamma", lambda lib, a: lib.polygamma(3, a), (3, 4), low=0.5, high=20.0),
        case("mvlgamma", lambda lib, a: lib.mvlgamma(a, 3), (3, 4), low=1.5, high=9.0),
        case("i0", lambda lib, a: lib.i0(a), (3, 4), low=0.1, high=3.0),
        case("i1", lambda lib, a: lib.special.i1(a), (3, 4), low=-3.0, high=-0.1),
        case("i0e", lambda lib, a: lib.special.i0e(a), (3, 4), low=-9.0, high=-0.1),
        case("i1e", lambda lib, a: lib.special.i1e(a), (3, 4), low=0.1, high=9.0),
        case("entr", lambda lib, a: lib.special.entr(a), (3, 4), low=0.1, high=3.0),
        case("xlog1py", lambda lib, a, b: lib.special.xlog1py(a, b), (3, 4), (4,), low=0.1),
        case("ndtr", lambda lib, a: lib.special.ndtr(a), (3, 4), low=-3.0, high=3.0),
        case("ndtri", lambda lib, a: lib.special.ndtri(a), (3, 4), low=0.1, high=0.9),
    ]
)


def test_values_of_gamma_functions_at_known_places():
    n = mt.arange(1, 20, dtype=mt.float64)
    wanted = [math.log(math.factorial(k - 1)) for k in range(1, 20)]
    np.testing.assert_allclose(mt.lgamma(n).numpy(), wanted, atol=1e-14)
    half = mt.tensor([0.5], dtype=mt.float64)
    assert mt.digamma(half).item() == pytest.approx(
        -0.5772156649015329 - 2 * math.log(2), abs=1e-14
    )
    assert mt.polygamma(1, half).item() == pytest.approx(math.pi**2 / 2, rel=1e-14)
    assert mt.polygamma(1, -half).item() == pytest.approx(math.pi**2 / 2 + 4, rel=1e-14)


def test_poles():
    assert mt.lgamma(mt.tensor([0.0, -2.0])).tolist() == [math.inf, math.inf]
    assert mt.digamma(mt.tensor([0.0])).tolist() == [-math.inf]
    assert math.isnan(mt.digamma(mt.tensor([-3.0])).item())
    with pytest.raises(RuntimeError, match="negative n"):
        mt.polygamma(-1, mt.ones(1))


def test_bessel_functions_are_their_power_series():
    x = np.linspace(-9, 9, 19)
    terms = [(x / 2) ** (2 * k) / math.factorial(k) ** 2 for k in range(60)]
    np.testing.assert_allclose(mt.i0(mt.tensor(x)).numpy(), sum(terms), rtol=1e-13)
    terms = [(x / 2) ** (2 * k + 1) / math.factorial(k) / math.factorial(k + 1) for k in range(60)]
    np.testing.assert_allclose(mt.special.i1(mt.tensor(x)).numpy(), sum(terms), rtol=1e-13)
    assert mt.special.i0e(mt.tensor([700.0], dtype=mt.float64)).item() == pytest.approx(
        (1 + 1 / 5600 + 9 / 2 / 5600**2) / math.sqrt(1400 * math.pi), rel=1e-9
    )
    zero = mt.zeros(1, requires_grad=True)
    mt.special.i1(zero).sum().backward()
    assert zero.grad.item() == 0.5


def test_entropy_and_logarithms_at_zero():
    assert mt.special.entr(mt.tensor([0.0, -1.0])).tolist() == [0.0, -math.inf]
    assert mt.special.xlog1py(mt.tensor([0.0]), mt.tensor([-1.0])).item() == 0.0
    assert math.isnan(mt.special.xlog1py(0.0, mt.tensor([math.nan])).item())


# By SciPy 1.17, whose own are Cephes's.
FAR_AND_NEAR = {
    "i0e": [
        (99.0, 0.04014612377116404), (101.0, 0.0397456460654072), (1e4, 0.0039894726746047314),
        (1e12, 3.9894228040148256e-07),
    ],
    "i1e": [
        (1e-12, 4.999999999994999e-13), (0.005, 0.002487538971524797),
        (101.0, 0.03954839351180578), (1e4, 0.003989273195983662), (1e12, 3.9894228040128303e-07),
    ],
    "scaled_modified_bessel_k0": [
        (1e-100, 230.374440815063), (1e-9, 20.839197373444016), (1e8, 0.00012533141357488577),
        (1e15, 3.963327297606011e-08),
    ],
    "scaled_modified_bessel_k1": [
        (1e-100, 1e100), (1e-9, 1000000001.0), (1e8, 0.00012533141420154284),
        (1e15, 3.963327297606012e-08),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", FAR_AND_NEAR)
def test_bessel_functions_far_from_0_and_near_it(name):
    x, expected = zip(*FAR_AND_NEAR[name], strict=True)
    function = getattr(mt.special, name)
    found = function(mt.tensor(x, dtype=mt.float64)).tolist()
    assert found == pytest.approx(expected, rel=1e-12)
    if name[0] == "i":
        sign = 1 if name == "i0e" else -1
        turned = function(-mt.tensor(x, dtype=mt.float64)) * sign
        assert turned.tolist() == found
    ends = function(mt.tensor([math.inf, math.nan], dtype=mt.float64)).tolist()
    assert ends[0] == 0 and math.isnan(ends[1])
