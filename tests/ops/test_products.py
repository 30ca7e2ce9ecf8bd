"""Matrix products: against torch."""

import math

from tables import (
    A,
    M,
    X,
    against_torch,
    at_the_seams,
    case,
    matrix,
    numbers,
    raises,
    refused_as_by_torch,
    refused_here,
    row,
)

import minitorch_cnn as mt

CASES = [
    case("matmul_22", lambda lib, a, b: a @ b, M, (4, 2)),
    case("matmul_12", lambda lib, a, b: a @ b, (4,), (4, 2)),
    case("matmul_21", lambda lib, a, b: a @ b, M, (4,)),
    case("matmul_11", lambda lib, a, b: a @ b, (4,), (4,)),
    case("matmul_32", lambda lib, a, b: lib.matmul(a, b), A, (4, 2)),
    case("matmul_31", lambda lib, a, b: lib.matmul(a, b), A, (4,)),
    case("matmul_13", lambda lib, a, b: lib.matmul(a, b), (3,), A),
    case("matmul_23", lambda lib, a, b: lib.matmul(a, b), (5, 3), A),
    case("matmul_batches", lambda lib, a, b: a @ b, (2, 1, 3, 4), (5, 4, 2)),
    case("mm", lambda lib, a, b: lib.mm(a, b.t()), M, M),
    case("bmm", lambda lib, a, b: a.bmm(b.mT), A, A),
    case("mv", lambda lib, a, b: a.mv(b), M, (4,)),
    case("dot", lambda lib, a, b: lib.dot(a, b), (4,), (4,)),
    case("outer", lambda lib, a, b: lib.outer(a, b), (4,), (3,)),
    case("addmm", lambda lib, c, a, b: lib.addmm(c, a, b, beta=2, alpha=3), (2,), M, (4, 2)),
    case("addmv", lambda lib, c, a, b: lib.addmv(c, a, b, beta=0.5), (3,), M, (4,)),
    case("baddbmm", lambda lib, c, a, b: c.baddbmm(a, b.mT), (2, 3, 3), A, A),
    case("trace", lambda lib, a: a.trace() ** 2, (3, 3)),
    case("tensordot", lambda lib, a, b: lib.tensordot(a, b, 2), A, (3, 4, 2)),
    case(
        "tensordot_dims",
        lambda lib, a, b: lib.tensordot(a, b, dims=([2, 0], [0, 1])),
        A,
        (4, 2, 3),
    ),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

SEAMS = {
    "matmul of batches and a vector": lambda lib: numbers(lib, 2, 2, 3) @ numbers(lib, 3),
    "matmul of a vector and batches": lambda lib: numbers(lib, 3) @ numbers(lib, 2, 3, 2),
    "addmm without input": lambda lib: lib.addmm(
        lib.full((2, 2), float("nan")), lib.ones(2, 2), lib.ones(2, 2), beta=0
    ),
    "tensordot of axes out of order": lambda lib: lib.tensordot(
        numbers(lib, 2, 3, 4), numbers(lib, 4, 2, 5), ([2, 0], [0, 1])
    ),
    "tensordot of length 1": lambda lib: lib.tensordot(
        numbers(lib, 2, 1), numbers(lib, 3, 2), ([1], [0])
    ),
    "tensordot of the other length 1": lambda lib: lib.tensordot(
        numbers(lib, 2, 3), numbers(lib, 1, 2), ([1], [0])
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "matmul of batches that do not fit": (
        lambda lib: lib.ones(2, 1, 2) @ lib.ones(3, 2, 1),
        r"\[2, 1, 2\] and \[3, 2, 1\]",
    ),
    "bmm of other batches": (
        lambda lib: lib.bmm(lib.ones(2, 1, 2), lib.ones(1, 2, 1)),
        r"\[2, 1, 2\] and \[1, 2, 1\]",
    ),
    "addmm of another type": (
        lambda lib: lib.addmm(lib.ones(2, 2).double(), lib.ones(2, 2), lib.ones(2, 2)),
        "float64 and .*float32",
    ),
    "outer of matrices": (lambda lib: lib.outer(matrix(lib), row(lib)), r"\[2, 3\]"),
    "tensordot of more axes than there are": (
        lambda lib: lib.tensordot(matrix(lib), matrix(lib), 3),
        "got 3",
    ),
    "tensordot of other axes": (
        lambda lib: lib.tensordot(matrix(lib), matrix(lib), ([0, 1], [0])),
        r"\[0, 1\] and \[0\]",
    ),
    "tensordot of other lengths": (
        lambda lib: lib.tensordot(matrix(lib), matrix(lib), ([0], [1])),
        r"\[2\].*\[3\]",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

REFUSED_HERE = {
    "addmm of integers and a fraction": (
        lambda lib: lib.addmm(*[lib.ones(2, 2).long()] * 3, alpha=0.5),
        "0.5",
    ),
}

test_refused_here = refused_here(REFUSED_HERE)

ERRORS = [
    (lambda: X @ X, RuntimeError, "2x3 and 2x3"),
    (lambda: X @ mt.zeros(3, 2).double(), RuntimeError, "same dtype"),
    (lambda: X @ mt.tensor(1.0), RuntimeError, "0D"),
    (lambda: mt.bmm(X, X), RuntimeError, "3D"),
    (lambda: mt.mv(X, X), RuntimeError, "1D"),
    (lambda: mt.dot(mt.zeros(2), mt.zeros(3)), RuntimeError, "same number"),
    (lambda: [1] @ X, TypeError, "unsupported operand"),
]

test_error = raises(ERRORS)


def test_addmm_with_beta_0_ignores_its_input():
    nan = mt.full((2, 2), math.nan)
    assert mt.addmm(nan, mt.eye(2), mt.eye(2), beta=0).tolist() == [[1, 0], [0, 1]]
