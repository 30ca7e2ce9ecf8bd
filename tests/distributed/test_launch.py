"""How processes are started, and what they are told."""

import os
import re
import subprocess
import sys
import threading

import pytest

import minitorch_cnn as mt
import minitorch_cnn.distributed as dist
from minitorch_cnn.distributed import environment as variables, groups, run

SHOW = """
told = [os.environ[name] for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")]
dist.init_process_group()
assert told == [os.environ[name] for name in variables.NAMES]
print(*told, mt.get_num_threads(), *sys.argv[1:])
"""
SHOW = SHOW.replace("variables.NAMES", repr(variables.NAMES))


def test_run(program, call, tmp_path, mpiexec):
    (tmp_path / "program.py").write_text(
        "import os, sys, minitorch_cnn as mt, minitorch_cnn.distributed as dist\n" + SHOW
    )
    done = call(
        *[sys.executable, "-m", "minitorch_cnn.distributed.run", "--nproc-per-node", 2],
        *[tmp_path / "program.py", "--lr", "0.1"],
        MINITORCH_CNN_KERNELS=None,
        MINITORCH_CNN_NUM_THREADS=None,
        OMP_NUM_THREADS=None,
    )
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert f"{mpiexec} -n 2 {sys.executable} " in lines[0] and lines[0].endswith("--lr 0.1")
    share = max(1, len(os.sched_getaffinity(0)) // 2) if mt.get_num_threads() > 1 else 1
    assert sorted(lines[1:]) == [f"{rank} 2 {rank} 2 {share} --lr 0.1" for rank in (0, 1)]


class Host:
    """The processes of a host, by the cores that each of them may use."""

    def __init__(self, *cores):
        self.cores = [set(each) for each in cores]

    def allgather(self, mine):
        assert mine == self.cores[0]
        return self.cores


def test_who_shares_cores(monkeypatch):
    asked = []
    monkeypatch.setattr(mt.config, "set_num_threads", asked.append)
    monkeypatch.setattr(mt.config, "get_num_threads", lambda: 6)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    for name in ("MINITORCH_CNN_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    share = groups._share_threads
    share(Host(range(6)))  # alone
    share(Host(range(6), range(6)))
    share(Host(range(6), range(6, 12)))  # each has been given its own
    share(Host(*[range(6)] * 4))
    share(Host(*[range(6)] * 9))
    assert asked == [6, 3, 6, 1, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    share(Host(range(6), range(6)))
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(mt.config, "get_num_threads", lambda: 5)  # by set_num_threads
    share(Host(range(6), range(6)))
    assert len(asked) == 5


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["--nproc-per-node", "0", "a.py"], "takes 1 or more"),
        (["--nnodes", "2", "a.py"], "mpiexec -f hosts.*srun"),
        ([], "program"),
    ],
)
def test_run_refuses(arguments, text, capsys):
    with pytest.raises(SystemExit):
        run.command(arguments)
    assert re.search(text, capsys.readouterr().err)


def test_run_of_a_module():
    call, count = run.command(["--nproc_per_node=3", "--standalone", "-m", "pack.train", "-m", "x"])
    assert call == ["-n", "3", sys.executable, "-m", "pack.train", "-m", "x"]
    assert count == 3


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({"PMI_RANK": "1", "PMI_SIZE": "4", "MPI_LOCALRANKID": "0"}, ["1", "4", "0", None]),
        (
            {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"},
            ["2", "3", None, None],
        ),
        (
            {
                "SLURM_PROCID": "5",
                "SLURM_STEP_NUM_TASKS": "8",
                "SLURM_LOCALID": "1",
                "SLURM_STEP_TASKS_PER_NODE": "4(x2)",
            },
            ["5", "8", "1", None],
        ),
        # mpiexec inside of a batch script of Slurm
        (
            {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1", "PMI_RANK": "3", "PMI_SIZE": "4"},
            ["3", "4", None, None],
        ),
        ({"SLURM_PROCID": "0"}, [None] * 4),  # a batch script
        ({}, [None] * 4),
    ],
)
def test_variables_of_launchers(environment, expected, monkeypatch):
    for names in (*variables.LAUNCHERS, variables.NAMES):
        for name in names:
            monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        variables.tell_program()
        assert [os.environ.get(name) for name in variables.NAMES] == expected
    finally:
        for name in variables.NAMES:
            os.environ.pop(name, None)


def test_another_launcher(program):
    """torchrun's variables, and counts that are not MPI's: an error names mpiexec."""
    text = """
for arguments in ({"world_size": 4, "rank": 0}, {"rank": 3}):
    try:
        dist.init_process_group("mpi", "tcp://127.0.0.1:1234", **arguments)
    except ValueError as error:
        print(error)
os.environ["WORLD_SIZE"] = "8"
dist.init_process_group("mpi")
"""
    done = program(1, text)
    assert "world_size=4, but MPI's is 1: start the program by `mpiexec -n N" in done.stdout
    assert "rank=3, but MPI's is 0" in done.stdout
    assert "the environment says WORLD_SIZE=8, but MPI's is 1" in done.stdout
    assert done.returncode != 0


def test_without_mpi4py():
    """The import works, is_available is False, and one sentence names the extra."""
    text = """
import sys
sys.modules["mpi4py"] = None
import minitorch_cnn as mt
dist = mt.distributed
assert dist.is_available() is dist.is_mpi_available() is dist.is_initialized() is False
assert not dist.is_backend_available("mpi") and not dist.is_gloo_available()
try:
    dist.init_process_group("mpi")
except RuntimeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert "pip install 'minitorch_cnn[mpi]'" in done.stdout and not done.stderr


def test_import_starts_nothing():
    text = (
        "import minitorch_cnn.distributed, sys; print('mpi4py.MPI' in sys.modules, "
        "'cupy' in sys.modules, minitorch_cnn.distributed.is_available())"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["False", "False"]


def test_mpi_for_one_thread_only():
    """Calls from another thread are refused where MPI does not allow them."""
    from minitorch_cnn.distributed.agreement import Agreement

    class Mpi:
        THREAD_MULTIPLE = 3

        def Query_thread(self):
            return 2

        def Is_thread_main(self):
            return threading.current_thread() is threading.main_thread()

    class Alone:
        def Get_rank(self):
            return 0

        def Get_size(self):
            return 1

    agreement = Agreement(Alone(), Mpi(), [0], dist.default_pg_timeout)
    assert agreement.announce("barrier()") == -1
    errors = []

    def other():
        try:
            agreement.announce("barrier()")
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert "one thread only" in errors[0]
