"""Inverses and pseudo-inverses: against torch."""

from tables import gradients_of, on_random_matrices, on_square_matrices, spd

import minitorch_cnn as mt

ON_MATRICES = {
    "pinv": (lambda lib, a: lib.linalg.pinv(a + 3 * lib.eye(*a.shape, dtype=a.dtype)), 1, 0.0, 1.0),
}

test_operation = on_random_matrices(ON_MATRICES)

ON_SQUARE_MATRICES = {
    "inv": lambda lib, a: lib.linalg.inv(spd(lib, a)),
}

test_matrix_operation = on_square_matrices(ON_SQUARE_MATRICES)

GRADIENTS = [
    lambda a: mt.linalg.inv(a),
    lambda a: mt.linalg.pinv(a[:2]),
]

test_gradients = gradients_of(GRADIENTS)
