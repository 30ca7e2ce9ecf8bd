"""Cholesky, QR, eigenvalues and SVD: against torch and NumPy."""

import numpy as np
import pytest
from tables import gradients_of, on_square_matrices, spd

import minitorch_cnn as mt

ON_SQUARE_MATRICES = {
    "cholesky": lambda lib, a: lib.linalg.cholesky(spd(lib, a)),
    "qr": lambda lib, a: lib.linalg.qr(spd(lib, a)[..., :2, :])[1] ** 2,
    "eigvalsh": lambda lib, a: lib.linalg.eigvalsh(spd(lib, a)),
    "eigh": lambda lib, a: lib.linalg.eigh(spd(lib, a))[1] ** 2,  # up to the sign
    "svdvals": lambda lib, a: lib.linalg.svdvals(a),
    "svd": lambda lib, a: lib.linalg.svd(a[..., :2], full_matrices=False)[0] ** 2,
}

test_matrix_operation = on_square_matrices(ON_SQUARE_MATRICES)

GRADIENTS = [
    lambda a: mt.linalg.qr(a)[0] ** 2,
]

test_gradients = gradients_of(GRADIENTS)


def test_qr_without_q():
    a = mt.randn(4, 3, dtype=mt.float64)
    q, r = mt.linalg.qr(a, "r")
    assert q.shape == (0,)
    np.testing.assert_allclose(np.abs(r.numpy()), np.abs(np.linalg.qr(a.numpy())[1]), rtol=1e-9)


@pytest.mark.parametrize(
    "path", ["linalg.qr", "linalg.eigh", "linalg.svd", "linalg.slogdet", "svd", "frexp"]
)
def test_the_parts_of_a_result_have_torchs_names(path):
    torch = pytest.importorskip("torch")
    parts = []
    for lib in (mt, torch):
        function = lib
        for name in path.split("."):
            function = getattr(function, name)
        result = function(2 * lib.eye(3))
        names = [n for n in dir(result) if not n.startswith("_") and n not in dir(tuple)]
        parts.append({n for n in names if isinstance(getattr(result, n), lib.Tensor)})
    assert parts[0] == parts[1] and len(parts[0]) == len(result)
