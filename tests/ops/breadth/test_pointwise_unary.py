"""Rarer functions of one number: against torch, and at special numbers."""

import math

import numpy as np
from tables import gradients_of, on_random_matrices

import minitorch_cnn as mt

ON_MATRICES = {
    "acosh": (lambda lib, a: lib.acosh(a), 1, 1.1, 3.0),
    "asinh": (lambda lib, a: lib.asinh(a), 1, -3.0, 3.0),
    "atanh": (lambda lib, a: lib.atanh(a), 1, -0.9, 0.9),
    "erfc": (lambda lib, a: lib.erfc(a), 1, -3.0, 3.0),
    "erfinv": (lambda lib, a: lib.erfinv(a), 1, -0.99, 0.99),
    "logit": (lambda lib, a: lib.logit(a), 1, 0.05, 0.95),
    "logit_eps": (lambda lib, a: lib.logit(a, eps=0.2), 1, 0.05, 0.95),
    "sinc": (lambda lib, a: lib.sinc(a), 1, 0.1, 3.0),
    "deg2rad": (lambda lib, a: lib.deg2rad(a) ** 2, 1, -3.0, 3.0),
    "rad2deg": (lambda lib, a: lib.rad2deg(a) ** 2, 1, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

GRADIENTS = [
    mt.erfinv,
]

test_gradients = gradients_of(GRADIENTS)


def test_sinc_at_0_and_at_whole_numbers():
    x = mt.tensor([0.0, 1.0, -2.0, 0.5], dtype=mt.float64, requires_grad=True)
    y = mt.sinc(x)
    np.testing.assert_allclose(y.detach().numpy(), [1, 0, 0, 2 / math.pi], atol=1e-15)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, -1, -0.5, -4 / math.pi], atol=1e-12)


def test_signbit_of_integers_and_of_minus_zero():
    assert mt.signbit(mt.tensor([-1, 0, 1])).tolist() == [True, False, False]
    assert mt.signbit(mt.tensor([-0.0, 0.0])).tolist() == [True, False]
