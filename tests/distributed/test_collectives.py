"""Collectives of one, two and three processes. What is checked is in collective_checks.py."""

import importlib.util
import socket
import sys
from pathlib import Path

import collective_checks
import pytest

import minitorch_cnn as mt
import minitorch_cnn.distributed as dist

PROGRAM = Path(collective_checks.__file__)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_of_processes(count, mpiexec, call):
    arguments = []
    if count == 2 and importlib.util.find_spec("torch"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            arguments = [free.getsockname()[1]]
    start = [mpiexec, "-n", count] if count > 1 else []
    done = call(*start, sys.executable, "-W", "ignore::FutureWarning", PROGRAM, *arguments)
    assert done.returncode == 0, done.stdout
    assert sorted(done.stdout.splitlines()) == [f"rank {rank} is content" for rank in range(count)]


def test_before_init_process_group():
    for call in (
        lambda: dist.all_reduce(mt.ones(2)),
        lambda: dist.get_rank(),
        lambda: dist.destroy_process_group(),
        lambda: dist.barrier(),
        lambda: dist.send(mt.ones(2), 0),
    ):
        with pytest.raises(ValueError, match=r"has not been initialized.*init_process_group"):
            call()
    assert dist.is_initialized() is False and dist.group.WORLD is None
    assert dist.Backend("MPI") == dist.Backend.MPI == "mpi"
    with pytest.raises(ValueError, match="string"):
        dist.Backend(3)


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({"backend": "ucc"}, ValueError, "Unknown backend 'ucc'.*mpi.*nccl"),
        ({"backend": "mpi", "timeout": 3}, TypeError, "timedelta, got 3"),
        ({"backend": "mpi", "store": object()}, NotImplementedError, "mpiexec"),
        ({"backend": "mpi", "init_method": "xx://"}, ValueError, "xx://.*env://"),
    ],
)
def test_wrong_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        dist.init_process_group(**arguments)
