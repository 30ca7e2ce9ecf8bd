"""Collectives of one, two and three processes. What is checked is in collective_checks.py."""

import socket
import sys
from pathlib import Path

import collective_checks
import pytest

import minitorch_cnn as mt
import minitorch_cnn.distributed as dist

PROGRAM = Path(collective_checks.__file__)


def run(call, mpiexec, count, *arguments):
    start = [mpiexec, "-n", count] if count > 1 else []
    done = call(*start, sys.executable, "-W", "ignore::FutureWarning", PROGRAM, *arguments)
    assert done.returncode == 0, done.stdout
    assert sorted(done.stdout.splitlines()) == [f"rank {rank} is content" for rank in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_of_processes(count, mpiexec, call):
    run(call, mpiexec, count)


@pytest.mark.slow  # each process imports torch
def test_what_gloo_does(mpiexec, call):
    pytest.importorskip("torch")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run(call, mpiexec, 3, port)


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


def test_tensors_on_a_gpu(program):
    """CuPy's arrays, here the stand-in's, go through the host and come back to the device."""
    text = """
dist.init_process_group("mpi")
rank = dist.get_rank()
def on_gpu(*values, dtype=None):
    return mt.tensor(values, dtype=dtype, device="cuda")
def check(x, *expected):
    assert x.is_cuda and x.tolist() == list(expected), (x, expected)
for dtype in (mt.float16, mt.float32, mt.int64, mt.uint8):
    x = on_gpu(1 + rank, 3, dtype=dtype)
    dist.all_reduce(x)
    check(x, 3, 6)
    work = dist.all_reduce(x, dist.ReduceOp.AVG, async_op=True)
    work.wait()
    check(x, 3, 6)
    dist.reduce(x, 1)
    check(x, *((6, 12) if rank else (3, 6)))
    dist.broadcast(x, 1)
    check(x, 6, 12)
    gaps = mt.zeros(2, 2, dtype=dtype, device="cuda")
    dist.all_gather_into_tensor(gaps.t()[:, 0], on_gpu(1 + rank, dtype=dtype))
    assert gaps.tolist() == [[1, 2], [0, 0]]
    rows = [on_gpu(0, dtype=dtype) for _ in range(2)]
    dist.all_gather(rows, on_gpu(rank, dtype=dtype))
    assert [row.tolist() for row in rows] == [[0], [1]]
    dist.scatter(x, [on_gpu(1, 2, dtype=dtype), on_gpu(3, 4, dtype=dtype)] if rank else None, 1)
    check(x, *((3, 4) if rank else (1, 2)))
    dist.all_to_all_single(out := x * 0, x)
    check(out, *((2, 4) if rank else (1, 3)))
    dist.reduce_scatter_tensor(x[:1], out)
    check(x, *((7, 4) if rank else (3, 2)))
    if rank:
        dist.send(x, 0)
    else:
        dist.recv(x, 1)
        check(x, 7, 4)
flags = on_gpu(rank == 1, False)
dist.all_reduce(flags)
check(flags, True, False)
assert dist.get_default_backend_for_device("cuda") == "nccl"
print("content")
"""
    standin = Path(__file__).parent.parent / "standin"
    text = f"sys.path.insert(0, {str(standin)!r})\n" + text
    done = program(2, text)
    assert done.stdout == "content\n" * 2


def test_the_nccl_backend_is_handed_the_calls(program):
    """Which GPU, and that the host waits for the others neither in a call nor in `wait`."""
    text = """
from minitorch_cnn import backend
from minitorch_cnn.distributed import failure, nccl
made = []
class Inner:
    waited = 0
    def wait(self, timeout):
        self.waited += 1
    def is_completed(self):
        return True
class Fake:
    name = "nccl"
    def __init__(self, comm, device, seconds, on_failure):
        assert comm.Get_size() == 1 and on_failure is failure.end_all
        self.calls, self.place = [], (device, seconds)
        made.append(self)
    def __getattr__(self, name):
        def call(*args):
            self.calls.append((name, *(args[1:] if name == "all_reduce" else ())))
            self.last = Inner()
            return self.last
        return call
nccl.NcclBackend = Fake
backend.gpu_number = lambda device: int(str(device).rpartition(":")[2])
dist.init_process_group("nccl", timeout=timedelta(seconds=9))
assert dist.get_backend() == "nccl" and made[0].place == (0, 9.0)
x = mt.ones(2)
dist.all_reduce(x)
assert made[0].last.waited == 1
work = dist.all_reduce(x, dist.ReduceOp.MAX, async_op=True)
assert made[0].last.waited == 0 and work.wait() and made[0].last.waited == 1
dist.broadcast(x, 0)
dist.barrier()
other = dist.new_group()
assert other.name() == "nccl" and made[1].place == (0, 9.0)
assert dist.new_group(backend="mpi").name() == "mpi"
dist.destroy_process_group()
names = ["all_reduce", "all_reduce", "broadcast", "barrier", "close"]
assert [call[0] for call in made[0].calls] == names, made[0].calls
assert made[0].calls[:2] == [("all_reduce", "SUM"), ("all_reduce", "MAX")]
assert made[1].calls == [("close",)]
dist.init_process_group("nccl", device_id="cuda:3")
assert made[2].place == (3, 1800.0)
print("content")
"""
    done = program(1, text)
    assert done.stdout == "content\n", done.stdout
