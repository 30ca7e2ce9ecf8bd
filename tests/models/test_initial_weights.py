"""The same seed makes torchvision's networks, weight for weight (stored: CI has none)."""

import json

import pytest

import minitorch_cnn as mt
from minitorch_cnn import models
from tests.models import initial_weights

EXPECTED = json.loads(initial_weights.STORED.read_text())


@pytest.mark.parametrize("name", initial_weights.MODELS)
def test_a_network_of_the_same_seed_has_the_same_weights(name):
    found = initial_weights.sums(mt, models, name)
    assert found == pytest.approx(EXPECTED[name], rel=1e-6)
    assert found[2] == EXPECTED[name][2]
