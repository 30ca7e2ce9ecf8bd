"""softmax and logsumexp: against torch, and where the exponentials overflow."""

import math

import numpy as np
import pytest
from tables import A, X, against_torch, case, raises

import minitorch_cnn as mt

CASES = [
    case("softmax", lambda lib, x: x.softmax(1), A),
    case("log_softmax", lambda lib, x: x.log_softmax(-1), A),
    case("logsumexp", lambda lib, x: lib.logsumexp(x, 1), A),
    case("logsumexp_dims", lambda lib, x: lib.logsumexp(x, (0, 2), keepdim=True), A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ERRORS = [
    (lambda: X.softmax(-3), IndexError, "but got -3"),
]

test_error = raises(ERRORS)


def test_exponentials_do_not_overflow():
    x = mt.tensor([1000.0, 1000.0, -1000.0])
    assert x.logsumexp(0).item() == pytest.approx(1000 + math.log(2))
    assert x.softmax(0).tolist() == [0.5, 0.5, 0.0]
    np.testing.assert_allclose(x.log_softmax(0).numpy(), [-math.log(2), -math.log(2), -2000.6931])
    infinite = mt.tensor([[math.inf, 0.0], [-math.inf, -math.inf], [-math.inf, 2.0]])
    assert infinite.logsumexp(1).tolist() == [math.inf, -math.inf, 2.0]
