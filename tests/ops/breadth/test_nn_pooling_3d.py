"""Seams and refusals of pooling of volumes; the rest is in test_volumes.py."""

import numpy as np
from tables import at_the_seams, numbers, refused_as_by_torch

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

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


def test_places_of_maxima_leave_the_gradient_as_it_is():
    x = mt.randn(2, 3, 4, 5, 6, dtype=mt.float64, requires_grad=True)
    y, where = F.max_pool3d(x, 2, return_indices=True)
    gy = mt.randn_like(y)
    (gx,) = mt.autograd.grad(y, x, gy)
    expected = np.zeros((2, 3, 120))
    place, value, found = (each.flatten(2).cpu().numpy() for each in (where, gy, gx))
    np.put_along_axis(expected, place, value, -1)  # windows do not overlap
    assert np.array_equal(found, expected)
