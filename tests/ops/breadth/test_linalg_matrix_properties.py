"""Norms and determinants: against torch."""

from tables import gradients_of, on_random_matrices, on_square_matrices, spd

import minitorch_cnn as mt

ON_MATRICES = {
    "vector_norm": (lambda lib, a: lib.linalg.vector_norm(a, 3, 1), 1, 0.2, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

ON_SQUARE_MATRICES = {
    "det": lambda lib, a: lib.linalg.det(a),
    "slogdet": lambda lib, a: lib.linalg.slogdet(a)[1],
    "logdet": lambda lib, a: lib.logdet(spd(lib, a)),
    "matrix_norm": lambda lib, a: lib.linalg.matrix_norm(a, "nuc"),
    "cond": lambda lib, a: lib.linalg.cond(spd(lib, a)),
}

test_matrix_operation = on_square_matrices(ON_SQUARE_MATRICES)

GRADIENTS = [
    lambda a: mt.linalg.det(a),
]

test_gradients = gradients_of(GRADIENTS)
