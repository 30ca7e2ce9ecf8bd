"""From `manual_seed(0)` a whole training program goes torch's way, with nothing else in common."""

import json

import numpy as np
import pytest

import minitorch_cnn as mt
from tests import seeded_training as programs

EXPECTED = json.loads(programs.STORED.read_text())


@pytest.mark.parametrize("program", programs.PROGRAMS)
def test_the_same_curve_as_torch_from_the_seed_alone(program):
    ours = programs.losses(mt, program)
    assert ours[0] != ours[-2]
    np.testing.assert_allclose(ours, EXPECTED[program], rtol=1e-8)


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # these networks are small
    yield torch
    torch.set_num_threads(threads)


@pytest.mark.parametrize("program", programs.PROGRAMS)
def test_the_curve_is_that_of_the_torch_that_is_installed(program, torch):
    np.testing.assert_allclose(programs.losses(torch, program), EXPECTED[program], rtol=1e-8)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_same_curve_with_workers(torch):
    """Each worker augments with numbers of its own."""
    ours = programs.losses(mt, "vgg", workers=2)
    np.testing.assert_allclose(ours, programs.losses(torch, "vgg", workers=2), rtol=1e-8)
    assert ours != EXPECTED["vgg"]
