"""Functions of one tensor: against torch and math."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import A, against_torch, case, raises

import minitorch_cnn as mt

SMOOTH = ["exp", "exp2", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "sigmoid"]
SMOOTH += ["erf"]

CASES = [
    case("floor", lambda lib, a: a * a.floor(), A),
    case("abs", lambda lib, a: a.abs() * a, A),
    case("sign", lambda lib, a: a.sign() * a, A),
    case("square", lambda lib, a: a.square(), A),
    *(
        case(name, lambda lib, a, name=name: getattr(lib, name)(a), A)
        for name in [
            "exp",
            "exp2",
            "expm1",
            "sin",
            "cos",
            "tan",
            "atan",
            "sinh",
            "cosh",
            "tanh",
            "sigmoid",
            "erf",
        ]
    ),
    *(
        case(name, lambda lib, a, name=name: getattr(a, name)(), A, low=0.3)
        for name in ["log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"]
    ),
    *(
        case(name, lambda lib, a, name=name: getattr(lib, name)(a), A, low=-0.9, high=0.9)
        for name in ["asin", "acos"]
    ),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ERRORS = [
    (lambda: abs(mt.tensor([True])), RuntimeError, "bool"),
]

test_error = raises(ERRORS)


DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


@given(st.lists(st.floats(-8, 8), max_size=30))
def test_erf(values):
    from minitorch_cnn.kernels.array.special import erf

    expected = [math.erf(value) for value in values]
    np.testing.assert_allclose(erf(np.array(values)), expected, rtol=4e-15, atol=0)
    single = erf(np.array(values, np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-6, atol=1e-6)


def test_erf_of_special_numbers():
    from minitorch_cnn.kernels.array.special import erf

    special = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 6.0, 1e300])
    result = erf(special)
    np.testing.assert_array_equal(result, [1, -1, np.nan, 0, 0, 1, 1])
    assert np.signbit(result[4]) and not np.signbit(result[3])


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize(
    "name",
    ["sum", "prod", "mean", "cumsum", "abs", "sign", "square", "neg", "exp", "floor", "all", "any"]
    + ["argmax", "amax", "sqrt"],
)
def test_types_of_unary_results_as_torch(name, kind):
    torch = pytest.importorskip("torch")
    if kind == "bool" and name in ("floor", "argmax"):
        pytest.skip("torch has no such kernel; ours gives the obvious result")

    def result_of(lib):
        x = lib.tensor([1, 0, 1]).to(getattr(lib, kind))
        result = x.cumsum(0) if name == "cumsum" else getattr(x, name)()
        return str(result.dtype).split(".")[-1], result.tolist()

    try:
        expected = result_of(torch)
    except (RuntimeError, NotImplementedError):
        with pytest.raises((RuntimeError, NotImplementedError)):
            result_of(mt)
        return
    result = result_of(mt)
    assert result[0] == expected[0]
    np.testing.assert_allclose(result[1], expected[1], rtol=1e-3)
