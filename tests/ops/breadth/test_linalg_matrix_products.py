"""torch.linalg's matrix products: against torch."""

import numpy as np
import pytest
from tables import against_torch, at_the_seams, case, matrix, numbers, refused_as_by_torch, row

import minitorch_cnn as mt

CASES = [
    case("multi_dot", lambda lib, a, b, c: lib.linalg.multi_dot([a, b, c]), (2, 3), (3, 4), (4, 2)),
    case("multi_dot_vectors", lambda lib, *each: lib.linalg.multi_dot(each), (3,), (3, 4), (4,)),
    case("multi_dot_two", lambda lib, a, b: lib.linalg.multi_dot([a, b]), (2, 3), (3,)),
    case("matmul", lambda lib, a, b: lib.linalg.matmul(a, b), (2, 3, 4), (4, 2)),
    case("cross", lambda lib, a, b: lib.linalg.cross(a, b), (2, 3), (2, 3)),
    case("cross_dim", lambda lib, a, b: lib.linalg.cross(a, b, dim=0), (3, 2), (3, 1)),
    case("vecdot", lambda lib, a, b: lib.linalg.vecdot(a, b), (2, 3), (3,)),
    case("vecdot_dim", lambda lib, a, b: lib.linalg.vecdot(a, b, dim=0), (2, 3), (2, 1)),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

SEAMS = {
    "vecdot of nothing": lambda lib: lib.linalg.vecdot(lib.ones(2, 0), lib.ones(2, 0)),
    "cross of integers": lambda lib: lib.linalg.cross(
        lib.tensor([[1, 2, 3]]), lib.tensor([[4, 5, 6]])
    ),
    "multi_dot of a row and a column": lambda lib: lib.linalg.multi_dot([row(lib), row(lib)]),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "multi_dot of one": (lambda lib: lib.linalg.multi_dot([matrix(lib)]), "got 1"),
    "multi_dot of a vector inside": (
        lambda lib: lib.linalg.multi_dot([matrix(lib), lib.ones(3), lib.ones(3)]),
        "tensor 1 must be 2D but got 1D",
    ),
    "multi_dot of neighbours that do not fit": (
        lambda lib: lib.linalg.multi_dot([matrix(lib), matrix(lib)]),
        "2x3 and 2x3",
    ),
    "cross of another length": (
        lambda lib: lib.linalg.cross(numbers(lib, 2, 4), numbers(lib, 2, 4)),
        "4",
    ),
    "cross of other numbers of dimensions": (
        lambda lib: lib.linalg.cross(matrix(lib), lib.ones(3)),
        r"\[2, 3\] and \[3\]",
    ),
    "vecdot of shapes that do not broadcast": (
        lambda lib: lib.linalg.vecdot(matrix(lib), lib.ones(2)),
        r"\(3\).*\(2\)",
    ),
    "vecdot along no dimension": (
        lambda lib: lib.linalg.vecdot(matrix(lib), matrix(lib), dim=2),
        "2",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)


def test_the_cross_product_stands_at_right_angles_to_both():
    rng = np.random.default_rng(0)
    a, b = (mt.tensor(rng.standard_normal((5, 3))) for _ in range(2))
    c = mt.linalg.cross(a, b)
    for each in (a, b):
        assert mt.linalg.vecdot(c, each).abs().max().item() == pytest.approx(0, abs=1e-12)
