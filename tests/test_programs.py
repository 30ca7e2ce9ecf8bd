"""Programs as people write them for torch: with the name replaced they run and give its numbers.

The programs in tests/programs import `torch`. Ours runs first, with "minitorch_cnn" in the place of
that word, then torch's with the weights that ours began with. What both report must agree.
"""

import re
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")
PROGRAMS = [
    Path(__file__).parent / "programs" / f"{n}.py" for n in ("gan", "images", "tricks", "unet")
]


@pytest.fixture(autouse=True)
def settings():
    """Programs set the default dtype and seeds."""
    state = mt.get_rng_state()
    yield
    mt.set_rng_state(state)
    for lib in (mt, torch):
        lib.set_default_dtype(lib.float32)


def run(source, name, same_weights, monkeypatch):
    """Runs a program; returns what it reported."""
    # torch's own test utilities, which the tests of other files import, forbid to set flags.
    names = torch.backends.flags_frozen.__globals__
    monkeypatch.setitem(names, "__allow_nonbracketed_mutation_flag", True)
    numbers = []
    helpers = types.ModuleType("program")
    helpers.report = lambda *values: numbers.extend(values)
    helpers.same_weights = same_weights
    monkeypatch.setitem(sys.modules, "program", helpers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch finds its own older names deprecated
        exec(compile(source, name, "exec"), {"__name__": "__main__"})
    return numbers


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_gives_torchs_numbers(path, monkeypatch):
    source, saved = path.read_text(), []

    def save(*models):
        for model in models:
            model.double()
            saved.append({name: v.numpy().copy() for name, v in model.state_dict().items()})

    def restore(*models):
        for model in models:
            values = {name: torch.from_numpy(v) for name, v in saved.pop(0).items()}
            model.double().load_state_dict(values)

    replaced = re.sub(r"\btorch\b", "minitorch_cnn", source)
    ours = run(replaced, f"{path.stem}, replaced", save, monkeypatch)
    theirs = run(source, str(path), restore, monkeypatch)
    assert len(ours) > 10
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)
