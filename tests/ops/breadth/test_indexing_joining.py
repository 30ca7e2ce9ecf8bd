"""Stacking and splitting by columns: against torch."""

from tables import on_random_matrices

ON_MATRICES = {
    "column_stack": (lambda lib, a, b: lib.column_stack((a, b)) ** 2, 2, -3.0, 3.0),
    "dstack": (lambda lib, a, b: lib.dstack((a, b)) ** 2, 2, -3.0, 3.0),
    "hsplit": (lambda lib, a: lib.hsplit(a * a, [1]), 1, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)
