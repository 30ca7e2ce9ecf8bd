"""Twenty steps of the ResNet example on a device: the same losses, and no step waits for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch_cnn as mt

ROOT = Path(__file__).parents[2]
STEPS = 20
EMULATOR = os.environ.get("MINITORCH_CNN_CUPY_ON_CPU", "")
BATCH = {"h2d": 2, "h2d_bytes": 16 * (3 * 32 * 32 * 4 + 8)}  # images and labels
# Launches of elementwise functions, reductions and our own kernels in a step, as emulated. It may
# shrink; if it grows, the reason should be a good one.
MOST_LAUNCHES = 270


def trained(kind):
    path = os.pathsep.join(filter(None, [EMULATOR, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "train.py"), kind, str(STEPS)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "MINITORCH_TRACEBACK": "1"},
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def on_the_host():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINITORCH_CNN_KERNELS", "array")  # the definitions
        return trained("numpy")["losses"]


def assert_same_losses(losses, expected):
    """float32's rounding, 6e-8, in the first steps; training makes any difference grow."""
    assert len(losses) == len(expected) == STEPS
    np.testing.assert_allclose(losses[:3], expected[:3], rtol=2e-6)
    np.testing.assert_allclose(losses, expected, rtol=2e-3)


def test_no_step_on_the_standin_waits_or_copies_but_its_batch(on_the_host):
    result = trained("standin")
    assert_same_losses(result["losses"], on_the_host)
    one_batch = {"syncs": 0, "h2d": 0, "d2h": 0, "uploads": 2}
    assert result["counts"][:-1] == [one_batch] * (STEPS - 1)
    # the last step of the epoch fetches both sums, at once
    assert result["counts"][-1] == one_batch | {"syncs": 1, "d2h": 1}


@pytest.mark.skipif(not EMULATOR, reason="MINITORCH_CNN_CUPY_ON_CPU names no emulated device")
def test_no_step_of_cupy_itself_waits_or_copies_but_its_batch(on_the_host):
    result = trained("emulator")
    assert_same_losses(result["losses"], on_the_host)
    one_batch = {"syncs": 0, "d2h": 0, "d2h_bytes": 0, **BATCH}
    seen = [{name: counts[name] for name in one_batch} for counts in result["counts"]]
    assert seen[:-1] == [one_batch] * (STEPS - 1)
    # the last step of the epoch fetches the sums of losses and of hits, at once
    assert seen[-1] == one_batch | {"syncs": 1, "d2h": 1, "d2h_bytes": 16}

    launches, *others = (counts["launches"] for counts in result["counts"])
    assert 100 < launches <= MOST_LAUNCHES  # it did run there
    assert others == [launches] * (STEPS - 1)
    # Nothing is kept of a step, but the loss that train.py collects.
    assert {counts["live_bytes"] for counts in result["counts"][2:]} == {4}


@pytest.mark.gpu
@pytest.mark.skipif(not mt.cuda.is_available(), reason="needs CuPy and a GPU")
def test_losses_on_the_gpu(on_the_host):
    assert_same_losses(trained("cupy")["losses"], on_the_host)
