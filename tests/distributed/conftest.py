"""Programs of several processes, started by mpiexec."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import minitorch_cnn as mt
from minitorch_cnn.distributed.run import find_mpiexec


@pytest.fixture(scope="session")
def mpiexec():
    """The command; tests that ask for it are skipped where it is missing."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: the extra mpi")
    try:
        return find_mpiexec()
    except SystemExit as error:
        pytest.skip(str(error))


@pytest.fixture
def call(tmp_path):
    """call("mpiexec", ..., NAME="value"): what became of a command, with its output as text.

    A variable that is None is taken out of the environment.
    """

    def call(*command, timeout=60, **environment):
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(mt.__file__).parent.parent),
            "TMPDIR": str(tmp_path),
            "PYTHONUNBUFFERED": "",  # a line is written at once, and not torn by another's
            "MINITORCH_CNN_KERNELS": "array",  # to start without Numba takes half the time
            **environment,
        }
        return subprocess.run(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            env={name: value for name, value in environment.items() if value is not None},
        )

    return call


@pytest.fixture
def program(mpiexec, call, tmp_path):
    """program(3, "text of a program"): what became of three processes that run it."""

    def program(count, text, timeout=60, **environment):
        file = tmp_path / "program.py"
        file.write_text(
            "import os, signal, sys, time\n"
            "from datetime import timedelta\n"
            "import minitorch_cnn as mt\n"
            "import minitorch_cnn.distributed as dist\n" + text
        )
        command = [mpiexec, "-n", count, sys.executable, file]
        return call(*command, timeout=timeout, **environment)

    return program
