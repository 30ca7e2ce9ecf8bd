"""cross, cdist, renorm: against torch."""

from tables import gradients_of, on_random_matrices

import minitorch_cnn as mt


def threes(lib, x):
    """(n, 3): two columns of x and their product."""
    return lib.stack((x[:, 0], x[:, 1], x[:, 0] * x[:, 1]), 1)


ON_MATRICES = {
    "cross": (lambda lib, a, b: lib.cross(threes(lib, a), threes(lib, b), 1), 2, -3.0, 3.0),
    "renorm": (lambda lib, a: lib.renorm(a, 2, 0, 1.5), 1, 0.3, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

GRADIENTS = [
    lambda a: mt.cdist(a, a * 2 + 1),  # torch has no second gradient of it
    lambda a: mt.cdist(a, a * 2 + 1.3, 1.5),
]

test_gradients = gradients_of(GRADIENTS)
