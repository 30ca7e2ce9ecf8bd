"""DistributedDataParallel: any number of processes learns what one does, and what torch's does.

The programs that mpiexec runs are beside this file: ddp_training.py, ddp_checks.py and
ddp_on_standin.py.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import ddp_checks
import ddp_training as training
import numpy as np
import pytest

import minitorch_cnn as mt

HERE = Path(training.__file__).parent
CLOSE = dict(rtol=0, atol=1e-10)


def mpiexec():
    """The command that starts processes; skips the test where there is none."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: the extra mpi")
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = shutil.which("mpiexec", path=beside)
    if command is None:
        pytest.skip("there is no mpiexec: the extra mpi")
    return command


def environment():
    root = Path(mt.__file__).parent.parent
    return {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}


def started(world, program, *args):
    """What came of `world` processes that run a program beside this file."""
    start = [mpiexec(), "-n", str(world)]
    return subprocess.run(
        [*(start if world > 1 else []), sys.executable, str(HERE / program), *map(str, args)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def run(world, program, *args):
    """Their output."""
    done = started(world, program, *args)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    place = tmp_path_factory.mktemp("ddp")
    training.write_start(mt, place)
    return place


@pytest.fixture(scope="module")
def alone(directory):
    """What one process learns without any wrapper, from whole batches."""
    with mt.kernel_tier("array"):
        return {
            name: training.run(mt, name, directory, 0, 1, lambda net, wrapping: net)
            for name in training.RUNS
        }


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_learns_what_one_process_does(world, directory, alone):
    run(world, "ddp_training.py", "ours", directory)
    for name, expected in alone.items():
        found = np.load(directory / f"ours-{world}-{name}.npz")
        assert found.files == list(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, err_msg=f"{name}: {key}", **CLOSE)


def test_one_process_does_what_torch_does(directory, alone):
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for small networks, more of them only wait for each other
    for name, ours in alone.items():
        theirs = training.run(torch, name, directory, 0, 1, lambda net, wrapping: net)
        for key, value in theirs.items():
            np.testing.assert_allclose(ours[key], value, err_msg=f"{name}: {key}", **CLOSE)
        assert np.ptp(theirs["losses"]) > 0.01  # the steps did something
    torch.set_num_threads(threads)


def test_two_processes_learn_what_torchs_do(directory):
    """With batch norm, each normalises its own part, and the running averages are rank 0's."""
    pytest.importorskip("torch")
    processes = [
        subprocess.Popen(
            [sys.executable, training.__file__, "torch", str(directory), str(rank), "2"],
            env=environment(),
        )
        for rank in range(2)
    ]
    if not list(directory.glob("apart-2-*")):
        run(2, "ddp_training.py", "ours", directory)
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    for name in training.RUNS:
        for rank in range(2):
            ours = np.load(directory / f"apart-2-{name}-{rank}.npz")
            theirs = np.load(directory / f"torch-2-{name}-{rank}.npz")
            assert ours.files == theirs.files
            for key in ours.files:
                np.testing.assert_allclose(
                    ours[key], theirs[key], err_msg=f"rank {rank}, {name}: {key}", **CLOSE
                )


def test_of_three_processes(directory):
    printed = run(3, "ddp_checks.py", directory).split()
    assert printed == list(ddp_checks.CHECKS)


def test_tensors_on_a_gpu_that_is_not_there():
    run(2, "ddp_on_standin.py")


def test_a_parameter_that_one_process_leaves_out_ends_all():
    done = started(2, "ddp_checks.py", "unused")
    assert done.returncode != 0
    assert "Expected to have finished reduction in the prior iteration" in done.stderr
    assert "on rank 0, these parameters got no gradient: branches.1.weight" in done.stderr
