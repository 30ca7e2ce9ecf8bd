"""Running sums, products and extremes, differences, integrals: against torch."""

from tables import A, against_torch, case, gradients_of, on_random_matrices

import minitorch_cnn as mt

CASES = [
    case("cumsum", lambda lib, x: x.cumsum(1) ** 2, A),
    case("cumprod", lambda lib, x: x.cumprod(-1), A),
    case("cumprod_zero", lambda lib, x: (x * lib.tensor([1.0, 0.0, 1.0, 0.0])).cumprod(-1), A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ON_MATRICES = {
    "cummax": (lambda lib, a: lib.cummax(a, 0)[0] ** 2, 1, -3.0, 3.0),
    "cummin": (lambda lib, a: lib.cummin(a, -1)[0] ** 2, 1, -3.0, 3.0),
    "logcumsumexp": (lambda lib, a: lib.logcumsumexp(a, 0), 1, -3.0, 3.0),
    "diff": (lambda lib, a: lib.diff(a, dim=0) ** 2, 1, -3.0, 3.0),
    "diff_2": (lambda lib, a: lib.diff(a, 2, 1, prepend=a) ** 2, 1, -3.0, 3.0),
    "trapezoid": (lambda lib, a, b: lib.trapezoid(a, b, dim=0) ** 2, 2, -3.0, 3.0),
    "cumulative_trapezoid": (lambda lib, a: lib.cumulative_trapezoid(a) ** 2, 1, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

GRADIENTS = [
    lambda a: mt.logcumsumexp(a, 1),
]

test_gradients = gradients_of(GRADIENTS)
