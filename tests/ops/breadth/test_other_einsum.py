"""einsum: against torch."""

from tables import (
    A,
    M,
    X,
    against_torch,
    at_the_seams,
    case,
    matrix,
    numbers,
    on_random_matrices,
    raises,
    refused_as_by_torch,
)

import minitorch_cnn as mt

CASES = [
    *(
        case(f"einsum {equation}", lambda lib, *x, e=equation: lib.einsum(e, *x), *shapes)
        for equation, *shapes in [
            ("ij->ji", M),
            ("ij->", M),
            ("ij->j", M),
            ("ii->i", (3, 3)),
            ("ii", (3, 3)),
            ("iji->j", (3, 2, 3)),
            ("ij,jk", M, (4, 2)),
            ("i,j->ij", (3,), (4,)),
            ("bij,bjk->bik", A, (2, 4, 5)),
            ("bij,bkj->bik", A, A),
            ("ij,ij->", M, M),
            ("ij,k->i", M, (2,)),
            ("nchw,kc->nkhw", (2, 3, 2, 2), (4, 3)),
            ("ij,jk,kl->il", M, (4, 2), (2, 3)),
            ("ij,i,j->", M, (3,), (4,)),
            ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
            ("...i,i->...", A, (4,)),
            ("b...->...b", A),
            ("ij,ij->ij", (3, 1), (1, 4)),
            ("ij,jk->ik", (3, 1), (4, 2)),
        ]
    ),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ON_MATRICES = {
    "einsum_lists": (lambda lib, a, b: lib.einsum(a, [0, 1], b, [2, 1], [2, 0]), 2, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

SEAMS = {
    "einsum of more axes": lambda lib: lib.einsum(
        "...ij,...jk", numbers(lib, 2, 3, 2, 2), numbers(lib, 3, 2, 2)
    ),
    "einsum of letters in order": lambda lib: lib.einsum("bA", numbers(lib, 2, 3)),
    "einsum of three": lambda lib: lib.einsum(
        "ij,jk,kj->i", numbers(lib, 2, 3), numbers(lib, 3, 4), numbers(lib, 4, 3)
    ),
    "einsum of length 1": lambda lib: lib.einsum("ij,ij->j", numbers(lib, 2, 3), lib.ones(1, 3)),
    "einsum of a first length 1": lambda lib: lib.einsum("i,i->i", lib.ones(1), numbers(lib, 3)),
    "einsum of lists": lambda lib: lib.einsum(
        numbers(lib, 2, 3), [..., 0], numbers(lib, 3, 4), [0, 30], [..., 30]
    ),
    "einsum of lists without a result": lambda lib: lib.einsum(numbers(lib, 2, 3), [27, 1]),
    "einsum of a diagonal": lambda lib: lib.einsum("iji->ji", numbers(lib, 2, 3, 2)),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "einsum with a letter twice in the result": (
        lambda lib: lib.einsum("ij->ii", matrix(lib)),
        "more than once",
    ),
    "einsum with fewer letters": (lambda lib: lib.einsum("i", matrix(lib)), r"\[2, 3\]"),
    "einsum with the diagonal of no square": (
        lambda lib: lib.einsum("ii->i", matrix(lib)),
        "3 != 2",
    ),
    "einsum of two types": (
        lambda lib: lib.einsum("ij,ij", matrix(lib), matrix(lib).double()),
        "same dtype",
    ),
    "einsum by numbers below 0": (
        lambda lib: lib.einsum(matrix(lib), [0, -1], [0]),
        "-1",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

ERRORS = [
    (lambda: mt.einsum("", []), ValueError, "at least one operand"),
    (lambda: mt.einsum("ij,jk->ik", X), RuntimeError, "fewer operands were provided"),
    (lambda: mt.einsum("ij", X, X), RuntimeError, "more operands were provided"),
    (lambda: mt.einsum(". ..", X), RuntimeError, "operand 0 that is not part of any ellipsis"),
    (lambda: mt.einsum("... ...", X), RuntimeError, "operand 0 for which an ellipsis was already"),
    (lambda: mt.einsum("ij->... .", X), RuntimeError, "for output but an ellipsis"),
    (lambda: mt.einsum("ijk...", X), RuntimeError, r"\(3\) is more than .* dimensions \(2\)"),
    (lambda: mt.einsum("ij->1", X), RuntimeError, "invalid subscript given at index 4"),
    (lambda: mt.einsum("ijk->i", X), RuntimeError, "ijk"),
    (lambda: mt.einsum("ij->ix", X), RuntimeError, "output subscript x does not appear"),
    (
        lambda: mt.einsum("ij,ij", X, mt.zeros(2, 2)),
        RuntimeError,
        "j has size 2 for operand 1 which",
    ),
    (lambda: mt.einsum("ii", X), RuntimeError, "i is repeated"),
    (lambda: mt.einsum("1j", X), RuntimeError, "letters"),
    (lambda: mt.einsum([0, 1], X), ValueError, "subscripts"),
]

test_error = raises(ERRORS)
