"""Rarer functions of two numbers: against torch."""

from tables import A, against_torch, case, on_random_matrices

import minitorch_cnn as mt

CASES = [
    case("atan2", lambda lib, a, b: lib.atan2(a, b), A, (4,), low=0.3),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ON_MATRICES = {
    "hypot": (lambda lib, a, b: lib.hypot(a, b), 2, 0.2, 3.0),
    "copysign": (lambda lib, a, b: lib.copysign(a, b) ** 2, 2, -3.0, 3.0),
    "fmax": (lambda lib, a, b: lib.fmax(a, b) ** 2, 2, -3.0, 3.0),
    "fmin": (lambda lib, a, b: lib.fmin(a, b) ** 2, 2, -3.0, 3.0),
    "float_power": (lambda lib, a, b: lib.float_power(a, b), 2, 0.3, 2.0),
    "logaddexp": (lambda lib, a, b: lib.logaddexp(a, b), 2, -3.0, 3.0),
    "logaddexp2": (lambda lib, a, b: lib.logaddexp2(a, b), 2, -3.0, 3.0),
    "xlogy": (lambda lib, a, b: lib.xlogy(a, b), 2, 0.2, 3.0),
    "ldexp": (lambda lib, a, b: lib.ldexp(a, b), 2, -2.0, 2.0),
    "rsub": (lambda lib, a, b: lib.rsub(a, b, alpha=2) ** 2, 2, -2.0, 2.0),
}

test_operation = on_random_matrices(ON_MATRICES)


def test_float_power_of_unsigned_integers():
    """The exponent must not take on the base's type, in which -1 is 255."""
    x = mt.tensor([1, 2, 4], dtype=mt.uint8)
    assert mt.float_power(x, -1).tolist() == [1.0, 0.5, 0.25]
    assert mt.float_power(x, 300).dtype is mt.float64
    assert mt.float_power(-2, mt.tensor([1, 2], dtype=mt.uint8)).tolist() == [-2.0, 4.0]
    assert mt.float_power(x, mt.tensor([-1, -1, -2], dtype=mt.int8)).tolist() == [1.0, 0.5, 0.0625]
