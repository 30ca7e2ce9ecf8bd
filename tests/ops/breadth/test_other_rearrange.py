"""flip, roll, rot90: against torch."""

from tables import (
    A,
    X,
    against_torch,
    case,
    matrix,
    on_random_matrices,
    own_memory,
    raises,
    refused_as_by_torch,
    row,
)

CASES = [
    case("flip", lambda lib, x: x.flip(0, 2) ** 2, A),
    case("roll", lambda lib, x: x.roll((1, -2), (0, 2)) ** 2, A),
    case("roll_all", lambda lib, x: x.roll(5) ** 2, A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ON_MATRICES = {
    "rot90": (lambda lib, a: lib.rot90(a, 3) ** 2, 1, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

REFUSED = {
    "fliplr of a vector": (lambda lib: lib.fliplr(row(lib)), r"\[4\]"),
    "flipud of a number": (lambda lib: lib.flipud(lib.tensor(1.0)), "0-d"),
    "roll twice without dims": (lambda lib: lib.roll(matrix(lib), (1, 2)), r"\[1, 2\]"),
    "roll along no dimension": (lambda lib: lib.roll(matrix(lib), 1, 2), "got 2"),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

ERRORS = [
    (lambda: X.flip(0, 0), RuntimeError, "multiple times"),
    (lambda: X.roll((1, 2), (0,)), RuntimeError, "shifts: 2, dims:1"),
]

test_error = raises(ERRORS)

COPIES = [
    lambda lib, x: lib.flip(x, (0,)),
    lambda lib, x: lib.flip(x, ()),
    lambda lib, x: lib.roll(x, 1),
    lambda lib, x: lib.roll(x, 0, 0),
]

test_results_that_do_not_share_memory = own_memory(COPIES)
