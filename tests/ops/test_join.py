"""Joining and taking apart: against torch."""

from tables import (
    A,
    M,
    X,
    against_torch,
    at_the_seams,
    case,
    numbers,
    own_memory,
    raises,
    refused_as_by_torch,
    refused_here,
    row,
)

import minitorch_cnn as mt

CASES = [
    case("unbind", lambda lib, x: x.unbind(1), A),
    case("cat", lambda lib, a, b: lib.cat([a, b], 1) ** 2, A, (2, 1, 4)),
    case("cat_twice", lambda lib, a: lib.cat([a, a * 2], -1) ** 2, A),
    case("stack", lambda lib, a, b: lib.stack((a, b), -1) ** 2, M, M),
    case("hstack", lambda lib, a, b: lib.hstack((a, b)) ** 2, M, (3, 1)),
    case("vstack", lambda lib, a, b: lib.vstack((a, b)) ** 2, (4,), M),
    case("split", lambda lib, x: x.split(2, -1), (3, 5)),
    case("split_sizes", lambda lib, x: lib.split(x, [1, 0, 4], 1), (3, 5)),
    case("chunk", lambda lib, x: x.chunk(3, 1), (2, 7)),
    case("tensor_split", lambda lib, x: x.tensor_split(3, 1), (2, 7)),
    case("tensor_split_at", lambda lib, x: x.tensor_split([1, 4, 9]), (7, 2)),
    case("repeat_interleave", lambda lib, x: x.repeat_interleave(2, 1) ** 2, M),
    case(
        "repeat_interleave_counts",
        lambda lib, x: lib.repeat_interleave(x, lib.tensor([2, 0, 1]), dim=0) ** 2,
        M,
    ),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

SEAMS = {
    "cat with nothing": lambda lib: lib.cat([lib.ones(0), lib.ones(2, 3), lib.ones(0)], 1),
    "cat of nothing": lambda lib: lib.cat([lib.ones(0), lib.ones(0)]),
    "cat with empty rows": lambda lib: lib.cat([lib.ones(0, 3), lib.ones(2, 3)]),
    "cat of two types": lambda lib: lib.cat([lib.tensor([1]), lib.tensor([1.5])]),
    "stack at the end": lambda lib: lib.stack([lib.ones(2), lib.zeros(2)], -1),
    "hstack of numbers": lambda lib: lib.hstack([lib.tensor(1.0), lib.tensor(2.0)]),
    "hstack of matrices": lambda lib: lib.hstack([lib.ones(2, 1), lib.zeros(2, 2)]),
    "vstack of a vector and a matrix": lambda lib: lib.vstack([lib.ones(2), lib.zeros(2, 2)]),
    "split of nothing": lambda lib: lib.ones(0, 2).split(3),
    "split of nothing into nothing": lambda lib: lib.ones(0, 2).split(0),
    "chunk of nothing": lambda lib: lib.ones(2, 0).chunk(3, 1),
    "chunk into more": lambda lib: lib.arange(5).chunk(4),
    "tensor_split into more": lambda lib: lib.tensor_split(lib.arange(2), 3),
    "tensor_split anywhere": lambda lib: lib.tensor_split(lib.arange(6), (4, 2, -1, 9)),
    "tensor_split by a tensor": lambda lib: lib.tensor_split(lib.arange(6), lib.tensor([1, 4])),
    "repeat_interleave by one": lambda lib: numbers(lib, 2, 2).repeat_interleave(
        lib.tensor([2]), 1
    ),
    "repeat_interleave a number": lambda lib: lib.tensor(3.0).repeat_interleave(2),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "cat of numbers": (lambda lib: lib.cat([lib.tensor(1.0)] * 2), "zero-dimensional"),
    "split into nothing": (lambda lib: row(lib).split(0), "split_size=0"),
    "split into less": (lambda lib: row(lib).split(-1), "split_size=-1"),
    "split into negative lengths": (lambda lib: row(lib).split([5, -1]), "5, -1"),
    "chunk into negative": (lambda lib: row(lib).chunk(-1), "-1"),
    "tensor_split of a number": (lambda lib: lib.tensor_split(lib.tensor(1.0), 2), "0 dims"),
    "tensor_split into none": (lambda lib: lib.tensor_split(row(lib), 0), "got 0"),
    "tensor_split at fractions": (
        lambda lib: lib.tensor_split(row(lib), lib.tensor([1.0])),
        "dtype of long, but got Float",
    ),
    "tensor_split at int32": (
        lambda lib: lib.tensor_split(row(lib), lib.tensor([1], dtype=lib.int32)),
        "dtype of long, but got Int",
    ),
    "tensor_split at a matrix": (
        lambda lib: lib.tensor_split(row(lib), lib.tensor([[1]])),
        "2 dims",
    ),
    "repeat_interleave of a negative number": (
        lambda lib: row(lib).repeat_interleave(-1),
        "got -1",
    ),
    "repeat_interleave of negative numbers": (
        lambda lib: row(lib).repeat_interleave(lib.tensor([1, 1, -1, 1])),
        "negative",
    ),
    "repeat_interleave by too few": (
        lambda lib: row(lib).repeat_interleave(lib.tensor([1, 1])),
        "= 2 and .* = 4",
    ),
    "repeat_interleave to another length": (
        lambda lib: row(lib).repeat_interleave(lib.tensor([1, 1, 2, 1]), output_size=4),
        "allocated size 4 does not match required 5",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

REFUSED_HERE = {
    "repeat_interleave of positions by fractions": (
        lambda lib: lib.repeat_interleave(row(lib)),
        "float32",
    ),
}

test_refused_here = refused_here(REFUSED_HERE)

ERRORS = [
    (lambda: mt.cat([]), RuntimeError, "non-empty"),
    (lambda: mt.cat([X, mt.zeros(2)]), RuntimeError, r"\[2\] for tensor number 1"),
    (lambda: mt.cat([X, mt.zeros(3, 3)], 1), RuntimeError, r"\[3, 3\] for tensor number 1"),
    (lambda: mt.cat(X), TypeError, "must be tuple of Tensors, not Tensor"),
    (lambda: mt.cat([X, 1]), TypeError, "tensors.1"),
    (lambda: mt.stack([X, mt.zeros(2)]), RuntimeError, r"\[2\] at entry 1"),
    (lambda: X.split([1, 3], 1), RuntimeError, r"\[1, 3\]"),
    (lambda: X.chunk(0), RuntimeError, "got: 0"),
]

test_error = raises(ERRORS)

COPIES = [
    lambda lib, x: lib.cat([x]),
    lambda lib, x: x.repeat_interleave(1),
]

test_results_that_do_not_share_memory = own_memory(COPIES)
