"""Values and gradients against those that torch computed once: no torch is needed to run this."""

from pathlib import Path

import numpy as np
import pytest
from cases import CASES

import minitorch_cnn as mt

STORED = dict(np.load(Path(__file__).parent / "reference" / "reference.npz"))


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    function, shapes = CASES[name]
    inputs = [
        mt.tensor(STORED[f"{name}/input{index}"], requires_grad=True)
        for index in range(len(shapes))
    ]
    result = function(mt, *inputs)
    np.testing.assert_allclose(
        result.detach().numpy(), STORED[f"{name}/result"], rtol=1e-10, atol=1e-12
    )
    gradients = mt.autograd.grad(
        result, inputs, mt.tensor(STORED[f"{name}/cotangent"]), materialize_grads=True
    )
    for index, gradient in enumerate(gradients):
        np.testing.assert_allclose(
            gradient.numpy(), STORED[f"{name}/gradient{index}"], rtol=1e-9, atol=1e-11
        )


def test_every_stored_case_is_tested():
    assert {key.split("/")[0] for key in STORED if "/" in key} == set(CASES)
