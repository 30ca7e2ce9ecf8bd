"""Powers of matrices: against torch."""

from tables import on_square_matrices

import minitorch_cnn as mt

ON_SQUARE_MATRICES = {
    "matrix_power": lambda lib, a: lib.linalg.matrix_power(a, 3),
}

test_matrix_operation = on_square_matrices(ON_SQUARE_MATRICES)


def test_the_zeroth_power_of_a_singular_matrix():
    assert mt.linalg.matrix_power(mt.zeros(2, 2), 0).tolist() == [[1, 0], [0, 1]]
