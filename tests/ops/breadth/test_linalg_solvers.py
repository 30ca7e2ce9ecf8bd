"""solve: against torch, and by multiplying back."""

import numpy as np
import pytest
from tables import on_square_matrices, spd

import minitorch_cnn as mt

ON_SQUARE_MATRICES = {
    "solve": lambda lib, a: lib.linalg.solve(spd(lib, a), a),
    "solve_right": lambda lib, a: lib.linalg.solve(spd(lib, a), a, left=False),
    "solve_triangular": lambda lib, a: lib.linalg.solve_triangular(spd(lib, a), a, upper=True),
}

test_matrix_operation = on_square_matrices(ON_SQUARE_MATRICES)


@pytest.mark.parametrize("shape", [(3,), (3, 2), (4, 3), (4, 3, 2)])
def test_solving_for_one_vector_or_many(shape):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4, 3, 3) if shape[0] == 4 else (3, 3))
    B = rng.standard_normal(shape)
    x = mt.linalg.solve(mt.tensor(A), mt.tensor(B)).numpy()
    columns = shape in ((3,), (4, 3))
    product = A @ (x[..., None] if columns else x)
    np.testing.assert_allclose(product[..., 0] if columns else product, B, rtol=1e-9)
