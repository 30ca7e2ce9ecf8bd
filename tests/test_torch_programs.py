"""Whole torch programs of the public kinds, unedited: they print what torch prints.

tests/programs/torch has the programs, outputs.json what torch printed (make_outputs.py). They run
in this process, as `minitorch_cnn run` runs them; tests/run has that command's own tests.
"""

import json
import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.run import missing_names, run_program

FOLDER = Path(__file__).parent / "programs"
OUTPUTS = json.loads((FOLDER / "outputs.json").read_text())
PROGRAMS = sorted((FOLDER / "torch").glob("*.py"))
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")


@pytest.fixture(autouse=True)
def settings():
    """Programs seed everything, and set what they like."""
    states = mt.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002
    precision = mt.get_float32_matmul_precision()
    yield
    mt.set_rng_state(states[0])
    random.setstate(states[1])
    np.random.set_state(states[2])  # noqa: NPY002
    mt.set_float32_matmul_precision(precision)
    cudnn = mt.backends.cudnn
    cudnn.benchmark = cudnn.deterministic = False


def test_every_program_has_torchs_output():
    assert [path.stem for path in PROGRAMS] == sorted(OUTPUTS) and len(PROGRAMS) == 31


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_prints_what_torch_prints(path, capsys):
    with warnings.catch_warnings(), mt.kernel_tier("array"):
        warnings.simplefilter("ignore")
        run_program(path)
    ours = capsys.readouterr().out
    theirs = "\n".join(OUTPUTS[path.stem]["output"]) + "\n"
    assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs)
    numbers = [np.array(NUMBER.findall(text), float) for text in (ours, theirs)]
    assert len(numbers[0]) >= 3
    # Some print four digits, and float32 is rounded in another order.
    np.testing.assert_allclose(*numbers, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_nothing_is_missing(path):
    """`--list-missing` names nothing that would stop the program."""
    found, files = missing_names(path)
    assert [str(place) for place in found if not place.optional] == []
    assert files == [str(path)]
