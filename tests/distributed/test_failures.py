"""One process fails: all end soon, and stderr says which one it was, where, and why."""

import os
import signal
import socket
import subprocess
import sys
import time

import minitorch_cnn as mt

HOST = socket.gethostname()
INIT = "dist.init_process_group('mpi')\nrank = dist.get_rank()\ndist.barrier()\n"


def failed(done):
    """The output of a job that failed without leaving anything in its temporary folder."""
    assert done.returncode != 0
    return done.stdout


def test_an_exception(program, tmp_path):
    output = failed(
        program(2, INIT + "if rank == 1: raise KeyError('picture 17')\ndist.all_reduce(mt.ones(3))")
    )
    assert f"rank 1 on {HOST} failed, which ends all processes:\nTraceback" in output
    assert "line 8, in <module>" in output and "KeyError: 'picture 17'" in output
    assert "rank 0" not in output and "was killed" not in output


def test_before_the_start(program):
    """One process raises, or leaves, before it joins the group that the others wait in."""
    join = "dist.init_process_group('mpi', timeout=timedelta(seconds=2))"
    text = "if os.environ['RANK'] == '1': raise OSError('no such folder')\n"
    output = failed(program(2, text + join))
    assert f"rank 1 on {HOST} failed, which ends all processes:\nTraceback" in output
    assert "OSError: no such folder" in output
    text = "if os.environ['RANK'] == '1': sys.exit(0)\n"
    output = failed(program(2, text + join))
    assert "Timeout (0:00:02)!" in output and "init_process_group" in output


def test_a_killed_process(program, tmp_path):
    text = "if rank == 1: os.kill(os.getpid(), signal.SIGKILL)\ndist.all_reduce(mt.ones(3))"
    for _ in range(3):  # mpiexec kills the others: on a busy host one of them may be named first
        output = failed(program(3, INIT + text))
        assert output.count(") was killed") == 1
        if f"rank 1 on {HOST} (process " in output:
            break
    assert f"rank 1 on {HOST} (process " in output
    deadline = time.monotonic() + 10
    while list(tmp_path.glob("minitorch-*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not list(tmp_path.glob("minitorch-*"))


def test_one_leaves(program):
    text = "if rank == 1: sys.exit()\nfor _ in range(3): dist.all_reduce(mt.ones(3))"
    output = failed(program(2, INIT + text))
    assert "the processes do not call the same collectives in the same order" in output
    assert f"rank 1 on {HOST} left the program" in output
    assert f"rank 0 on {HOST} called all_reduce([3], float32, SUM)" in output


def test_another_order(program):
    """The wrong call comes while correct ones are under way, and the error may be caught."""
    text = """
works = [dist.all_reduce(mt.ones(100_000), async_op=True) for _ in range(3)]
try:
    if rank == 1:
        dist.broadcast(mt.ones(4), 0)
    else:
        dist.all_reduce(mt.ones(4))
except dist.DistBackendError as error:
    assert isinstance(error, RuntimeError)
    print(f"caught by {rank}: {error}", flush=True)
    try:
        dist.barrier()
    except dist.DistBackendError as again:
        assert str(again) == str(error)
        time.sleep(1)  # who is here too soon ends the others before they have said so
"""
    output = failed(program(2, INIT + text))
    for rank in range(2):
        assert f"caught by {rank}: the processes do not call the same" in output
    assert f"rank 1 on {HOST} called broadcast([4], float32, src=0)" in output
    assert f"rank 0 on {HOST} called all_reduce([4], float32, SUM)" in output


def test_another_shape(program):
    """Found also where MPI has begun to work on it."""
    text = """
first = dist.all_reduce(mt.ones(100_000 + rank), async_op=True)
second = dist.all_reduce(mt.ones(100_000), async_op=True)
second.wait()
"""
    output = failed(program(2, INIT + text))
    assert f"rank 1 on {HOST} called all_reduce([100001], float32, SUM)" in output
    assert "DistBackendError" in output and "second.wait()" in output


def test_one_does_not_come(program):
    """A timeout, and who has not come: the others wait in a collective and in a recv."""
    text = """
dist.init_process_group('mpi', timeout=timedelta(seconds=1))
rank = dist.get_rank()
if rank == 1: time.sleep(100)
if rank == 0: dist.recv(mt.ones(2), 1)
dist.all_reduce(mt.ones(3))
"""
    start = time.monotonic()
    output = failed(program(3, text))
    assert time.monotonic() - start < 30
    assert "rank 1 did not answer: its program hangs, or does something else" in output
    assert f"rank 2 on {HOST} called all_reduce([3], float32, SUM)" in output
    assert f"rank 0 on {HOST} called recv([2], float32, src=1, tag=0)" in output


def test_ctrl_c(mpiexec, tmp_path):
    """All get KeyboardInterrupt, and the one that saves has the time for it."""
    file = tmp_path / "program.py"
    file.write_text(
        "import sys, time, minitorch_cnn as mt, minitorch_cnn.distributed as dist\n"
        "dist.init_process_group('mpi')\n"
        "try:\n"  # before it says so: Ctrl-C may come at once
        "    print('started', flush=True)\n"
        "    while True: time.sleep(0.01)\n"
        "finally:\n"
        "    if dist.get_rank() == 0:\n"
        "        time.sleep(1)\n"
        "        print('saved', flush=True)\n"
    )
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "",
        "PYTHONPATH": os.path.dirname(os.path.dirname(mt.__file__)),
    }
    job = subprocess.Popen(
        [mpiexec, "-n", "2", sys.executable, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,  # so that nobody but this job can be meant
    )
    assert [job.stdout.readline(), job.stdout.readline()] == ["started\n"] * 2
    job.send_signal(signal.SIGINT)
    output, _ = job.communicate(timeout=30)
    assert output.count("saved") == 1 and output.count("KeyboardInterrupt") == 2
    assert "failed" not in output
