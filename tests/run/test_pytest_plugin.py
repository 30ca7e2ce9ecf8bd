"""A user's tests of torch run on this package; under xdist each worker has to be told as well."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import minitorch_cnn as mt

LIGHT = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
OPTION = [*LIGHT, "-p", "minitorch_cnn.pytest_plugin", "--torch-is-minitorch"]


def run_pytest(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(Path(mt.__file__).parents[1])}
    environment.pop("PYTEST_PLUGINS", None)
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_option(tmp_path):
    workers = ["-n", "1"] if importlib.util.find_spec("xdist") else []
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "conftest.py").write_text(
        "import pytest, torch\n@pytest.fixture\ndef x():\n    return torch.ones(3)\n"
    )
    (tmp_path / "test_mine.py").write_text(
        "import torch, torchvision\nimport torch.nn.functional as F\n"
        "def test_it(x):\n"
        "    torch.testing.assert_close(F.relu(-x), torch.zeros(3))\n"
        "    assert torch.__version__.endswith('+minitorch')\n"
    )
    done = run_pytest(tmp_path, *OPTION, *workers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "runs in the place of torch 2.13.0" in done.stdout
