"""Seams and refusals of pooling of volumes; the rest is in test_volumes.py."""

from tables import at_the_seams, numbers, refused_as_by_torch

SEAMS = {
    "bins that keep a length": lambda lib: (
        lib.nn.functional.adaptive_avg_pool3d(numbers(lib, 1, 2, 3, 4), (None, 1, 2)),
        lib.nn.functional.adaptive_max_pool3d(numbers(lib, 1, 2, 3, 4), (1, None, None)),
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "pool of no slices": (
        lambda lib: lib.nn.functional.max_pool3d(lib.ones(1, 1, 0, 4, 4), 1),
        "Expected input to have non-zero size",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)
