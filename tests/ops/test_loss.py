"""Classification losses at their seams; the rest is in tests/nn/test_loss.py."""

from tables import at_the_seams, matrix, numbers, refused_as_by_torch

SEAMS = {
    "cross_entropy of all smoothed": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 2, 3), lib.tensor([0, 2]), label_smoothing=1.0
    ),
    "cross_entropy without a row": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 2, 3), lib.tensor([1, 2]), ignore_index=1, label_smoothing=0.1
    ),
    "cross_entropy of weights without a row": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 2, 3), lib.tensor([1, 2]), lib.tensor([1.0, 5.0, 2.0]), ignore_index=1
    ),
    "cross_entropy of one sample": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 3), lib.tensor(2), lib.tensor([1.0, 5.0, 2.0]), reduction="none"
    ),
    "cross_entropy of an image": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 1, 3, 2), lib.tensor([[0, 2]]), reduction="none"
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "cross_entropy smoothed by more than all": (
        lambda lib: lib.nn.functional.cross_entropy(
            matrix(lib), lib.tensor([0, 1]), label_smoothing=1.5
        ),
        "1.5",
    ),
    "cross_entropy with other weights": (
        lambda lib: lib.nn.functional.cross_entropy(matrix(lib), lib.tensor([0, 1]), lib.ones(2)),
        r"\[2\]",
    ),
    "cross_entropy of other batches": (
        lambda lib: lib.nn.functional.cross_entropy(matrix(lib), lib.tensor([0])),
        r"\(2\).*\(1\)",
    ),
    "cross_entropy of integer probabilities": (
        lambda lib: lib.nn.functional.cross_entropy(matrix(lib), matrix(lib).long()),
        "int64",
    ),
    "nll_loss of a number": (
        lambda lib: lib.nn.functional.nll_loss(lib.tensor(1.0), lib.tensor(0)),
        r"Expected 1 or more dimensions \(got 0\)",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)
